import { untilAborted } from '../abort.ts';
import { sleep } from '../clock.ts';
import { ModelkeepError } from '../errors.ts';
import { LookLoop, type Look } from '../look-loop.ts';
import type { OperationOptions } from '../progress.ts';
import { reportFailure } from '../report-failure.ts';
import type { TriggerEvent, TriggerSource } from '../trigger-source.ts';
import type { DeliverySettings } from './delivery-options.ts';
import { sendMessage, type Message } from './send-message.ts';
import { WorkLines } from './work-lines.ts';

/** What a worker sends, and how. */
export interface DeliveryWork<E> {
  /** Who it is, as a message begins, such as `The webhook`. */
  readonly who: string;
  readonly settings: DeliverySettings;
  readonly source: TriggerSource<E>;
  /** What is sent for an event, in this order: the same each time that it is asked for. */
  readonly messages: (event: E, signal: AbortSignal) => AsyncIterable<Message> | Iterable<Message>;
  readonly maxQueued: number;
  readonly intervalMs: number;
  readonly giveUpMs: number | undefined;
  /** Stores that everything up to a cursor was taken. */
  readonly save: (cursor: string | undefined) => Promise<void>;
}

/** What came with one poll: how many of its events are not taken yet, and the cursor behind it. */
interface Batch {
  left: number;
  readonly next: string | undefined;
}

/** Reads on in a source, sends what it finds, for each thing that something happened to in order, and stores how far all of it was taken. */
export class DeliveryWorker<E> {
  readonly #work: DeliveryWork<E>;
  readonly #lines = new WorkLines();
  // Ends attempts, and what comes between them.
  readonly #abort = new AbortController();
  readonly #loop: LookLoop;
  #batches: Batch[] = [];
  #read: string | undefined;
  #taken: string | undefined;
  #saved: string | undefined;

  constructor(work: DeliveryWork<E>, cursor: string | undefined) {
    this.#work = work;
    this.#read = this.#taken = this.#saved = cursor;
    const { who, settings } = work;
    const { clock, random } = settings;
    const look = (signal: AbortSignal): Promise<Look> => this.#look(signal);
    const closed = (): ModelkeepError => new ModelkeepError('closed', `${who} is closed.`, {});
    this.#loop = new LookLoop({ clock, random, look, onError: (error) => this.#tell(error), backoff: settings, keepAlive: false, closed });
  }

  /** How many events are waiting or under way. */
  get queued(): number {
    return this.#lines.size;
  }

  /** Begins. Never throws. */
  start(): void {
    this.#loop.start();
  }

  /** Looks again soon. */
  wake(): void {
    this.#loop.wake();
  }

  /** Resolves when a look that begins from now on finds nothing more to do. */
  idle(): Promise<void> {
    return this.#loop.idle();
  }

  async close({ signal }: OperationOptions): Promise<void> {
    const stopped = this.#loop.stop();
    const abort = (): void => this.#abort.abort(signal?.reason);
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort, { once: true });
    await stopped;
    await this.#lines.settled();
    // Where that fails, what was taken is sent once more.
    await this.#save().catch((error: unknown) => this.#tell(error));
    signal?.removeEventListener('abort', abort);
    this.#loop.dismiss();
  }

  async #look(signal: AbortSignal): Promise<Look> {
    const moved = await this.#readOn(signal);
    if (!signal.aborted) await this.#save();
    return { waitMs: moved ? 0 : this.#work.intervalMs, settled: !moved && this.#batches.length === 0 };
  }

  /** Reads on as far as there is room; whether there was something. */
  async #readOn(signal: AbortSignal): Promise<boolean> {
    const { source, maxQueued, who } = this.#work;
    const room = maxQueued - this.#lines.size;
    if (room <= 0) return false;
    const { events, next } = await untilAborted(source.poll(this.#read, { limit: room, signal }), signal, who);
    if (events.length === 0 && next === this.#read) return false;
    const batch: Batch = { left: events.length, next };
    this.#batches.push(batch);
    this.#read = next;
    // By the id alone: what happens to a model and to one of its versions is one story.
    for (const event of events) this.#lines.add(event.ref.id, () => this.#send(event, batch));
    this.#collect();
    return true;
  }

  async #send(event: TriggerEvent<E>, batch: Batch): Promise<void> {
    if (!(await this.#isTaken(event))) return;
    batch.left--;
    this.#collect();
    // There is room again, or something to store.
    this.wake();
  }

  /** Sends what there is to send for an event; `false` when the worker ends before. */
  #isTaken({ at, data }: TriggerEvent<E>): Promise<boolean> {
    const { messages, settings } = this.#work;
    return this.#persist(at, async () => {
      for await (const message of messages(data, this.#abort.signal)) {
        const sent = await this.#persist(at, async () => {
          await sendMessage(message, settings, this.#abort.signal, this.#loop.signal);
          return true;
        });
        if (!sent) return false;
      }
      return true;
    });
  }

  /** Tries until that succeeds or is given up; `false` when the worker ends before. */
  async #persist(at: number, attempt: () => Promise<boolean>): Promise<boolean> {
    const { settings, giveUpMs } = this.#work;
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        if (this.#loop.signal.aborted) return false;
        this.#tell(error);
        if (giveUpMs !== undefined && settings.clock.now() - at >= giveUpMs) return true;
        await sleep(settings.clock, settings.maxMs, this.#loop.signal).catch(() => undefined);
      }
    }
  }

  /** What was taken without a gap. */
  #collect(): void {
    const done = this.#batches.findIndex(({ left }) => left > 0);
    const batches = done < 0 ? this.#batches : this.#batches.slice(0, done);
    if (batches.length === 0) return;
    this.#taken = batches.at(-1)!.next;
    this.#batches = this.#batches.slice(batches.length);
  }

  async #save(): Promise<void> {
    const cursor = this.#taken;
    if (cursor === this.#saved) return;
    await this.#work.save(cursor);
    this.#saved = cursor;
  }

  #tell(error: unknown): void {
    const { who, settings: { logger, onError } } = this.#work;
    reportFailure(error, { who, logger, onError });
  }
}
