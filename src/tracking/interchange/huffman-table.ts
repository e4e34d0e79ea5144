/** Symbols by the next bits of the input: the symbol times 16, and the length of its code; 0 where no code begins so. */
export interface HuffmanTable {
  readonly entries: Uint16Array;
  /** Which bits to look at. */
  readonly mask: number;
}

/** The table of a canonical Huffman code (RFC 1951 §3.2.2) by the lengths of its codes; `undefined` when there is no such code. As in zlib, a single code of one bit may stand alone, and there may be none at all. */
export function huffmanTable(lengths: Uint8Array, isWhole: boolean): HuffmanTable | undefined {
  const counts = new Uint16Array(16);
  for (const length of lengths) counts[length]!++;
  let longest = 15;
  while (longest > 0 && counts[longest] === 0) longest--;
  if (longest === 0) return isWhole ? undefined : { entries: new Uint16Array(1), mask: 0 };
  let left = 1;
  const next = new Uint16Array(16);
  for (let length = 1, code = 0; length <= 15; length++) {
    left = left * 2 - counts[length]!;
    if (left < 0) return undefined;
    next[length] = code;
    code = (code + counts[length]!) << 1;
  }
  if (left > 0 && (isWhole || longest > 1)) return undefined;
  const entries = new Uint16Array(1 << longest);
  for (let symbol = 0; symbol < lengths.length; symbol++) {
    const length = lengths[symbol]!;
    if (length === 0) continue;
    let reversed = 0;
    for (let code = next[length]!++, i = 0; i < length; i++, code >>>= 1) reversed = (reversed << 1) | (code & 1);
    for (let at = reversed; at < entries.length; at += 1 << length) entries[at] = (symbol << 4) | length;
  }
  return { entries, mask: entries.length - 1 };
}
