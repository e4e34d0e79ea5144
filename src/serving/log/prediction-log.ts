import { throwIfAborted } from '../../core/abort.ts';
import { bucketOf } from '../../core/bucket.ts';
import type { Clock } from '../../core/clock.ts';
import { StorageError, ValidationError } from '../../core/errors.ts';
import { Flusher } from '../../core/flusher.ts';
import { newId } from '../../core/ids.ts';
import type { ErrorListener } from '../../core/logger.ts';
import type { Page } from '../../core/page.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { Random } from '../../core/random.ts';
import type { PutOperation, StorageAdapter } from '../../storage/contract.ts';
import type { ServedOutcome } from '../prediction.ts';
import { encodeFeedback, encodePrediction } from './encode-event.ts';
import { EventBuffer } from './event-buffer.ts';
import { windowOf, windowOfId } from './log-keys.ts';
import { checkPredictionLog, type PredictionLogOptions, type PredictionLogSettings } from './log-options.ts';
import type { PredictionPageQuery } from './log-query.ts';
import type { LoggedPrediction } from './logged-prediction.ts';
import { writesOf } from './write-events.ts';

/** What a {@link PredictionLog} works with. */
export interface PredictionLogParts {
  readonly storage: StorageAdapter;
  /** Name of the model. */
  readonly model: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Is told of what could not be written or kept; it must not throw. */
  readonly onError: ErrorListener;
  /** @default see each */
  readonly options?: PredictionLogOptions | undefined;
}

/** What came of a prediction. */
export interface FeedbackToLog {
  readonly id: string;
  readonly label?: string | number | boolean | undefined;
  readonly metrics?: Readonly<Record<string, number>> | undefined;
}

// Characters of one write: it takes a few milliseconds, and an outage repeats no more than it.
const textPerWrite = 512 * 1024;
const pruneEveryMs = 3_600_000;
const tellEveryMs = 60_000;
const sampleSalt = 'modelkeep.prediction-log';

/**
 * Keeps a sample of what was served, and what came of it. On the way of a request it only decides, copies and buffers, within bounds of events and bytes; it never throws there and never waits: what there is no room for
 * is dropped, the oldest first, and counted. What it took is written in the background, each event once, also where a write that failed had arrived.
 */
export class PredictionLog {
  readonly #parts: PredictionLogParts;
  readonly #settings: PredictionLogSettings;
  readonly #buffer: EventBuffer;
  readonly #flusher: Flusher;
  /** What is being written: repeated as it is until it is. */
  #pending: { readonly events: number; readonly operations: readonly PutOperation[] } | undefined;
  #refused = 0;
  #toldAt = -Infinity;
  #prunedAt = -Infinity;
  #closed = false;

  constructor(parts: PredictionLogParts) {
    const { clock, random, onError, options = {} } = parts;
    this.#parts = parts;
    this.#settings = checkPredictionLog(options, 'options.log');
    this.#buffer = new EventBuffer({ maxEvents: this.#settings.maxBuffered, maxBytes: this.#settings.maxBufferedBytes });
    this.#flusher = new Flusher({ write: () => this.#write(), pending: () => this.#buffer.size > 0, clock, random, intervalMs: this.#settings.intervalMs, onFailure: onError });
  }

  /** Events that were let go: for want of room, because they could not be encoded, or because the log was closed. */
  get dropped(): number {
    return this.#buffer.dropped + this.#refused;
  }

  /** Events that are not written yet. */
  get buffered(): number {
    return this.#buffer.size;
  }

