import { embeddingSize, hasObjects, takeRows, type Column } from '../core/column.ts';
import { computeColumn, isComputed } from './expressions/expression.ts';
import { orderRows, type RowOrder } from './row-order.ts';
import { supersessions } from './row-versions.ts';

/** What an index is made of: rows in the order in which they were ingested. */
export interface IndexInput {
  /** Code of each row's key, -1 for none. @default all rows are of the only key */
  readonly codes?: Int32Array | undefined;
  readonly keyCount: number;
  readonly times: Float64Array;
  /** When each row became known, which orders rows of one moment; absent when that is when it happened. */
  readonly created: Float64Array | undefined;
  /** When each row counts as known, where it is not `created` that decides it. @default created */
  readonly known?: Float64Array | undefined;
  /** The columns that, with key and time, say which row is which. @default every row is one of its own */
  readonly rowId?: readonly string[] | undefined;
  /** When each row was superseded, where that is known already. @default found by `rowId` */
  readonly supersededAt?: Float64Array | undefined;
  readonly columns: IndexColumns;
}

/** The columns of rows. */
export interface IndexColumns {
  /** Column of that name over the same rows; `undefined` when no row has it. */
  column(name: string): Column | undefined;
  /** Puts the numbers of rows from `from` to `to` (excluded) of a column into `into`, where it is one of numbers of which none is missing and that can be done without making it; `false` otherwise. */
  readNumbers?(name: string, from: number, to: number, into: Float64Array): boolean;
}

/** What is made from an index and kept with it. */
export interface Derived {
  /** Bytes held, roughly. */
  readonly byteLength: number;
}

/**
 * Rows by entity and time, in the total order event time, created time, order of ingestion: what training, materialization and serving all read. Columns and
 * what is derived from them are made when first asked for, and kept.
 */
export class EventIndex {
  /** Where the rows of each key begin, with the end of the last as one more. */
  readonly starts: Int32Array;
  /** Row number, as ingested, at each place of the index. */
  readonly order: Int32Array;
  readonly times: Float64Array;
  readonly created: Float64Array | undefined;
  /** Places of rows that became known only after they happened, ascending. */
  readonly late: Int32Array;
  /** When another row took a row's place, `Infinity` for never; absent when none was superseded after it could count. */
  readonly supersededAt: Float64Array | undefined;
  /** Places of rows that were superseded, ascending. */
  readonly superseded: Int32Array;
  /** The longest time between happening and becoming known. */
  readonly maxDelay: number;
  readonly #given: IndexColumns;
  readonly #rowCount: number;
  /** Whether the rows were given in the order of the index, all of them. */
  readonly #isInOrder: boolean;
  // Most indexes of single entities never hold any of these.
  #columns: Map<string, Column | undefined> | undefined;
  /** Columns in the order of ingestion, of which only few places were asked for. */
  #asIngested: Map<string, Column | undefined> | undefined;
  #derived: Map<string, Derived> | undefined;
  #plans: WeakMap<object, unknown> | undefined;

  constructor(input: IndexInput) {
    const rows = orderRows(input.codes, input.keyCount, input.created ? [input.times, input.created] : [input.times]);
    const { order, starts, times, supersededAt } = withoutNeverSeen(rows, input);
    this.order = order;
    this.starts = starts;
    this.#given = input.columns;
    this.#rowCount = input.times.length;
    this.#isInOrder = order.length === this.#rowCount && isIdentity(order);
    this.times = this.#isInOrder ? input.times : times;
    const known = input.known ?? input.created;
    this.created = known && !this.#isInOrder ? gather(known, order) : known;
    this.supersededAt = supersededAt;
    this.superseded = supersededAt ? Int32Array.from(supersededAt.keys()).filter((place) => supersededAt[place]! < Infinity) : noPlaces;
    const { late, maxDelay } = lateRows(this.times, this.created);
    this.late = late;
    this.maxDelay = maxDelay;
  }

