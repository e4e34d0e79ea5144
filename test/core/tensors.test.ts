import { describe, expect, it } from 'vitest';
import { concatBytes, utf8 } from '../../src/core/bytes.ts';
import { parseTolerant, stringifyTolerant } from '../../src/core/lossless-json.ts';
import { seededRandom } from '../../src/core/random.ts';
import { halfToNumber, numberToHalf } from '../../src/core/tensors/half.ts';
import { readInferTensors, writeInferTensors } from '../../src/core/tensors/infer-tensors.ts';
import { nestedOf, tensorOfNested } from '../../src/core/tensors/tensor-values.ts';
import type { NamedTensor } from '../../src/core/tensors/tensor.ts';

const none = new Uint8Array();
const read = (tensor: object, binary: Uint8Array = none): NamedTensor['tensor'] => readInferTensors([{ name: 't', ...tensor }], binary, 'inputs')[0]!.tensor;

/** One tensor of every type, with the ends of its range. */
const everyType: readonly NamedTensor[] = [
  { name: 'bool', tensor: { dtype: 'bool', shape: [3], data: Uint8Array.of(1, 0, 1) } },
  { name: 'i8', tensor: { dtype: 'int8', shape: [2, 1], data: Int8Array.of(-128, 127) } },
  { name: 'i16', tensor: { dtype: 'int16', shape: [2], data: Int16Array.of(-32768, 32767) } },
  { name: 'i32', tensor: { dtype: 'int32', shape: [1, 2], data: Int32Array.of(-2147483648, 2147483647) } },
  { name: 'i64', tensor: { dtype: 'int64', shape: [3], data: BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n, 5n) } },
  { name: 'u8', tensor: { dtype: 'uint8', shape: [2], data: Uint8Array.of(0, 255) } },
  { name: 'u16', tensor: { dtype: 'uint16', shape: [2], data: Uint16Array.of(0, 65535) } },
  { name: 'u32', tensor: { dtype: 'uint32', shape: [2], data: Uint32Array.of(0, 4294967295) } },
  { name: 'u64', tensor: { dtype: 'uint64', shape: [2], data: BigUint64Array.of(0n, 2n ** 64n - 1n) } },
  { name: 'f16', tensor: { dtype: 'float16', shape: [3], data: Uint16Array.of(0x3c00, 0x0001, 0xfbff) } },
  { name: 'f32', tensor: { dtype: 'float32', shape: [2, 2], data: Float32Array.of(0.1, -1.5, 3.4028234663852886e38, 1e-45) } },
  { name: 'f64', tensor: { dtype: 'float64', shape: [], data: Float64Array.of(Math.PI) } },
  { name: 'text', tensor: { dtype: 'string', shape: [2, 1], data: ['héllo', ''] } },
];

