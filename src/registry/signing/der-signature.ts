import { concatBytes } from '../../core/bytes.ts';
import { IntegrityError } from '../../core/errors.ts';

const size = 32;

/** A signature of ECDSA over P-256 as DER, from the two numbers side by side that WebCrypto gives (IEEE P1363). */
export function derFromP1363(signature: Uint8Array): Uint8Array<ArrayBuffer> {
  const body = concatBytes([integer(signature.subarray(0, size)), integer(signature.subarray(size))]);
  return concatBytes([Uint8Array.of(0x30, body.length), body]);
}

/** The two numbers side by side that WebCrypto takes, from DER. Throws `IntegrityError` for anything but the one encoding that DER has for a signature. */
export function p1363FromDer(der: Uint8Array): Uint8Array<ArrayBuffer> {
  if (der.length < 8 || der[0] !== 0x30 || der[1] !== der.length - 2) throw malformed('it is no sequence of its own length');
  const first = numberAt(der, 2);
  const second = numberAt(der, first.end);
  if (second.end !== der.length) throw malformed('bytes follow its two numbers');
  const both = new Uint8Array(2 * size);
  both.set(first.value, size - first.value.length);
  both.set(second.value, 2 * size - second.value.length);
  return both;
}

function integer(value: Uint8Array): Uint8Array {
  let start = 0;
  while (start < value.length - 1 && value[start] === 0) start++;
  const bytes = value.subarray(start);
  // A leading bit of 1 would make it negative.
  const sign = bytes[0]! >= 0x80 ? [0] : [];
  return concatBytes([Uint8Array.of(0x02, bytes.length + sign.length, ...sign), bytes]);
}

function numberAt(der: Uint8Array, at: number): { readonly value: Uint8Array; readonly end: number } {
  const length = der[at + 1];
  if (der[at] !== 0x02 || length === undefined || length === 0 || at + 2 + length > der.length) throw malformed('it does not hold two numbers');
  const bytes = der.subarray(at + 2, at + 2 + length);
  if (bytes[0]! >= 0x80) throw malformed('a number is negative');
  if (length > 1 && bytes[0] === 0 && bytes[1]! < 0x80) throw malformed('a number has more zeros than it needs');
  const value = bytes[0] === 0 ? bytes.subarray(1) : bytes;
  if (value.length > size) throw malformed('a number has more than 256 bits');
  return { value, end: at + 2 + length };
}

function malformed(why: string): IntegrityError {
  return new IntegrityError(`The signature is no DER of ECDSA over P-256: ${why}.`, { path: 'dsseEnvelope.signatures[0].sig' });
}
