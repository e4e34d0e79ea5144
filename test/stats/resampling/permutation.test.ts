import { describe, expect, it } from 'vitest';
import { ValidationError } from '../../../src/core/errors.ts';
import { permutationImportance } from '../../../src/stats/resampling/permutation-importance.ts';
import { permutationTest } from '../../../src/stats/resampling/permutation-test.ts';
import { SeededGenerator } from '../../../src/stats/seeded-generator.ts';

const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('permutationTest', () => {
  it('counts all splits where there are few', () => {
    expect(permutationTest([1, 2, 3, 4], [5, 6, 7, 8])).toMatchObject({ statistic: -4, pValue: 2 / 70, method: 'exact', resamples: 70 });
    expect(permutationTest([5, 6], [1, 2, 3], undefined, { alternative: 'greater' }).pValue).toBeCloseTo(1 / 10, 12);
    expect(permutationTest([5, 6], [1, 2, 3], undefined, { alternative: 'less' }).pValue).toBe(1);
  });

  it('counts splits that differ by rounding alone as equal', () => {
    // Every split of equal numbers, whose means differ in the last digit.
    expect(permutationTest([0.1, 0.2, 0.3], [0.3, 0.2, 0.1]).pValue).toBe(1);
    const shifted = (by: number): number => permutationTest([0.1 + by, 0.7 + by, 0.4 + by], [0.2 + by, 0.3 + by, 0.6 + by, 0.5 + by]).pValue;
    const whole = permutationTest([1, 7, 4], [2, 3, 6, 5]).pValue;
    for (const by of [0, 0.1, 1.3, 10.7]) expect(shifted(by)).toBeCloseTo(whole, 12);
  });

  it('agrees with all splits when it draws some', () => {
    const x = [3, 5, 8, 9, 12, 14, 15];
    const y = [1, 2, 4, 6, 7, 10, 11];
    const exact = permutationTest(x, y).pValue;
    const drawn = permutationTest(x, y, undefined, { resamples: 3000 });
    expect(drawn.method).toBe('monte-carlo');
    expect(Math.abs(drawn.pValue - exact)).toBeLessThan(0.03);
    expect(permutationTest(x, y, undefined, { resamples: 3000 })).toEqual(drawn);
  });

  it('never gives 0 when it draws', () => {
    const x = Array.from({ length: 30 }, (_, i) => i);
    const result = permutationTest(x, x.map((value) => value + 1000), undefined, { resamples: 99, alternative: 'less' });
    expect(result.pValue).toBe(0.01);
  });

  it('keeps its level', () => {
    const generator = new SeededGenerator(8);
    let alarms = 0;
    for (let run = 0; run < 400; run++) {
      const draw = (): number => generator.uniform() ** 3;
      const x = Array.from({ length: 8 }, draw);
      const y = Array.from({ length: 25 }, draw);
      if (permutationTest(x, y, undefined, { resamples: 199, seed: run }).pValue <= 0.05) alarms++;
    }
    expect(alarms).toBeLessThan(36);
    expect(alarms).toBeGreaterThan(5);
  });

  it('changes the members of pairs when they belong together', () => {
    const x = [10, 20, 30, 40, 50];
    const y = [9, 18, 27, 36, 45];
    expect(permutationTest(x, y, undefined, { paired: true })).toMatchObject({ pValue: 2 / 32, resamples: 32, method: 'exact' });
    expect(permutationTest(x, y).pValue).toBeGreaterThan(0.5);
    expect(permutationTest([...x, NaN], [...y, 1], undefined, { paired: true })).toMatchObject({ n: 5, dropped: [1, 1] });
    const many = Array.from({ length: 70 }, (_, i) => i % 7);
    expect(permutationTest(many, many.map((value) => value - 1), undefined, { paired: true, resamples: 99 })).toMatchObject({ pValue: 0.02 });
  });

  it('takes any statistic, which may change what it gets', () => {
    const median = (values: Float64Array): number => values.sort()[values.length >> 1]!;
    const result = permutationTest([9, 8, 7, 6, 5], [1, 2, 3, 4, 0], (x, y) => Math.abs(median(x) - median(y)), { alternative: 'greater' });
    expect(result.statistic).toBe(5);
    expect(result.pValue).toBeLessThan(0.05);
  });

  it('has no evidence where there is nothing to compare', () => {
    expect(permutationTest([], [1, 2])).toMatchObject({ statistic: 0, pValue: 1, n: 0 });
    expect(permutationTest([1, NaN], [2], () => NaN)).toMatchObject({ statistic: 0, pValue: 1, dropped: [1, 0] });
    expect(permutationTest([2, 2], [2, 2])).toMatchObject({ statistic: 0, pValue: 1 });
  });

  it('refuses what makes no sense', () => {
    expect(() => permutationTest([1], [2], undefined, { resamples: 0 })).toThrow(ValidationError);
    expect(() => permutationTest([1], [2, 3], undefined, { paired: true })).toThrow(ValidationError);
    expect(() => permutationTest([1], [2], mean, { alternative: 'both' as 'less' })).toThrow(ValidationError);
  });
});

