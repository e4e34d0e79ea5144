import fc from 'fast-check';
import { it } from 'vitest';
import { chiSquared } from '../../../src/stats/distributions/chi-squared.ts';
import { expectClose } from '../golden/golden-file.ts';

it('the chi-squared tail of an even number of degrees of freedom is a sum of Poisson probabilities', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 150 }), fc.double({ min: 0, max: 3, noNaN: true }), (half, ratio) => {
      const mean = half * ratio;
      let term = Math.exp(-mean);
      let sum = term;
      for (let i = 1; i < half; i++) sum += term *= mean / i;
      expectClose(chiSquared.sf(2 * mean, 2 * half), sum, { rtol: 1e-11 });
    }),
  );
});