  /** A column in the order of the index; `undefined` when no row has it. */
  column(name: string): Column | undefined {
    const columns = (this.#columns ??= new Map<string, Column | undefined>());
    let found = columns.get(name);
    if (found === undefined && !columns.has(name)) columns.set(name, (found = this.#sorted(name)));
    return found;
  }

  /** A column at places, -1 for none; of few places without bringing all of it into the order of the index. */
  at(name: string, places: Int32Array): Column | undefined {
    if (this.#columns?.has(name) !== true && places.length < this.#rowCount / 2 && !isComputed(name)) {
      const columns = (this.#asIngested ??= new Map<string, Column | undefined>());
      if (!columns.has(name)) columns.set(name, this.#given.column(name));
      const column = columns.get(name);
      return column && takeRows(column, places.map((place) => (place < 0 ? -1 : this.order[place]!)));
    }
    const column = this.column(name);
    return column && takeRows(column, places);
  }

  /** A column for one look: it is not kept unless it was before. */
  glance(name: string): Column | undefined {
    return this.#columns?.has(name) ? this.#columns.get(name) : this.#sorted(name);
  }

  /** The rows as they finally are: without those that were superseded, whenever that was. */
  settled(): EventIndex {
    const { supersededAt, created, times } = this;
    if (supersededAt === undefined) return this;
    return this.derived('settled', () => {
      const keyCount = this.starts.length - 1;
      const codes = new Int32Array(times.length);
      for (let key = 0; key < keyCount; key++) codes.fill(key, this.starts[key], this.starts[key + 1]);
      for (const place of this.superseded) codes[place] = -1;
      return new EventIndex({ codes, keyCount, times, created: undefined, known: created, columns: this });
    });
  }

  /** A column in the order of ingestion, as it was given: the row at a place is at {@link EventIndex.order} of it. */
  unsorted(name: string): Column | undefined {
    return isComputed(name) ? computeColumn(name, this.#rowCount, (each) => this.#given.column(each)) : this.#given.column(name);
  }

  /** Puts the numbers at places from `from` to `to` (excluded) of a column into `into`; `false`, with nothing done, where that takes the whole column. */
  readNumbers(name: string, from: number, to: number, into: Float64Array): boolean {
    return this.#isInOrder && this.#given.readNumbers?.(name, from, to, into) === true;
  }

  /** What `make` makes under that name; once, and then again what it made. */
  derived<T extends Derived>(name: string, make: () => T): T {
    let found = this.#derived?.get(name) as T | undefined;
    if (found === undefined) (this.#derived ??= new Map<string, Derived>()).set(name, (found = make()));
    return found;
  }

  /** What `make` made for that very definition the last time, without looking for it by name; it holds only what is derived. */
  planFor<T>(definition: object, make: () => T): T {
    let found = this.planOf(definition) as T | undefined;
    if (found === undefined) this.keepPlan(definition, (found = make()));
    return found;
  }

  /** What was kept for a definition; `undefined` when nothing was. */
  planOf(definition: object): unknown {
    return this.#plans?.get(definition);
  }

  /** Keeps what is made from the index for a definition, as long as there is that one. */
  keepPlan(definition: object, plan: unknown): void {
    (this.#plans ??= new WeakMap()).set(definition, plan);
  }

  /** Bytes of what was made of the rows and is kept with them, where they are few, so that objects weigh more than what is in them. Roughly. */
  get keptBytes(): number {
    if (this.#columns === undefined && this.#asIngested === undefined && this.#derived === undefined) return 0;
    let bytes = ((this.#columns?.size ?? 0) + (this.#asIngested?.size ?? 0)) * objectBytes;
    for (const each of this.#derived?.values() ?? []) bytes += objectBytes + each.byteLength;
    return bytes;
  }

  /** Bytes held, roughly. */
  get byteLength(): number {
    let bytes = this.order.byteLength + this.starts.byteLength + this.times.byteLength * (this.created ? 2 : 1) + this.late.byteLength + this.superseded.byteLength + (this.supersededAt?.byteLength ?? 0);
    for (const column of [...(this.#columns?.values() ?? []), ...(this.#asIngested?.values() ?? [])]) if (column) bytes += columnBytes(column);
    for (const each of this.#derived?.values() ?? []) bytes += each.byteLength;
    return bytes;
  }

  #sorted(name: string): Column | undefined {
    if (isComputed(name)) return computeColumn(name, this.times.length, (each) => this.glance(each));
    const column = this.#given.column(name);
    return column && (this.#isInOrder ? column : takeRows(column, this.order));
  }
}

/** What the objects of a column or of what is derived take in memory. */
const objectBytes = 900;

/** Bytes that the values of a column take, roughly. */
export function columnBytes(column: Column): number {
  return hasObjects(column) ? column.values.length * (64 + 4 * (embeddingSize(column.type) ?? 0)) : column.values.byteLength;
}

function isIdentity(order: Int32Array): boolean {
  for (let place = 0; place < order.length; place++) if (order[place] !== place) return false;
  return true;
}

const noPlaces: Int32Array = /* @__PURE__ */ new Int32Array(0);

function lateRows(times: Float64Array, created: Float64Array | undefined): { late: Int32Array; maxDelay: number } {
  let count = 0;
  let maxDelay = 0;
  let late = noPlaces;
  for (let i = 0; i < (created?.length ?? 0); i++) {
    const delay = created![i]! - times[i]!;
    if (!(delay > 0)) continue;
    if (count === 0) late = new Int32Array(created!.length);
    late[count++] = i;
    if (delay > maxDelay) maxDelay = delay;
  }
  return { late: late.length === count ? late : late.slice(0, count), maxDelay };
}

function gather(values: Float64Array, order: Int32Array): Float64Array {
  const out = new Float64Array(order.length);
  for (let i = 0; i < order.length; i++) out[i] = values[order[i]!]!;
  return out;
}

interface SeenRows extends RowOrder {
  readonly supersededAt: Float64Array | undefined;
}

/** Leaves out the rows that no moment sees: those that another had replaced by the time that they happened and were known. */
function withoutNeverSeen(rows: RowOrder, input: IndexInput): SeenRows {
  const { order, starts, times } = rows;
  const known = input.known ?? input.created;
  const supersededAt = input.supersededAt ? gather(input.supersededAt, order) : input.rowId && supersessions(rows, { times: input.times, known, columns: input.columns }, input.rowId);
  if (supersededAt === undefined) return { order, starts, times, supersededAt };
  const kept = new Int32Array(order.length);
  const keptStarts = new Int32Array(starts.length);
  let count = 0;
  for (let key = 0; key < starts.length - 1; key++) {
    for (let place = starts[key]!; place < starts[key + 1]!; place++) {
      if (supersededAt[place]! > Math.max(times[place]!, known?.[order[place]!] ?? -Infinity)) kept[count++] = place;
    }
    keptStarts[key + 1] = count;
  }
  const places = kept.subarray(0, count);
  const left = gather(supersededAt, places);
  return { order: Int32Array.from(places, (place) => order[place]!), starts: keptStarts, times: gather(times, places), supersededAt: left.some((at) => at < Infinity) ? left : undefined };
}
