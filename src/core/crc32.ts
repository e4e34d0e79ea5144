const table = /* @__PURE__ */ makeTable();

function makeTable(): Uint32Array {
  const entries = new Uint32Array(256);
  for (let n = 0; n < 256; n++) {
    let c = n;
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    entries[n] = c >>> 0;
  }
  return entries;
}

/** CRC-32 (IEEE 802.3, as in zlib) of bytes, or of those from `start` to `end`; give the last result as `seed` to go on. */
export function crc32(bytes: Uint8Array, seed = 0, start = 0, end: number = bytes.length): number {
  let c = ~seed;
  for (let i = start; i < end; i++) c = table[(c ^ bytes[i]!) & 0xff]! ^ (c >>> 8);
  return ~c >>> 0;
}