  /** Keeps a prediction, if it is of the sample. Never throws. */
  record(outcome: ServedOutcome): void {
    const { failures } = this.#settings;
    if (!(failures && outcome.error !== undefined) && !this.#samples(outcome.id)) return;
    const encoded = encodePrediction(outcome, this.#settings);
    if (encoded.failures.length > 0) this.#tell(encoded.failures[0]);
    this.#add('prediction', outcome.at, windowOf(outcome.at), encoded.text);
  }

  /** Keeps what came of a prediction, if that is of the sample. Never throws. */
  feedback({ id, label, metrics }: FeedbackToLog): void {
    if (!this.#samples(id)) return;
    const at = this.#parts.clock.now();
    try {
      const text = encodeFeedback({ eventId: newId(), id, at, label, metrics });
      this.#add('feedback', at, windowOfId(id) ?? windowOf(at), text);
    } catch (error) {
      this.#refused++;
      this.#tell(error);
    }
  }

  /** A page of what was kept, the newest first; what is buffered here is written before. */
  async list(query: PredictionPageQuery = {}): Promise<Page<LoggedPrediction>> {
    const { checkPageQuery, cursorOf } = await import('./log-query.ts');
    const selection = checkPageQuery(query);
    const { storage, model, onError } = this.#parts;
    // What is stored can be read where nothing can be written.
    await this.flush({ signal: selection.signal }).catch(onError);
    throwIfAborted(selection.signal, 'Reading predictions');
    const { readLog } = await import('./read-log.ts');
    const items: LoggedPrediction[] = [];
    for await (const prediction of readLog(storage, model, selection)) {
      if (items.length === selection.limit) return { items, next: cursorOf(items.at(-1)!) };
      items.push(prediction);
    }
    return { items };
  }

  /** Writes all that is buffered; rejects when it cannot, and tries again in the background. */
  flush(options: OperationOptions = {}): Promise<void> {
    return this.#buffer.size === 0 ? Promise.resolve() : this.#flusher.flush(options.signal);
  }

  /** Writes all that is buffered and takes nothing more. Rejects when it could not be written. */
  async close(): Promise<void> {
    this.#closed = true;
    try {
      await this.flush();
    } finally {
      this.#flusher.stop();
    }
  }

  #samples(id: string): boolean {
    const { sample } = this.#settings;
    return sample >= 1 || (sample > 0 && bucketOf(id, sampleSalt) < sample);
  }

  #add(kind: 'prediction' | 'feedback', at: number, window: number, text: string): void {
    const { maxRecordBytes } = this.#parts.storage.supports;
    // A character has at most three bytes in UTF-8.
    const fits = text.length * 3 + 2 <= maxRecordBytes;
    if (!fits) this.#tell(new ValidationError(`A ${kind} of '${this.#parts.model}' may have more than the ${maxRecordBytes} bytes of a record of the store; lower options.log.maxValueBytes.`, { path: 'options.log.maxValueBytes' }));
    if (!fits || this.#closed) {
      this.#refused++;
      return;
    }
    this.#buffer.add({ kind, at, window, text });
    this.#flusher.request();
  }

  /** Tells of what could not be kept, now and then: where one prediction cannot be, all cannot. */
  #tell(error: unknown): void {
    const now = this.#parts.clock.monotonic();
    if (now - this.#toldAt < tellEveryMs) return;
    this.#toldAt = now;
    this.#parts.onError(error);
  }

  /** Writes what there is now. */
  async #write(): Promise<void> {
    const { storage, model } = this.#parts;
    const { maxRecordBytes } = storage.supports;
    for (let left = this.#buffer.size; left > 0; ) {
      if (this.#pending === undefined) {
        const events = this.#buffer.take(textPerWrite);
        this.#pending = { events: events.length, operations: writesOf(events, model, maxRecordBytes) };
      }
      const { events, operations } = this.#pending;
      const results = await storage.write(operations);
      if (results.some(({ ok }) => !ok)) throw new StorageError('storage', `The store refused predictions of '${model}', which are written under no condition.`, { model });
      this.#pending = undefined;
      this.#buffer.written();
      left = Math.min(left - events, this.#buffer.size);
    }
    await this.#prune();
  }

  async #prune(): Promise<void> {
    const { storage, model, clock, onError } = this.#parts;
    const now = clock.now();
    if (now - this.#prunedAt < pruneEveryMs) return;
    this.#prunedAt = now;
    const { pruneLog } = await import('./prune-log.ts');
    // What is too old can wait; what is new is written.
    await pruneLog(storage, model, now - this.#settings.keepMs).catch(onError);
  }
}
