import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeFrame, readFrames, type Frame } from '../../src/storage/http-frames.ts';

const frames = fc.array(fc.record({ header: fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer(), fc.array(fc.nat()))), body: fc.uint8Array({ maxLength: 40 }) }), { maxLength: 8 });

async function* cutInto(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes.length === 0 ? bytes.length : Math.max(1, sizes[i % sizes.length]!);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

const encoded = (list: readonly { header: object; body: Uint8Array }[]): Uint8Array => Uint8Array.from(list.flatMap(({ header, body }) => [...encodeFrame(header, [body])]));

async function read(source: AsyncIterable<Uint8Array>, maxBodyBytes = 1000): Promise<Frame[]> {
  const all: Frame[] = [];
  for await (const frame of readFrames(source, { maxBodyBytes })) all.push({ header: frame.header, body: frame.body.slice() });
  return all;
}

describe('frames', () => {
  it('come back as they were, wherever the stream is cut into chunks', async () => {
    await fc.assert(
      fc.asyncProperty(frames, fc.array(fc.nat(30), { maxLength: 6 }), async (list, sizes) => {
        const back = await read(cutInto(encoded(list), sizes));
        expect(back.map(({ header, body }) => ({ header, body: [...body] }))).toEqual(list.map(({ header, body }) => ({ header: JSON.parse(JSON.stringify(header)), body: [...body] })));
      }),
    );
  });

  it('say so when the stream ends within one', async () => {
    const bytes = encodeFrame({ key: 'a' }, [Uint8Array.of(1, 2, 3)]);
    for (let size = 1; size < bytes.length; size++) await expect(read(cutInto(bytes.subarray(0, size), [4]))).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('refuse a body that is too large before it is there, and a header that is not JSON', async () => {
    const announced = encodeFrame({}, [new Uint8Array(11)]).subarray(0, 8);
    await expect(read(cutInto(announced, []), 10)).rejects.toMatchObject({ code: 'validation', details: { limit: 10, size: 11 } });
    const bytes = encodeFrame({ a: 1 });
    bytes[8] = 0xff;
    await expect(read(cutInto(bytes, []))).rejects.toMatchObject({ code: 'validation' });
  });
});
