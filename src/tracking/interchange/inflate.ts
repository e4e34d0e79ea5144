import type { ByteInput } from './byte-input.ts';
import { huffmanTable, type HuffmanTable } from './huffman-table.ts';

/** Compressed bytes that end too early, or are none. */
export class InflateFault extends Error {
  /** Whether they only ended too early. */
  readonly isCut: boolean;

  constructor(message: string, isCut = false) {
    super(message);
    this.isCut = isCut;
  }
}

const windowBytes = 1 << 15;
const roomBytes = 1 << 17;
const longestMatch = 258;
/** More than a symbol with a distance takes, and more than the tables of a block take. */
const [symbolBytes, headerBytes] = [12, 1024];

const lengthBits = /* @__PURE__ */ Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0]);
const lengthFrom = /* @__PURE__ */ Uint16Array.from([3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258]);
const distanceBits = /* @__PURE__ */ Uint8Array.from([0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13]);
const distanceFrom = /* @__PURE__ */ Uint16Array.from([1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577]);
const lengthOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/**
 * The contents of one deflate stream (RFC 1951), in pieces of some 128 KiB; the input then stands right behind its end, which `DecompressionStream` does not tell. Throws `InflateFault` where there is no more of it, or it is none; what was
 * read before is given first.
 */
export async function* inflate(input: ByteInput): AsyncGenerator<Uint8Array, undefined> {
  const stream = new DeflateStream(input);
  try {
    for (let isLast = false; !isLast; ) {
      await input.want(headerBytes);
      const kind = stream.begin();
      isLast = kind.isLast;
      for (let ended = false; !ended; ) {
        await input.want(kind.isStored ? 1 : symbolBytes);
        ended = kind.isStored ? stream.copy() : stream.symbols();
        if (stream.isFull) yield stream.take();
      }
    }
  } catch (error) {
    if (error instanceof InflateFault && stream.hasMore) yield stream.take();
    throw error;
  }
  stream.align();
  if (stream.hasMore) yield stream.take();
}

class DeflateStream {
  readonly #input: ByteInput;
  readonly #out = new Uint8Array(windowBytes + roomBytes + longestMatch);
  #to = 0;
  #taken = 0;
  /** Bits that were taken from the input and are not used yet, the next one lowest. */
  #hold = 0;
  #bits = 0;
  #stored = 0;
  #literals: HuffmanTable | undefined;
  #distances: HuffmanTable | undefined;

  constructor(input: ByteInput) {
    this.#input = input;
  }

  get hasMore(): boolean {
    return this.#to > this.#taken;
  }

  get isFull(): boolean {
    return this.#to >= windowBytes + roomBytes;
  }

  /** What was written since the last time; what can be referred to stays. */
  take(): Uint8Array {
    const part = this.#out.slice(this.#taken, this.#to);
    if (this.isFull) {
      this.#out.copyWithin(0, this.#to - windowBytes, this.#to);
      this.#to = windowBytes;
    }
    this.#taken = this.#to;
    return part;
  }

