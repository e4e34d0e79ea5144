import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ColumnValue } from '../../../src/stats/compatibility/column.ts';
import { evidently } from '../../../src/stats/compatibility/evidently.ts';
import { SeededGenerator } from '../../../src/stats/seeded-generator.ts';
import { expectClose } from '../golden/golden-file.ts';

const binned = ['psi', 'jensenShannon', 'klDivergence', 'hellinger'] as const;
const numeric = ['wasserstein', 'energy', 'ks', 'cramerVonMises', 'anderson', 'mannWhitney', 'studentT', 'eppsSingleton'] as const;
const categorical = ['chiSquare', 'gTest', 'z', 'fisherExact', 'totalVariation'] as const;
const all = [...binned, ...numeric, ...categorical];

const draw = (n: number, seed: number, shift = 0): number[] => {
  const generator = new SeededGenerator(seed);
  return Array.from({ length: n }, () => generator.uniform() + generator.uniform() + generator.uniform() + shift);
};
const repeated = (counts: Readonly<Record<string, number>>): string[] => Object.entries(counts).flatMap(([key, count]) => new Array<string>(count).fill(key));

const values = fc.array(
  fc.oneof<fc.Arbitrary<ColumnValue>[]>(fc.double(), fc.integer({ min: 0, max: 3 }), fc.constantFrom('a', 'b', '', true, false), fc.constantFrom(null, undefined, NaN, Infinity)),
  { maxLength: 40 },
);

describe.each(all)('evidently.%s', (name) => {
  it('gives a verdict that is its score against its threshold, on any data', () => {
    fc.assert(
      fc.property(values, values, (reference, current) => {
        const { score, threshold, drift } = evidently[name](reference, current);
        expect(score >= 0 || Number.isNaN(score), `score ${score}`).toBe(true);
        if (score !== threshold) expect(drift).toBe(['psi', 'jensenShannon', 'klDivergence', 'hellinger', 'wasserstein', 'energy'].includes(name) ? score > threshold : score < threshold);
      }),
      { numRuns: 60 },
    );
  });

  it('knows nothing of an empty side', () => {
    for (const empty of [[], [NaN, null, undefined, -Infinity]]) {
      expect(evidently[name]([1, 2, 3], empty)).toMatchObject({ score: NaN, drift: false });
      expect(evidently[name](empty, [1, 2, 3])).toMatchObject({ score: NaN, drift: false });
    }
  });

  it('leaves out what is missing, takes a threshold, and refuses one that is none', () => {
    const reference = [0, 1, 1, 0, 1, 0, 0, 1, 1, 1];
    const current = [1, 1, 1, 1, 0, 1, 1, 1, 1, 1];
    const found = evidently[name](reference, current);
    expect(evidently[name]([NaN, ...reference, null], [...current, Infinity])).toEqual(found);
    expect(evidently[name](reference, current, { threshold: 0.9 })).toMatchObject({ score: found.score, threshold: 0.9 });
    expect(() => evidently[name](reference, current, { threshold: -1 })).toThrow(/threshold is -1/);
  });
});

describe('the bins', () => {
  it('are one per value up to 20 different numbers of the reference, and of equal width from 21 on', () => {
    const reference = (different: number): number[] => Array.from({ length: 210 }, (_, i) => (i % different) ** 2);
    for (const name of ['psi', 'jensenShannon', 'klDivergence'] as const) {
      const few = reference(20);
      expect(evidently[name](few, few.map((value) => Math.exp(value / 100))).score).toBe(evidently[name](few.map(String), few.map((value) => String(Math.exp(value / 100)))).score);
      const many = reference(21);
      expect(evidently[name](many, few, { kind: 'num' }).score).not.toBe(evidently[name](many, few, { kind: 'cat' }).score);
    }
    expect(() => evidently.psi([1], [1], { kind: 'text' as 'num' })).toThrow(/kind is "text"/);
  });

  it('are filled where they are empty: with 0.0001, or with a millionth of the smallest share where that is no more', () => {
    const psiOf = (r: readonly number[], c: readonly number[]): number => r.reduce((sum, share, i) => sum + (share - c[i]!) * Math.log(share / c[i]!), 0);
    expectClose(evidently.psi(repeated({ a: 50, b: 50 }), repeated({ a: 100 })).score, psiOf([0.5, 0.5], [1, 1e-4]), { rtol: 1e-12 });
    const rare = repeated({ a: 9999, b: 1 });
    expectClose(evidently.psi(rare, repeated({ a: 9000, c: 1000 })).score, psiOf([0.9999, 1e-4, 1e-10], [0.9, 1e-4, 0.1]), { rtol: 1e-12 });
    // §2.4 of the notes: the same data have 0.71 with Evidently's rule.
    expect(evidently.psi(repeated({ a: 50, b: 30, c: 20 }), repeated({ a: 40, b: 30, c: 20, d: 10 })).score).toBeCloseTo(0.7124, 4);
  });

  it('do not care in which order the rows are', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 30, maxLength: 80 }), fc.array(fc.integer({ min: 0, max: 45 }), { minLength: 5, maxLength: 80 }), (reference, current) => {
        for (const name of binned) {
          const { score } = evidently[name](reference, current);
          expectClose(evidently[name](reference.toReversed(), Float64Array.from(current).sort()).score, score, { rtol: 1e-12, atol: 1e-15 });
        }
      }),
    );
  });
});

