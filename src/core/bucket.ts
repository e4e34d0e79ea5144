import { murmur3 } from './murmur3.ts';

const words = /* @__PURE__ */ new Int32Array(4);
const scratch = /* @__PURE__ */ new Uint8Array(1_024);

/**
 * Where a key falls in [0, 1), uniformly: the same for the same key and salt on every machine and in every process, independent between salts. The first 53 bits of MurmurHash3 x86 128 over the length of the salt's
 * UTF-8 as four bytes, lowest first, that UTF-8, and the UTF-8 of the key, so that no salt and key are those of another pair; a lone surrogate counts as U+FFFD, as in `TextEncoder`. A share of [0, 1) is
 * compared with it as it is, so no remainder makes some buckets larger.
 */
export function bucketOf(key: string, salt: string): number {
  const most = 4 + 3 * (salt.length + key.length);
  const bytes = most <= scratch.length ? scratch : new Uint8Array(most);
  const saltEnd = writeUtf8(salt, bytes, 4);
  const saltBytes = saltEnd - 4;
  bytes[0] = saltBytes;
  bytes[1] = saltBytes >>> 8;
  bytes[2] = saltBytes >>> 16;
  bytes[3] = saltBytes >>> 24;
  murmur3(bytes, writeUtf8(key, bytes, saltEnd), 0, words);
  return ((words[0]! >>> 0) * 2 ** 21 + (words[1]! >>> 11)) / 2 ** 53;
}

// A `TextEncoder` costs more for a text of a few dozen characters than all the rest.
function writeUtf8(text: string, bytes: Uint8Array, from: number): number {
  let at = from;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) bytes[at++] = unit;
    else if (unit < 0x800) {
      bytes[at++] = 0xc0 | (unit >> 6);
      bytes[at++] = 0x80 | (unit & 0x3f);
    } else {
      const code = scalarAt(text, i);
      if (code >= 0x1_0000) {
        i++;
        bytes[at++] = 0xf0 | (code >> 18);
        bytes[at++] = 0x80 | ((code >> 12) & 0x3f);
      } else bytes[at++] = 0xe0 | (code >> 12);
      bytes[at++] = 0x80 | ((code >> 6) & 0x3f);
      bytes[at++] = 0x80 | (code & 0x3f);
    }
  }
  return at;
}

function scalarAt(text: string, at: number): number {
  const code = text.codePointAt(at)!;
  return code >= 0xd800 && code < 0xe000 ? 0xfffd : code;
}
