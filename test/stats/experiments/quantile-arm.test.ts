import { compareArms, quantileArm } from 'modelkeep/stats';
import { describe, expect, it } from 'vitest';
import { SeededGenerator } from '../../../src/stats/seeded-generator.ts';

const chance = new SeededGenerator(5);

describe('an arm of a quantile', () => {
  const values = Float64Array.from({ length: 2000 }, () => -Math.log(1 - chance.uniform()));

  it('is the order statistic, between those at the ends of its interval', () => {
    const sorted = values.slice().sort();
    const reach = 1.959964 * Math.sqrt(0.9 * 0.1 * 2000);
    expect(quantileArm(values, 0.9)).toEqual({ kind: 'quantile', n: 2000, probability: 0.9, value: sorted[Math.round(1800 - 0.5)], low: sorted[Math.round(1800 - reach - 0.5)], high: sorted[Math.round(1800 + reach - 0.5)] });
  });

  it('of units that have one value each is about what it is without units, and of values that all come in copies what it is of one of each', () => {
    const alone = quantileArm(values, 0.5);
    const each = quantileArm(values, 0.5, { units: values.map((_, i) => i) });
    expect(each.n).toBeGreaterThan(1990);
    expect(each.high - each.low).toBeCloseTo(alone.high - alone.low, 2);
    const copies = Float64Array.from({ length: 10_000 }, (_, i) => values[Math.floor(i / 5)]!);
    const copied = quantileArm(copies, 0.5, { units: copies.map((_, i) => Math.floor(i / 5)) });
    expect(copied.n).toBeGreaterThan(1990);
    expect(copied.n).toBeLessThanOrEqual(2000);
    expect(copied.high - copied.low).toBeCloseTo(alone.high - alone.low, 2);
    expect(quantileArm(copies, 0.5).n).toBe(10_000);
  });

  it('knows units by any whole numbers, however far apart', () => {
    const units = values.map((_, i) => i >> 2);
    expect(quantileArm(values, 0.9, { units: units.map((unit) => unit * 2 ** 40) })).toEqual(quantileArm(values, 0.9, { units }));
  });

  it('has nothing to compare of no values, of one unit, and of values that are all the same', () => {
    const other = quantileArm(values, 0.5);
    for (const none of [quantileArm([], 0.5), quantileArm([NaN], 0.5), quantileArm(values, 0.5, { units: values.map(() => 3) }), quantileArm(values.map(() => 1), 0.5), quantileArm([-Infinity, 1, Infinity], 0.5)]) {
      expect(compareArms(other, none)).toMatchObject({ status: 'undefined', reason: 'no-variance' });
      expect(compareArms(none, other).status).toBe('undefined');
    }
  });
});
