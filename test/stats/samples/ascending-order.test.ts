import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ascendingOrder } from '../../../src/stats/samples/ascending-order.ts';
import { SeededGenerator } from '../../../src/stats/seeded-generator.ts';

function byComparison(values: Float64Array): number[] {
  return Array.from(values.keys()).sort((a, b) => (values[a]! < values[b]! ? -1 : values[a]! > values[b]! ? 1 : a - b));
}

/** The double with these two halves. */
function doubleOf(upper: number, lower: number): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setUint32(0, upper);
  view.setUint32(4, lower);
  return view.getFloat64(0);
}

const word = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const special = fc.constantFrom(Infinity, -Infinity, 0, -0, 5e-324, -5e-324, Number.MAX_VALUE, -Number.MAX_VALUE);
/** Alike in the upper half of their bits, and of either sign. */
const close = fc.tuple(fc.constantFrom(0x3ff00000, 0xbff00000, 0, 0x80000000, 0x7fefffff, 0xffefffff), word).map(([upper, lower]) => doubleOf(upper, lower));
const anyNumber = fc.oneof(fc.double({ noNaN: true }), special, close, fc.integer({ min: -3, max: 3 }));

describe('ascendingOrder', () => {
  it('is the stable order, for few values', () => {
    fc.assert(
      fc.property(fc.array(anyNumber, { maxLength: 60 }), (list) => {
        const values = Float64Array.from(list);
        expect([...ascendingOrder(values)]).toEqual(byComparison(values));
      }),
      { seed: 1 },
    );
  });

  it('is the stable order, for many values', () => {
    fc.assert(
      fc.property(fc.array(anyNumber, { minLength: 1, maxLength: 40 }), fc.integer({ min: 1025, max: 3000 }), fc.nat(), (list, n, seed) => {
        const random = new SeededGenerator(seed);
        const values = Float64Array.from({ length: n }, () => list[random.below(list.length)]!);
        expect([...ascendingOrder(values)]).toEqual(byComparison(values));
      }),
      { seed: 2, numRuns: 60 },
    );
  });

  it('tells values apart that differ in the lower half of their bits alone, in short runs and long ones', () => {
    const random = new SeededGenerator(3);
    for (const uppers of [[0x3ff00000], [0xbff00000, 0x3ff00000], [0, 0x80000000], Array.from({ length: 200 }, (_, i) => 0xc0000000 + i)]) {
      const values = Float64Array.from({ length: 4000 }, () => doubleOf(uppers[random.below(uppers.length)]!, random.below(2 ** 32)));
      expect([...ascendingOrder(values)]).toEqual(byComparison(values));
    }
  });

  it('is the stable order, whatever the values share', () => {
    const random = new SeededGenerator(11);
    const makers: (() => number)[] = [
      () => random.uniform(),
      () => (random.uniform() - 0.5) * 10 ** Math.floor(random.uniform() * 600 - 300),
      () => Math.floor(random.uniform() * 5) - 2,
      () => 1 + random.uniform() * 1e-9,
      () => [Infinity, -Infinity, 0, -0, 5e-324, -5e-324][random.below(6)]!,
    ];
    for (const make of makers) {
      for (const n of [0, 1, 50, 1024, 1025, 5000]) {
        const values = Float64Array.from({ length: n }, make);
        expect([...ascendingOrder(values)]).toEqual(byComparison(values));
      }
    }
  });

  it('takes a part of a longer array, and leaves it as it was', () => {
    const whole = Float64Array.from({ length: 3000 }, (_, i) => Math.sin(i * i));
    const before = whole.slice();
    const part = whole.subarray(700, 2500);
    expect([...ascendingOrder(part)]).toEqual(byComparison(part));
    expect(whole).toEqual(before);
  });
});
