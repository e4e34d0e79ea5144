import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromUtf8, utf8 } from '../../src/core/bytes.ts';
import { canonicalJson, decode, encode } from '../../src/core/codec.ts';

const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('$date', '$$number', '$', '__proto__', 'constructor', 'toString', ''));

const { value: encodable } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, false, NaN, Infinity, -Infinity, 0, -0),
    fc.double(),
    fc.bigInt(),
    text,
    fc.date({ noInvalidDate: true }),
    fc.uint8Array({ maxLength: 20 }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(text, tie('value')), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
  ),
}));

describe('codec', () => {
  it('gives back every value as it was', () => {
    fc.assert(
      fc.property(encodable, (value) => {
        // Not vitest's toStrictEqual, which compares a property named constructor by identity.
        expect(isDeepStrictEqual(decode(encode(value), 'k'), value)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('writes equal values as equal text, in whatever order their keys came', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(text, encodable), { selector: ([key]) => key, maxLength: 6 }), (entries) => {
        expect(canonicalJson(Object.fromEntries(entries))).toBe(canonicalJson(Object.fromEntries([...entries].reverse())));
      }),
    );
  });

  it('writes different values as different text', () => {
    const values = [0, -0, '0', 0n, NaN, 'NaN', null, 'null', [], {}, [null], { $date: '1970-01-01T00:00:00.000Z' }, new Date(0), { $bytes: '' }, new Uint8Array(0), { a: null }, false];
    expect(new Set(values.map((value) => canonicalJson(value))).size).toBe(values.length);
  });

  it('writes plain JSON for plain values, as RFC 8785 has it', () => {
    const value = { '\u20ac': 'Euro', '\r': 'CR', 1: 'One', '\ud83d\ude00': 'Smile', numbers: [333333333.33333329, 1e30, 4.5, 2e-3, 1e-27] };
    expect(canonicalJson(value)).toBe('{"\\r":"CR","1":"One","numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"€":"Euro","😀":"Smile"}');
  });

  it('keeps a property named __proto__ a property', () => {
    const value = JSON.parse('{"__proto__":{"polluted":true},"a":1}') as object;
    const back = decode(encode(value), 'k') as { polluted?: boolean };
    expect(Object.keys(back).sort()).toEqual(['__proto__', 'a']);
    expect([back.polluted, Object.getPrototypeOf(back)]).toEqual([undefined, Object.prototype]);
  });

  it('leaves out properties that are undefined', () => {
    expect(canonicalJson({ a: undefined, b: [{ c: undefined }] })).toBe('{"b":[{}]}');
  });

  it('refuses what cannot be stored, with its path', () => {
    const cyclic: { self?: unknown } = {};
    cyclic.self = [cyclic];
    let deep: unknown = 0;
    for (let i = 0; i < 100_000; i++) deep = [deep];
    const holes = [, 1];
    const bad: [unknown, RegExp][] = [
      [{ a: [0, () => 1] }, /^value\.a\[1\] is a function/],
      [{ a: Symbol('s') }, /^value\.a is a symbol/],
      [undefined, /^value is undefined/],
      [holes, /^value\[0\] is undefined/],
      [new Map(), /^value is a Map/],
      [{ a: new Float64Array(1) }, /^value\.a is a Float64Array/],
      [{ a: new Date(NaN) }, /^value\.a is an invalid Date/],
      [{ a: '\ud800' }, /^value\.a has a lone surrogate/],
      [{ '\udc00': 1 }, /lone surrogate/],
      [cyclic, /^value\.self\[0\] refers back/],
      [deep, /nested more than 500 deep/],
    ];
    for (const [value, message] of bad) {
      expect(() => encode(value)).toThrow(message);
      expect(() => encode(value)).toThrow(expect.objectContaining({ code: 'validation' }));
    }
  });

  it('stores an object twice that is no cycle', () => {
    const shared = { a: 1 };
    expect(canonicalJson([shared, shared])).toBe('[{"a":1},{"a":1}]');
  });

  it('reports bytes that it did not write, naming the key', () => {
    const bad = ['', '{', '{"$date":"never"}', '{"$unknown":"1"}', '{"$bigint":"1.5"}', '{"$bytes":"***"}', '{"$number":5}'];
    for (const text of [...bad.map(utf8), Uint8Array.of(0xff)]) {
      expect(() => decode(text, 'runs/1')).toThrow(expect.objectContaining({ code: 'integrity', details: { key: 'runs/1' } }));
    }
  });

  it('ends in valid UTF-8 JSON', () => {
    fc.assert(fc.property(encodable, (value) => void JSON.parse(fromUtf8(encode(value)))));
  });
});
