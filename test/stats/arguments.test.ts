import { describe, expect, it } from 'vitest';
import {
  Adwin,
  Cusum,
  Ddm,
  HddmW,
  KllSketch,
  PageHinkley,
  Reservoir,
  andersonDarlingKSampleTest,
  binomialTest,
  bonferroni,
  bootstrap,
  histogram,
  ksTest,
  normal,
} from 'modelkeep/stats';

const validation = expect.objectContaining({ code: 'validation' });

describe('arguments that are no numbers', () => {
  it.each(['7', 'x', {}, [1], null, 1n, new Date(0), NaN, -1, 0.5].map((seed) => [seed]))('are no seed: %s', (seed) => {
    const given = { seed: seed as never };
    for (const call of [
      () => andersonDarlingKSampleTest([[1, 2], [3, 4]], { resamples: 9, ...given }),
      () => bootstrap([1, 2, 3], (values) => values[0]!, given),
      () => new KllSketch(given),
      () => new Reservoir({ capacity: 5, ...given }),
    ]) {
      expect(call).toThrow(validation);
    }
  });

  it.each(['0.5', null, [0.5], 1n, Symbol('p'), { valueOf: () => 0.5 }].map((p) => [p]))('are no probability: %s', (p) => {
    expect(() => binomialTest(3, 10, { p: p as never })).toThrow(validation);
    expect(() => normal.quantile(p as never)).toThrow(validation);
    expect(() => bonferroni([p as never, 0.5])).toThrow(validation);
    expect(() => ksTest([1], [2], { method: p as never })).toThrow(validation);
  });

  it('are no bins that would take all memory', () => {
    expect(() => histogram([1, 2], { rule: 2 ** 31 })).toThrow(validation);
  });
});

describe('values that a detector cannot take', () => {
  it('are counted as ignored, and leave a state that can be stored', () => {
    for (const detector of [new Adwin(), new Cusum(), new PageHinkley()]) {
      for (const value of [1, 1e200, -1e308, NaN, Infinity, 2, null as never, '3' as never]) detector.update(value);
      expect(detector.ignored).toBe(6);
      const kind = detector.constructor as unknown as { fromJSON(state: unknown): Adwin };
      expect(kind.fromJSON(JSON.parse(JSON.stringify(detector))).toJSON()).toEqual(detector.toJSON());
    }
    for (const detector of [new Ddm(), new HddmW()]) {
      for (const value of [null, true, '0.5', 2, -1]) detector.update(value as never);
      expect(detector.ignored).toBe(5);
    }
    expect(() => Adwin.fromJSON(1n)).toThrow(validation);
  });
});
