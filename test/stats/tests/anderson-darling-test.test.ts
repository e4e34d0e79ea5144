import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SortedSample } from '../../../src/stats/samples/sorted-sample.ts';
import { SeededGenerator } from '../../../src/stats/seeded-generator.ts';
import { andersonDarlingKSampleTest } from '../../../src/stats/tests/anderson-darling-test.ts';
import { expectClose } from '../golden/golden-file.ts';
import { allSplits, midranks } from './all-splits.ts';

const sample = fc.array(fc.integer({ min: 0, max: 8 }), { minLength: 2, maxLength: 12 });

/** The standardised statistic, term by term as eq. 7 and 4 of the paper write it. */
function byDefinition(samples: readonly (readonly number[])[]): number {
  const pooled = samples.flat();
  const N = pooled.length;
  const k = samples.length;
  let sum = 0;
  for (const own of samples) {
    let inner = 0;
    for (const z of new Set(pooled)) {
      const l = pooled.filter((value) => value === z).length;
      const B = pooled.filter((value) => value < z).length + l / 2;
      const M = own.filter((value) => value < z).length + own.filter((value) => value === z).length / 2;
      inner += ((l / N) * (N * M - B * own.length) ** 2) / (B * (N - B) - (N * l) / 4);
    }
    sum += inner / own.length;
  }
  let h = 0;
  for (let i = 1; i < N; i++) h += 1 / i;
  let g = 0;
  for (let i = 1; i <= N - 2; i++) for (let j = i + 1; j < N; j++) g += 1 / ((N - i) * j);
  const H = samples.reduce((total, own) => total + 1 / own.length, 0);
  const a = (4 * g - 6) * (k - 1) + (10 - 6 * g) * H;
  const b = (2 * g - 4) * k ** 2 + 8 * h * k + (2 * g - 14 * h - 4) * H - 8 * h + 4 * g - 6;
  const c = (6 * h + 2 * g - 2) * k ** 2 + (4 * h - 4 * g + 6) * k + (2 * h - 6) * H + 4 * h;
  const d = (2 * h + 6) * k ** 2 - 4 * h * k;
  const variance = (a * N ** 3 + b * N ** 2 + c * N + d) / ((N - 1) * (N - 2) * (N - 3));
  return ((sum * (N - 1)) / N - (k - 1)) / Math.sqrt(variance);
}

describe('andersonDarlingKSampleTest', () => {
  it('has the statistic of the definition, for any number of samples and ties', () => {
    fc.assert(
      fc.property(fc.array(sample, { minLength: 2, maxLength: 5 }), (samples) => {
        fc.pre(new Set(samples.flat()).size > 1);
        const { statistic, sizes } = andersonDarlingKSampleTest(samples);
        expectClose(statistic, byDefinition(samples), { rtol: 1e-10, atol: 1e-10 });
        expect(sizes).toEqual(samples.map((values) => values.length));
      }),
    );
  });

  it('does not ask in which order the samples come, nor what increasing scale the values are on', () => {
    fc.assert(
      fc.property(fc.array(sample, { minLength: 2, maxLength: 4 }), (samples) => {
        const found = andersonDarlingKSampleTest(samples);
        expectClose(andersonDarlingKSampleTest(samples.toReversed()).statistic, found.statistic, { rtol: 1e-10, atol: 1e-12 });
        const ranks = midranks(samples.flat());
        expect(andersonDarlingKSampleTest(samples.map((values) => values.map(() => ranks.shift()!)))).toEqual(found);
      }),
      { numRuns: 50 },
    );
  });

  it('holds the p-value within the table, and says at which end', () => {
    const near = andersonDarlingKSampleTest([[1, 3, 5, 7, 9], [2, 4, 6, 8, 10]]);
    expect(near).toMatchObject({ pValue: 0.25, pValueBound: 'ceiling', method: 'table' });
    const far = andersonDarlingKSampleTest([Array.from({ length: 30 }, (_, i) => i), Array.from({ length: 30 }, (_, i) => 100 + i)]);
    expect(far).toMatchObject({ pValue: 0.001, pValueBound: 'floor' });
    // Published for two samples: the 5 % point is 1.961.
    expectClose(far.criticalValues[2]!, 1.961, { rtol: 1e-12 });
    expect(far.criticalValues).toHaveLength(7);
  });

  it('has a permutation p-value near the share of all splits, the same for one seed', () => {
    const x = [1, 2, 2, 5, 7, 9];
    const y = [3, 5, 8, 8, 11, 12];
    const { statistic, pValue, method } = andersonDarlingKSampleTest([x, y], { resamples: 4000, seed: 3 });
    const all = allSplits([...x, ...y], 6).map((split) => andersonDarlingKSampleTest(split).statistic);
    const exact = all.filter((other) => other >= statistic - 1e-9).length / all.length;
    expect(method).toBe('permutation');
    expect(Math.abs(pValue - exact)).toBeLessThan(4 * Math.sqrt((exact * (1 - exact)) / 4000));
    expect(andersonDarlingKSampleTest([x, y], { resamples: 4000, seed: 3 }).pValue).toBe(pValue);
    const apart = [Array.from({ length: 30 }, (_, i) => i), Array.from({ length: 30 }, (_, i) => 100 + i)];
    expect(andersonDarlingKSampleTest(apart, { resamples: 999 }).pValue).toBe(0.001);
  });

  it('rejects as often as it says where the samples come from one distribution', () => {
    const generator = new SeededGenerator(11);
    const draw = (n: number): number[] => Array.from({ length: n }, () => generator.uniform() + generator.uniform());
    let rejected = 0;
    for (let round = 0; round < 1000; round++) if (andersonDarlingKSampleTest([draw(20), draw(30), draw(25)]).pValue < 0.05) rejected++;
    expect(rejected).toBeGreaterThan(30);
    expect(rejected).toBeLessThan(72);
  });

  it('takes infinities and prepared samples, leaves out what is no number, and answers for what is empty or constant', () => {
    const found = andersonDarlingKSampleTest([[-Infinity, 1, NaN, Infinity], [null as never, 0, 2], []]);
    expect(found).toMatchObject({ sizes: [3, 2, 0], dropped: [1, 1, 0] });
    expect(andersonDarlingKSampleTest([SortedSample.of([-Infinity, 1, NaN, Infinity]), SortedSample.of([NaN, 0, 2]), []])).toEqual(found);
    expect(found.statistic).toBe(andersonDarlingKSampleTest([[-Infinity, 1, Infinity], [0, 2]]).statistic);
    for (const samples of [[[], []], [[1, 2, 3], []], [[5, 5, 5], [5, 5]], [[1], [2, 3]]]) {
      for (const options of [{}, { resamples: 10 }]) {
        expect(andersonDarlingKSampleTest(samples, options)).toMatchObject({ statistic: 0, pValue: 1, pValueBound: 'none', criticalValues: [] });
      }
    }
  });

  it('refuses a single sample and options out of range', () => {
    expect(() => andersonDarlingKSampleTest([[1, 2, 3]])).toThrow(/at least two samples/);
    for (const samples of [null, 7, {}, 'ab']) expect(() => andersonDarlingKSampleTest(samples as never)).toThrow(/samples is .* a list of at least two/);
    expect(() => andersonDarlingKSampleTest([[1], [2]], { resamples: 0 })).toThrow(/resamples is 0/);
    expect(() => andersonDarlingKSampleTest([[1], [2]], { resamples: 9, seed: -1 })).toThrow(/seed is -1/);
  });
});
