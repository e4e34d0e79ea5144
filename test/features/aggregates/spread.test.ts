import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Moments } from 'modelkeep/stats';
import { isOrdinary, spreadStates, type Spread } from '../../../src/features/aggregates/spread.ts';

const size = fc.double({ min: 1e-59, max: 1e59, noNaN: true });
const value = fc.oneof(fc.double({ min: -1e6, max: 1e6, noNaN: true }).map((each) => (Math.abs(each) < 1e-59 ? 0 : each)), size, size.map((each) => -each), fc.constantFrom(0, -0, 1 / 3, 1e15 + 0.1));
/** Numbers in parts, whose states are merged from the left. */
const parts = fc.array(fc.array(value, { minLength: 1, maxLength: 64 }), { minLength: 1, maxLength: 6 });

describe('spreads', () => {
  it('have the variance that the moments of the same numbers have, to the last bit, in parts and with some left out', () => {
    fc.assert(
      fc.property(parts, fc.array(fc.nat(400), { maxLength: 3 }), (all, places) => {
        const values = Float64Array.from(all.flat());
        expect(isOrdinary(values)).toBe(true);
        const states = spreadStates(values);
        let [from, spread, moments]: [number, Spread | undefined, Moments] = [0, undefined, new Moments()];
        for (const part of all) {
          const to = from + part.length;
          const hidden = [...new Set(places)].filter((place) => place >= from && place < to).sort((a, b) => a - b);
          if (hidden.length < part.length) {
            const own = states.fold(from, to, hidden);
            spread = spread === undefined ? own : states.merge(spread, own);
            moments = new Moments().merge(moments).merge(new Moments().updateAll(part.filter((_, i) => !hidden.includes(from + i))));
          }
          from = to;
        }
        if (spread === undefined) return;
        expect(spread.count).toBe(moments.count);
        expect(spread.m2 / (spread.count - 1)).toEqual(spread.count === 1 ? NaN : moments.variance);
      }),
      { numRuns: 300 },
    );
  });

  it('are of no numbers that are infinite, none, or in need of another scale', () => {
    for (const odd of [NaN, Infinity, -Infinity, 1e61, -1e61, 1e-61, -5e-324]) expect(isOrdinary(Float64Array.of(1, odd, 2)), String(odd)).toBe(false);
  });
});
