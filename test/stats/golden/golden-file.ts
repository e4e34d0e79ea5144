import { expect } from 'vitest';

/** A sample as the golden file states it: values, or a recipe for its generator. */
export type Sample =
  | readonly number[]
  | {
      readonly kind: 'uniform' | 'irwinhall' | 'square' | 'int' | 'cat';
      readonly seed: number;
      readonly n: number;
      readonly loc?: number;
      readonly scale?: number;
      readonly k?: number;
      readonly w?: readonly number[];
      readonly quantize?: number;
    };

/** The linear congruential generator of the fixture, as numbers in [0, 1). */
export function lcg(seed: number): () => number {
  let state = seed >>> 0;
  return () => (state = (Math.imul(1664525, state) + 1013904223) >>> 0) / 2 ** 32;
}

export function sampleOf(sample: Sample): Float64Array {
  if (!('kind' in sample)) return Float64Array.from(sample);
  const { kind, seed, n, loc = 0, scale = 1, k = 1, w = [], quantize } = sample;
  const draw = lcg(seed);
  const one = (): number => {
    if (kind === 'irwinhall') {
      let sum = 0;
      for (let i = 0; i < 12; i++) sum += draw();
      return loc + scale * (sum - 6);
    }
    const u = draw();
    if (kind === 'uniform') return loc + scale * u;
    if (kind === 'square') return loc + scale * (u * u);
    if (kind === 'int') return Math.floor(u * k) + loc;
    let sum = 0;
    const at = w.findIndex((weight) => u < (sum += weight));
    return at < 0 ? w.length - 1 : at;
  };
  return Float64Array.from({ length: n }, () => {
    const value = one();
    return quantize === undefined ? value : Math.floor(value * quantize) / quantize;
  });
}

export function expectClose(actual: number, expected: number, tolerance: { rtol: number; atol?: number }): void {
  const allowed = tolerance.rtol * Math.abs(expected) + (tolerance.atol ?? 0);
  expect(Math.abs(actual - expected), `${actual} should be ${expected} within ${allowed}`).toBeLessThanOrEqual(allowed);
}
