import { isWellFormed } from '../../core/bytes.ts';
import type { Clock } from '../../core/clock.ts';
import { ModelkeepError, ValidationError } from '../../core/errors.ts';
import { Flusher } from '../../core/flusher.ts';
import { newId } from '../../core/ids.ts';
import type { Key } from '../../core/key.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { Random } from '../../core/random.ts';
import { shown } from '../../core/shown.ts';
import { ValueHasher } from '../../stats/sketches/hash-value.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import type { Attributes } from '../assignment/assignment.ts';
import { EventBuffer, type SealedEvents } from './event-buffer.ts';

/** What a recorder works with. */
export interface EventRecorderParts {
  readonly storage: StorageAdapter;
  /** The log of events. */
  readonly log: Key;
  /** The name of the test, for messages. */
  readonly name: string;
  /** The attributes that are kept of each exposure. */
  readonly segments: readonly string[];
  /** How many events may wait for the storage. */
  readonly maxBuffered: number;
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly random: Random;
  /** What must be done before anything is written. */
  readonly before: () => Promise<void>;
  readonly onFailure: (error: unknown) => void;
}

/** Batches that are appended together, under one name, so that trying again cannot write them twice. */
interface Append {
  readonly operationId: string;
  readonly batches: readonly SealedEvents[];
  readonly rows: number;
}

const rowsPerWrite = 16_384;
const maxAppendBytes = 8 * 1024 * 1024;
const maxUnitLength = 1_000;
const maxTextLength = 200;
// So that sums of a hundred million of them are finite.
const greatestValue = 1e300;

/** Takes exposures and values in memory, and writes them in the background, in batches. What could not be written is tried again, under the same name. */
export class EventRecorder {
  readonly #parts: EventRecorderParts;
  readonly #buffer: EventBuffer;
  readonly #flusher: Flusher;
  readonly #hasher = new ValueHasher();
  #appends: Append[] = [];
  #queued = 0;

  constructor(parts: EventRecorderParts) {
    this.#parts = parts;
    this.#buffer = new EventBuffer(parts.segments, parts.storage.supports.maxEntryBytes);
    const { clock, random, intervalMs, onFailure } = parts;
    this.#flusher = new Flusher({ write: () => this.#write(), pending: () => this.buffered > 0, clock, random, intervalMs, onFailure });
  }

  /** Events that are not written yet. */
  get buffered(): number {
    return this.#queued + this.#buffer.rows;
  }

  /** Takes an exposure to a variant that the unit has by the weights of that place among those of the test. */
  expose(unit: string, variant: string, at: number, attributes: Attributes, epoch: number): void {
    const { segments } = this.#parts;
    checkUnit(unit);
    checkTime(at);
    const kept = segments.map((name) => segmentText(Object.hasOwn(attributes, name) ? attributes[name] : undefined));
    this.#demandRoom(1);
    this.#buffer.expose(unit, at, variant, epoch, kept);
    this.#requestWrite();
  }

  /** Takes all the values, or throws and takes none. */
  record(unit: string, values: Readonly<Record<string, number>>, at: number, id: string | undefined): void {
    checkUnit(unit);
    checkTime(at);
    if (id !== undefined && (typeof id !== 'string' || id === '')) throw new ValidationError(`id is ${shown(id, 80)}; give a text that is the same whenever the event is recorded again.`, { path: 'id' });
    if (typeof values !== 'object' || values === null) throw new ValidationError(`values are ${shown(values, 80)}; give an object of numbers by name.`, { path: 'values' });
    const names = Object.keys(values);
    for (const name of names) checkValue(name, values[name]);
    this.#demandRoom(names.length);
    for (const name of names) {
      const [high, low] = id === undefined ? [0, 0] : this.#hashId(id, name);
      this.#buffer.record(unit, at, name, values[name]!, high, low);
    }
    this.#requestWrite();
  }

  /** Writes all that was taken; rejects when it cannot, and then tries again in the background. */
  flush(options: OperationOptions = {}): Promise<void> {
    return this.#flusher.flush(options.signal);
  }

  /** Stops the background writes. */
  stop(): void {
    this.#flusher.stop();
  }

  async #write(): Promise<void> {
    await this.#parts.before();
    this.#seal();
    const { storage, log } = this.#parts;
    while (this.#appends.length > 0) {
      const { operationId, batches, rows } = this.#appends[0]!;
      await storage.append(log, batches.map(({ bytes }) => bytes), { operationId });
      this.#appends.shift();
      this.#queued -= rows;
    }
  }

  #seal(): void {
    const sealed = this.#buffer.seal();
    while (sealed.length > 0) {
      let count = 0;
      for (let bytes = 0; count < sealed.length && (count === 0 || bytes + sealed[count]!.bytes.length <= maxAppendBytes); count++) bytes += sealed[count]!.bytes.length;
      const batches = sealed.splice(0, count);
      const rows = batches.reduce((sum, batch) => sum + batch.rows, 0);
      this.#appends.push({ operationId: newId(), batches, rows });
      this.#queued += rows;
    }
  }

  #requestWrite(): void {
    this.#flusher.request(this.#buffer.rows >= rowsPerWrite);
  }

  #demandRoom(rows: number): void {
    const { maxBuffered, name, intervalMs } = this.#parts;
    if (this.buffered + rows <= maxBuffered) return;
    this.#flusher.request(true);
    const message = `The test '${name}' has ${this.buffered} events that the storage has not taken yet, and takes no more; wait for flush(), look at the storage, or allow more by maxBuffered.`;
    throw new ModelkeepError('overloaded', message, { name, buffered: this.buffered, retryAfterMs: Math.max(intervalMs, 100) });
  }

  /** Hashes an id for a name; never both halves 0, which stand for no id. */
  #hashId(id: string, name: string): readonly [high: number, low: number] {
    const hasher = this.#hasher;
    hasher.hash(`${name.length}:${name}${id}`);
    return [hasher.high, hasher.high === 0 && hasher.low === 0 ? 1 : hasher.low];
  }
}

/** Throws `ValidationError` when a unit cannot be stored. */
function checkUnit(unit: unknown): void {
  if (typeof unit === 'string' && unit !== '' && unit.length <= maxUnitLength && isWellFormed(unit)) return;
  throw new ValidationError(`A unit is ${shown(unit, 80)}; give the id of whoever is counted as a text of 1 to ${maxUnitLength} characters that UTF-8 can hold.`, { path: 'unit' });
}

function checkTime(at: unknown): void {
  if (typeof at === 'number' && Number.isFinite(at)) return;
  throw new ValidationError(`at is ${shown(at, 80)}; give epoch milliseconds.`, { path: 'at' });
}

function checkValue(name: string, value: unknown): void {
  if (name === '' || name.length > maxTextLength || !isWellFormed(name)) throw new ValidationError(`A value has the name ${shown(name, 80)}; give 1 to ${maxTextLength} characters that UTF-8 can hold.`, { path: 'values' });
  if (typeof value === 'number' && Math.abs(value) <= greatestValue) return;
  throw new ValidationError(`The value '${name}' is ${shown(value, 80)}; record finite numbers of at most ${greatestValue}, for one NaN would make the whole metric NaN.`, { path: `values.${name}` });
}

/** An attribute as it is kept: what is no text, number or truth value is missing, and a long text is cut. */
function segmentText(value: unknown): string | undefined {
  if (typeof value === 'string') return value.length <= maxTextLength && isWellFormed(value) ? value : [...value.slice(0, maxTextLength)].filter(isWellFormed).join('');
  return typeof value === 'boolean' || (typeof value === 'number' && !Number.isNaN(value)) ? `${value}` : undefined;
}
