import { collectBytes, concatBytes, utf8 } from '../../core/bytes.ts';
import { crc32 } from '../../core/crc32.ts';
import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';

/** An image as pixels, such as the `ImageData` of a canvas. */
export interface RawImage {
  /** Pixels from left to right. */
  readonly width: number;
  /** Pixels from top to bottom. */
  readonly height: number;
  /** Red, green, blue and alpha of each pixel, row by row from the top; colours are not multiplied by alpha. */
  readonly data: Uint8ClampedArray | Uint8Array;
}

/** The pixels as a PNG file (RFC 2083): 8-bit RGBA, deflated where the host has `CompressionStream` and stored otherwise. Throws `ValidationError` when the sizes do not agree. */
export async function encodePng(image: RawImage, path: string): Promise<Uint8Array<ArrayBuffer>> {
  const { width, height, data } = image;
  for (const [side, size] of [['width', width], ['height', height]] as const) {
    if (!Number.isInteger(size) || size < 1 || size > 0x7fff_ffff) throw new ValidationError(`${path}.${side} is ${shown(size, 80)}; give a whole number of pixels from 1.`, { path: `${path}.${side}` });
  }
  if (!(data instanceof Uint8ClampedArray || data instanceof Uint8Array) || data.length !== width * height * 4) {
    const found = ArrayBuffer.isView(data) ? `${data.byteLength} bytes` : shown(data, 80);
    throw new ValidationError(`${path}.data is ${found}; an image of ${width} × ${height} pixels has ${width * height * 4} bytes of RGBA in a Uint8ClampedArray or a Uint8Array.`, { path: `${path}.data` });
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, 6], 8);
  const compression = typeof CompressionStream === 'undefined' ? undefined : new CompressionStream('deflate');
  const lines = filteredLines(image, compression !== undefined);
  const packed = compression === undefined ? storedZlib(lines) : await collectBytes(streamChunks(new Blob([lines]).stream().pipeThrough(compression)));
  return concatBytes([Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a), chunk('IHDR', header), ...dataChunks(packed), chunk('IEND', new Uint8Array(0))]);
}

/** The lines, each behind the number of its filter; one filter of None, Sub and Up, the one with the least sum of differences as the standard advises, when they are to be compressed. */
function filteredLines({ width, height, data }: RawImage, choose: boolean): Uint8Array<ArrayBuffer> {
  const stride = width * 4;
  const out = new Uint8Array(height * (stride + 1));
  for (let y = 0; y < height; y++) {
    const from = y * stride;
    const to = y * (stride + 1);
    let filter = 0;
    if (choose) {
      let [none, sub, up] = [0, 0, 0];
      for (let x = 0; x < stride; x++) {
        const value = data[from + x]!;
        none += distance(value);
        sub += distance(value - (x < 4 ? 0 : data[from + x - 4]!));
        up += distance(value - (y === 0 ? 0 : data[from + x - stride]!));
      }
      filter = up < sub && up < none ? 2 : sub < none ? 1 : 0;
    }
    out[to] = filter;
    for (let x = 0; x < stride; x++) {
      const before = filter === 1 ? (x < 4 ? 0 : data[from + x - 4]!) : filter === 2 ? (y === 0 ? 0 : data[from + x - stride]!) : 0;
      out[to + 1 + x] = data[from + x]! - before;
    }
  }
  return out;
}

function distance(difference: number): number {
  const byte = difference & 0xff;
  return byte < 128 ? byte : 256 - byte;
}

/** Bytes as a zlib stream (RFC 1950) of stored blocks. */
function storedZlib(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [Uint8Array.of(0x78, 0x01)];
  let at = 0;
  do {
    const block = bytes.subarray(at, at + 0xffff);
    at += block.length;
    const size = block.length;
    parts.push(Uint8Array.of(at >= bytes.length ? 1 : 0, size & 0xff, size >>> 8, ~size & 0xff, (~size >>> 8) & 0xff), block);
  } while (at < bytes.length);
  let [a, b] = [1, 0];
  for (let i = 0; i < bytes.length; ) {
    // As many as cannot overflow 32 bits (zlib's NMAX).
    const end = Math.min(i + 5552, bytes.length);
    for (; i < end; i++) b += a += bytes[i]!;
    a %= 65_521;
    b %= 65_521;
  }
  parts.push(Uint8Array.of(b >>> 8, b & 0xff, a >>> 8, a & 0xff));
  return concatBytes(parts);
}

const maxChunk = 0x2000_0000;

function* dataChunks(packed: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < packed.length; at += maxChunk) yield chunk('IDAT', packed.subarray(at, at + maxChunk));
}

function chunk(type: string, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, body.length);
  bytes.set(utf8(type), 4);
  bytes.set(body, 8);
  view.setUint32(8 + body.length, crc32(bytes, 0, 4, 8 + body.length));
  return bytes;
}

async function* streamChunks(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
}
