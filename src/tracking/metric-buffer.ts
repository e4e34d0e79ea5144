import { ValidationError } from '../core/errors.ts';
import { shown } from '../core/shown.ts';
import { takeExtremes, type MetricExtremes } from './extreme-metric.ts';
import { takeLatest, type MetricPoint } from './latest-metric.ts';
import { encodeBatch, type MetricPoints } from './metric-batch.ts';
import { checkName } from './metric-name.ts';

/** A batch that waits for its writing. */
export interface SealedBatch {
  readonly bytes: Uint8Array;
  readonly points: number;
}

/** Values of metrics by name. */
export type MetricValues = Readonly<Record<string, number>>;

const initialCapacity = 1_024;
const maxBatchPoints = 65_536;

/**
 * What a run has logged and not yet sealed into a batch, in columns that grow to a batch and are then used again. This is the hot path: adding a point
 * allocates nothing.
 */
export class MetricBuffer {
  readonly #session: string;
  readonly #maxEntryBytes: number;
  readonly #onSealed: (batch: SealedBatch) => void;
  readonly #latest = new Map<string, MetricPoint>();
  readonly #extremes = new Map<string, MetricExtremes>();
  #codeOf = new Map<string, number>();
  #capacity = initialCapacity;
  #codes = new Uint32Array(initialCapacity);
  #steps = new Float64Array(initialCapacity);
  #timestamps = new Float64Array(initialCapacity);
  #values = new Float64Array(initialCapacity);
  #count = 0;
  #batches = 0;

  /** `onSealed` is given each batch in order; batches say that they are of `session` and have at most `maxEntryBytes`. */
  constructor(session: string, maxEntryBytes: number, onSealed: (batch: SealedBatch) => void) {
    this.#session = session;
    this.#maxEntryBytes = maxEntryBytes;
    this.#onSealed = onSealed;
  }

  /** Points that are not sealed yet. */
  get count(): number {
    return this.#count;
  }

  /** The latest point of each metric that was sealed. */
  get latest(): ReadonlyMap<string, MetricPoint> {
    return this.#latest;
  }

  /** The extremes of each metric that was sealed. */
  get extremes(): ReadonlyMap<string, MetricExtremes> {
    return this.#extremes;
  }

  /** Takes all the values at `keys`, which are those of `values`, or throws `ValidationError` and takes none. */
  add(keys: readonly string[], values: MetricValues, step: number, timestamp: number): void {
    if (this.#count + keys.length > this.#capacity) this.#makeRoom(keys.length);
    let at = this.#count;
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!;
      const value = values[key];
      if (typeof value !== 'number') throw notANumber(key, value);
      this.#codes[at] = this.#codeOf.get(key) ?? this.#newCode(key);
      this.#steps[at] = step;
      this.#timestamps[at] = timestamp;
      this.#values[at] = value;
      at++;
    }
    this.#count = at;
  }

  /** Makes batches of all points taken so far. */
  seal(): void {
    if (this.#count === 0) return;
    const points: MetricPoints = {
      names: [...this.#codeOf.keys()],
      codes: this.#codes.subarray(0, this.#count),
      steps: this.#steps.subarray(0, this.#count),
      timestamps: this.#timestamps.subarray(0, this.#count),
      values: this.#values.subarray(0, this.#count),
    };
    takeLatest(this.#latest, points);
    takeExtremes(this.#extremes, points);
    this.#encode(points);
    this.#count = 0;
    this.#codeOf = new Map();
  }

  #newCode(key: string): number {
    checkName(key, 'A metric');
    const code = this.#codeOf.size;
    this.#codeOf.set(key, code);
    return code;
  }

  #makeRoom(more: number): void {
    if (this.#count + more > maxBatchPoints) this.seal();
    if (this.#count + more <= this.#capacity) return;
    while (this.#capacity < this.#count + more) this.#capacity *= 2;
    this.#codes = grown(this.#codes, new Uint32Array(this.#capacity));
    this.#steps = grown(this.#steps, new Float64Array(this.#capacity));
    this.#timestamps = grown(this.#timestamps, new Float64Array(this.#capacity));
    this.#values = grown(this.#values, new Float64Array(this.#capacity));
  }

  /** A batch that is too large for one entry becomes two, and so on; a single point always fits. */
  #encode(points: MetricPoints): void {
    const rows = points.values.length;
    const bytes = encodeBatch({ ...points, session: this.#session, number: this.#batches + 1 });
    if (bytes.length > this.#maxEntryBytes && rows > 1) {
      this.#encode(slice(points, 0, rows >>> 1));
      this.#encode(slice(points, rows >>> 1, rows));
      return;
    }
    this.#batches++;
    this.#onSealed({ bytes, points: rows });
  }
}

function slice(points: MetricPoints, from: number, to: number): MetricPoints {
  const codeOf = new Map<number, number>();
  const codes = new Uint32Array(to - from);
  for (let i = from; i < to; i++) {
    const code = points.codes[i]!;
    if (!codeOf.has(code)) codeOf.set(code, codeOf.size);
    codes[i - from] = codeOf.get(code)!;
  }
  return {
    names: [...codeOf.keys()].map((code) => points.names[code]!),
    codes,
    steps: Float64Array.prototype.slice.call(points.steps, from, to),
    timestamps: Float64Array.prototype.slice.call(points.timestamps, from, to),
    values: points.values.slice(from, to),
  };
}

function grown<A extends Uint32Array | Float64Array>(from: A, into: A): A {
  into.set(from);
  return into;
}

function notANumber(key: string, value: unknown): ValidationError {
  return new ValidationError(`Metric ${shown(key, 80)} is ${shown(value, 80)}, which is not a number; log numbers only (NaN and ±Infinity are numbers).`, { path: key });
}
