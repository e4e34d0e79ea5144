import type { GoldenCheck } from './golden-check.ts';
import { lcg, sampleOf, type Sample } from './golden-file.ts';

/** The sum with the rounding errors carried along (Neumaier 1974). */
function carefulSum(values: Float64Array): number {
  let sum = 0;
  let lost = 0;
  for (const value of values) {
    const next = sum + value;
    lost += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
    sum = next;
  }
  return sum + lost;
}

const samples: GoldenCheck<Sample> = { name: 'the generator of samples', test: 'generator', actual: (input) => [...sampleOf(input)] };

const checksum: GoldenCheck<Sample> = {
  name: 'the generator of samples',
  test: 'generator_checksum',
  actual: (input) => {
    const values = sampleOf(input);
    return { sum: carefulSum(values), min: Math.min(...values), max: Math.max(...values) };
  },
};

const states: GoldenCheck<{ seed: number; n: number }> = {
  name: 'the generator of samples',
  test: 'lcg_state',
  actual: ({ seed, n }) => {
    const draw = lcg(seed);
    return Array.from({ length: n }, () => draw() * 2 ** 32);
  },
};

/** Whether our samples are those of the fixture, before anything else is held against it. */
export const checks: readonly GoldenCheck[] = [samples, checksum, states];
