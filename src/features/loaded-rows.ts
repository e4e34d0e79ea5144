import { throwIfAborted } from '../core/abort.ts';
import { concatColumns, type Column } from '../core/column.ts';
import { IntegrityError, isModelkeepError } from '../core/errors.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { LogPosition } from '../storage/contract.ts';
import type { RewritableLog } from '../storage/rewritable-log.ts';
import { batchOrder, decodeBatch, placesColumn, placesOf, type Batch } from './batch.ts';
import { EventIndex } from './event-index.ts';
import { KeyDictionary } from './key-dictionary.ts';
import { missingColumn } from './missing-column.ts';
import { logKeyOf } from './offline-log.ts';
import type { CurrentView } from './definitions/definition-states.ts';

/** A batch in memory: its rows as columns, and their keys as codes. */
interface LoadedBatch {
  readonly order: string;
  readonly rowCount: number;
  readonly columns: Readonly<Record<string, Column>>;
  readonly codes: Int32Array;
  /** Each row's place in the batch as it came; absent when that is where it is. */
  readonly places: Float64Array | undefined;
}

// A log that is rewritten more often than this while it is read is left for later.
const maxRewritten = 10;

/** The rows of a view that were read from its log. */
export class LoadedRows {
  readonly #view: CurrentView;
  readonly #keys: KeyDictionary;
  readonly #batches = new Map<string, LoadedBatch>();
  #present: RowSnapshot | undefined;
  #position: LogPosition | undefined;
  #byteLength = 0;

  constructor(view: CurrentView) {
    this.#view = view;
    this.#keys = new KeyDictionary(view.view.entity.length);
  }

  get keys(): KeyDictionary {
    return this.#keys;
  }

  /** Bytes held, roughly. */
  get byteLength(): number {
    return this.#byteLength + (this.#present?.index.byteLength ?? 0) + this.#keys.size * 100;
  }

