import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pushed, withoutFirst, type Heap } from '../../src/pipelines/heap.ts';
import { PersistentArray } from '../../src/pipelines/persistent-array.ts';

describe('PersistentArray', () => {
  it.each([0, 1, 31, 32, 33, 1024, 1025, 40_000])('of %d elements: every version stays what it was', (length) => {
    const values = Array.from({ length }, (_, i) => i);
    const first = PersistentArray.from(values);
    if (length > 0) values[0] = -1;
    expect([...first]).toEqual(Array.from({ length }, (_, i) => i));
    for (const i of [0, 31, 32, 1023, 1024, length - 1]) {
      if (i < 0 || i >= length) expect(() => first.with(i, 7)).toThrow(RangeError);
      else {
        const second = first.with(i, -7);
        expect([...second]).toEqual(Array.from({ length }, (_, at) => (at === i ? -7 : at)));
        expect([first.at(i), second.at(i)]).toEqual([i, -7]);
        expect(second.with(i, -7)).toBe(second);
      }
    }
  });

  it('grows as an array does, and leaves every shorter version as it was', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.nat(3), fc.nat(70), fc.constantFrom(31, 32, 33, 1023, 1024, 1100)), { maxLength: 8 }), (additions) => {
        const versions = [PersistentArray.from<number>([])];
        const expected: number[] = [];
        for (const count of additions) {
          const values = Array.from({ length: count }, (_, i) => expected.length + i);
          expected.push(...values);
          versions.push(versions.at(-1)!.appended(values));
        }
        for (const version of versions) expect([...version]).toEqual(expected.slice(0, version.length));
        const last = versions.at(-1)!;
        expect(last.length).toBe(expected.length);
        expect(() => last.at(expected.length)).toThrow(RangeError);
        if (expected.length > 0) expect(last.with(expected.length - 1, -1).at(expected.length - 1)).toBe(-1);
      }),
      { numRuns: 200 },
    );
  });

  it('is as an array for any order of changes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2000 }), fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 50 }), (length, changes) => {
        const expected = new Array<number>(length).fill(0);
        let array = PersistentArray.from(expected);
        for (const [at, value] of changes) {
          expected[at % length] = value;
          array = array.with(at % length, value);
        }
        expect([...array]).toEqual(expected);
      }),
      { numRuns: 100 },
    );
  });
});

describe('a heap', () => {
  it('gives its items in order, and is not changed by what is added or taken', () => {
    const before = (a: number, b: number): boolean => a < b;
    const drain = (heap: Heap<number> | undefined): number[] => (heap ? [heap.item, ...drain(withoutFirst(heap, before))] : []);
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 200 }), fc.nat(), (items, more) => {
        const heap = items.reduce<Heap<number> | undefined>((all, item) => pushed(all, item, before), undefined);
        const sorted = items.toSorted((a, b) => a - b);
        expect(drain(heap)).toEqual(sorted);
        expect(drain(pushed(heap, more, before))).toEqual([...items, more].toSorted((a, b) => a - b));
        expect(drain(heap)).toEqual(sorted);
      }),
      { numRuns: 100 },
    );
  });
});
