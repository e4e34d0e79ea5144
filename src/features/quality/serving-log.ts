import type { Clock } from '../../core/clock.ts';
import { StorageError } from '../../core/errors.ts';
import { Flusher } from '../../core/flusher.ts';
import { reportFailure } from '../../core/report-failure.ts';
import type { Row } from '../../core/table.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import { ValueHasher } from '../../stats/sketches/hash-value.ts';
import type { FeatureRequest, QueryPlan } from '../definitions/query-plan.ts';
import { keyTexts } from '../key-dictionary.ts';
import { ownValue } from '../own-values.ts';
import type { FeatureStatus } from '../record-answer.ts';
import type { ServedFeatures } from '../serve.ts';
import { requestSegment, shapeOf, type PlannedShape, type ServedShape } from './served-shape.ts';
import type { ServedWriter } from './served-writer.ts';
import type { ServingLogCounts, ServingLogSettings } from './serving-log-options.ts';

/** A row as it was served. */
export interface ServedRecord {
  readonly at: number;
  /** Values of the shape's columns of entities. */
  readonly entity: readonly unknown[];
  /** By feature of the shape. */
  readonly values: readonly unknown[];
  readonly statuses: readonly FeatureStatus[];
  /** By group of the shape: event time of what was served, epoch milliseconds. */
  readonly times: readonly (number | null)[];
}

/** Rows that were served alike and wait to be written. */
export interface PendingPart {
  /** What names the query in keys. */
  readonly request: string;
  readonly shape: ServedShape;
  readonly rows: ServedRecord[];
}

/** The shape of a query's answers, with what tells such answers from others. */
interface KnownShape extends PlannedShape {
  readonly request: string;
  readonly name: string;
}

const day = 86_400_000;
const wholeHash = 2 ** 32;

/**
 * Keeps a sample of what was served. On the way of a request it only decides, copies and buffers, up to a bound of bytes; it never throws there and never waits. What it took is written in the background, and at
 * {@link ServingLog.flush}. Its timer keeps no process alive.
 */
export class ServingLog {
  readonly #settings: ServingLogSettings;
  readonly #flusher: Flusher;
  readonly #loadWriter: () => Promise<ServedWriter>;
  readonly #hasher = new ValueHasher();
  readonly #shapes = new WeakMap<QueryPlan, KnownShape>();
  readonly #onFailure: (error: unknown) => void;
  #writer: Promise<ServedWriter> | undefined;
  #parts = new Map<string, PendingPart>();
  #pendingBytes = 0;
  #writing = 0;
  #closed = false;
  readonly #counts = { served: 0, sampled: 0, written: 0, pending: 0, dropped: 0 };

