import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/core/random.ts';
import { psi } from '../../../src/stats/distances/psi.ts';
import { expectClose } from '../golden/golden-file.ts';

describe('psi', () => {
  const counts = fc.array(fc.tuple(fc.nat(50), fc.nat(50)), { minLength: 0, maxLength: 12 });

  it('is 0 for equal shares, positive otherwise, the sum of its parts, and finite for any counts', () => {
    fc.assert(
      fc.property(counts, (pairs) => {
        const reference = pairs.map(([r]) => r);
        const current = pairs.map(([, c]) => c);
        const found = psi(reference, current);
        expect(Number.isFinite(found.value) && Number.isFinite(found.low) && Number.isFinite(found.high)).toBe(true);
        expect(found.low).toBeLessThanOrEqual(found.high);
        expectClose(found.contributions.reduce((sum, each) => sum + each, 0), found.value, { rtol: 1e-12, atol: 1e-15 });
        expectClose(psi(current, reference).value, found.value, { rtol: 1e-9, atol: 1e-12 });
        expect(psi(reference, reference).value).toBe(0);
        expect(psi([...reference, 0], [...current, 0]).value).toBe(found.value);
      }),
    );
  });

  it('knows what chance alone gives, in full bins and in nearly empty ones', () => {
    const random = seededRandom(17);
    for (const [n, m, bins] of [
      [2000, 500, 10],
      [200, 60, 40],
      [50, 50, 100],
    ] as const) {
      let value = 0;
      let expected = 0;
      const trials = 1000;
      for (let trial = 0; trial < trials; trial++) {
        const draw = (rows: number): number[] => {
          const sums = new Array<number>(bins).fill(0);
          for (let i = 0; i < rows; i++) sums[Math.floor(random() * bins)]!++;
          return sums;
        };
        const found = psi(draw(n), draw(m));
        value += found.value;
        expected += found.expectedByChance;
      }
      expectClose(expected / value, 1, { rtol: 0.06 });
    }
  });

  it('refuses what are no counts', () => {
    expect(() => psi([1, 2], [1])).toThrow(/same bins/);
    expect(() => psi([1], [NaN])).toThrow(/Bin 0/);
  });

  it('refuses a zero rule that is none and counts that are no numbers, and says what a rule that fills nothing gives', () => {
    for (const zeros of [null, 'add', 0.5, [], {}, { add: -1 }, { add: NaN }, { add: Infinity }, { add: '1' }, { floor: -0.1 }, { floor: 1.1 }, { floor: 1n }]) {
      expect(() => psi([1, 2], [2, 1], zeros as never)).toThrow(/zeros is .* it must be \{ add \}/);
    }
    for (const count of [null, '5', 1n]) expect(() => psi([1, count as never], [2, 1])).toThrow(/Bin 1 counts/);
    for (const zeros of [{ add: 0 }, { floor: 0 }]) {
      expect(psi([5, 0], [3, 2], zeros)).toMatchObject({ value: Infinity, low: NaN, high: NaN });
      expect(Number.isFinite(psi([50, 40], [30, 20], zeros).high)).toBe(true);
    }
  });
});
