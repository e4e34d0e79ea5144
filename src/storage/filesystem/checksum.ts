import { crc32 as nativeCrc32 } from 'node:zlib';
import { crc32 as plainCrc32 } from '../../core/crc32.ts';

// A call into zlib costs more than the table does for few bytes, and a quarter of it for many.
const nativeFrom = 192;

/** CRC-32 of bytes, or of those from `start` to `end`, by whichever implementation is faster for their number. */
export function checksum(bytes: Uint8Array, start = 0, end: number = bytes.length): number {
  return end - start < nativeFrom ? plainCrc32(bytes, 0, start, end) : nativeCrc32(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end));
}