  /** Reads what was appended to the log since. Throws `ConflictError` when the log was rewritten: these rows no longer count then. */
  async readOn(log: RewritableLog, options: OperationOptions): Promise<void> {
    for await (const entry of log.read({ after: this.#position, signal: options.signal })) {
      throwIfAborted(options.signal, `Reading the rows of ${this.#view.view.name}`);
      this.add(decodeBatch(entry.bytes, log.key), entry.bytes.length);
      this.#position = entry.position;
    }
  }

  /** Takes a batch in. */
  add(batch: Batch, byteLength: number): void {
    const order = batchOrder(batch);
    const earlier = this.#batches.get(batch.id);
    if (earlier && earlier.order <= order) return;
    const { entity, timestamp } = this.#view.view;
    const columns: Record<string, Column> = { ...batch.table.columns };
    const lost = [...entity, timestamp].find((name) => columns[name] === undefined);
    if (lost !== undefined) throw new IntegrityError(`A batch of '${this.#view.view.name}' has no column '${lost}'.`, { key: logKeyOf(this.#view) });
    const codes = this.#keys.add(entity.map((name) => columns[name]!), batch.table.rowCount);
    for (const name of [...entity, placesColumn]) delete columns[name];
    this.#batches.set(batch.id, { order, rowCount: batch.table.rowCount, columns, codes, places: placesOf(batch.table) });
    this.#byteLength += byteLength + codes.byteLength;
    this.#present = undefined;
  }

  /** The rows as they stand. Others may read on in the same log meanwhile: a snapshot does not see it. */
  snapshot(): RowSnapshot {
    const batches = this.#present?.batches ?? [...this.#batches.values()].sort((a, b) => (a.order < b.order ? -1 : 1));
    const index = this.#present?.index ?? indexOf(this.#view, batches, this.#keys.size);
    this.#present = new RowSnapshot({ view: this.#view, batches, index, keys: this.#keys });
    return this.#present;
  }
}

/**
 * Reads what was appended to the log since. Resolves to the rows that it was given, or to others that take their place when the log was rewritten: what was taken out of it must not
 * count any more, and whoever works with the old ones meanwhile must not see them half read.
 */
export async function refreshRows(rows: LoadedRows, current: CurrentView, log: RewritableLog, options: OperationOptions): Promise<LoadedRows> {
  let refreshed = rows;
  for (let attempt = 1; ; attempt++) {
    try {
      await refreshed.readOn(log, options);
      return refreshed;
    } catch (error) {
      if (attempt === maxRewritten || !isModelkeepError(error, 'conflict')) throw error;
      refreshed = new LoadedRows(current);
    }
  }
}

interface SnapshotParts {
  readonly view: CurrentView;
  readonly batches: readonly LoadedBatch[];
  readonly index: EventIndex;
  readonly keys: KeyDictionary;
}

/** The rows of a view as they stood when they were asked for; none that are read later show in it, however long it is worked with. */
export class RowSnapshot {
  readonly batches: readonly LoadedBatch[];
  /** The index over all rows. */
  readonly index: EventIndex;
  readonly #parts: SnapshotParts;

  constructor(parts: SnapshotParts) {
    this.#parts = parts;
    this.batches = parts.batches;
    this.index = parts.index;
  }

  /** The components of every key as canonical texts, by code. */
  keys(): string[][] {
    // The dictionary only grows, so its first codes are those of the index.
    return this.#parts.keys.keys().slice(0, this.index.starts.length - 1);
  }

  /** An index in which no row is known before its batch was, for which `knownFrom` gives the moment from its place in the order of ingestion, nor before it was created. */
  indexKnownFrom(knownFrom: (order: string) => number): EventIndex {
    return indexOf(this.#parts.view, this.batches, this.index.starts.length - 1, knownFrom);
  }

  /** From which batch each row of the index came, by the order of batches, and its place in it. */
  origins(): { batches: string[]; batchOf: Uint32Array; placeOf: Float64Array } {
    const { order } = this.index;
    const total = this.batches.reduce((sum, batch) => sum + batch.rowCount, 0);
    const batchAt = new Uint32Array(total);
    const placeAt = new Float64Array(total);
    let at = 0;
    for (const [b, { rowCount, places }] of this.batches.entries()) {
      for (let i = 0; i < rowCount; i++, at++) {
        batchAt[at] = b;
        placeAt[at] = places === undefined ? i : places[i]!;
      }
    }
    const batchOf = new Uint32Array(order.length);
    const placeOf = new Float64Array(order.length);
    for (let i = 0; i < order.length; i++) {
      batchOf[i] = batchAt[order[i]!]!;
      placeOf[i] = placeAt[order[i]!]!;
    }
    return { batches: this.batches.map((batch) => batch.order), batchOf, placeOf };
  }
}

function indexOf({ view }: CurrentView, batches: readonly LoadedBatch[], keyCount: number, knownFrom?: (order: string) => number): EventIndex {
  const { timestamp, createdTimestamp, rowId } = view;
  const codes = new Int32Array(batches.reduce((sum, batch) => sum + batch.rowCount, 0));
  let at = 0;
  for (const batch of batches) {
    codes.set(batch.codes, at);
    at += batch.rowCount;
  }
  const numbers = (name: string): Float64Array => (columnOf(batches, name)?.values ?? new Float64Array(0)) as Float64Array;
  const created = createdTimestamp === undefined ? undefined : numbers(createdTimestamp);
  return new EventIndex({
    codes,
    keyCount,
    times: numbers(timestamp),
    created,
    known: knownFrom && knownTimes(batches, created, knownFrom),
    rowId,
    columns: { column: (name) => columnOf(batches, name) },
  });
}

function knownTimes(batches: readonly LoadedBatch[], created: Float64Array | undefined, knownFrom: (order: string) => number): Float64Array {
  const known = Float64Array.from(created ?? new Float64Array(batches.reduce((sum, { rowCount }) => sum + rowCount, 0)).fill(-Infinity));
  let row = 0;
  for (const { order, rowCount } of batches) {
    const from = knownFrom(order);
    for (const end = row + rowCount; row < end; row++) known[row] = Math.max(known[row]!, from);
  }
  return known;
}

function columnOf(batches: readonly LoadedBatch[], name: string): Column | undefined {
  const type = batches.find((batch) => Object.hasOwn(batch.columns, name))?.columns[name]?.type;
  if (type === undefined) return undefined;
  return concatColumns(batches.map((batch) => (Object.hasOwn(batch.columns, name) ? batch.columns[name]! : missingColumn(type, batch.rowCount))));
}