  /** Reads the header of a block. */
  begin(): { isLast: boolean; isStored: boolean } {
    const isLast = this.#take(1) === 1;
    const kind = this.#take(2);
    if (kind === 0) {
      this.align();
      const [size, check] = [this.#take(16), this.#take(16)];
      if ((size ^ check) !== 0xffff) throw new InflateFault('a stored block of no length');
      this.align();
      this.#stored = size;
    } else if (kind === 1) {
      this.#literals = huffmanTable(Uint8Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8)), true);
      this.#distances = huffmanTable(new Uint8Array(32).fill(5), true);
    } else if (kind === 2) this.#readTables();
    else throw new InflateFault('a block of no kind');
    return { isLast, isStored: kind === 0 };
  }

  /** Copies what there is of a stored block; says whether that was all. */
  copy(): boolean {
    const input = this.#input;
    const count = Math.min(this.#stored, input.end - input.at, this.#out.length - this.#to);
    if (count === 0 && this.#stored > 0 && input.at >= input.end) throw new InflateFault('the end within a stored block', true);
    this.#out.set(input.bytes.subarray(input.at, input.at + count), this.#to);
    input.at += count;
    this.#to += count;
    this.#stored -= count;
    return this.#stored === 0;
  }

  /** Decodes symbols as far as there is input and room; says whether the block has ended. */
  symbols(): boolean {
    const input = this.#input;
    const { bytes, end, ended } = input;
    const { entries: literals, mask: literalMask } = this.#literals!;
    const { entries: distances, mask: distanceMask } = this.#distances!;
    const out = this.#out;
    const room = windowBytes + roomBytes;
    const last = ended ? Infinity : end - symbolBytes;
    let [at, to, hold, bits, isEnd] = [input.at, this.#to, this.#hold, this.#bits, false];
    while (at <= last && to < room) {
      for (; bits < 24; bits += 8, at++) hold |= (at < end ? bytes[at]! : 0) << bits;
      const entry = literals[hold & literalMask]!;
      const used = entry & 15;
      hold >>>= used;
      bits -= used;
      // Zeros stand for what is not there any more, and what is made of them does not count.
      if (at > end && at * 8 - bits > end * 8) throw this.#cut(to, end);
      if (used === 0) throw this.#broken(to, 'a code that is none');
      const symbol = entry >>> 4;
      if (symbol < 256) {
        out[to++] = symbol;
        continue;
      }
      if (symbol === 256) {
        isEnd = true;
        break;
      }
      if (symbol > 285) throw this.#broken(to, 'a length that is none');
      const lengthExtra = lengthBits[symbol - 257]!;
      const length = lengthFrom[symbol - 257]! + (hold & ((1 << lengthExtra) - 1));
      hold >>>= lengthExtra;
      bits -= lengthExtra;
      for (; bits < 24; bits += 8, at++) hold |= (at < end ? bytes[at]! : 0) << bits;
      const far = distances[hold & distanceMask]!;
      hold >>>= far & 15;
      bits -= far & 15;
      const isCode = (far & 15) > 0 && far >>> 4 < 30;
      const distanceExtra = isCode ? distanceBits[far >>> 4]! : 0;
      for (; bits < 24; bits += 8, at++) hold |= (at < end ? bytes[at]! : 0) << bits;
      const distance = isCode ? distanceFrom[far >>> 4]! + (hold & ((1 << distanceExtra) - 1)) : 0;
      hold >>>= distanceExtra;
      bits -= distanceExtra;
      if (at > end && at * 8 - bits > end * 8) throw this.#cut(to, end);
      if (!isCode || distance > to) throw this.#broken(to, 'a distance that is none');
      if (distance >= length) out.copyWithin(to, to - distance, to - distance + length);
      else for (let i = 0; i < length; i++) out[to + i] = out[to + i - distance]!;
      to += length;
    }
    [input.at, this.#to, this.#hold, this.#bits] = [at, to, hold, bits];
    return isEnd;
  }

  /** Goes to the next whole byte, and gives back those that were not used. */
  align(): void {
    this.#input.at -= this.#bits >>> 3;
    this.#hold = 0;
    this.#bits = 0;
  }

  #cut(to: number, end: number): InflateFault {
    this.#to = to;
    this.#input.at = end;
    return new InflateFault('the end within a block', true);
  }

  #broken(to: number, what: string): InflateFault {
    this.#to = to;
    return new InflateFault(what);
  }

  #take(count: number): number {
    const input = this.#input;
    for (; this.#bits < count; this.#bits += 8) {
      if (input.at >= input.end) throw new InflateFault('the end within the header of a block', true);
      this.#hold |= input.bytes[input.at++]! << this.#bits;
    }
    const value = this.#hold & ((1 << count) - 1);
    this.#hold >>>= count;
    this.#bits -= count;
    return value;
  }

  #symbol({ entries, mask }: HuffmanTable): number {
    const input = this.#input;
    // Codes are of seven bits at most here.
    while (this.#bits < 7 && input.at < input.end) {
      this.#hold |= input.bytes[input.at++]! << this.#bits;
      this.#bits += 8;
    }
    const entry = entries[this.#hold & mask]!;
    if ((entry & 15) > this.#bits) throw new InflateFault('the end within the header of a block', true);
    if (entry === 0) throw new InflateFault('a code that is none');
    this.#take(entry & 15);
    return entry >>> 4;
  }

  #readTables(): void {
    const [literals, distances, orders] = [this.#take(5) + 257, this.#take(5) + 1, this.#take(4) + 4];
    if (literals > 286 || distances > 30) throw new InflateFault('more symbols than there are');
    const codes = new Uint8Array(19);
    for (let i = 0; i < orders; i++) codes[lengthOrder[i]!] = this.#take(3);
    const table = huffmanTable(codes, true);
    if (table === undefined) throw new InflateFault('a code that is none');
    const lengths = new Uint8Array(literals + distances);
    for (let i = 0; i < lengths.length; ) {
      const symbol = this.#symbol(table);
      if (symbol < 16) {
        lengths[i++] = symbol;
        continue;
      }
      if (symbol === 16 && i === 0) throw new InflateFault('a repetition of nothing');
      const value = symbol === 16 ? lengths[i - 1]! : 0;
      const times = symbol === 16 ? 3 + this.#take(2) : symbol === 17 ? 3 + this.#take(3) : 11 + this.#take(7);
      if (i + times > lengths.length) throw new InflateFault('a repetition beyond the end');
      lengths.fill(value, i, (i += times));
    }
    this.#literals = lengths[256] === 0 ? undefined : huffmanTable(lengths.subarray(0, literals), false);
    this.#distances = huffmanTable(lengths.subarray(literals), false);
    if (this.#literals === undefined || this.#distances === undefined) throw new InflateFault('a code that is none');
  }
}
