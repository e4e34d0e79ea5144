import { ValidationError } from '../../core/errors.ts';

type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be';

/** The bytes as text: UTF-8, or UTF-16 as spreadsheets write what they call "Unicode text", with or without a byte order mark. Throws `ValidationError` for anything else, naming the file. */
export function decodeText(bytes: Uint8Array, path: string): string {
  const encoding = encodingOf(bytes);
  const zero = encoding === 'utf-8' ? bytes.indexOf(0) : -1;
  if (zero >= 0) throw new ValidationError(`${path} is not text: byte ${zero} is 0; save it as CSV in UTF-8.`, { path, offset: zero });
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ValidationError(`${path} is not text in ${encoding === 'utf-8' ? 'UTF-8' : 'UTF-16, as which it begins'}; save it as CSV in UTF-8.`, { path, cause });
  }
}

function encodingOf(bytes: Uint8Array): Encoding {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  if (bytes.length % 2 !== 0) return 'utf-8';
  // Delimiters, digits and ends of lines have a byte of 0 in UTF-16, at the same one of its two places; text in UTF-8 has none at all.
  const sample = bytes.subarray(0, sampledBytes);
  const [zeros, lines] = [[0, 0], [0, 0]];
  for (let i = 0; i < sample.length; i++) {
    if (sample[i] !== 0) continue;
    zeros[i % 2]!++;
    const other = sample[i ^ 1];
    if (other === 10 || other === 13) lines[i % 2]!++;
  }
  // Some letters have one at the other place, as U+4E00 has; what ends lines tells which is which.
  const [even = 0, odd = 0] = lines[0] === lines[1] ? zeros : lines;
  const place = odd > even ? 1 : 0;
  const share = (2 * zeros[place]!) / sample.length;
  const isUtf16 = zeros[place]! >= 2 * zeros[1 - place]! && (share >= 0.5 || (share >= leastShare && !isUtf8(bytes)));
  return !isUtf16 ? 'utf-8' : place === 1 ? 'utf-16le' : 'utf-16be';
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

const sampledBytes = 65_536;
// Of a table in Chinese, delimiters and ends of lines alone are more.
const leastShare = 0.05;
