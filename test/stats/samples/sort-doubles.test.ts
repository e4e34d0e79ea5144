import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sortDoubles } from '../../../src/stats/samples/sort-doubles.ts';
import { SeededGenerator } from '../../../src/stats/seeded-generator.ts';

const generator = new SeededGenerator(5);
const size = 30_000;

/** Draws that differ in where the bits that tell them apart are. */
const draws: Readonly<Record<string, () => number>> = {
  'in the upper words': () => generator.uniform() - 0.5,
  'at every scale': () => (generator.uniform() - 0.5) * 10 ** (600 * generator.uniform() - 300),
  'in the lower words alone': () => (generator.below(2) === 0 ? -1 : 1) * (1e6 + generator.uniform() * 1e-3),
  'in both': () => 1.7e12 + generator.below(86_400_000),
  'in the lower words of a tenth': () => (generator.below(10) === 0 ? 3 + generator.uniform() * 1e-10 : generator.uniform()),
  'of a few values': () => generator.below(50) - 25,
  'that are not there': () => [NaN, 0, -0, Infinity, -Infinity, Number.MIN_VALUE, -Number.MIN_VALUE, Number.MAX_VALUE, -Number.MAX_VALUE][generator.below(9)]!,
};

function expectSorted(values: Float64Array): void {
  const before = new Uint8Array(values.buffer.slice(0));
  const expected = values.filter((value) => !Number.isNaN(value)).sort();
  const sorted = sortDoubles(values);
  // Compared as bits, so that the zeros keep their order.
  expect(Buffer.from(sorted.buffer, sorted.byteOffset, sorted.byteLength).equals(Buffer.from(expected.buffer))).toBe(true);
  expect(Buffer.from(values.buffer).equals(before)).toBe(true);
}

describe('sortDoubles', () => {
  it.each(Object.entries(draws))('sorts values that differ %s as the native sort does', (_, draw) => {
    expectSorted(Float64Array.from({ length: size }, draw));
  });

  it('leaves out NaN of either sign', () => {
    const values = Float64Array.from({ length: size }, draws['at every scale']!);
    const words = new Uint32Array(values.buffer);
    for (let i = 0; i < size; i += 3) words[2 * i + 1] = i % 2 === 0 ? 0xfff80000 : 0x7ff80001;
    const sorted = sortDoubles(values);
    expect(sorted.length).toBe(size - size / 3);
    expectSorted(values);
  });

  it('sorts any doubles, few or many', () => {
    fc.assert(
      fc.property(fc.float64Array({ maxLength: 500 }), fc.constantFrom(1, 20_000), (pattern, length) => {
        const repeats = pattern.length === 0 ? 0 : Math.max(pattern.length, length);
        expectSorted(Float64Array.from({ length: repeats }, (_, i) => pattern[(i * 7919) % pattern.length]!));
      }),
      { seed: 1, numRuns: 40 },
    );
  });
});
