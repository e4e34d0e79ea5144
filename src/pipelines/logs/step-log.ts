import type { Clock } from '../../core/clock.ts';
import { encode } from '../../core/codec.ts';
import { Flusher } from '../../core/flusher.ts';
import { newId } from '../../core/ids.ts';
import type { Key } from '../../core/key.ts';
import type { ErrorListener, Logger } from '../../core/logger.ts';
import { shown } from '../../core/shown.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import { BoundedLines, keptText, type StepLogEntry, type StepLogLevel } from './step-log-lines.ts';

/** Where the lines of an attempt go. */
export interface StepLogPlace {
  readonly storage: StorageAdapter;
  /** The log of the step in its run. */
  readonly key: Key;
  readonly attempt: number;
  readonly clock: Clock;
  /** About how many characters of an attempt are kept. */
  readonly mostCharacters: number;
  readonly onError: ErrorListener;
}

/** Lines that were taken out of memory and are not known to be stored. */
interface Batch {
  readonly id: string;
  readonly entries: readonly StepLogEntry[];
}

const flushMs = 500;

/** The log of one attempt. Lines are taken at once and written together, soon after; they are all stored when {@link StepLog.close} resolves, unless the storage failed. */
export class StepLog implements Logger {
  readonly #place: StepLogPlace;
  #lines: BoundedLines | undefined;
  #flusher: Flusher | undefined;
  #batch: Batch | undefined;
  #closed = false;

  constructor(place: StepLogPlace) {
    this.#place = place;
  }

  debug(message: string): void {
    this.#add('debug', message);
  }

  info(message: string): void {
    this.#add('info', message);
  }

  warn(message: string): void {
    this.#add('warn', message);
  }

  error(message: string): void {
    this.#add('error', message);
  }

  /** Writes what is left, and takes no further lines. A storage that fails is told to `onError`, for a step does not fail for its log. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#lines === undefined) return;
    try {
      await this.#flusher?.flush();
      await this.#write(this.#lines.takeTail(this.#place.attempt));
    } catch (error) {
      this.#place.onError(error);
    } finally {
      this.#flusher?.stop();
    }
  }

  #add(level: StepLogLevel, message: unknown): void {
    // What an attempt says that was left behind would come after the end of its log.
    if (this.#closed) return;
    const { clock, mostCharacters, onError } = this.#place;
    this.#lines ??= new BoundedLines(mostCharacters);
    this.#lines.add({ at: clock.now(), level, text: keptText(typeof message === 'string' ? message : shown(message, 1000)) });
    if (!this.#lines.hasWaiting) return;
    this.#flusher ??= new Flusher({
      write: () => this.#writeWaiting(),
      pending: () => this.#batch !== undefined || this.#lines!.hasWaiting,
      clock,
      intervalMs: flushMs,
      onFailure: onError,
    });
    this.#flusher.request();
  }

  async #writeWaiting(): Promise<void> {
    if (this.#batch) await this.#write(this.#batch.entries, this.#batch.id);
    const entries = this.#lines!.takeWaiting(this.#place.attempt);
    this.#batch = { id: newId(), entries };
    await this.#write(entries, this.#batch.id);
    this.#batch = undefined;
  }

  /** A batch that is written again, since its answer was lost, is there once. */
  async #write(entries: readonly StepLogEntry[], operationId: string = newId()): Promise<void> {
    const { storage, key } = this.#place;
    if (entries.length > 0) await storage.append(key, entries.map((entry) => encode(entry, key)), { operationId });
  }
}