  constructor(storage: StorageAdapter, clock: Clock, settings: ServingLogSettings) {
    this.#settings = settings;
    this.#onFailure = (error) => reportFailure(error, { who: 'The serving log', onError: settings.onError });
    this.#loadWriter = async () => new (await import('./served-writer.ts')).ServedWriter(storage, clock, settings.retentionMs);
    this.#flusher = new Flusher({
      write: () => this.#write(),
      pending: () => this.#counts.pending > 0,
      clock,
      intervalMs: settings.flushIntervalMs,
      onFailure: this.#onFailure,
    });
  }

  /** What became of the rows that were served. */
  get counts(): ServingLogCounts {
    return { ...this.#counts };
  }

  /** Takes the answer to a query, or a sample of its rows. Never throws. */
  add(request: FeatureRequest, plan: QueryPlan, entities: readonly Row[], served: ServedFeatures, at: number): void {
    this.#counts.served += entities.length;
    try {
      const known = this.#shapeOf(request, plan);
      for (let i = 0; i < entities.length; i++) this.#consider(known, entities[i]!, served, i, at);
      if (this.#counts.pending > 0) this.#flusher.request();
    } catch (error) {
      this.#onFailure(error);
    }
  }

  /** Writes all that waits; rejects when it cannot, and then tries again in the background. */
  async flush(signal?: AbortSignal): Promise<void> {
    if (this.#counts.pending > 0) await this.#flusher.flush(signal);
  }

  /** Writes all that waits, and takes no more. */
  async close(signal?: AbortSignal): Promise<void> {
    this.#closed = true;
    try {
      await this.flush(signal);
    } finally {
      this.#flusher.stop();
    }
  }

  #consider({ shape, ids, keys, name, request }: KnownShape, entity: Row, served: ServedFeatures, i: number, at: number): void {
    const given = (column: string): unknown => (Object.hasOwn(entity, column) ? (entity[column] ?? null) : null);
    if (this.#settings.sample < 1 && !this.#takes(keys.map(given), at)) return;
    this.#counts.sampled++;
    if (this.#closed || this.#pendingBytes + this.#writing >= this.#settings.maxPendingBytes) {
      this.#counts.dropped++;
      return;
    }
    const answers = ids.map((id) => served.get(id));
    const groups = shape.views.length + shape.onDemand.length;
    const times = new Array<number | null>(groups).fill(null);
    shape.features.forEach(({ group }, f) => (times[group] = answers[f]!.timestamps[i]!));
    const row: ServedRecord = {
      at,
      // What the caller has may be changed by them before it is written.
      entity: shape.entities.map(({ column }) => ownValue(given(column))),
      values: answers.map(({ values }) => ownValue(values[i])),
      statuses: answers.map(({ statuses }) => statuses[i]!),
      times,
    };
    // Keys of several types do not go into one column.
    const types = shape.entities.map(({ type }, e) => (type === undefined ? typeName(row.entity[e]) : '')).join();
    const part = `${name} ${Math.floor(at / day)} ${types}`;
    let pending = this.#parts.get(part);
    if (pending === undefined) this.#parts.set(part, (pending = { request, shape, rows: [] }));
    pending.rows.push(row);
    this.#pendingBytes += sizeOf(row);
    this.#counts.pending++;
  }

  #shapeOf(request: FeatureRequest, plan: QueryPlan): KnownShape {
    let known = this.#shapes.get(plan);
    if (known === undefined) {
      const planned = shapeOf(plan);
      const segment = requestSegment(request);
      known = { ...planned, request: segment, name: `${segment} ${JSON.stringify(planned.shape)}` };
      this.#shapes.set(plan, known);
    }
    return known;
  }

  /** Whether the sample has the row: the same for every process, and for each moment anew. */
  #takes(keys: readonly unknown[], at: number): boolean {
    this.#hasher.hash(JSON.stringify([at, keyTexts(keys) ?? keys.map(typeName)]));
    return (this.#hasher.high >>> 0) < this.#settings.sample * wholeHash;
  }

  async #write(): Promise<void> {
    this.#writer ??= this.#loadWriter();
    // A chunk of the program that could not be loaded may be there at the next attempt.
    const writer = await this.#writer.catch((error: unknown) => {
      this.#writer = undefined;
      throw new StorageError('unavailable', 'The part that writes the serving log could not be loaded.', { cause: error });
    });
    const parts = [...this.#parts.values()];
    this.#writing += this.#pendingBytes;
    this.#parts = new Map();
    this.#pendingBytes = 0;
    const settle = (written: number, dropped: number): void => {
      this.#counts.written += written;
      this.#counts.dropped += dropped;
      this.#counts.pending -= written + dropped;
    };
    await writer.write(parts, settle, this.#onFailure);
    this.#writing = 0;
  }
}

function typeName(value: unknown): string {
  return value === null ? 'null' : value instanceof Date ? 'date' : typeof value;
}

/** Bytes of a row in memory, roughly. */
function sizeOf({ entity, values, times }: ServedRecord): number {
  return 64 + 8 * times.length + [...entity, ...values].reduce<number>((sum, value) => sum + 16 + weight(value), 0);
}

function weight(value: unknown): number {
  if (typeof value === 'string') return 2 * value.length;
  if (typeof value !== 'object' || value === null) return 0;
  if (ArrayBuffer.isView(value)) return value.byteLength;
  return Object.entries(value).reduce((sum, [key, inside]) => sum + 16 + 2 * key.length + weight(inside), 16);
}
