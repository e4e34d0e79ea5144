import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KnownBytes } from '../../src/core/known-bytes.ts';

/** Contents of few kinds, so that many are of one length and begin alike. */
const content = fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 5 });

describe('KnownBytes', () => {
  it('gives what was kept of the very same bytes, wherever they lie, and nothing for others', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(content, fc.nat(3)), { maxLength: 60 }), (asked) => {
        const known = new KnownBytes<string>();
        const kept = new Set<string>();
        for (const [bytes, before] of asked) {
          const name = bytes.join();
          const all = Uint8Array.of(...new Array<number>(before).fill(9), ...bytes, 1);
          const [start, end] = [before, before + bytes.length];
          expect(known.find(all, start, end)).toBe(kept.has(name) ? name : undefined);
          if (!kept.has(name)) expect(known.keep(all, start, end, name)).toBe(name);
          kept.add(name);
          // What was kept does not change with the bytes that it was made of.
          all.fill(7);
        }
      }),
    );
  });

  it('does not take bytes that end too early for those that it knows', () => {
    const known = new KnownBytes<string>();
    known.keep(Uint8Array.of(1, 2, 3), 0, 3, 'three');
    expect(known.find(Uint8Array.of(1, 2), 0, 3)).toBeUndefined();
    known.keep(Uint8Array.of(1, 2), 0, 3, 'cut off');
    expect(known.find(Uint8Array.of(1, 2, 3), 0, 3)).toBe('three');
  });

  it('lets go of what it knows instead of growing for ever', () => {
    const known = new KnownBytes<number>();
    const all = Uint8Array.from({ length: 1_000 }, (_, i) => i % 250);
    for (let i = 0; i < 250; i++) known.keep(all, i, i + 4, i);
    const found = Array.from({ length: 250 }, (_, i) => known.find(all, i, i + 4)).filter((each) => each !== undefined);
    expect(found.length).toBeLessThanOrEqual(64);
    expect(found).toContain(249);
  });
});
