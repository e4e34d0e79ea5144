import { untilAborted } from '../../core/abort.ts';
import type { AuditEvent } from '../../core/audit.ts';
import { backoffMs } from '../../core/backoff.ts';
import { ModelkeepError } from '../../core/errors.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { reportFailure } from '../../core/report-failure.ts';
import { deliver } from './webhook-delivery.ts';
import type { WebhookKeys } from './webhook-keys.ts';
import { WebhookLines } from './webhook-lines.ts';
import type { WebhookSettings, WebhookSource } from './webhook-options.ts';

// However many hints come, the source is not asked more often.
const shortestPauseMs = 50;

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

interface Waiter {
  /** The first look that tells it something. */
  readonly from: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Reads on in a source, sends what it finds, and stores how far all of it was taken. */
export class WebhookWorker {
  readonly #work: WebhookWork;
  readonly #lines = new WebhookLines();
  // Ends attempts, and what comes between them.
  readonly #abort = new AbortController();
  readonly #stop = new AbortController();
  readonly #waiters = new Set<Waiter>();
  #batches: Batch[] = [];
  #read: string | undefined;
  #taken: string | undefined;
  #saved: string | undefined;
  #looks = 0;
  #woken = false;
  #rouse: (() => void) | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(work: WebhookWork, cursor: string | undefined) {
    this.#work = work;
    this.#read = this.#taken = this.#saved = cursor;
  }

  get queued(): number {
    return this.#lines.size;
  }

  /** Begins. Never throws. */
  start(): void {
    this.#running = this.#run();
  }

  /** Looks again soon. */
  wake(): void {
    this.#woken = true;
    this.#rouse?.();
  }

  /** Resolves when a look that begins from now on finds nothing more to do. */
  idle(): Promise<void> {
    if (this.#stop.signal.aborted) return Promise.reject(closed());
    // The waits between looks keep no process alive; whoever waits for the end does.
    const release = this.#work.settings.clock.setTimer(() => undefined, 2_147_483_647, { keepAlive: true });
    const idle = new Promise<void>((resolve, reject) => {
      this.#waiters.add({ from: this.#looks + 1, resolve, reject });
      this.wake();
    });
    return idle.finally(release);
  }

  async close({ signal }: OperationOptions): Promise<void> {
    this.#stop.abort();
    const abort = (): void => this.#abort.abort(signal?.reason);
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort, { once: true });
    await this.#running;
    await this.#lines.settled();
    // Where that fails, what was taken is sent once more.
    await this.#save().catch((error: unknown) => this.#tell(error));
    signal?.removeEventListener('abort', abort);
    for (const { reject } of this.#waiters) reject(closed());
    this.#waiters.clear();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    for (let failures = 0; !signal.aborted; ) {
      this.#woken = false;
      const look = ++this.#looks;
      let moved = false;
      try {
        moved = await this.#look();
        if (signal.aborted) return;
        await this.#save();
        failures = 0;
        if (!moved && this.#batches.length === 0) this.#settle(look);
      } catch (error) {
        if (signal.aborted) return;
        failures++;
        this.#tell(error);
      }
      const { settings, intervalMs } = this.#work;
      await this.#rest(failures > 0 ? backoffMs(failures, settings, settings.random) : moved ? 0 : intervalMs, failures === 0);
    }
  }

  /** Reads on as far as there is room; whether there was something. */
  async #look(): Promise<boolean> {
    const { source, maxQueued } = this.#work;
    const room = maxQueued - this.#lines.size;
    if (room <= 0) return false;
    const { events, next } = await untilAborted(source.poll(this.#read, { limit: room, signal: this.#stop.signal }), this.#stop.signal, 'The webhook');
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
        await deliver(event, settings, keys, this.#abort.signal, this.#stop.signal);
        return true;
      } catch (error) {
        if (this.#stop.signal.aborted) return false;
        this.#tell(error);
        if (giveUpMs !== undefined && settings.clock.now() - event.at >= giveUpMs) return true;
        await this.#pause(settings.maxMs, false);
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

  #settle(look: number): void {
    for (const waiter of this.#waiters) {
      if (waiter.from > look) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }

  /** Waits before the next look: after a failure for its time, else until something happens. */
  async #rest(ms: number, rousable: boolean): Promise<void> {
    const first = rousable ? Math.min(ms, shortestPauseMs) : ms;
    await this.#pause(first, false);
    if (ms > first && !this.#woken) await this.#pause(ms - first, true);
  }

  /** Waits, for no longer than until the end. It keeps no process alive. */
  #pause(ms: number, rousable: boolean): Promise<void> {
    const { signal } = this.#stop;
    return new Promise((resolve) => {
      const end = (): void => {
        undo();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const undo = this.#work.settings.clock.setTimer(end, ms);
      if (rousable) this.#rouse = end;
      if (signal.aborted) end();
      else signal.addEventListener('abort', end, { once: true });
    });
  }

  #tell(error: unknown): void {
    const { logger, onError } = this.#work.settings;
    reportFailure(error, { who: 'The webhook', logger, onError });
  }
}

function closed(): ModelkeepError {
  return new ModelkeepError('closed', 'The webhook is closed.', {});
}