describe('permutationImportance', () => {
  const generator = new SeededGenerator(1);
  const [a, b, c] = [0, 1, 2].map(() => Float64Array.from({ length: 200 }, () => generator.uniform())) as [Float64Array, Float64Array, Float64Array];
  const target = a.map((value, i) => 3 * value + b[i]!);
  const score = ([x, y]: readonly Float64Array[]): number => -mean(target.map((t, i) => (t - 3 * x![i]! - y![i]!) ** 2));

  it('ranks columns by how much the model uses them', async () => {
    const { baseline, columns } = await permutationImportance([a, b, c], score);
    expect(baseline).toBeCloseTo(0, 12);
    expect(columns[0]!.value).toBeGreaterThan(4 * columns[1]!.value);
    expect(columns[1]!.low).toBeGreaterThan(0);
    expect(columns[2]).toMatchObject({ value: 0, low: 0, high: 0, standardDeviation: 0, drops: [0, 0, 0, 0, 0] });
    // Twice the variance of the column's share in the prediction.
    expect(columns[0]!.value).toBeCloseTo((2 * 9) / 12, 0);
  });

  it('waits for promises, and gives the same for the same seed', async () => {
    const later = (columns: readonly Float64Array[]): Promise<number> => Promise.resolve(score(columns));
    expect(await permutationImportance([a, b, c], later)).toEqual(await permutationImportance([a, b, c], score));
    expect(await permutationImportance([a, b, c], score, { seed: 2 })).not.toEqual(await permutationImportance([a, b, c], score));
  });

  it('leaves the columns of the caller as they are', async () => {
    const before = a.slice();
    await permutationImportance([a], (columns) => columns[0]![0]!);
    expect(a).toEqual(before);
  });

  it('ends by its signal', async () => {
    const controller = new AbortController();
    let calls = 0;
    const ending = permutationImportance([a, b], () => (++calls === 3 ? (controller.abort(new Error('enough')), 0) : 0), { signal: controller.signal });
    await expect(ending).rejects.toThrow('enough');
    expect(calls).toBe(3);
  });

  it('has no interval of one repeat, and no columns of none', async () => {
    const { columns } = await permutationImportance([a, b], score, { repeats: 1 });
    expect(columns[0]).toMatchObject({ low: NaN, high: NaN, standardDeviation: NaN });
    expect(await permutationImportance([], () => 4)).toEqual({ baseline: 4, columns: [] });
  });

  it('refuses columns that differ in length and no repeats', async () => {
    await expect(permutationImportance([[1, 2], [1]], () => 0)).rejects.toThrow(ValidationError);
    await expect(permutationImportance([a], () => 0, { repeats: 0 })).rejects.toThrow(ValidationError);
  });
});
