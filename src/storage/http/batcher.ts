import { isModelkeepError } from '../../core/errors.ts';

/** How items travel together. */
export interface BatcherOptions<Item, Result> {
  /** Sends items in one request and gives a result for each. */
  readonly send: (items: readonly Item[], signal: AbortSignal | undefined) => Promise<readonly Result[]>;
  readonly sizeOf: (item: Item) => number;
}

interface Waiting<Item, Result> {
  readonly items: readonly Item[];
  readonly resolve: (results: Result[]) => void;
  readonly reject: (error: unknown) => void;
}

// Half of what a handler takes by default, so that most servers need not say that it is too much.
const batchItems = 500;
const batchBytes = 8 * 1024 * 1024;
// A call never waits for company: only when so many requests are out do the next ones gather.
const requestsAtOnce = 6;

/** Puts the items of calls that wait at the same time into one request, and those of a call that has too many into several. */
export class Batcher<Item, Result> {
  readonly #send: BatcherOptions<Item, Result>['send'];
  readonly #sizeOf: (item: Item) => number;
  readonly #waiting: Waiting<Item, Result>[] = [];
  #out = 0;

  constructor({ send, sizeOf }: BatcherOptions<Item, Result>) {
    this.#send = send;
    this.#sizeOf = sizeOf;
  }

  /** The results of items, in their order. A call that can be aborted goes alone: others must not end with it. */
  run(items: readonly Item[], signal: AbortSignal | undefined): Promise<Result[]> {
    if (signal !== undefined) return this.#sendAll(items, signal);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ items, resolve, reject });
      if (this.#out < requestsAtOnce) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#out++;
    while (this.#waiting.length > 0) await this.#serve(this.#waiting.splice(0, this.#fitting()));
    this.#out--;
  }

  /** How many of the calls that wait go together. */
  #fitting(): number {
    let [count, bytes] = [0, 0];
    const end = this.#waiting.findIndex(({ items }, i) => {
      count += items.length;
      for (const item of items) bytes += this.#sizeOf(item);
      return i > 0 && (count > batchItems || bytes > batchBytes);
    });
    return end === -1 ? this.#waiting.length : end;
  }

  async #serve(calls: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.#sendAll(calls.flatMap(({ items }) => items), undefined);
      let at = 0;
      for (const { items, resolve } of calls) resolve(results.slice(at, (at += items.length)));
    } catch (error) {
      // One of them may be at fault for all, unless nothing comes through at all.
      const shared = isModelkeepError(error, 'unavailable', 'timeout', 'closed', 'unauthorized');
      if (calls.length > 1 && !shared) await Promise.all(calls.map((call) => this.#serve([call])));
      else for (const { reject } of calls) reject(error);
    }
  }

  async #sendAll(items: readonly Item[], signal: AbortSignal | undefined): Promise<Result[]> {
    const results: Result[] = [];
    for (const batch of this.#batchesOf(items)) await this.#sendHalved(batch, signal, results);
    return results;
  }

  /** A server may take less at once than others: nothing was done of what it finds too large. */
  async #sendHalved(batch: readonly Item[], signal: AbortSignal | undefined, results: Result[]): Promise<void> {
    try {
      results.push(...(await this.#send(batch, signal)));
    } catch (error) {
      if (batch.length < 2 || !isModelkeepError(error, 'validation') || !('limit' in error.details)) throw error;
      const middle = batch.length >> 1;
      await this.#sendHalved(batch.slice(0, middle), signal, results);
      await this.#sendHalved(batch.slice(middle), signal, results);
    }
  }

  *#batchesOf(items: readonly Item[]): Generator<readonly Item[]> {
    let [start, bytes] = [0, 0];
    for (let end = 0; end <= items.length; end++) {
      const size = end === items.length ? Infinity : this.#sizeOf(items[end]!);
      if (end > start && (end - start === batchItems || bytes + size > batchBytes)) {
        yield items.slice(start, end);
        [start, bytes] = [end, 0];
      }
      bytes += size;
    }
  }
}
