import type { OperationOptions } from '../../core/progress.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import { takeExtremes, type MetricExtremes } from '../extreme-metric.ts';
import { takeLatest, type MetricPoint } from '../latest-metric.ts';
import { decodeBatch, encodeBatch, type MetricPoints } from '../metric-batch.ts';
import { BatchIds } from '../metric-log.ts';
import { keys } from '../tracking-keys.ts';

/** The session of all points that were imported into a run. */
export const importSession = 'import.0';

const batchPoints = 65_536;

/**
 * Puts the points of one run into its log, each once: of every metric, as many points as the log has from imports before are passed over, since a source only grows. A batch's number is how many points came before it, so that two
 * imports at the same time write the same batches, of which each counts once. Holds one batch.
 */
export class PointsWriter {
  /** The latest point of each metric, those of other sessions too. */
  readonly latest: Map<string, MetricPoint> = new Map();
  /** The extremes of each metric, those of other sessions too. */
  readonly extremes: Map<string, MetricExtremes> = new Map();
  readonly #storage: StorageAdapter;
  readonly #runId: string;
  readonly #dryRun: boolean;
  readonly #codeOf = new Map<string, number>();
  readonly #names: string[] = [];
  /** How many of each metric's points are there already and are to be passed over. */
  readonly #known: number[] = [];
  readonly #codes = new Uint32Array(batchPoints);
  readonly #steps = new Float64Array(batchPoints);
  readonly #timestamps = new Float64Array(batchPoints);
  readonly #values = new Float64Array(batchPoints);
  #count = 0;
  #before = 0;
  #added = 0;
  #lastTimestamp = 0;
  readonly #refused = new Map<string, { points: number; fault: string }>();

  constructor(storage: StorageAdapter, runId: string, dryRun: boolean) {
    this.#storage = storage;
    this.#runId = runId;
    this.#dryRun = dryRun;
  }

  /** Points that were added. */
  get added(): number {
    return this.#added;
  }

  /** The greatest timestamp of all points, 0 where there is none. */
  get lastTimestamp(): number {
    return this.#lastTimestamp;
  }

  /** Points that cannot be stored, by metric. */
  get refused(): ReadonlyMap<string, { points: number; fault: string }> {
    return this.#refused;
  }

  /** Looks at what the log has. */
  async open({ signal }: OperationOptions): Promise<void> {
    const log = keys.metrics(this.#runId);
    const seen = new BatchIds();
    for await (const entry of this.#storage.readLog(log, { signal })) {
      const batch = decodeBatch(entry.bytes, log);
      if (!seen.add(batch)) continue;
      this.#take(batch);
      if (batch.session !== importSession) continue;
      this.#before += batch.values.length;
      const codes = batch.names.map((name) => this.#code(name));
      for (let i = 0; i < batch.values.length; i++) this.#known[codes[batch.codes[i]!]!]!++;
    }
  }

  /** Takes points in, and writes a batch whenever one is full. */
  async add(points: MetricPoints, nameOf: (name: string) => string, options: OperationOptions): Promise<void> {
    const codes = points.names.map((name) => this.#code(nameOf(name)));
    for (let i = 0; i < points.values.length; i++) {
      const code = codes[points.codes[i]!]!;
      const step = points.steps[i]!;
      const timestamp = points.timestamps[i]!;
      if (!Number.isSafeInteger(step) || !(timestamp >= 0 && timestamp < Infinity)) {
        this.#refuse(code, Number.isSafeInteger(step) ? `timestamp ${timestamp}` : `step ${step}`);
        continue;
      }
      if (this.#known[code]! > 0) {
        this.#known[code]!--;
        continue;
      }
      const at = this.#count++;
      this.#codes[at] = code;
      this.#steps[at] = step;
      this.#timestamps[at] = timestamp;
      this.#values[at] = points.values[i]!;
      if (this.#count === batchPoints) await this.flush(options);
    }
  }

  /** Writes what is held. */
  async flush({ signal }: OperationOptions): Promise<void> {
    if (this.#count === 0) return;
    const batch = this.#compact(0, this.#count);
    this.#take(batch);
    if (!this.#dryRun) {
      const entries = this.#encode(0, this.#count);
      await this.#storage.append(keys.metrics(this.#runId), entries, { signal });
    }
    this.#before += this.#count;
    this.#added += this.#count;
    this.#count = 0;
  }

  #take(points: MetricPoints): void {
    takeLatest(this.latest, points);
    takeExtremes(this.extremes, points);
    for (let i = 0; i < points.timestamps.length; i++) if (points.timestamps[i]! > this.#lastTimestamp) this.#lastTimestamp = points.timestamps[i]!;
  }

  /** A batch that is too large for one entry becomes two, and so on; a single point always fits. */
  #encode(from: number, to: number): Uint8Array[] {
    const bytes = encodeBatch({ ...this.#compact(from, to), session: importSession, number: this.#before + from });
    if (bytes.length <= this.#storage.supports.maxEntryBytes || to - from === 1) return [bytes];
    const middle = (from + to) >>> 1;
    return [...this.#encode(from, middle), ...this.#encode(middle, to)];
  }

  /** Points with the names that are among them, and no others. */
  #compact(from: number, to: number): MetricPoints {
    const codeOf = new Map<number, number>();
    const codes = new Uint32Array(to - from);
    for (let i = from; i < to; i++) {
      const own = this.#codes[i]!;
      let code = codeOf.get(own);
      if (code === undefined) codeOf.set(own, (code = codeOf.size));
      codes[i - from] = code;
    }
    return {
      names: [...codeOf.keys()].map((code) => this.#names[code]!),
      codes,
      steps: this.#steps.subarray(from, to),
      timestamps: this.#timestamps.subarray(from, to),
      values: this.#values.subarray(from, to),
    };
  }

  #code(name: string): number {
    let code = this.#codeOf.get(name);
    if (code === undefined) {
      code = this.#names.length;
      this.#codeOf.set(name, code);
      this.#names.push(name);
      this.#known.push(0);
    }
    return code;
  }

  #refuse(code: number, fault: string): void {
    const name = this.#names[code]!;
    const before = this.#refused.get(name);
    if (before) before.points++;
    else this.#refused.set(name, { points: 1, fault });
  }
}
