import { describe, expect, it } from 'vitest';
import { mmd } from '../../../src/stats/multivariate/mmd.ts';
import { SeededGenerator } from '../../../src/stats/seeded-generator.ts';
import { expectClose } from '../golden/golden-file.ts';

function drawer(seed: number): (n: number, width: number, shift?: number) => number[][] {
  const generator = new SeededGenerator(seed);
  const one = (): number => generator.uniform() + generator.uniform() + generator.uniform() - 1.5;
  return (n, width, shift = 0) => Array.from({ length: n }, () => Array.from({ length: width }, () => one() + shift));
}

/** The unbiased estimate, by its definition. */
function byDefinition(x: readonly number[][], y: readonly number[][], sigma: number): number {
  const kernel = (a: number[], b: number[]): number => Math.exp(-a.reduce((sum, value, k) => sum + (value - b[k]!) ** 2, 0) / (2 * sigma ** 2));
  const mean = (rows: readonly number[][], others: readonly number[][]): number => {
    let sum = 0;
    let pairs = 0;
    for (const a of rows) {
      for (const b of others) {
        if (a === b) continue;
        sum += kernel(a, b);
        pairs++;
      }
    }
    return sum / pairs;
  };
  return mean(x, x) + mean(y, y) - 2 * mean(x, y);
}

describe('mmd', () => {
  it('has the statistic of the definition, whatever form the rows come in', () => {
    const draw = drawer(1);
    const [x, y] = [draw(12, 3), draw(17, 3, 0.4)];
    const found = mmd(x, y, { bandwidth: 0.8 });
    expectClose(found.statistic, byDefinition(x, y, 0.8), { rtol: 1e-11 });
    expect(mmd({ values: Float64Array.from(x.flat()), width: 3 }, { values: y.flat(), width: 3 }, { bandwidth: 0.8 })).toEqual(found);
    const columns = (rows: number[][]): { columns: number[][] } => ({ columns: [0, 1, 2].map((k) => rows.map((row) => row[k]!)) });
    expect(mmd(columns(x), columns(y), { bandwidth: 0.8 })).toEqual(found);
  });

  it('takes the median distance of all pairs for the bandwidth', () => {
    const draw = drawer(2);
    for (const size of [2, 3, 10, 11]) {
      const [x, y] = [draw(size, 2), draw(7, 2)];
      const all = [...x, ...y];
      const distances = all.flatMap((a, i) => all.slice(0, i).map((b) => Math.hypot(a[0]! - b[0]!, a[1]! - b[1]!))).sort((a, b) => a - b);
      const half = distances.length / 2;
      const median = (distances[Math.ceil(half) - 1]! + distances[Math.floor(half)]!) / 2;
      expectClose(mmd(x, y).sigma, median, { rtol: 1e-12 });
    }
    // More than half of all pairs coincide.
    expectClose(mmd([[0], [0], [0], [0]], [[0], [0], [0], [3]]).sigma, Math.sqrt((7 * 9) / 28), { rtol: 1e-12 });
  });

  it('rejects about as often as it says where both sides come from one distribution, and nearly always where not', () => {
    const draw = drawer(3);
    let rejected = 0;
    let found = 0;
    for (let round = 0; round < 300; round++) {
      const options = { resamples: 99, seed: round };
      if (mmd(draw(15, 2), draw(20, 2), options).pValue <= 0.05) rejected++;
      if (mmd(draw(15, 2), draw(20, 2, 0.6), options).pValue <= 0.05) found++;
    }
    expect(rejected).toBeGreaterThan(4);
    expect(rejected).toBeLessThan(29);
    expect(found).toBeGreaterThan(250);
  });

  it('never has a p-value of 0, and the same one for one seed', () => {
    const draw = drawer(4);
    const [x, y] = [draw(20, 2), draw(20, 2, 5)];
    expect(mmd(x, y, { resamples: 99 }).pValue).toBe(0.01);
    expect(mmd(draw(20, 2), draw(20, 2), { seed: 5 })).not.toEqual(mmd(draw(20, 2), draw(20, 2), { seed: 5 }));
    expect(mmd(x, y, { seed: 5 })).toEqual(mmd(x, y, { seed: 5 }));
  });

  it('compares a sample of the rows where there are many, and says so', () => {
    const draw = drawer(5);
    const [x, y] = [draw(60, 2), draw(30, 2)];
    const found = mmd(x, y, { maxRows: 40, seed: 2 });
    expect(found).toMatchObject({ n: 40, m: 30, available: [60, 30], dropped: [0, 0] });
    expect(mmd(x, y, { maxRows: 40, seed: 2 })).toEqual(found);
    expect(mmd(x, y, { maxRows: 40, seed: 3 }).statistic).not.toBe(found.statistic);
  });

  it('leaves out rows that are not all finite, and answers for too few and for equal ones', () => {
    const rows = [[0, 1], [2, 3], [4, 1]];
    expect(mmd([...rows, [NaN, 1], [1, Infinity], [null as never, 2]], rows)).toMatchObject({ n: 3, m: 3, dropped: [3, 0] });
    for (const few of [[], [[1, 2]], [[NaN, 1], [1, 2]]]) expect(mmd(few, rows)).toMatchObject({ statistic: 0, pValue: 1, sigma: 0 });
    expect(mmd([], [])).toMatchObject({ statistic: 0, pValue: 1, n: 0, m: 0 });
    for (const bandwidth of ['median', 1] as const) {
      expect(mmd([[1, 2], [1, 2]], [[1, 2], [1, 2], [1, 2]], { bandwidth })).toMatchObject({ statistic: 0, pValue: 1 });
    }
  });

  it('stands numbers whose squares are out of range', () => {
    for (const scale of [1e-200, 1e200, 1e307]) {
      const scaled = (rows: number[][]): number[][] => rows.map((row) => row.map((value) => value * scale));
      const draw = drawer(6);
      const [x, y] = [draw(8, 2), draw(9, 2, 1)];
      const [found, far] = [mmd(x, y), mmd(scaled(x), scaled(y))];
      expectClose(far.statistic, found.statistic, { rtol: 1e-9 });
      expectClose(far.sigma / scale, found.sigma, { rtol: 1e-9 });
      expect(far.pValue).toBe(found.pValue);
    }
  });

  it('refuses rows that do not match and options out of range', () => {
    expect(() => mmd([[1, 2], [3]], [[1, 2]])).toThrow(/x\[1\] has 1 numbers/);
    expect(() => mmd([[1, 2]], [[1]])).toThrow(/one width/);
    expect(() => mmd({ values: [1, 2, 3], width: 2 }, [[1, 2]])).toThrow(/x.values has 3 numbers/);
    expect(() => mmd({ columns: [[1, 2], [1]] }, [[1, 2]])).toThrow(/x.columns\[1\] has 1 numbers/);
    expect(() => mmd([[1]], [[1]], { bandwidth: 0 })).toThrow(/bandwidth is 0/);
    expect(() => mmd([[1]], [[1]], { bandwidth: 'mean' as never })).toThrow(/bandwidth is "mean"/);
    expect(() => mmd([[1]], [[1]], { resamples: 0 })).toThrow(/resamples is 0/);
    expect(() => mmd([[1]], [[1]], { maxRows: 1 })).toThrow(/maxRows is 1/);
  });
});