describe('the tensors of the Open Inference Protocol', () => {
  it.each([false, true])('come back as they were, of every type, with binary %s', (binary) => {
    const written = writeInferTensors(everyType, () => binary, 'outputs');
    expect(written.json.map(({ datatype }) => datatype)).toEqual(['BOOL', 'INT8', 'INT16', 'INT32', 'INT64', 'UINT8', 'UINT16', 'UINT32', 'UINT64', 'FP16', 'FP32', 'FP64', 'BYTES']);
    const json = parseTolerant(stringifyTolerant(written.json));
    expect(readInferTensors(json, concatBytes(written.binary), 'outputs')).toEqual(everyType);
  });

  it('are little-endian bytes in the order of the JSON, texts behind their lengths', () => {
    const { json, binary } = writeInferTensors(
      [{ name: 'a', tensor: { dtype: 'int32', shape: [1], data: Int32Array.of(1) } }, { name: 'b', tensor: { dtype: 'string', shape: [2], data: ['hi', Uint8Array.of(0xff)] } }],
      () => true, 'outputs',
    );
    expect([...concatBytes(binary)]).toEqual([1, 0, 0, 0, 2, 0, 0, 0, 104, 105, 1, 0, 0, 0, 0xff]);
    expect(json.map(({ parameters }) => parameters?.binary_data_size)).toEqual([4, 11]);
  });

  it('are not copied where they lie as the host has them, and are where they do not', () => {
    const buffer = new ArrayBuffer(24);
    const data = (offset: number): Float32Array => read({ datatype: 'FP32', shape: [2], parameters: { binary_data_size: 8 } }, new Uint8Array(buffer, offset, 8)).data as Float32Array;
    expect(data(8)).toMatchObject({ buffer, byteOffset: 8, length: 2 });
    expect(data(5).buffer).not.toBe(buffer);
    // A Buffer of Node's pool lies anywhere.
    const pooled = Buffer.from([0, 0, 0, 128, 63]).subarray(1);
    expect(read({ datatype: 'FP32', shape: [1], parameters: { binary_data_size: 4 } }, pooled).data).toEqual(Float32Array.of(1));
  });

  it('are taken nested and flat, and empty', () => {
    const nested = { datatype: 'FP32', shape: [2, 2], data: [[1, 2], [3, 4]] };
    expect(read(nested)).toEqual(read({ ...nested, data: [1, 2, 3, 4] }));
    expect(read({ datatype: 'INT64', shape: [0, 3], data: [] })).toEqual({ dtype: 'int64', shape: [0, 3], data: new BigInt64Array() });
    expect(nestedOf(read({ datatype: 'INT64', shape: [2, 0], data: [[], []] }))).toEqual([[], []]);
    expect(read({ datatype: 'FP64', shape: [], data: 3 }).data).toEqual(Float64Array.of(3));
    expect(read({ datatype: 'BYTES', shape: [1], data: [{ b64: 'AQL/' }] }).data).toEqual([Uint8Array.of(1, 2, 255)]);
  });

  it.each<[object, number, RegExp]>([
    [{ datatype: 'FP32', shape: [3], data: [1] }, 0, /shape \[1\]; it must have \[3\]/],
    [{ datatype: 'FP32', shape: [2, 2], data: [[1, 2], [3]] }, 0, /a list of 1 where others have lists of 2/],
    [{ datatype: 'FP32', shape: [2, 2], data: [[1, 2], 3] }, 0, /no list where/],
    [{ datatype: 'FP32', shape: [1], data: [[1]] }, 0, /shape \[1,1\]/],
    [{ datatype: 'FP32', shape: [2, 2], data: [[1, 2], [3, [4]]] }, 0, /element \[4\]/],
    [{ datatype: 'FP32', shape: [1], data: ['1'] }, 0, /element "1", which is not of FP32/],
    [{ datatype: 'FP32', shape: [1], data: [null] }, 0, /element null/],
    [{ datatype: 'INT8', shape: [1], data: [128] }, 0, /element 128/],
    [{ datatype: 'INT32', shape: [1], data: [0.5] }, 0, /element 0.5/],
    [{ datatype: 'INT64', shape: [1], data: [2 ** 53] }, 0, /element/],
    [{ datatype: 'UINT64', shape: [1], data: [-1] }, 0, /element -1/],
    [{ datatype: 'BOOL', shape: [1], data: [2] }, 0, /element 2/],
    [{ datatype: 'BYTES', shape: [1], data: [{ b64: '%' }] }, 0, /element/],
    [{ datatype: 'FP8', shape: [1], data: [1] }, 0, /datatype "FP8", which is not known/],
    [{ datatype: 'FP32', shape: [-1], data: [1] }, 0, /list of at most 32 sizes/],
    [{ datatype: 'FP32', shape: Array(33).fill(1), data: [1] }, 0, /list of at most 32 sizes/],
    [{ datatype: 'FP32', shape: [2 ** 40, 2 ** 40], data: [1] }, 0, /larger than anything/],
    [{ datatype: 'FP32', shape: [2 ** 40, 0], data: [] }, 0, /larger than anything/],
    [{ datatype: 'FP32', shape: [2 ** 40], parameters: { binary_data_size: 4 } }, 4, /has 4 bytes; 1099511627776 elements/],
    [{ datatype: 'BYTES', shape: [2 ** 40], parameters: { binary_data_size: 4 } }, 4, /at least/],
    [{ datatype: 'FP32', shape: [1], parameters: { binary_data_size: 8 } }, 4, /8; 4 bytes are left/],
    [{ datatype: 'FP32', shape: [1], parameters: { binary_data_size: 4 } }, 8, /take 4 bytes behind the JSON; there are 8/],
    [{ datatype: 'FP32', shape: [1], parameters: { binary_data_size: -4 } }, 4, /must be a number of bytes/],
    [{ datatype: 'FP32', shape: [1], parameters: { binary_data_size: 4 }, data: [1] }, 4, /either data or/],
    [{ datatype: 'FP32', shape: [1] }, 0, /either data or/],
    [{ datatype: 'BOOL', shape: [4], parameters: { binary_data_size: 4 } }, 4, /neither 0 nor 1/],
    [{ datatype: 'BYTES', shape: [1], parameters: { binary_data_size: 4 } }, 4, /ends within its element 0/],
  ])('are refused: %j', (tensor, bytes, message) => {
    expect(() => read(tensor, new Uint8Array(bytes).fill(2))).toThrow(message);
  });

  it('are refused where two have one name, or texts end before or behind their bytes', () => {
    const t = { name: 'x', datatype: 'FP32', shape: [1], data: [1] };
    expect(() => readInferTensors([t, t], none, 'inputs')).toThrow(/inputs\[1\]\.name is "x", which another has/);
    const text = { datatype: 'BYTES', shape: [1], parameters: { binary_data_size: 6 } };
    expect(() => read(text, concatBytes([Uint8Array.of(1, 0, 0, 0), utf8('ab')]))).toThrow(/1 bytes behind its last element/);
  });

  it('of lists that claim more than is there are refused before anything is allocated', () => {
    const lists = Array.from({ length: 5 }, () => Array(3000).fill(0) as unknown[]);
    for (let i = 0; i + 1 < lists.length; i++) lists[i]![0] = lists[i + 1];
    expect(() => tensorOfNested('float32', lists[0], 'x')).toThrow(/no list where others have lists of 3000/);
  });
});

