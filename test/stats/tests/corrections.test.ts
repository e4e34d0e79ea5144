import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { benjaminiHochberg } from '../../../src/stats/tests/benjamini-hochberg.ts';
import { benjaminiYekutieli } from '../../../src/stats/tests/benjamini-yekutieli.ts';
import { bonferroni } from '../../../src/stats/tests/bonferroni.ts';
import { holm } from '../../../src/stats/tests/holm.ts';
import { expectClose } from '../golden/golden-file.ts';

const probability = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 0, max: 20 }).map((value) => value / 20));
const pValues = fc.array(probability, { maxLength: 20 });

describe.each(Object.entries({ bonferroni, holm, benjaminiHochberg, benjaminiYekutieli }))('%s', (_, correct) => {
  it('keeps the order of the p-values and never lowers one', () => {
    fc.assert(
      fc.property(pValues, (given) => {
        const adjusted = correct(given);
        expect(adjusted.length).toBe(given.length);
        given.forEach((p, i) => {
          expect(adjusted[i]).toBeGreaterThanOrEqual(p);
          expect(adjusted[i]).toBeLessThanOrEqual(1);
          given.forEach((q, j) => p < q && expect(adjusted[i]).toBeLessThanOrEqual(adjusted[j]!));
          given.forEach((q, j) => p === q && expect(adjusted[i]).toBe(adjusted[j]!));
        });
      }),
      { seed: 61 },
    );
  });

  it('does not ask in which order they come', () => {
    fc.assert(
      fc.property(pValues, (given) => {
        expect([...correct([...given].reverse())].reverse()).toEqual([...correct(given)]);
      }),
      { seed: 62 },
    );
  });

  it('gives none for none, one for itself, and refuses what is no probability', () => {
    expect(correct([])).toEqual(new Float64Array(0));
    expect(correct([0.3])).toEqual(Float64Array.of(0.3));
    expect(() => correct([0.5, NaN])).toThrow(/pValues\[1\] is NaN/);
    expect(() => correct([1.5])).toThrow(/pValues\[0\] is 1.5/);
  });
});

describe('holm', () => {
  it('calls what the procedure calls: from the smallest, as long as p is at most alpha over the number left', () => {
    fc.assert(
      fc.property(pValues, fc.double({ min: 0.001, max: 0.5, noNaN: true }), (given, alpha) => {
        const sorted = [...given].sort((a, b) => a - b);
        let calls = 0;
        while (calls < sorted.length && sorted[calls]! * (sorted.length - calls) <= alpha) calls++;
        expect(holm(given).filter((p) => p <= alpha).length).toBe(calls);
      }),
      { seed: 63 },
    );
  });

  it('is never above bonferroni', () => {
    fc.assert(fc.property(pValues, (given) => holm(given).every((p, i) => p <= bonferroni(given)[i]!)), { seed: 64 });
  });
});

describe('benjaminiHochberg', () => {
  it('calls what the procedure calls: all up to the last p that is at most alpha · rank / number', () => {
    fc.assert(
      fc.property(pValues, fc.double({ min: 0.001, max: 0.5, noNaN: true }), (given, alpha) => {
        const sorted = [...given].sort((a, b) => a - b);
        const calls = sorted.findLastIndex((p, i) => p * (sorted.length / (i + 1)) <= alpha) + 1;
        expect(benjaminiHochberg(given).filter((p) => p <= alpha).length).toBe(calls);
      }),
      { seed: 65 },
    );
  });

  it('is benjaminiYekutieli without its harmonic factor', () => {
    const given = [0.001, 0.002, 0.01, 0.02];
    benjaminiYekutieli(given).forEach((p, i) => expectClose(p, (benjaminiHochberg(given)[i]! * 25) / 12, { rtol: 1e-12 }));
  });
});
