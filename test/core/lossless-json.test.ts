import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseLossless, parseTolerant, stringifyLossless, stringifyTolerant } from '../../src/core/lossless-json.ts';

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).filter((value) => !Number.isSafeInteger(Number(value)));
const leaf = fc.oneof(int64, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.string({ unit: 'binary' }), fc.boolean(), fc.constant(null));
const plain = fc.oneof(leaf, fc.array(leaf), fc.dictionary(fc.string().filter((name) => name !== '__proto__'), fc.array(leaf), { noNullPrototype: true }));

describe('lossless JSON', () => {
  it('gives back what was written, large integers and large floats apart', () => {
    fc.assert(fc.property(plain, (value) => {
      expect(parseLossless(stringifyLossless(value))).toEqual(value);
    }), { seed: 1 });
  });

  it('finds integers wherever they stand and leaves texts alone', () => {
    const text = '{"a":[9007199254740993,-9223372036854775808,1,1.5,9007199254740993.0,1e20],"9007199254740993":"\\"9007199254740993"}';
    expect(parseLossless(text)).toEqual({ a: [9007199254740993n, -9223372036854775808n, 1, 1.5, 9007199254740992, 1e20], '9007199254740993': '"9007199254740993' });
  });

  it('rounds integers of more than 64 bits, in time that does not grow with their digits squared', () => {
    expect(parseLossless('9223372036854775808')).toBe(2 ** 63);
    expect(parseLossless(`[${'9'.repeat(1_000_000)}]`)).toEqual([Infinity]);
  });

  it('refuses what is no JSON', () => {
    for (const text of ['', '9007199254740993,', '{"a":9007199254740993', '"9007199254740993', '-', '09007199254740993']) expect(() => parseLossless(text)).toThrow(SyntaxError);
  });

  it('writes what JSON has no number for as protobuf does', () => {
    expect(stringifyLossless([NaN, -Infinity, -0, 1e21, new Uint8Array([1, 2]), Float32Array.of(1.5), undefined])).toBe('["NaN","-Infinity",-0,1e+21,"AQI=",[1.5],null]');
  });
});

describe('JSON with bare NaN and Infinity', () => {
  const number = fc.oneof(int64, fc.double({ noNaN: false }), fc.string({ unit: fc.constantFrom('N', 'a', 'I', 'n', 'f', '-', '"', '\\', '9') }), fc.constant(null));
  const tree = fc.letrec((tie) => ({ node: fc.oneof({ maxDepth: 4 }, number, fc.array(tie('node')), fc.dictionary(fc.string(), tie('node'))) })).node;

  it('gives back what was written', () => {
    fc.assert(fc.property(tree, (value) => {
      expect(parseTolerant(stringifyTolerant(value))).toEqual(value);
    }), { seed: 2 });
  });

  it('reads what TensorFlow Serving and Python write, wherever it stands', () => {
    expect(parseTolerant('{"NaN": [NaN,-Infinity, Infinity\n,Inf,-Inf,1e5,-9223372036854775808], "b":{"__proto__":NaN}, "c":"NaN Infinity"}')).toEqual({
      NaN: [NaN, -Infinity, Infinity, Infinity, -Infinity, 1e5, -(2n ** 63n)],
      b: JSON.parse('{"__proto__":null}', (name, value: unknown) => (name === '__proto__' ? NaN : value)) as unknown,
      c: 'NaN Infinity',
    });
    expect(parseTolerant('NaN')).toBeNaN();
    expect(stringifyTolerant({ a: [NaN, Infinity, -Infinity, -0, Float32Array.of(NaN)] })).toBe('{"a":[NaN,Infinity,-Infinity,-0,[NaN]]}');
  });

  it('leaves prototypes alone', () => {
    const value = parseTolerant('{"__proto__":NaN,"a":{"__proto__":{"b":NaN}}}') as Record<string, object>;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.getPrototypeOf(value['a'])).toBe(Object.prototype);
    expect(value['b']).toBeUndefined();
  });

  it('reads integers of 64 bits without sign, and fractions with as many digits as they have', () => {
    expect(parseTolerant('[18446744073709551615,9223372036854775808,18446744073709551616,NaN]')).toEqual([2n ** 64n - 1n, 2n ** 63n, 2 ** 64, NaN]);
    expect(parseTolerant('[18446744073709551615,-9223372036854775809,0.12345678901234567,1.2345678901234567e300]')).toEqual([2n ** 64n - 1n, -(2 ** 63), 0.12345678901234567, 1.2345678901234567e300]);
    expect(parseLossless('{"a":-0.12345678901234567,"b":9007199254740993}')).toEqual({ a: -0.12345678901234567, b: 9007199254740993n });
  });

  it('refuses what is no JSON even so', () => {
    for (const text of ['NaN,', '[NaN', '"NaN', '"NaN\\', '{NaN:1}', '{"a":NaN', 'NaNa', '-', '+NaN', 'nan', '[1NaN]', '[NaN1]', 'Infinit', '--Infinity', '[-"NaN"]', '{9007199254740993:NaN}', 'NaN"']) expect(() => parseTolerant(text), text).toThrow(SyntaxError);
  });

  it('reads what is nested as deep as JSON.parse can', () => {
    const depth = 50_000;
    expect(Array.isArray(parseTolerant(`${'['.repeat(depth)}NaN${']'.repeat(depth)}`))).toBe(true);
  });
});
