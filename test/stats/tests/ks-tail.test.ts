import { describe, expect, it } from 'vitest';
import { exactKsSurvival } from '../../../src/stats/tests/ks-exact.ts';
import { ksOneSidedTail } from '../../../src/stats/tests/ks-tail.ts';
import { ksTest, ksTestBinned } from '../../../src/stats/tests/ks-test.ts';
import { expectClose } from '../golden/golden-file.ts';

const ways = (n: bigint, k: bigint): bigint => {
  let found = 1n;
  for (let i = 1n; i <= k; i++) found = (found * (n - k + i)) / i;
  return found;
};

/** a / b of numbers that no double holds. */
const quotient = (a: bigint, b: bigint): number => Number((a * 10n ** 340n) / b) / 1e300 / 1e40;

describe('ksOneSidedTail', () => {
  it.each([[1, 1], [3, 5], [7, 7], [12, 30], [40, 25], [60, 61], [50, 3000], [2000, 90], [300, 300]])('is what the recursion over all cells gives, for %d against %d', (n, m) => {
    for (const share of [0.08, 0.2, 0.35, 0.5, 0.75, 0.9, 1]) {
      const reach = Math.max(1, Math.round(share * n * m));
      const found = ksOneSidedTail(n, m, reach)!;
      for (const alternative of ['greater', 'less'] as const) expectClose(found, exactKsSurvival(n, m, reach, alternative), { rtol: 1e-11, atol: 1e-307 });
    }
  });

  it('is the one split in all of them where the samples do not overlap', () => {
    for (const [n, m] of [[2, 1_000_001], [5, 500_000], [30, 70_000], [80, 30_001]] as const) expectClose(ksOneSidedTail(n, m, n * m)!, quotient(1n, ways(BigInt(n + m), BigInt(n))), { rtol: 1e-12, atol: 1e-307 });
  });

  it('is what counting paths in whole numbers gives', () => {
    // By the same first crossings in Python's integers and fractions.
    expectClose(ksOneSidedTail(40, 60_000, 1_200_000)!, 4.5746641923819044e-10, { rtol: 1e-12 });
    expectClose(ksOneSidedTail(20_001, 100, 1_200_060)!, 4.5968212731587966e-35, { rtol: 1e-12 });
  });

  it('is what Gnedenko and Korolyuk found for equal sizes', () => {
    const n = 1200;
    for (const k of [210, 300, 500, 700]) expectClose(ksOneSidedTail(n, n, k * n)!, quotient(ways(BigInt(2 * n), BigInt(n - k)), ways(BigInt(2 * n), BigInt(n))), { rtol: 1e-11 });
  });

  it.each([[1500, 1500], [2500, 2500], [5000, 5000], [999, 3608], [1998, 5162], [700, 20_000]])('falls to 0 and no further as the samples come apart, for %d against %d', (n, m) => {
    let before = 1;
    for (let share = 0.02; share <= 1; share += 0.02) {
      const found = ksOneSidedTail(n, m, Math.round(share * n * m));
      if (found === undefined) continue;
      expect(found).toBeLessThanOrEqual(before);
      expect(found).toBeGreaterThanOrEqual(0);
      before = found;
    }
    expect(before).toBe(0);
  });

  it('gives up where the boundary is long, and has none where nothing comes as far', () => {
    expect(ksOneSidedTail(100_000, 90_000, 1000)).toBeUndefined();
    expect(ksOneSidedTail(5, 9, 46)).toBe(0);
  });
});

describe('ksTest of large samples', () => {
  const range = (from: number, length: number): Float64Array => Float64Array.from({ length }, (_, i) => from + i);

  it('is exact far out in the tail, where the asymptotic law is ten times too small', () => {
    const [x, y] = [range(0, 1500), range(599.5, 1500)];
    const found = ksTest(x, y);
    expect(found).toMatchObject({ method: 'exact', ties: 'ignored', statistic: 0.4 });
    expectClose(found.pValue, 2 * quotient(ways(3000n, 900n), ways(3000n, 1500n)), { rtol: 1e-11 });
    expect(ksTest(x, y, { method: 'asymptotic' }).pValue).toBeLessThan(found.pValue / 10);
    expectClose(ksTest(x, y, { method: 'exact' }).pValue, found.pValue, { rtol: 1e-11 });
    expectClose(ksTest(x, y, { alternative: 'greater' }).pValue, found.pValue / 2, { rtol: 1e-11 });
    expect(ksTest(range(0, 1500), range(20.5, 1500)).method).toBe('asymptotic');
  });

  it('knows how many splits there are where the samples do not overlap, unless no double does', () => {
    const [few, many] = [range(-5, 2), range(0, 1_000_001)];
    expectClose(ksTest(few, many).pValue, 2 / ((1_000_003 * 1_000_002) / 2), { rtol: 1e-12 });
    expect(ksTest(few, many, { method: 'asymptotic' }).pValue).toBe(0);
    expect(ksTest(range(0, 40_000), range(50_000, 40_000))).toMatchObject({ statistic: 1, pValue: 0, method: 'exact' });
    expect(ksTest(range(0, 5000), range(4000.5, 5000))).toMatchObject({ pValue: 0, method: 'exact' });
    expectClose(ksTestBinned([2, 0], [0, 1_000_001]).pValue, 2 / ((1_000_003 * 1_000_002) / 2), { rtol: 1e-12 });
  });
});
