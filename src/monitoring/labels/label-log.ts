import { IntegrityError, StorageError } from '../../core/errors.ts';
import { newId } from '../../core/ids.ts';
import type { Key } from '../../core/key.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { ValueHasher } from '../../stats/sketches/hash-value.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import { listAll } from '../../storage/records.ts';
import type { LabelEncoding } from './label-values.ts';
import { LabelRows, readRows, type ReadRows, type RowBytes } from './label-rows.ts';

/** What a row of the log is. */
export type LabelSide = 'predictions' | 'labels';

/** Where the logs of a monitor are, and how they are cut. */
export interface LabelLogOptions {
  readonly storage: StorageAdapter;
  /** Key of the monitor, which those of the logs begin with. */
  readonly key: Key;
  readonly encoding: LabelEncoding;
  /** The length of a period, each of which has a log of its own per side. */
  readonly everyMs: number;
  /** What is kept with each prediction beside what it says. @default nothing */
  readonly kept?: RowBytes | undefined;
  /** Is told when rows had to be let go. */
  readonly onError: (error: unknown) => void;
}

interface Waiting {
  readonly log: Key;
  readonly rows: LabelRows;
  readonly operationId: string;
}

const rowsPerEntry = 20_000;
const rowsKept = 1_000_000;

/**
 * Predictions and labels on their way to each other: one log per period of time and side, so that what is old goes as a whole. In memory are only those that are not written yet, a million at most.
 * A row that is written twice, after an answer that was lost, does no harm: the newest of an id counts.
 */
export class LabelLog {
  readonly #options: LabelLogOptions;
  readonly #hasher = new ValueHasher();
  readonly #filling = new Map<Key, Waiting>();
  #full: Waiting[] = [];
  #rows = 0;
  #dropped = 0;

  constructor(options: LabelLogOptions) {
    this.#options = options;
  }

  /** How many rows are not written yet. */
  get waiting(): number {
    return this.#rows;
  }

  /** What is kept with each prediction. */
  get kept(): RowBytes | undefined {
    return this.#options.kept;
  }

  /** Adds a prediction or label that came at `at`. */
  add(side: LabelSide, id: string, at: number, value: number, version: string, bytes?: Uint8Array): void {
    if (this.#rows >= rowsKept) {
      this.#dropped++;
      return;
    }
    const log = this.#logOf(side, this.startOf(at));
    let filling = this.#filling.get(log);
    if (filling === undefined) this.#filling.set(log, (filling = { log, rows: new LabelRows(side === 'predictions' ? this.kept : undefined), operationId: newId() }));
    this.#hasher.hash(id);
    filling.rows.push(this.#hasher.high, this.#hasher.low, at, value, version, bytes);
    this.#rows++;
    if (filling.rows.size < rowsPerEntry) return;
    this.#full.push(filling);
    this.#filling.delete(log);
  }

  /** When the period that a moment lies in began. */
  startOf(at: number): number {
    const { everyMs } = this.#options;
    return Math.floor(at / everyMs) * everyMs;
  }

  /** Writes all that waits. What could not be written is still there at the next call. */
  async write(options: OperationOptions = {}): Promise<void> {
    this.#full.push(...this.#filling.values());
    this.#filling.clear();
    while (this.#full.length > 0) {
      // Who judges no performance never needs it.
      const { encodeTable } = await import('../../core/table-codec.ts');
      const { log, rows, operationId } = this.#full[0]!;
      await this.#options.storage.append(log, [encodeTable(rows.table())], { ...options, operationId });
      this.#full.shift();
      this.#rows -= rows.size;
    }
    if (this.#dropped === 0) return;
    const { key, onError } = this.#options;
    const message = `${this.#dropped} predictions or labels of ${key} came while ${rowsKept} waited for the storage, and were let go; give the event loop time to write, and look at the storage.`;
    this.#dropped = 0;
    onError(new StorageError('storage', message, { key }));
  }

  /** The beginnings of the periods that have predictions, ascending. */
  async periods(options: OperationOptions): Promise<number[]> {
    const starts: number[] = [];
    for (const log of await this.#logs(this.#prefixOf('predictions'), options)) starts.push(startIn(log));
    return starts.sort((a, b) => a - b);
  }

  /** The rows of a period, as stretches; each is of use until the next is asked for. */
  async *read(side: LabelSide, start: number, options: OperationOptions): AsyncGenerator<ReadRows> {
    const log = this.#logOf(side, start);
    const { decodeTable } = await import('../../core/table-codec.ts');
    for await (const { bytes } of this.#options.storage.readLog(log, { ...options, transient: true })) {
      const rows = readRows(decodeTable(bytes, log), side === 'predictions' ? this.kept : undefined);
      if (rows === undefined) throw new IntegrityError(`An entry of ${log} has not the columns of ${side}.`, { key: log });
      yield rows;
    }
  }

  /** Deletes the predictions of periods that began before `judgedTo`, and the labels that none of the later ones can have. */
  async clean(judgedTo: number, options: OperationOptions): Promise<void> {
    const { storage, key, everyMs } = this.#options;
    for (const log of await this.#logs(`${key}/`, options)) {
      const keptFrom = log.includes('/predictions/') ? judgedTo : judgedTo - everyMs;
      if (startIn(log) < keptFrom) await storage.deleteLog(log, options);
    }
  }

  #prefixOf(side: LabelSide): string {
    return `${this.#options.key}/${this.#options.encoding}/${side}/`;
  }

  #logOf(side: LabelSide, start: number): Key {
    return this.#prefixOf(side) + String(start).padStart(16, '0');
  }

  async #logs(prefix: string, { signal }: OperationOptions): Promise<Key[]> {
    const keys: Key[] = [];
    for await (const { key } of listAll(this.#options.storage, { kind: 'log', prefix }, { signal })) keys.push(key);
    return keys;
  }
}

function startIn(log: Key): number {
  return Number(log.slice(log.lastIndexOf('/') + 1));
}
