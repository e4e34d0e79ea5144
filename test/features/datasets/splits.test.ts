import fc from 'fast-check';
import { FeatureStore, featureView, MemoryStorage, type SavedDataset, type SplitOptions } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { simulatedClock } from '../simulated-clock.ts';

const T = Date.UTC(2024, 4, 1);
const view = featureView({ name: 'v', entity: ['a', 'b'], timestamp: 'at', features: { x: 'float64' } });

async function make(): Promise<FeatureStore> {
  const store = new FeatureStore({ storage: new MemoryStorage(), clock: simulatedClock(T) });
  await store.apply([view]);
  await store.ingest(view, [{ a: 'p', b: 1, at: T, x: 1 }]);
  return store;
}

type Entity = { readonly a: string | null; readonly b: number; readonly t: number };

const row = fc.record<Entity>({ a: fc.constantFrom('p', 'q', '', '1', null), b: fc.integer({ min: 0, max: 12 }), t: fc.integer({ min: T, max: T + 40 }) });
const twoOrThree = fc.constantFrom<Record<string, number>>({ train: 0.5, test: 0.5 }, { train: 0.6, validation: 0.2, test: 0.2 }, { some: 0.3, others: 0.3 });

const save = (store: FeatureStore, entities: readonly Entity[], splits: SplitOptions) => store.saveDataset('d', { entities, timestamp: 't', features: ['v:x'], splits });

/** The rows of each split, read one by one; those of none under an empty name. */
async function divided(dataset: SavedDataset): Promise<Map<string, Entity[]>> {
  const found = new Map<string, Entity[]>();
  for (const split of dataset.splits!.names) {
    const rows: Entity[] = [];
    for await (const { a, b, t } of dataset.rows({ split })) rows.push({ a, b, t } as Entity);
    found.set(split, rows);
    expect(rows).toHaveLength(dataset.splits!.rows[split]!);
  }
  const assigned = [...found.values()].reduce((sum, rows) => sum + rows.length, 0);
  expect(assigned + dataset.splits!.unassigned).toBe(dataset.rowCount);
  return found;
}

/** Asserts that no two splits share what `of` gives of their rows. */
function expectApart(found: Map<string, Entity[]>, of: (row: Entity) => string): void {
  const seen = new Map<string, string>();
  for (const [split, rows] of found) {
    for (const each of rows) {
      expect(seen.get(of(each)) ?? split).toBe(split);
      seen.set(of(each), split);
    }
  }
}

