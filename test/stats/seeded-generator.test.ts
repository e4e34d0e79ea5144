import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SeededGenerator } from '../../src/stats/seeded-generator.ts';

describe('SeededGenerator', () => {
  it('is xoshiro128**: the numbers that its authors publish for the state 1, 2, 3, 4', () => {
    const generator = new SeededGenerator([1, 2, 3, 4]);
    const published = [11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804];
    expect(published.map(() => generator.bits())).toEqual(published);
  });

  it('goes on from a stored state as if it had never stopped', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer({ min: 0, max: 20 }), (seed, steps) => {
        const first = new SeededGenerator(seed);
        for (let i = 0; i < steps; i++) first.bits();
        const second = new SeededGenerator(first.state);
        expect(Array.from({ length: 5 }, () => second.uniform())).toEqual(Array.from({ length: 5 }, () => first.uniform()));
      }),
    );
  });

  it('gives neighbouring seeds different streams, and refuses what is no seed', () => {
    const starts = new Set(Array.from({ length: 1000 }, (_, seed) => new SeededGenerator(seed).bits()));
    expect(starts.size).toBe(1000);
    expect(new SeededGenerator(0).state).not.toEqual([0, 0, 0, 0]);
    for (const seed of [-1, 0.5, NaN, 2 ** 32]) expect(() => new SeededGenerator(seed)).toThrow(/seed is .*whole number from 0/);
  });

  it('fills [0, 1) and every place of a range evenly', () => {
    const generator = new SeededGenerator(7);
    const places = new Array<number>(6).fill(0);
    const uniform = Float64Array.from({ length: 60_000 }, () => generator.uniform());
    for (let i = 0; i < 60_000; i++) places[generator.below(6)]!++;
    const sum = uniform.reduce((total, value) => total + value, 0);
    expect(uniform.every((value) => value >= 0 && value < 1)).toBe(true);
    // Five standard deviations of a count of 10,000 and of the mean.
    for (const count of places) expect(Math.abs(count - 10_000)).toBeLessThan(460);
    expect(Math.abs(sum / 60_000 - 0.5)).toBeLessThan(0.006);
    expect(generator.below(1)).toBe(0);
  });
});
