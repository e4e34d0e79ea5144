import { groupSequentialBounds, normal } from 'modelkeep/stats';
import { describe, expect, it } from 'vitest';

const zOf = (fractions: readonly number[], options: Parameters<typeof groupSequentialBounds>[1] = {}): number[] => groupSequentialBounds(fractions, options).map(({ z }) => z);

describe('group-sequential bounds', () => {
  it('spend a level of any size to the last digits', () => {
    for (const spending of ['obrien-fleming', 'pocock', 'power'] as const) {
      for (const alpha of [0.5, 1e-6, 1e-12, 1e-17, 1e-40]) {
        const looks = groupSequentialBounds([0.5, 1], { alpha, spending });
        expect(looks[0]!.alpha / looks[0]!.spent, `${spending} ${alpha}`).toBeCloseTo(1, 9);
        expect(looks[1]!.spent / alpha, `${spending} ${alpha}`).toBeCloseTo(1, 12);
      }
    }
    // At the end O'Brien and Fleming's spending has all of the level, at whatever level.
    expect(zOf([1], { alpha: 1e-12 })[0]).toBeCloseTo(-normal.quantile(5e-13), 9);
  });

  it('are found for a hundred looks, of which the first spend next to nothing', () => {
    const looks = groupSequentialBounds(Array.from({ length: 100 }, (_, i) => (i + 1) / 100));
    // The first bound has no look before it, so it is the quantile of what is spent.
    expect(looks[0]!.z).toBeCloseTo(-normal.quantile(2 * normal.cdf(normal.quantile(0.0125) * 10)), 8);
    for (let k = 1; k < looks.length; k++) expect(looks[k]!.z).toBeLessThan(looks[k - 1]!.z);
    // Hardly anyone passes so early, so what is spent between two looks is the tail beyond the second.
    expect(looks[1]!.alpha / looks[1]!.spent).toBeCloseTo(1, 3);
  });

  it('change little by a look that is close to another', () => {
    for (const spending of ['obrien-fleming', 'pocock'] as const) {
      const [, last] = zOf([0.5, 1], { spending });
      let error = Infinity;
      for (const gap of [1e-3, 1e-4, 1e-5, 2e-6]) {
        const z = zOf([0.5, 0.5 + gap, 1], { spending })[2]!;
        // A look more spends some of what the last one had, so that its bound is higher; ever less so.
        expect(z - last!, `${spending} ${gap}`).toBeGreaterThan(0);
        expect(z - last!, `${spending} ${gap}`).toBeLessThan(error);
        error = z - last!;
      }
      expect(error).toBeLessThan(5e-6);
      const [, close, after] = groupSequentialBounds([0.5, 0.5 + 1e-8, 1], { spending });
      expect(close).toEqual({ fraction: 0.5 + 1e-8, z: Infinity, alpha: 0, spent: groupSequentialBounds([0.5], { spending })[0]!.spent });
      expect(after!.z).toBeCloseTo(last!, 12);
    }
  });
});