describe('splits', () => {
  it('by entity or hash share no key, and rows that are added move none', async () => {
    const store = await make();
    const ways = [
      [{ by: 'entity' }, ({ a, b }: Entity) => JSON.stringify([a, b])],
      [{}, ({ a, b }: Entity) => JSON.stringify([a, b])],
      [{ by: 'entity', columns: ['b'] }, ({ b }: Entity) => String(b)],
      [{ by: 'hash', columns: ['a'], salt: 'pepper' }, ({ a }: Entity) => String(a)],
      [{ by: 'hash' }, (each: Entity) => JSON.stringify(each)],
    ] as const;
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 60 }), fc.array(row, { maxLength: 30 }), twoOrThree, fc.constantFrom(...ways), async (first, more, fractions, [way, of]) => {
        const before = await divided(await save(store, first, { ...way, fractions }));
        const after = await divided(await save(store, [...more, ...first], { ...way, fractions }));
        expectApart(before, of);
        expectApart(after, of);
        // Both together are apart, too: what was known is where it was.
        expectApart(new Map([...before].map(([split, rows]) => [split, [...rows, ...after.get(split)!]])), of);
      }),
      { numRuns: 60, seed: 1 },
    );
  });

  it('by time share no moment, come one after the other, and leave the gap free', async () => {
    const store = await make();
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 80 }), twoOrThree, fc.integer({ min: 0, max: 5 }), async (entities, fractions, gap) => {
        const dataset = await save(store, entities, { by: 'time', fractions, gap }).catch((error: Error) => error);
        if (dataset instanceof Error) {
          // Only where a split would be empty.
          expect(dataset.message).toMatch(/no row in the split|would have no row/);
          return;
        }
        const found = [...(await divided(dataset)).values()].map((rows) => rows.map(({ t }) => t));
        for (let i = 1; i < found.length; i++) expect(Math.max(...found[i - 1]!) + gap).toBeLessThan(Math.min(...found[i]!) + (gap === 0 ? 0 : 1));
        if (gap > 0) for (let i = 1; i < found.length; i++) expect(Math.max(...found[i - 1]!) + gap).toBeLessThan(dataset.splits!.ranges![i]!.from!);
        // A share is missed by no more than the rows of the moments at its two ends, where no gap takes rows away.
        if (gap > 0) return;
        const most = Math.max(...entities.map(({ t }) => entities.filter((other) => other.t === t).length));
        found.forEach((times, i) => expect(Math.abs(times.length - Object.values(fractions)[i]! * entities.length)).toBeLessThanOrEqual(most + 1));
      }),
      { numRuns: 100, seed: 2 },
    );
  });

  it('have the shares that were asked for, as near as chance allows', async () => {
    const store = await make();
    const size = 10_000;
    const entities = { a: Array.from({ length: size }, (_, i) => `key ${i}`), b: new Float64Array(size), t: Float64Array.from({ length: size }, (_, i) => T + i) };
    for (const salt of ['', 'a', 'b', 'c']) {
      const fractions = { train: 0.7, validation: 0.2, test: 0.05 };
      const { splits } = await store.saveDataset('shares', { entities, timestamp: 't', features: ['v:x'], splits: { by: 'hash', columns: ['a'], salt, fractions } });
      for (const [name, share] of Object.entries(fractions)) {
        // Five standard deviations of a binomial count: one in two million.
        expect(Math.abs(splits!.rows[name]! - share * size)).toBeLessThan(5 * Math.sqrt(size * share * (1 - share)));
      }
      expect(splits!.unassigned).toBeGreaterThan(0);
    }
    const { splits } = await store.saveDataset('shares', { entities, timestamp: 't', features: ['v:x'], splits: { by: 'time', fractions: { train: 0.7, test: 0.3 }, gap: 100 } });
    expect(splits).toMatchObject({ rows: { train: 6_900, test: 3_000 }, unassigned: 100, ranges: [{ until: T + 6_900 }, { from: T + 7_000 }] });
  });

  it('by salt are different', async () => {
    const store = await make();
    const entities = Array.from({ length: 200 }, (_, i) => ({ a: `k${i}`, b: 1, t: T + i }));
    const of = async (salt: string) => (await divided(await save(store, entities, { fractions: { train: 0.5, test: 0.5 }, salt }))).get('train')!.map(({ a }) => a);
    const [first, again, other] = [await of('x'), await of('x'), await of('y')];
    expect(again).toEqual(first);
    expect(first.filter((each) => other.includes(each)).length).toBeLessThan(90);
  });

  it('by ranges take rows from the start, included, to the end, excluded', async () => {
    const store = await make();
    const entities = Array.from({ length: 10 }, (_, i) => ({ a: 'p', b: i, t: T + i }));
    const dataset = await save(store, entities, { by: 'time', ranges: { test: { from: new Date(T + 6) }, train: { from: T + 1, until: new Date(T + 5).toISOString() } } });
    expect(dataset.splits).toMatchObject({ names: ['train', 'test'], rows: { train: 4, test: 4 }, unassigned: 2 });
    expect((await dataset.read({ split: 'train', columns: ['t'] })).columns['t']).toEqual(Float64Array.of(T + 1, T + 2, T + 3, T + 4));
    const gapped = await save(store, entities, { by: 'time', ranges: { test: { from: T + 6 }, train: { until: T + 6 } }, gap: 3 });
    expect(gapped.splits).toMatchObject({ rows: { train: 3, test: 4 }, unassigned: 3, gap: 3 });
    expect((await save(store, [], { by: 'time', fractions: { train: 0.5, test: 0.5 } })).splits).toMatchObject({ rows: { train: 0, test: 0 }, unassigned: 0 });
    expect((await (await store.getDataset('d')).read({ split: 'test' })).rowCount).toBe(0);
  });

  it('are refused where they cannot be', async () => {
    const store = await make();
    const entities = Array.from({ length: 10 }, (_, i) => ({ a: 'p', b: i, c: i, t: T }));
    const saving = (splits: unknown, features: unknown = ['v:x']) => store.saveDataset('d', { entities, timestamp: 't', features: features as never, splits: splits as SplitOptions });
    const halves = { train: 0.5, test: 0.5 };
    for (const [splits, message] of [
      [7, 'query.splits is 7; give { by, fractions }.'],
      [{}, 'query.splits.fractions is missing'],
      [{ fractions: {} }, 'names 0 splits'],
      [{ fractions: { train: 0.9, test: 0.2 } }, 'add up to 1.1'],
      [{ fractions: { train: 0 } }, 'query.splits.fractions.train must be more than 0'],
      [{ fractions: { train: NaN } }, 'query.splits.fractions.train'],
      [{ fractions: { 1: 0.5, 0: 0.5 } }, 'names a split "0"; begin with a letter'],
      [{ by: 'magic', fractions: halves }, 'query.splits.by must be one of'],
      [{ by: 'hash', fractions: halves, gap: 5 }, 'unknown options: gap'],
      [{ by: 'hash', fractions: halves, columns: ['x'] }, "names the column 'x', which the entities do not have; they have a, b, c, t."],
      [{ by: 'time' }, 'needs either fractions or ranges'],
      [{ by: 'time', fractions: halves, ranges: {} }, 'needs either fractions or ranges'],
      [{ by: 'time', fractions: halves, gap: '-1d' }, 'query.splits.gap is "-1d"'],
      [{ by: 'time', fractions: halves }, "The split 'test' would have no row: the last moment has too many of them"],
      [{ by: 'time', ranges: { a: { until: 5 }, b: { from: 4 } } }, "The splits 'a' and 'b' overlap in time"],
      [{ by: 'time', ranges: { a: {}, b: {} } }, 'overlap in time'],
      [{ by: 'time', ranges: { a: { from: 5, until: 5 } } }, 'ends where it begins or before'],
      [{ by: 'time', ranges: { a: { from: 'soon' } } }, 'query.splits.ranges.a.from is "soon"'],
    ] as const) {
      await expect(saving(splits)).rejects.toThrow(message);
    }
    await expect(saving({ fractions: halves }, ['v:x', { view: 'v', as: 'w', keys: { b: 'c' }, features: ['x'] }])).rejects.toThrow('the views of the query find theirs by different columns: ["a","b"], ["a","c"]');
    expect((await store.listDatasets()).items).toEqual([]);
  });
});
