import { describe, expect, it } from 'vitest';
import { kolmogorovSurvival, smirnovSurvival } from '../../../src/stats/distributions/kolmogorov-smirnov.ts';
import { binomialPmf } from '../../../src/stats/special/saddle-point.ts';
import { expectClose } from '../golden/golden-file.ts';

/** Smirnov's sum, every term of it. */
function wholeSum(n: number, d: number): number {
  let sum = 0;
  for (let j = 0; j <= Math.min(n - 1, Math.floor(n * (1 - d))); j++) {
    const rest = (n - j - n * d) / n;
    if (rest > 0) sum += (d / (d + j / n)) * binomialPmf(j, n, d + j / n, rest);
  }
  return sum;
}

describe('the law of Kolmogorov and Smirnov', () => {
  it('falls from 1 to 0 without jumps where one method takes over from another', () => {
    for (const n of [1, 2, 5, 20, 140, 141, 1000, 9999, 10_001, 200_000]) {
      let last = 1;
      const steps = n > 5000 ? 200 : 400;
      for (let step = 0; step <= steps; step++) {
        const d = step / steps / Math.sqrt(n) ** 0.9;
        const p = kolmogorovSurvival(n, Math.min(1, d));
        expect(p).toBeGreaterThanOrEqual(0);
        expect(p, `n ${n}, d ${d}`).toBeLessThanOrEqual(last + 1e-6);
        last = p;
      }
    }
  });

  it('is at most twice the one-sided law, and meets it in the tail', () => {
    for (const n of [10, 141, 5000]) {
      for (const z of [0.8, 1.2, 1.6, 2.5, 4]) {
        const d = Math.min(0.99, z / Math.sqrt(n));
        const twice = 2 * smirnovSurvival(n, d);
        expect(kolmogorovSurvival(n, d)).toBeLessThanOrEqual(twice * (1 + 1e-6));
        if (z > 2) expectClose(kolmogorovSurvival(n, d), twice, { rtol: 1e-6 });
      }
    }
  });

  it('has the digits of the whole sum where it takes only some of its terms', () => {
    for (const n of [3000, 20_000, 100_000]) {
      for (const size of [0.1, 1, 5, 20, 100, 300]) {
        const d = Math.sqrt(size / n);
        expectClose(smirnovSurvival(n, d), wholeSum(n, d), { rtol: 1e-12 });
      }
    }
  });
});
