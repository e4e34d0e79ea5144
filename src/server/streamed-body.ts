import type { Clock, Undo } from '../core/clock.ts';

/**
 * The body of an answer, made as it is taken: nothing is read ahead, so a slow client holds back the store and not the memory of the server. A client that leaves it waiting for too long
 * is cut off, since each holds a place among the requests in flight.
 */
export class StreamedBody {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #clock: Clock | undefined;
  readonly #stallMs: number;
  #waiting: Undo | undefined;
  #settled = false;
  /** What is done once, when the body was taken to its end, failed or was cancelled. */
  #ends: (() => void)[] = [];
  /** Told when the client was too slow. */
  #cut: ((error: Error) => void) | undefined;

  /** Without a clock it waits for its client as long as it takes. */
  constructor(source: AsyncIterator<Uint8Array>, clock?: Clock, stallMs = 0) {
    this.#source = source;
    this.#clock = clock;
    this.#stallMs = stallMs;
    this.#await();
  }

  /** Calls `listener` once, when nothing more will come of the body. */
  onEnd(listener: () => void): void {
    if (this.#settled) listener();
    else this.#ends.push(listener);
  }

  /** Has `listener` cut the connection when the client is too slow. */
  onCut(listener: (error: Error) => void): void {
    this.#cut = listener;
  }

  /** The next bytes, or `undefined` at the end. */
  async next(): Promise<Uint8Array | undefined> {
    this.#waiting?.();
    try {
      const result = await this.#source.next();
      if (result.done) {
        this.#settle();
        return undefined;
      }
      if (!this.#settled) this.#await();
      return result.value;
    } catch (error) {
      this.#settle();
      throw error;
    }
  }

  /** Ends it before its end. Never fails. */
  cancel(): void {
    if (this.#settled) return;
    this.#settle();
    endIterator(this.#source);
  }

  toReadableStream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => this.onCut((error) => controller.error(error)),
        pull: async (controller) => {
          const chunk = await this.next();
          if (chunk === undefined) controller.close();
          else controller.enqueue(chunk);
        },
        cancel: () => this.cancel(),
      },
      { highWaterMark: 0 },
    );
  }

  #await(): void {
    this.#waiting = this.#clock?.setTimer(() => {
      this.cancel();
      this.#cut?.(new Error('The client did not take the answer in time.'));
    }, this.#stallMs);
  }

  #settle(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#waiting?.();
    const ends = this.#ends;
    this.#ends = [];
    for (const end of ends) end();
  }
}

/** Ends an iterator that nobody reads any more. What it says to that changes nothing for anybody. */
export function endIterator(iterator: AsyncIterator<unknown>): void {
  void Promise.resolve(iterator.return?.()).catch(() => undefined);
}
