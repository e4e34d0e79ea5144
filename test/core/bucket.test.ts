import { describe, expect, it } from 'vitest';
import { bucketOf } from '../../src/core/bucket.ts';
import { murmur3 } from '../../src/core/murmur3.ts';

// Of MurmurHash-Swift's tests (MIT), which hold it to the reference implementation: text, seed, hash. They end in every place of a block.
const published: [string, number, string][] = [
  ['', 0, '00000000000000000000000000000000'],
  ['H', 0, 'f69feb5df45637a0f45637a0f45637a0'],
  ['He', 0, '47f82b373b8fc7283b8fc7283b8fc728'],
  ['Hel', 0, '7b0cd2cdcc2b995ccc2b995ccc2b995c'],
  ['Hell', 0, '7f771597e65bee6ae65bee6ae65bee6a'],
  ['Hello', 0, '2360ae465e6336c6ad45b3f4ad45b3f4'],
  ['Hello ', 0, '497dc9d9b73bad59a57b7235a57b7235'],
  ['Hello W', 0, '3d021fe8d111dc31b6345ff3b6345ff3'],
  ['Hello Wo', 0, 'db37ce0fe9a99ae0da8c411bda8c411b'],
  ['Hello Wor', 0, '107e2665706ff8b8eb00bf34e910bf63'],
  ['Hello Worl', 0, '2444bd95337fb2193d57dfac56dfdf0c'],
  ['Hello World!', 0, '6bee9883eb1be4f59dfb7172ae3fbea9'],
  ['Hello World! ', 0, 'c85c2fe13e579f88205695c8120178a3'],
  ['Hello World! H', 0, 'aaadb4452b35ce375a481289ecaa84fe'],
  ['Hello World! He', 0, '784f7f08ab145b43cf27d08dc5413b50'],
  ['Hello World! Hel', 0, '82475db0161f88d8850474822a76794a'],
  ['Hello World! Hell', 0, 'a0cf95de87e61640ad45f08dc508c90a'],
  ['Hello World! Hello World! Hello ', 0, '4855a598c76f875e7760fe307dcc7b58'],
  ['Hello World! Hello World! Hello World', 0, '1c95a3f7906f972c94ce43d912a4eebc'],
  ['メ', 0, '6fa5c4ad8756ef5c8756ef5c8756ef5c'],
  ['メロ', 0, 'c2d1e50add88ceacd2e42bd3d2e42bd3'],
  ['メロスは', 0, '8d560049dbf2279ad4419805533fd567'],
  // Of the readme of murmurHash3.js (MIT).
  ["I will not buy this tobacconist's, it is scratched.", 0, '9b5b7ba2ef3f7866889adeaf00f3f98e'],
];

function murmur3Hex(bytes: Uint8Array, seed: number): string {
  const words = new Int32Array(4);
  murmur3(bytes, bytes.length, seed, words);
  return Array.from(words, (word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
}

/** Chi-square of counts that should all be alike, in standard deviations from what chance gives. */
function unevenness(counts: Uint32Array): number {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  const df = counts.length - 1;
  return (chiSquare - df) / Math.sqrt(2 * df);
}

describe('murmur3', () => {
  it('gives the published hashes', () => {
    for (const [text, seed, hash] of published) expect([text, murmur3Hex(new TextEncoder().encode(text), seed)]).toEqual([text, hash]);
    expect(murmur3Hex(Uint8Array.from({ length: 256 }, (_, i) => i), 0)).toBe('2c56c88fdb4503dfd352b21a494ca2c0');
  });
});

describe('bucketOf', () => {
  /** The same by the way that its docstring tells, with the host's encoder and exact integers. */
  function slowBucket(key: string, salt: string): number {
    const [saltBytes, keyBytes] = [new TextEncoder().encode(salt), new TextEncoder().encode(key)];
    const all = new Uint8Array(4 + saltBytes.length + keyBytes.length);
    new DataView(all.buffer).setUint32(0, saltBytes.length, true);
    all.set(saltBytes, 4);
    all.set(keyBytes, 4 + saltBytes.length);
    return Number(BigInt(`0x${murmur3Hex(all, 0)}`) >> 75n) / 2 ** 53;
  }

  it('hashes the UTF-8 of salt and key, whatever they are', () => {
    const texts = ['', 'a', 'user-1', 'é', 'ß\u07ff\u0800', '日本語', '😀 and 👩‍👩‍👧', '\uffff\ue000\ud7ff', '\ud83d', 'x\ude00', '\ud83d\ud83d\ude00\ud83d', 'long '.repeat(500), '長い'.repeat(400)];
    for (const key of texts) for (const salt of texts) expect([key, salt, bucketOf(key, salt)]).toEqual([key, salt, slowBucket(key, salt)]);
  });

  it('stays what it is, as assignments that were made depend on it', () => {
    expect([bucketOf('user-1', 'salt'), bucketOf('', ''), bucketOf('é', 'delay-model')]).toEqual([0.8248385608073187, 0.7969731762116846, 0.8301849332578206]);
  });

  it('takes half of a surrogate pair as U+FFFD', () => {
    expect(bucketOf('a\ud800b', 's')).toBe(bucketOf('a\ufffdb', 's'));
  });

  it('keeps salt and key apart', () => {
    const buckets = new Set(['', 'a', 'ab', 'abc'].map((salt) => bucketOf('abc'.slice(salt.length), salt)));
    expect(buckets.size).toBe(4);
  });

  it('spreads a million ids evenly, and by one salt independently of another', () => {
    const bins = 32;
    const one = new Uint32Array(1_000);
    const fine = new Uint32Array(1_024);
    const both = new Uint32Array(bins * bins);
    let agree = 0;
    const ids = 1_000_000;
    for (let i = 0; i < ids; i++) {
      const id = `user-${i}`;
      const a = bucketOf(id, 'checkout');
      const b = bucketOf(id, 'checkout2');
      one[Math.floor(a * 1_000)]!++;
      // Beyond the bits that shares usually ask for.
      fine[Math.floor(a * 2 ** 53) % 1_024]!++;
      both[Math.floor(a * bins) * bins + Math.floor(b * bins)]!++;
      if (a < 0.5 === b < 0.5) agree++;
    }
    // Fixed ids, so this holds or does not: 4 standard deviations are what chance exceeds once in 10,000 times or less.
    expect([unevenness(one), unevenness(fine), unevenness(both)].every((deviation) => Math.abs(deviation) < 4)).toBe(true);
    expect(Math.abs(agree / ids - 0.5)).toBeLessThan(0.002);
  });
});
