import type { Column } from '../../core/column.ts';
import type { Table } from '../../core/table.ts';
import { addExactly } from './exact-parts.ts';

/** What is known of the rows of one tile, of one category where they are told apart. */
export interface TileTotal {
  readonly spec: number;
  readonly start: number;
  readonly category: string | null;
  /** How many rows there were. */
  seen: number;
  /** How many of them count. */
  counted: number;
  /** Parts of the exact sum of the column. */
  readonly sum: number[];
  /** Parts of the exact sum of the column that a ratio divides by. */
  readonly divisor: number[];
}

/** Totals of tiles, by specification, beginning and category. */
export class TileTotals {
  readonly #totals = new Map<string, TileTotal>();

  /** The total of a tile, which is empty before the first time. */
  of(spec: number, start: number, category: string | null): TileTotal {
    const key = `${spec} ${start} ${category === null ? '' : `=${category}`}`;
    let found = this.#totals.get(key);
    if (found === undefined) this.#totals.set(key, (found = { spec, start, category, seen: 0, counted: 0, sum: [], divisor: [] }));
    return found;
  }

  all(): TileTotal[] {
    return [...this.#totals.values()];
  }
}

/**
 * Totals as a table: `s` specification, `t` beginning, `k` category, `n` rows, `c` rows that count, `x` and `y` a part of each sum. What belongs to one tile is added up, so that more parts are more rows.
 */
export function totalsTable(totals: readonly TileTotal[]): Table {
  const rows = totals.flatMap((each) => Array.from({ length: Math.max(1, each.sum.length, each.divisor.length) }, (_, i) => ({ each, i })));
  const numbers = (of: (each: TileTotal, i: number) => number): Column => ({ type: 'float64', values: Float64Array.from(rows, ({ each, i }) => of(each, i)) });
  const dictionary = [...new Set(rows.flatMap(({ each }) => each.category ?? []))];
  const codes = new Map(dictionary.map((text, code) => [text, code]));
  return {
    rowCount: rows.length,
    columns: {
      s: numbers(({ spec }) => spec),
      t: numbers(({ start }) => start),
      k: { type: 'string', values: Uint32Array.from(rows, ({ each }) => codes.get(each.category ?? '') ?? 0), dictionary, valid: Uint8Array.from(rows, ({ each }) => (each.category === null ? 0 : 1)) },
      n: numbers(({ seen }, i) => (i === 0 ? seen : 0)),
      c: numbers(({ counted }, i) => (i === 0 ? counted : 0)),
      x: numbers(({ sum }, i) => sum[i] ?? 0),
      y: numbers(({ divisor }, i) => divisor[i] ?? 0),
    },
  };
}

/** The totals of a table that {@link totalsTable} made, those that `keep` lets pass. */
export function totalsOfTable({ rowCount, columns }: Table, keep: (spec: number, start: number) => boolean): TileTotals {
  const totals = new TileTotals();
  const [s, t, n, c, x, y] = ['s', 't', 'n', 'c', 'x', 'y'].map((name) => columns[name]!.values as Float64Array) as [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array, Float64Array];
  const k = columns['k'] as Extract<Column, { type: 'string' }>;
  for (let i = 0; i < rowCount; i++) {
    if (!keep(s[i]!, t[i]!)) continue;
    const total = totals.of(s[i]!, t[i]!, k.valid?.[i] === 0 ? null : k.dictionary[k.values[i]!]!);
    total.seen += n[i]!;
    total.counted += c[i]!;
    addExactly(total.sum, x[i]!);
    addExactly(total.divisor, y[i]!);
  }
  return totals;
}
