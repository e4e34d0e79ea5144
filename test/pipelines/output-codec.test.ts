import fc from 'fast-check';
import { MemoryStorage, Pipeline } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../src/core/digest.ts';
import { packOutput, unpackOutput } from '../../src/pipelines/output-codec.ts';

const roundTrip = (value: unknown): unknown => unpackOutput(packOutput(value), 'test');

describe('packOutput', () => {
  it.each<[string, unknown]>([
    ['what JSON loses', { nan: NaN, up: Infinity, down: -Infinity, zero: -0, big: 2n ** 70n, at: new Date(0), none: null }],
    ['bytes and typed arrays', [new Uint8Array([1, 2, 255]), new Int8Array([-1]), new Uint8ClampedArray([9]), new Int16Array([-300]), new Uint16Array([65535])]],
    ['wide typed arrays', [new Int32Array([-70000]), new Uint32Array([4e9]), new Float32Array([0.1, NaN]), new Float64Array([-0, Infinity, Math.PI])]],
    ['64-bit arrays', { a: new BigInt64Array([-(2n ** 63n)]), b: new BigUint64Array([2n ** 64n - 1n]) }],
    ['arrays deep inside', { layers: [{ name: 'dense', weights: [new Float32Array([1, 2, 3]), null] }], 'a.b': { '0': new Uint8Array([7]) } }],
    ['empty things', { list: [], object: {}, array: new Float64Array(0), text: '' }],
    ['one array', new Float32Array([1, 2])],
    ['names that look like the codec', { $bytes: 'x', $$arrays: [1], tree: { arrays: [] }, path: new Uint8Array([1]) }],
    ['plain values', 'text'],
    ['null', null],
  ])('keeps %s', (_, value) => {
    expect(roundTrip(value)).toEqual(value);
  });

  it('keeps the bits of NaN and the part of a larger buffer that an array shows', () => {
    const buffer = new Float64Array([1, 2, 3, 4]).buffer;
    const part = roundTrip(new Float64Array(buffer, 8, 2)) as Float64Array;
    expect([...part]).toEqual([2, 3]);
    expect(part.buffer.byteLength).toBe(16);
    expect(Object.is((roundTrip([-0]) as number[])[0], -0)).toBe(true);
  });

  it.each<[string, (i: number) => unknown, string[]]>([
    ['numbers', (i) => (i % 3 === 0 ? NaN : -i), ['numbers']],
    ['texts that recur', (i) => ['Zürich', 'Genève', '😀', ''][i % 4], ['texts8']],
    ['more texts than a byte tells apart', (i) => `station ${i % 300}`, ['texts16']],
    ['texts of which each is another', (i) => `flight ${i}`, []],
    ['rows', (i) => ({ station: `s${i % 5}`, delay: i / 7, cancelled: i % 2 === 0, ['__proto__']: null }), ['numbers', 'texts8']],
    ['numbers of which some are missing', (i) => (i % 9 === 0 ? null : i % 5 === 0 ? NaN : -i), ['numbers', 'valid']],
    ['texts of which some are missing', (i) => (i % 9 === 0 ? null : ['Zürich', 'Genève'][i % 2]), ['texts8', 'valid']],
    ['nothing', () => null, []],
    ['numbers, one text and what is missing', (i) => (i === 699 ? 'x' : i % 2 === 0 ? null : i), []],
    ['rows with dates, bigints and what is missing', (i) => ({ at: new Date(i), id: BigInt(i), delay: i % 9 === 0 ? null : i, station: i % 2 === 0 ? null : 's' }), ['numbers', 'valid', 'texts8', 'valid']],
    ['rows of which one has another name', (i) => (i === 600 ? { b: 1 } : { a: 1 }), []],
    ['rows that hold lists', (i) => ({ a: [i] }), []],
    ['numbers, and one text', (i) => (i === 699 ? 'x' : i), []],
    ['lists of numbers', (i) => (i === 3 ? Array.from({ length: 100 }, (_, j) => j) : [i]), ['numbers']],
  ])('keeps long lists of %s as columns, and gives them back as they were', (_, make, types) => {
    const values = Array.from({ length: 700 }, (_, i) => make(i));
    for (const [value, packed] of [values, { table: values }].map((each) => [each, packOutput(each)] as const)) {
      expect(unpackOutput(packed, 'test')).toEqual(value);
      const head = JSON.parse(new TextDecoder().decode(packed.subarray(8, 8 + new DataView(packed.buffer).getUint32(0, true)))) as { arrays: { type: string }[] };
      expect(head.arrays.map(({ type }) => type)).toEqual(types);
    }
  });

  it('keeps columns small, equal ones as equal bytes, and names what is wrong in a row', () => {
    const rows = Array.from({ length: 10_000 }, (_, i) => ({ station: `station ${i % 20}`, delay: Math.sin(i) }));
    expect(packOutput(rows).length).toBeLessThan(10_000 * 9 + 1_000);
    const digest = (value: unknown): string => digestOf(packOutput(value));
    expect(digest(rows)).toBe(digest(rows.map(({ station, delay }) => ({ delay, station }))));
    expect(digest(rows)).not.toBe(digest({ station: rows.map(({ station }) => station), delay: rows.map(({ delay }) => delay) }));
    for (const delay of [() => 1, '\ud800']) expect(() => packOutput([...rows, { station: 'x', delay }])).toThrow(expect.objectContaining({ details: expect.objectContaining({ path: 'output[10000].delay' }) }));
    expect(() => packOutput(Array<string>(100).fill('\ud800'))).toThrow(expect.objectContaining({ details: expect.objectContaining({ path: 'output[0]' }) }));
  });

  it('reads lists with what is missing as they were stored before they had masks, and refuses a mask that does not fit', () => {
    const values = Array.from({ length: 100 }, (_, i) => (i % 3 === 0 ? null : i));
    const stored = (header: object, ...arrays: Uint8Array[]): Uint8Array => {
      const head = new TextEncoder().encode(JSON.stringify(header));
      const parts = [new Uint8Array(8), head, new Uint8Array((8 - (head.length % 8)) % 8), ...arrays];
      new DataView(parts[0]!.buffer).setUint32(0, head.length, true);
      return Uint8Array.from(parts.flatMap((part) => [...part]));
    };
    expect(unpackOutput(stored({ arrays: [], tree: { values } }), 'test')).toEqual({ values });
    const numbers = { path: ['values'], type: 'numbers', length: 2 };
    for (const valid of [{ path: ['values'], type: 'valid', length: 1 }, { path: ['other'], type: 'valid', length: 2 }]) {
      for (const arrays of [[numbers, valid], [valid, numbers]]) {
        expect(() => unpackOutput(stored({ arrays, tree: { values: null, other: 1 } }, new Uint8Array(64)), 'test')).toThrow(expect.objectContaining({ code: 'integrity' }));
      }
    }
  });

  it('gives a __proto__ back as the property that it was', () => {
    const value = JSON.parse('{"__proto__":{"polluted":1}}') as object;
    Object.defineProperty(value, 'bytes', { value: new Uint8Array([1]), enumerable: true });
    const back = roundTrip(value) as object;
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
    expect(Object.keys(back)).toEqual(['__proto__', 'bytes']);
    const held = roundTrip(Object.fromEntries([['__proto__', new Uint8Array([5])]])) as object;
    expect(Object.getOwnPropertyDescriptor(held, '__proto__')!.value).toEqual(new Uint8Array([5]));
  });

  it('gives Node buffers back as the byte arrays that they are', () => {
    const back = roundTrip({ data: Buffer.from('abc') }) as { data: Uint8Array };
    expect(back.data.constructor).toBe(Uint8Array);
    expect([...back.data]).toEqual([97, 98, 99]);
  });

  it('gives equal bytes for equal values, however they were built', () => {
    const a = { x: new Uint8Array([1]), y: new Float32Array([2]), z: 1 };
    const b = { z: 1, y: new Float32Array([2]), x: new Uint8Array([1]) };
    expect(packOutput(a)).toEqual(packOutput(b));
    expect(packOutput({ x: [1, 2] })).not.toEqual(packOutput({ x: new Uint8Array([1, 2]) }));
  });

  it('does not change what it is given', () => {
    const value = { rows: [{ x: new Uint8Array([1]) }], names: ['a'] };
    packOutput(value);
    expect(value).toEqual({ rows: [{ x: new Uint8Array([1]) }], names: ['a'] });
  });

  it.each<[string, unknown, string]>([
    ['a function', { f: [() => 1] }, 'output.f[0]'],
    ['a class instance', { m: new Map() }, 'output.m'],
    ['a typed array in a class instance', { m: new (class Model { weights = new Float32Array(1); })() }, 'output.m'],
    ['an array buffer', { b: new ArrayBuffer(1) }, 'output.b'],
    ['a data view', { b: new DataView(new ArrayBuffer(1)) }, 'output.b'],
    ['a hole', { list: [1, undefined] }, 'output.list[1]'],
    ['a symbol', { s: Symbol('s') }, 'output.s'],
    ['an invalid date', { at: new Date(NaN) }, 'output.at'],
  ])('refuses %s and names its place', (_, value, path) => {
    expect(() => packOutput(value)).toThrow(expect.objectContaining({ code: 'validation', details: expect.objectContaining({ path }) }));
  });

  it('never gives wrong data for damaged bytes: a coded error or plain data', () => {
    const packed = packOutput({ x: new Float64Array(10), rows: [1, 'two', { three: 3n }], table: Array.from({ length: 64 }, (_, i) => ({ a: i, b: 'b' })) });
    for (let at = 0; at < packed.length; at++) {
      try {
        unpackOutput(packed.slice(0, at), 'cut');
        expect.unreachable();
      } catch (error) {
        expect(error).toMatchObject({ code: 'integrity', details: { key: 'cut' } });
      }
    }
  });

  it('round-trips anything plain', () => {
    const leaf = fc.oneof(
      fc.constantFrom(null, true, NaN, -0, 10n),
      fc.double(),
      fc.string({ unit: 'grapheme' }),
      fc.date({ noInvalidDate: true }),
      fc.uint8Array(),
      fc.float64Array(),
      fc.bigInt64Array(),
      fc.int32Array(),
    );
    const tree = fc.letrec((tie) => ({
      node: fc.oneof({ depthSize: 'small' }, leaf, fc.array(tie('node'), { maxLength: 4 }), fc.dictionary(fc.string(), tie('node'), { maxKeys: 4, noNullPrototype: true })),
    })).node;
    fc.assert(fc.property(tree, (value) => void expect(roundTrip(value)).toEqual(value)), { numRuns: 500 });
  });
});

describe('outputs of steps', () => {
  it('pass between steps whatever their size, small ones in the record, large ones as blobs', async () => {
    const storage = new MemoryStorage();
    const pipeline = new Pipeline({ name: 'sizes', storage });
    const small = pipeline.step('small', {}, async () => ({ when: new Date(5), weights: new Float32Array(100).fill(0.5) }));
    const large = pipeline.step('large', {}, async () => ({ ids: BigInt64Array.from({ length: 50_000 }, (_, i) => BigInt(i)), name: 'large' }));
    const text = pipeline.step('text', {}, async () => 'x'.repeat(100_000));
    const sum = pipeline.step('sum', { needs: { small, large, text } }, async ({ inputs }) => ({
      weights: inputs.small.weights.reduce((a, b) => a + b),
      last: inputs.large.ids.at(-1),
      text: inputs.text.length,
      when: inputs.small.when,
    }));
    const result = await pipeline.run();
    expect(result.output(sum)).toEqual({ weights: 50, last: 49_999n, text: 100_000, when: new Date(5) });
    expect(result.output(large).ids[3]).toBe(3n);
    expect((await storage.list({ kind: 'blob' })).entries).toHaveLength(2);
  });
});
