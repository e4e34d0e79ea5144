import { untilAborted } from '../../core/abort.ts';
import type { AuditEvent } from '../../core/audit.ts';
import { sleep } from '../../core/clock.ts';
import { ModelkeepError } from '../../core/errors.ts';
import { LookLoop, type Look } from '../../core/look-loop.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { reportFailure } from '../../core/report-failure.ts';
import { deliver } from './webhook-delivery.ts';
import type { WebhookKeys } from './webhook-keys.ts';
import { WebhookLines } from './webhook-lines.ts';
import type { WebhookSettings, WebhookSource } from './webhook-options.ts';

/** What a worker sends, and how. */
export interface WebhookWork {
  readonly settings: WebhookSettings;
  readonly keys: WebhookKeys;
  readonly source: WebhookSource;
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

/** Reads on in a source, sends what it finds, and stores how far all of it was taken. */
export class WebhookWorker {
  readonly #work: WebhookWork;
  readonly #lines = new WebhookLines();
  // Ends attempts, and what comes between them.
  readonly #abort = new AbortController();
  readonly #loop: LookLoop;
  #batches: Batch[] = [];
  #read: string | undefined;
  #taken: string | undefined;
  #saved: string | undefined;

  constructor(work: WebhookWork, cursor: string | undefined) {
    this.#work = work;
    this.#read = this.#taken = this.#saved = cursor;
    const { clock, random } = work.settings;
    const look = (signal: AbortSignal): Promise<Look> => this.#look(signal);
    this.#loop = new LookLoop({ clock, random, look, onError: (error) => this.#tell(error), backoff: work.settings, keepAlive: false, closed });
  }

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
    const { source, maxQueued } = this.#work;
    const room = maxQueued - this.#lines.size;
    if (room <= 0) return false;
    const { events, next } = await untilAborted(source.poll(this.#read, { limit: room, signal }), signal, 'The webhook');
    if (events.length === 0 && next === this.#read) return false;
    const batch: Batch = { left: events.length, next };
    this.#batches.push(batch);
    this.#read = next;
    for (const { data } of events) this.#lines.add(data.subject.id, () => this.#send(data, batch));
    this.#collect();
    return true;
  }

  async #send(event: AuditEvent, batch: Batch): Promise<void> {
    if (!(await this.#isTaken(event))) return;
    batch.left--;
    this.#collect();
    // There is room again, or something to store.
    this.wake();
  }

  /** Sends an event until it is taken or given up; `false` when the webhook ends before. */
  async #isTaken(event: AuditEvent): Promise<boolean> {
    const { settings, keys, giveUpMs } = this.#work;
    for (;;) {
      try {
        await deliver(event, settings, keys, this.#abort.signal, this.#loop.signal);
        return true;
      } catch (error) {
        if (this.#loop.signal.aborted) return false;
        this.#tell(error);
        if (giveUpMs !== undefined && settings.clock.now() - event.at >= giveUpMs) return true;
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
    const { logger, onError } = this.#work.settings;
    reportFailure(error, { who: 'The webhook', logger, onError });
  }
}

function closed(): ModelkeepError {
  return new ModelkeepError('closed', 'The webhook is closed.', {});
}