describe('half precision', () => {
  it('comes back from every one of its numbers', () => {
    for (let half = 0; half < 0x10000; half++) {
      const number = halfToNumber(half);
      if (!Number.isNaN(number) && numberToHalf(number) !== half) expect.fail(`${half.toString(16)} became ${numberToHalf(number).toString(16)} by ${number}`);
    }
  });

  it('is the nearest, ties to even', () => {
    const random = seededRandom(5);
    for (let i = 0; i < 20_000; i++) {
      const value = (random() - 0.5) * 2 ** (random() * 44 - 26);
      if (Math.abs(value) >= 65_520) continue;
      const half = numberToHalf(value);
      const error = Math.abs(halfToNumber(half) - value);
      for (const neighbour of [half - 1, half + 1]) {
        if ((neighbour & 0x7fff) > 0x7c00 || (neighbour & 0x8000) !== (half & 0x8000) || (neighbour & 0x7fff) === 0x7c00) continue;
        const other = Math.abs(halfToNumber(neighbour) - value);
        if (other < error || (other === error && half % 2 === 1)) expect.fail(`${value} became ${halfToNumber(half)}, and ${halfToNumber(neighbour)} is nearer`);
      }
    }
    expect([1 + 2 ** -11, 1 + 3 * 2 ** -11, 65519.99, 65520, -1e9, 2 ** -25, 2 ** -24 * 1.5, -0, NaN].map((value) => halfToNumber(numberToHalf(value)))).toEqual([1, 1 + 2 ** -9, 65504, Infinity, -Infinity, 0, 2 ** -23, -0, NaN]);
  });
});
