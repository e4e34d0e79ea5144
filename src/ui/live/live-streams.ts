import { utf8 } from '../../core/bytes.ts';
import { sleep, type Clock, type Undo } from '../../core/clock.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import { watch } from '../../storage/watch.ts';
import type { Query } from '../query.ts';
import { Refusal } from '../refusal.ts';
import { livePlaces, type LivePlace } from './live-topics.ts';

/** However much changes, a page is told so not more often. */
const shortestPauseMs = 500;
/** So often something is sent, so that a reader who has left is found out. */
const beatMs = 15_000;

/** How a stream is answered. */
export interface StreamOptions {
  /** Fires when the reader leaves. */
  readonly signal: AbortSignal;
  readonly headers: Readonly<Record<string, string>>;
}

/** Streams by which open pages hear that something has changed, as server-sent events; so many at once and no more. */
export class LiveStreams {
  readonly #storage: StorageAdapter;
  readonly #clock: Clock;
  readonly #most: number;
  readonly #open = new Set<AbortController>();

  constructor({ storage, clock }: { readonly storage: StorageAdapter; readonly clock: Clock }, most: number) {
    this.#storage = storage;
    this.#clock = clock;
    this.#most = most;
  }

  /** A stream of what a query asks for, until the reader leaves. */
  open(query: Query, { signal, headers }: StreamOptions): Response {
    const places = livePlaces(query);
    if (places === undefined) throw new Refusal(404, 'There is nothing to hear of by that name.');
    if (this.#open.size >= this.#most) {
      throw new Refusal(503, `${this.#most} pages are kept up to date already.`, { advice: 'Close some of them; this one shows how it was when it was loaded.', headers: { 'retry-after': '30' } });
    }
    const stop = new AbortController();
    this.#open.add(stop);
    const end = (): void => {
      signal.removeEventListener('abort', end);
      this.#open.delete(stop);
      stop.abort();
    };
    if (signal.aborted) end();
    else signal.addEventListener('abort', end);
    const events = new EventBody(this.#clock, end);
    for (const place of places) void this.#follow(place, events, stop.signal);
    return new Response(events.stream, { headers });
  }

  async #follow({ prefix, kind, most, every }: LivePlace, events: EventBody, signal: AbortSignal): Promise<void> {
    const storage = this.#storage;
    const first: Pick<StorageAdapter, 'list' | 'onChange'> = {
      list: async (query, options) => ({ entries: (await storage.list({ ...query, limit: most }, options)).entries }),
      // What hints at each write of the whole store would have a list looked at all the time.
      ...(most <= 1 && storage.onChange && { onChange: (wake: () => void) => storage.onChange!(wake) }),
    };
    while (!signal.aborted) {
      try {
        const changes = watch(first, prefix, { kinds: [kind], interval: every, signal, clock: this.#clock });
        while (!(await changes.next()).done) events.changed();
        return events.end();
      } catch {
        // The page says that the store cannot be reached when it is loaded anew, which this makes it do.
        events.changed();
        await sleep(this.#clock, 5_000, signal).catch(() => undefined);
      }
    }
  }
}

/** The body of an answer that tells of changes, some of them together. */
class EventBody {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #clock: Clock;
  readonly #onEnd: () => void;
  #out: ReadableStreamDefaultController<Uint8Array> | undefined;
  #told: number;
  #waiting = false;
  #undoChange: Undo = () => undefined;
  #undoBeat: Undo = () => undefined;

  constructor(clock: Clock, onEnd: () => void) {
    this.#clock = clock;
    this.#onEnd = onEnd;
    this.#told = clock.monotonic();
    this.stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#out = controller;
      },
      cancel: () => this.end(),
    });
    this.#send('retry: 2000\n: open\n\n');
    this.#beat();
  }

  /** Tells of a change soon, together with those that come until then. */
  changed(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    const wait = Math.max(0, this.#told + shortestPauseMs - this.#clock.monotonic());
    this.#undoChange = this.#clock.setTimer(() => {
      this.#waiting = false;
      this.#told = this.#clock.monotonic();
      this.#send('event: change\ndata: {}\n\n');
    }, wait);
  }

  end(): void {
    if (this.#out === undefined) return;
    const out = this.#out;
    this.#out = undefined;
    this.#undoChange();
    this.#undoBeat();
    try {
      out.close();
    } catch {
      // Its reader has given it up already.
    }
    this.#onEnd();
  }

  #beat(): void {
    this.#undoBeat = this.#clock.setTimer(() => {
      this.#send(': here\n\n');
      if (this.#out !== undefined) this.#beat();
    }, beatMs);
  }

  #send(text: string): void {
    // A reader who takes nothing, such as a page in a frozen tab, is told once it comes back; what is not told is no loss, for one change stands for all.
    if (this.#out === undefined || (this.#out.desiredSize ?? 0) < -16) return;
    this.#out.enqueue(utf8(text));
  }
}
