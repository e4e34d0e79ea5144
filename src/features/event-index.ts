import { embeddingSize, hasObjects, takeRows, type Column } from '../core/column.ts';
import type { AggregateDefinition } from './aggregate.ts';
import { matchingRows } from './definitions/condition.ts';
import { ExactSums } from './exact-sum.ts';
import { orderRows } from './row-order.ts';

/** What an index is made of: rows in the order in which they were ingested. */
export interface IndexInput {
  /** Code of each row's key, -1 for none. */
  readonly codes: Int32Array;
  readonly keyCount: number;
  readonly times: Float64Array;
  /** When each row became known; absent when that is when it happened. */
  readonly created: Float64Array | undefined;
  /** Column of that name over the same rows; `undefined` when no row has it. */
  readonly column: (name: string) => Column | undefined;
}

/** What counts towards an aggregate, up to each row. */
export interface Accumulation {
  /** Rows that count, up to and without each row; absent when every row does. */
  readonly counts: Uint32Array | undefined;
  /** 1 where a row counts; absent when every row does. */
  readonly included: Uint8Array | undefined;
  readonly sums: ExactSums | undefined;
}

/**
 * Rows by entity and time, in the total order event time, created time, order of ingestion: what training, materialization and serving all read. Columns and
 * running totals are made when first asked for, and kept.
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
  /** The longest time between happening and becoming known. */
  readonly maxDelay: number;
  readonly #column: (name: string) => Column | undefined;
  readonly #columns = new Map<string, Column | undefined>();
  readonly #accumulations = new Map<string, Accumulation>();

  constructor(input: IndexInput) {
    const sortedBy = input.created ? [input.times, input.created] : [input.times];
    const { order, starts } = orderRows(input.codes, input.keyCount, sortedBy);
    this.order = order;
    this.starts = starts;
    this.times = gather(input.times, order);
    this.created = input.created && gather(input.created, order);
    this.#column = input.column;
    let count = 0;
    let maxDelay = 0;
    const late = new Int32Array(this.created?.length ?? 0);
    for (let i = 0; i < late.length; i++) {
      const delay = this.created![i]! - this.times[i]!;
      if (delay > 0) late[count++] = i;
      if (delay > maxDelay) maxDelay = delay;
    }
    this.late = late.slice(0, count);
    this.maxDelay = maxDelay;
  }

  /** A column in the order of the index; `undefined` when no row has it. */
  column(name: string): Column | undefined {
    if (!this.#columns.has(name)) this.#columns.set(name, this.#sorted(name));
    return this.#columns.get(name);
  }

  /** Running totals for an aggregate; aggregates over the same column and condition share them. */
  accumulation(definition: AggregateDefinition): Accumulation {
    const summed = definition.function === 'count' ? undefined : definition.column!;
    const key = JSON.stringify([summed ?? null, definition.where ?? null], (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
    let found = this.#accumulations.get(key);
    if (found === undefined) this.#accumulations.set(key, (found = this.#accumulate(summed, definition)));
    return found;
  }

  /** Bytes held, roughly. */
  get byteLength(): number {
    let bytes = this.order.byteLength + this.starts.byteLength + this.times.byteLength * (this.created ? 2 : 1) + this.late.byteLength;
    for (const column of this.#columns.values()) if (column) bytes += hasObjects(column) ? column.values.length * (64 + 4 * (embeddingSize(column.type) ?? 0)) : column.values.byteLength;
    return bytes + this.#accumulations.size * this.times.byteLength * 1.5;
  }

  #sorted(name: string): Column | undefined {
    const column = this.#column(name);
    return column && takeRows(column, this.order);
  }

  #accumulate(summed: string | undefined, definition: AggregateDefinition): Accumulation {
    const size = this.times.length;
    const column = summed === undefined ? undefined : (this.#columns.get(summed) ?? this.#sorted(summed));
    let included: Uint8Array | undefined;
    if (definition.where) {
      const tested: Record<string, Column> = {};
      for (const name of Object.keys(definition.where)) {
        const found = name === summed ? column : this.#sorted(name);
        if (found) tested[name] = found;
      }
      included = matchingRows(definition.where, tested, size);
    }
    if (summed !== undefined) {
      if (column === undefined) included = new Uint8Array(size);
      else if (column.valid) included = included ? bothOf(included, column.valid) : column.valid;
    }
    let counts: Uint32Array | undefined;
    if (included) {
      counts = new Uint32Array(size + 1);
      for (let i = 0; i < size; i++) counts[i + 1] = counts[i]! + included[i]!;
    }
    return { counts, included, sums: column?.type === 'float64' ? new ExactSums(column.values, included) : undefined };
  }
}

function gather(values: Float64Array, order: Int32Array): Float64Array {
  const out = new Float64Array(order.length);
  for (let i = 0; i < order.length; i++) out[i] = values[order[i]!]!;
  return out;
}

function bothOf(a: Uint8Array, b: Uint8Array): Uint8Array {
  for (let i = 0; i < a.length; i++) a[i]! &= b[i]!;
  return a;
}
