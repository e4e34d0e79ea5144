/**
 * MurmurHash3 x86 128 (Appleby 2011, public domain) of the first `length` bytes, as four words of 32 bits in `words`. The same on every machine; not for secrets.
 */
export function murmur3(bytes: Uint8Array, length: number, seed: number, words: Int32Array): void {
  let h1 = seed | 0;
  let h2 = h1;
  let h3 = h1;
  let h4 = h1;
  const whole = length & ~15;
  for (let at = 0; at < whole; at += 16) {
    h1 ^= lane1(wordAt(bytes, at));
    h1 = ((h1 << 19) | (h1 >>> 13)) + h2;
    h1 = (Math.imul(h1, 5) + 0x561ccd1b) | 0;
    h2 ^= lane2(wordAt(bytes, at + 4));
    h2 = ((h2 << 17) | (h2 >>> 15)) + h3;
    h2 = (Math.imul(h2, 5) + 0x0bcaa747) | 0;
    h3 ^= lane3(wordAt(bytes, at + 8));
    h3 = ((h3 << 15) | (h3 >>> 17)) + h4;
    h3 = (Math.imul(h3, 5) + 0x96cd1c35) | 0;
    h4 ^= lane4(wordAt(bytes, at + 12));
    h4 = ((h4 << 13) | (h4 >>> 19)) + h1;
    h4 = (Math.imul(h4, 5) + 0x32ac3b17) | 0;
  }
  // Mixing a word of zeros changes nothing, so the tail needs no case of its own for each length.
  if (length > whole) {
    h1 ^= lane1(tailWord(bytes, whole, length));
    h2 ^= lane2(tailWord(bytes, whole + 4, length));
    h3 ^= lane3(tailWord(bytes, whole + 8, length));
    h4 ^= lane4(tailWord(bytes, whole + 12, length));
  }
  finish(h1 ^ length, h2 ^ length, h3 ^ length, h4 ^ length, words);
}

function finish(a: number, b: number, c: number, d: number, words: Int32Array): void {
  const sum = (a + b + c + d) | 0;
  const h1 = finalize(sum);
  const h2 = finalize((b + sum) | 0);
  const h3 = finalize((c + sum) | 0);
  const h4 = finalize((d + sum) | 0);
  const all = (h1 + h2 + h3 + h4) | 0;
  words[0] = all;
  words[1] = h2 + all;
  words[2] = h3 + all;
  words[3] = h4 + all;
}

function finalize(bits: number): number {
  let mixed = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

// Read byte by byte, so that machines of either byte order agree.
function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

function tailWord(bytes: Uint8Array, at: number, length: number): number {
  let word = 0;
  for (let i = Math.min(length - at, 4) - 1; i >= 0; i--) word = (word << 8) | bytes[at + i]!;
  return word;
}

// What a word brings into its lane: it is multiplied by the constant of the lane and by that of the next.
function lane1(word: number): number {
  const mixed = Math.imul(word, 0x239b961b);
  return Math.imul((mixed << 15) | (mixed >>> 17), 0xab0e9789);
}

function lane2(word: number): number {
  const mixed = Math.imul(word, 0xab0e9789);
  return Math.imul((mixed << 16) | (mixed >>> 16), 0x38b34ae5);
}

function lane3(word: number): number {
  const mixed = Math.imul(word, 0x38b34ae5);
  return Math.imul((mixed << 17) | (mixed >>> 15), 0xa1e38b93);
}

function lane4(word: number): number {
  const mixed = Math.imul(word, 0xa1e38b93);
  return Math.imul((mixed << 18) | (mixed >>> 14), 0x239b961b);
}
