import { describe, expect, it } from 'vitest';
import { selectValue } from '../../../src/stats/samples/select-value.ts';
import { SeededGenerator } from '../../../src/stats/seeded-generator.ts';

const seed = Number(process.env['SIMULATION_SEED'] ?? 11);

describe(`the value at a rank (seed ${seed})`, () => {
  const generator = new SeededGenerator(seed);
  const shapes: Readonly<Record<string, (i: number, size: number) => number>> = {
    'of any order': () => generator.uniform(),
    'that come again and again': () => generator.below(4),
    ascending: (i) => i,
    descending: (i) => -i,
    'all alike': () => 7,
    'rising and falling': (i, size) => Math.min(i, size - i),
    infinite: (i) => (i % 2 === 0 ? Infinity : -Infinity),
  };

  it.each(Object.keys(shapes))('is that of the sorted values, with none larger before it and none smaller behind: values %s', (shape) => {
    for (const size of [1, 2, 3, 13, 600, 601, 602, 4000]) {
      const values = Float64Array.from({ length: size }, (_, i) => shapes[shape]!(i, size));
      const sorted = values.slice().sort();
      // One after another on the same values, as quantiles of one column are.
      for (const rank of [size - 1, 0, size >> 1, Math.floor(size * 0.99), generator.below(size)]) {
        const found = selectValue(values, rank);
        expect(found, `rank ${rank} of ${size}`).toBe(sorted[rank]);
        expect(values.findIndex((value, i) => (i < rank ? value > found : value < found)), `rank ${rank} of ${size}`).toBe(-1);
      }
      expect(values.slice().sort()).toEqual(sorted);
    }
  });
});
