import { newId } from '../../core/ids.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { PutOperation, StorageAdapter, Version } from '../../storage/contract.ts';
import { takeExtremes, type MetricExtremes } from '../extreme-metric.ts';
import { importSession } from '../import-session.ts';
import { takeLatest, type MetricPoint } from '../latest-metric.ts';
import { decodeBatch, encodeBatch, type MetricPoints } from '../metric-batch.ts';
import { BatchIds } from '../metric-log.ts';
import { keys } from '../tracking-keys.ts';
import { WaitingPoints } from './waiting-points.ts';

const batchPoints = 65_536;

/** Someone else imports the same run, and has written a batch first: what this import knows of the log is not all there is. */
export class Overtaken extends Error {}

/**
 * Puts the points of one run into its log, each once: of every metric, as many points as the log has from imports before are passed over, since a source only grows. Holds one batch.
 *
 * Which batch comes next is decided by compare-and-swap of a record that holds its bytes; only then is it appended to the log, under the number of points before it. Who finds a decided batch that is not in the log, because whoever
 * decided it was stopped or is slow, appends the same bytes, which count once. So no two imports ever go on from the same place, whatever each of them saw of the source. Throws {@link Overtaken} where another was first.
 */
export class PointsWriter {
  /** The latest point of each metric, those of other sessions too. */
  readonly latest: Map<string, MetricPoint> = new Map();
  /** The extremes of each metric, those of other sessions too. */
  readonly extremes: Map<string, MetricExtremes> = new Map();
  readonly #storage: StorageAdapter;
  readonly #runId: string;
  readonly #dryRun: boolean;
  readonly #waiting = new WaitingPoints(batchPoints);
  /** How many of each metric's points are there already and are to be passed over, by its code among those that wait. */
  readonly #known: number[] = [];
  readonly #refused = new Map<string, { points: number; fault: string }>();
  #version: Version | undefined;
  #isDecided = false;
  #before = 0;
  #added = 0;
  #lastTimestamp = 0;

  constructor(storage: StorageAdapter, runId: string, dryRun: boolean) {
    this.#storage = storage;
    this.#runId = runId;
    this.#dryRun = dryRun;
  }

  /** Points that were added, those of a batch that an import before had decided upon too. */
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

  /** Looks at what the log has, and finishes what an import before has left undone. */
  async open({ signal }: OperationOptions): Promise<void> {
    const log = keys.metrics(this.#runId);
    const [turn] = await this.#storage.read([keys.importTurn(this.#runId)], { signal, fresh: true });
    const seen = new BatchIds();
    for await (const entry of this.#storage.readLog(log, { signal })) {
      const batch = decodeBatch(entry.bytes, log);
      if (!seen.add(batch)) continue;
      this.#take(batch);
      if (batch.session === importSession) this.#count(batch);
    }
    if (turn === undefined) return;
    this.#version = turn.version;
    const decided = decodeBatch(turn.bytes, keys.importTurn(this.#runId));
    this.#isDecided = decided.values.length > 0;
    // Where the numbers do not fit, the log was taken away since, and the batch is not wanted any more.
    if (!this.#isDecided || seen.has(decided) || decided.number !== this.#before) return;
    if (!this.#dryRun) await this.#storage.append(log, [turn.bytes], { signal });
    this.#added += decided.values.length;
    this.#take(decided);
    this.#count(decided);
  }

  /** Takes points in, and writes a batch whenever one is full. */
  async add(points: MetricPoints, nameOf: (name: string) => string, options: OperationOptions): Promise<void> {
    const waiting = this.#waiting;
    const codes = points.names.map((name) => waiting.code(nameOf(name)));
    const known = this.#known;
    while (known.length < waiting.names.length) known.push(0);
    for (let i = 0; i < points.values.length; i++) {
      const code = codes[points.codes[i]!]!;
      const step = points.steps[i]!;
      const timestamp = points.timestamps[i]!;
      if (!Number.isSafeInteger(step) || !(timestamp >= 0 && timestamp < Infinity)) this.#refuse(code, Number.isSafeInteger(step) ? `timestamp ${timestamp}` : `step ${step}`);
      else if (known[code]! > 0) known[code]!--;
      else if (waiting.add(code, step, timestamp, points.values[i]!)) await this.flush(options);
    }
  }

  /** Writes what is held. */
  async flush(options: OperationOptions): Promise<void> {
    const rows = this.#waiting.count;
    if (rows === 0) return;
    this.#take(this.#waiting.slice(0, rows));
    if (this.#dryRun) this.#before += rows;
    else await this.#write(0, rows, options);
    this.#added += rows;
    this.#waiting.clear();
  }

  /** The write that forgets the last batch, which is in the log; none where nothing was decided. */
  closing(): readonly PutOperation[] {
    if (!this.#isDecided || this.#dryRun) return [];
    return [this.#turn(encodeBatch({ session: importSession, number: this.#before, names: [], codes: [], steps: [], timestamps: [], values: new Float64Array(0) }))];
  }

  /** A batch that is too large for an entry or a record becomes two, and so on; a single point always fits. */
  async #write(from: number, to: number, options: OperationOptions): Promise<void> {
    const { maxEntryBytes, maxRecordBytes } = this.#storage.supports;
    const bytes = encodeBatch({ ...this.#waiting.slice(from, to), session: importSession, number: this.#before });
    if (bytes.length > Math.min(maxEntryBytes, maxRecordBytes) && to - from > 1) {
      const middle = (from + to) >>> 1;
      await this.#write(from, middle, options);
      return this.#write(middle, to, options);
    }
    const [decided] = await this.#storage.write([this.#turn(bytes)], options);
    if (decided?.ok !== true) throw new Overtaken();
    this.#version = decided.version;
    this.#isDecided = true;
    await this.#storage.append(keys.metrics(this.#runId), [bytes], options);
    this.#before += to - from;
  }

  #turn(bytes: Uint8Array): PutOperation {
    return { kind: 'put', key: keys.importTurn(this.#runId), bytes, condition: this.#version === undefined ? 'absent' : { match: this.#version }, operationId: newId() };
  }

  #take(points: MetricPoints): void {
    takeLatest(this.latest, points);
    takeExtremes(this.extremes, points);
    for (let i = 0; i < points.timestamps.length; i++) if (points.timestamps[i]! > this.#lastTimestamp) this.#lastTimestamp = points.timestamps[i]!;
  }

  /** Counts points that are in the log. */
  #count({ names, codes, values }: MetricPoints): void {
    this.#before += values.length;
    const own = names.map((name) => this.#waiting.code(name));
    while (this.#known.length < this.#waiting.names.length) this.#known.push(0);
    for (let i = 0; i < values.length; i++) this.#known[own[codes[i]!]!]!++;
  }

  #refuse(code: number, fault: string): void {
    const name = this.#waiting.names[code]!;
    const before = this.#refused.get(name);
    if (before) before.points++;
    else this.#refused.set(name, { points: 1, fault });
  }
}
