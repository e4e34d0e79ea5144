import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readFrames } from '../../../src/storage/filesystem/frame-reads.ts';

const file = Buffer.from(Uint8Array.from({ length: 5 << 20 }, (_, i) => (i * 2_654_435_761) >>> 11));

function counting(): { reads: [number, number][]; read: (position: number, size: number) => Promise<Buffer> } {
  const reads: [number, number][] = [];
  const read = (position: number, size: number): Promise<Buffer> => {
    reads.push([position, size]);
    return Promise.resolve(file.subarray(position, position + size));
  };
  return { reads, read };
}

describe('many frames of one file', () => {
  it('come as they are and in the order that was asked for, wherever they lie', async () => {
    const place = fc.record({ position: fc.integer({ min: 0, max: file.length }), size: fc.oneof(fc.integer({ min: 1, max: 2_000 }), fc.integer({ min: 1, max: 2 << 20 })) });
    await fc.assert(
      fc.asyncProperty(fc.array(place, { maxLength: 60 }), async (places) => {
        const { read } = counting();
        const frames = await readFrames(places, read);
        expect(frames).toHaveLength(places.length);
        for (const [i, { position, size }] of places.entries()) expect(frames[i]!.equals(file.subarray(position, position + size))).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('that lie close together come by one read of a megabyte at most, others by their own', async () => {
    const close = Array.from({ length: 3_000 }, (_, i) => ({ position: i * 1_000, size: 900 })).reverse();
    const near = counting();
    await readFrames(close, near.read);
    expect(near.reads.length).toBe(3);
    expect(Math.max(...near.reads.map(([, size]) => size))).toBeLessThanOrEqual(1 << 20);
    const far = counting();
    await readFrames([{ position: 0, size: 10 }, { position: 100_000, size: 10 }, { position: 2_000_000, size: 3 << 20 }], far.read);
    expect(far.reads).toEqual([[0, 10], [100_000, 10], [2_000_000, 3 << 20]]);
    expect(await readFrames([], far.read)).toEqual([]);
  });
});
