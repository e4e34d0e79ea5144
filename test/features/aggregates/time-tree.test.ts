import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CountedRows } from '../../../src/features/aggregates/counted-rows.ts';
import { TimeTree } from '../../../src/features/aggregates/time-tree.ts';

/** A tree whose states spell out how they were made. */
function treeOf(rows: readonly { readonly at: number; readonly name: number }[]): TimeTree<string> {
  return new TimeTree<string>(
    new CountedRows(rows.length, undefined),
    Float64Array.from(rows, ({ at }) => at),
    { blockRows: 2, fold: (from, to, hidden) => rows.slice(from, to).filter((_, i) => !hidden.includes(from + i)).map(({ name }) => name).join(' '), merge: (earlier, later) => `(${earlier} | ${later})` },
    8,
  );
}

it('states depend on nothing but the rows that a window sees', () => {
  const times = fc.array(fc.oneof(fc.integer({ min: -40, max: 40 }), fc.integer({ min: -40, max: 40 }).map((n) => n + 0.5), fc.integer({ min: -(2 ** 50), max: 2 ** 50 })), { minLength: 1, maxLength: 40 });
  const queries = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.array(fc.nat(39), { maxLength: 3 })), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(times, fc.nat(), queries, (given, cut, asked) => {
      const rows = [...given].sort((a, b) => a - b).map((at, name) => ({ at, name }));
      // Two keys share the tree: the second begins in time wherever it will.
      const second = cut % (rows.length + 1);
      const all = [...rows.slice(second), ...rows.slice(0, second)];
      const border = rows.length - second;
      const tree = treeOf(all);
      for (const [i, [a, b, hide]] of asked.entries()) {
        const [start, end] = i % 2 === 0 ? [0, border] : [border, rows.length];
        const size = end - start + 1;
        const [from, to] = [start + (a % size), start + (b % size)].sort((x, y) => x - y) as [number, number];
        const hidden = [...new Set(hide)].filter((row) => row >= from && row < to).sort((x, y) => x - y);
        const visible = all.slice(from, to).filter((_, row) => !hidden.includes(from + row));
        const state = tree.stateOf(from, to, start, end, hidden);
        expect(state?.match(/\d+/g) ?? []).toEqual(visible.map(({ name }) => String(name)));
        expect(state).toBe(treeOf(visible).stateOf(0, visible.length, 0, visible.length, []));
      }
    }),
    { numRuns: 3000 },
  );
});
