import { describe, expect, it } from 'vitest';
import { MemoryStorage, Tracker, type DatasetContents, type DatasetColumnProfile } from 'modelkeep';
import { SeededGenerator } from '../../src/stats/seeded-generator.ts';
import { keys } from '../../src/tracking/tracking-keys.ts';

async function profileOf(contents: DatasetContents & { types?: Record<string, 'int64' | 'timestamp' | 'float64' | 'string'> }): Promise<Readonly<Record<string, DatasetColumnProfile>>> {
  const tracker = new Tracker({ storage: new MemoryStorage() });
  const run = await tracker.startRun({ experiment: 'e' });
  const logged = await run.logDataset({ name: 'd', role: 'training', ...contents });
  const [read] = await tracker.datasets(run.id);
  expect(read).toEqual(logged);
  return read!.profile!;
}

describe('the profile of a dataset', () => {
  it('says of numbers what is missing, is no number, lies where and how far apart', async () => {
    const { x, n, at } = await profileOf({
      columns: { x: [1, null, NaN, 3, Infinity, 2, 4], n: [1n, 2n, null, 3n, 4n, null, 10n], at: [new Date(0), null, new Date(1_000), new Date(2_000), null, null, null] },
    });
    expect(x).toEqual({ missing: 1, numbers: { nan: 1, infinite: 1, min: 1, max: 4, mean: 2.5, standardDeviation: Math.sqrt(5 / 3), quantiles: [1.15, 1.75, 2.5, 3.25, 3.8499999999999996] } });
    expect(n).toMatchObject({ missing: 2, numbers: { nan: 0, infinite: 0, min: 1, max: 10, mean: 4 } });
    expect(at).toMatchObject({ missing: 4, numbers: { nan: 0, min: 0, max: 2_000, mean: 1_000 } });
  });

  it('says of texts how many differ and, if they are categories, which are frequent', async () => {
    const many = Array.from({ length: 150 }, (_, i) => `person ${i}`);
    const { kind, name, long } = await profileOf({
      columns: { kind: many.map((_, i) => (i < 3 ? null : i % 3 === 0 ? 'b' : 'a')), name: many, long: many.map(() => `${'x'.repeat(99)}😀 and more`) },
    });
    expect(kind).toEqual({ missing: 3, texts: { distinct: 2, top: [{ value: 'a', count: 98 }, { value: 'b', count: 49 }], minLength: 1, maxLength: 1 } });
    expect(name).toEqual({ missing: 0, texts: { distinct: 150, top: [], minLength: 8, maxLength: 10 } });
    expect(long!.texts!.top).toEqual([{ value: 'x'.repeat(99), count: 150 }]);
  });

  it('is there for columns without a value, truth values and plain data', async () => {
    const { none, flag, data, text } = await profileOf({
      columns: { none: [null, null], flag: [true, null], data: [{ a: 1 }, null], text: [null, null] },
      types: { text: 'string' },
    });
    expect(none).toEqual({ missing: 2, numbers: { nan: 0, infinite: 0, min: NaN, max: NaN, mean: NaN, standardDeviation: NaN, quantiles: [NaN, NaN, NaN, NaN, NaN] } });
    expect(flag).toEqual({ missing: 1, trues: 1 });
    expect(data).toEqual({ missing: 1 });
    expect(text).toEqual({ missing: 2, texts: { distinct: 0, top: [], minLength: 0, maxLength: 0 } });
    expect(await profileOf({ rows: [] })).toEqual({});
  });

  it('takes the quantiles of many rows from a hundred thousand of them', async () => {
    const random = new SeededGenerator(7);
    const x = Float64Array.from({ length: 350_000 }, () => random.uniform());
    const { numbers } = (await profileOf({ columns: { x } }))['x']!;
    for (const [i, q] of [0.05, 0.25, 0.5, 0.75, 0.95].entries()) expect(Math.abs(numbers!.quantiles[i]! - q)).toBeLessThan(0.006);
    expect(numbers!.mean).toBeCloseTo(x.reduce((sum, value) => sum + value, 0) / x.length, 12);
  });

  it('is left out where it is not wanted, and its damage is told and hides nothing', async () => {
    const storage = new MemoryStorage();
    const errors: unknown[] = [];
    const tracker = new Tracker({ storage, onError: (error) => errors.push(error) });
    const run = await tracker.startRun({ experiment: 'e' });
    expect(await run.logDataset({ name: 'plain', role: 'test', rows: [{ x: 1 }], profile: false })).not.toHaveProperty('profile');
    const whole = await run.logDataset({ name: 'whole', role: 'test', rows: [{ x: 1 }] });
    await expect(run.logDataset({ name: 'a', role: 'test', rows: [], profile: 'yes' as never })).rejects.toMatchObject({ code: 'validation' });
    await storage.write([{ kind: 'put', key: keys.datasetProfile(run.id, whole), bytes: new Uint8Array([1]) }]);
    expect((await tracker.datasets(run.id)).map(({ name, profile }) => [name, profile])).toEqual([['plain', undefined], ['whole', undefined]]);
    expect(errors).toEqual([expect.objectContaining({ code: 'integrity' })]);
  });
});