describe('what the published rules are blind to stays so', () => {
  it('mannWhitney misses every fall', () => {
    expect(evidently.mannWhitney(draw(300, 1), draw(300, 2, 1)).drift).toBe(true);
    expect(evidently.mannWhitney(draw(300, 1), draw(300, 2, -1)).score).toBeGreaterThan(0.999);
  });

  it('chiSquare cries wolf, and knows nothing of one category', () => {
    const generator = new SeededGenerator(9);
    const column = (): number[] => Array.from({ length: 1000 }, () => generator.below(10));
    let alarms = 0;
    for (let trial = 0; trial < 100; trial++) if (evidently.chiSquare(column(), column()).drift) alarms++;
    expect(alarms).toBeGreaterThan(30);
    expect(evidently.chiSquare(['a', 'a'], ['a'])).toMatchObject({ score: NaN, drift: false });
    expect(evidently.chiSquare(['a', 'a'], ['a', 'b'])).toMatchObject({ score: 0, drift: true });
    expect(evidently.z(['a', 'a'], ['a']).score).toBe(1);
  });

  it('gTest and fisherExact want sides of one size', () => {
    expect(evidently.gTest([1, 2, 1], [1, 2]).score).toBeNaN();
    expect(evidently.fisherExact([1, 2, 1], [1, 2]).score).toBeNaN();
    expect(evidently.fisherExact([1, 2, 1], [1, 2, 3]).score).toBeNaN();
    expect(evidently.fisherExact([1, 1], [1, 1]).score).toBe(1);
  });
});

describe('totalVariation', () => {
  it('is the share of random splits that are as far apart: uniform where nothing changed, small where much did, and the same for one seed', () => {
    const reference = repeated({ a: 30, b: 30, c: 30 });
    expect(evidently.totalVariation(reference, repeated({ a: 60, b: 5, c: 5 })).score).toBeLessThan(0.01);
    expect(evidently.totalVariation(reference, repeated({ a: 10, b: 10, c: 10 })).score).toBe(1);
    const current = repeated({ a: 25, b: 15, c: 20 });
    const found = evidently.totalVariation(reference, current, { seed: 3 });
    expect(evidently.totalVariation(reference, current, { seed: 3 })).toEqual(found);
    const other = evidently.totalVariation(reference, current, { seed: 4, resamples: 5000 });
    expect(Math.abs(other.score - found.score)).toBeLessThan(0.06);
  });

  it('agrees with all splits of a small table', () => {
    // Of the 20 ways to give three of six values (a a a b b b) to one side, 2 are as far apart as a a a | b b b.
    expect(evidently.totalVariation(['a', 'a', 'a'], ['b', 'b', 'b'], { resamples: 20_000 }).score).toBeCloseTo(0.1, 1.7);
  });
});

describe('columnDrift', () => {
  it('runs the test that is chosen, which changes at row 1001', () => {
    const reference = draw(1001, 5);
    const current = draw(400, 6, 0.05);
    expect(evidently.columnDrift(reference, current)).toEqual({ test: 'wasserstein', ...evidently.wasserstein(reference, current) });
    expect(evidently.columnDrift([...reference.slice(1), NaN], current)).toEqual({ test: 'ks', ...evidently.ks(reference.slice(1), current) });
    expect(evidently.columnDrift(['a', 'b', 'c'], ['a'])).toMatchObject({ test: 'chisquare' });
    expect(evidently.columnDrift([0, 1, 1], [1, 0, 0])).toEqual({ test: 'z', ...evidently.z([0, 1, 1], [1, 0, 0]) });
    expect(evidently.columnDrift(new Array(1001).fill('a'), ['b'])).toMatchObject({ test: 'jensenshannon', drift: true });
    expect(evidently.columnDrift([1, 2, 3, 4, 5, 6], [1, 2], { kind: 'cat' })).toMatchObject({ test: 'chisquare' });
    expect(evidently.columnDrift([], [])).toMatchObject({ score: NaN, drift: false });
  });
});

describe('datasetDrift', () => {
  it('counts columns, and knows nothing without any', () => {
    expect(evidently.datasetDrift([true, false])).toEqual({ driftedShare: 0.5, drift: true });
    expect(evidently.datasetDrift([true, false, false, false])).toEqual({ driftedShare: 0.25, drift: false });
    expect(evidently.datasetDrift([])).toEqual({ driftedShare: NaN, drift: false });
    expect(() => evidently.datasetDrift([true], 2)).toThrow(/share is 2/);
    expect(() => evidently.defaultTest({ kind: 'image' as 'num', rows: 1, unique: 1 })).toThrow(/kind is "image"/);
    expect(() => evidently.defaultTest({ kind: 'num', rows: 1.5, unique: 1 })).toThrow(/rows is 1.5/);
  });
});
