import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { orderRows } from '../../src/features/row-order.ts';

const mostKeys = 4;
// Few moments, so that there are ties; groups of several blocks, some of them in order already.
const rows = fc.array(fc.record({ code: fc.integer({ min: -1, max: mostKeys - 1 }), at: fc.oneof(fc.integer({ min: -20, max: 20 }), fc.double({ noNaN: true })), created: fc.integer({ min: 0, max: 3 }) }), { maxLength: 400 });
const arrangement = fc.constantFrom<'as it is' | 'ascending' | 'almost ascending'>('as it is', 'ascending', 'almost ascending');

describe('orderRows', () => {
  it('groups by key and sorts by time, then by the others, and leaves what is equal in its order', () => {
    fc.assert(
      fc.property(rows, fc.constantFrom(1, mostKeys), arrangement, fc.boolean(), (given, keyCount, how, byCreated) => {
        const all = how === 'as it is' ? given : [...given].sort((a, b) => a.at - b.at);
        if (how === 'almost ascending' && all.length > 1) all.push(all.shift()!);
        const codes = Int32Array.from(all, ({ code }) => (code < keyCount ? code : 0));
        const times = Float64Array.from(all, ({ at }) => at);
        const created = Float64Array.from(all, (row) => row.created);
        const wanted = [...all.keys()]
          .filter((row) => codes[row]! >= 0)
          .sort((a, b) => codes[a]! - codes[b]! || (times[a]! < times[b]! ? -1 : times[a]! > times[b]! ? 1 : byCreated ? created[a]! - created[b]! : 0));
        const ordered = orderRows(codes, keyCount, byCreated ? [times, created] : [times]);
        expect([...ordered.order]).toEqual(wanted);
        expect([...ordered.times]).toEqual(wanted.map((row) => times[row]));
        expect([...ordered.starts]).toEqual(Array.from({ length: keyCount + 1 }, (_, key) => wanted.filter((row) => codes[row]! < key).length));
      }),
      { numRuns: 400 },
    );
  });
});
