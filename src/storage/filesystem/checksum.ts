import { crc32 as nativeCrc32 } from 'node:zlib';
import { crc32 as plainCrc32 } from '../../core/crc32.ts';

// A call into zlib costs more than the table does for few bytes, and a quarter of it for many.
const nativeFrom = 192;

/** CRC-32 of bytes by whichever implementation is faster for their number. */
export function checksum(bytes: Uint8Array): number {
  return bytes.length < nativeFrom ? plainCrc32(bytes) : nativeCrc32(bytes);
}
