import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toHex } from '../../src/core/bytes.ts';
import { assertDigest, createHasher, digestOf, isDigest, type Hasher } from '../../src/core/digest.ts';
import { Sha256 } from '../../src/core/sha256.ts';

/** What a page hashes with. */
const createPlainHasher = (): Hasher => {
  const hash = new Sha256();
  return { update: (bytes) => void hash.update(bytes), digest: () => `sha256:${toHex(hash.digest())}` };
};

const native = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

describe('SHA-256', () => {
  it('gives the digests of FIPS 180-4', () => {
    expect(digestOf('')).toBe('sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(digestOf('abc')).toBe('sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(digestOf('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq')).toBe('sha256:248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1');
    expect(digestOf(new Uint8Array(1_000_000).fill(0x61))).toBe('sha256:cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0');
  });

  it.each([
    ["the host's", createHasher],
    ['plain', createPlainHasher],
  ])('agrees with node:crypto on every length around a block (%s hasher)', (_which, create) => {
    const bytes = Uint8Array.from({ length: 300 }, (_, i) => (i * 37) % 256);
    for (let length = 0; length <= bytes.length; length++) {
      const hasher = create();
      hasher.update(bytes.subarray(0, length));
      expect(hasher.digest()).toBe(native(bytes.subarray(0, length)));
    }
  });

  it.each([
    ["the host's", createHasher],
    ['plain', createPlainHasher],
  ])('agrees with node:crypto however the bytes are cut (%s hasher)', (_which, create) => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 8 }), (parts) => {
        const hasher = create();
        for (const part of parts) hasher.update(part);
        expect(hasher.digest()).toBe(native(Buffer.concat(parts)));
      }),
    );
  });

  it('gives the digests of FIPS 180-4 in a host that has nothing of its own', () => {
    const hasher = createPlainHasher();
    hasher.update(new Uint8Array(1_000_000).fill(0x61));
    expect(hasher.digest()).toBe('sha256:cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0');
  });

  it('tells digests from other texts', () => {
    expect(isDigest(digestOf('a'))).toBe(true);
    for (const text of ['', 'sha256:', digestOf('a').toUpperCase(), `${digestOf('a')}0`, `${digestOf('a')}\n`]) {
      expect(isDigest(text)).toBe(false);
      expect(() => assertDigest(text)).toThrow(/is not a digest/);
    }
  });
});
