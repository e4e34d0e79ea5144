import { isWellFormed, toHex, utf8 } from './bytes.ts';
import { digestOf } from './digest.ts';
import { ValidationError } from './errors.ts';
import { shown } from './shown.ts';

/**
 * The name of a record or log: segments joined by `/`, each of `[a-z0-9._-]`, not beginning or ending with a dot, at most 120 bytes and no device name
 * of Windows. Anything else is made into a segment by {@link escapeSegment}. Order is by bytes.
 */
export type Key = string;

const segmentPattern = /^[a-z0-9_-](?:[a-z0-9._-]*[a-z0-9_-])?$/;
const devicePattern = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)/;
// The same of all segments at once: whatever is read or written is checked.
const keyPattern = /^[a-z0-9_-](?:[a-z0-9._-]*[a-z0-9_-])?(?:\/[a-z0-9_-](?:[a-z0-9._-]*[a-z0-9_-])?)*$/;
const anyDevicePattern = /(?:^|\/)(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:[./]|$)/;
const maxSegment = 120;
const maxKey = 1_000;

/** Whether `text` may stand between the slashes of a key. */
export function isSegment(text: string): boolean {
  return typeof text === 'string' && text.length <= maxSegment && segmentPattern.test(text) && !devicePattern.test(text);
}

/** Returns `key` when it is one; otherwise throws `ValidationError`. Adapters call it on all that reaches them, so nothing leaves their root. */
export function assertKey(key: string): Key {
  if (typeof key === 'string' && key.length <= maxKey && keyPattern.test(key) && !anyDevicePattern.test(key) && (key.length <= maxSegment || key.split('/').every(isSegment))) return key;
  throw new ValidationError(
    `${shown(key)} is not a key: use segments of a-z, 0-9, '.', '_' and '-' joined by '/', each at most ${maxSegment} bytes and ${maxKey} in all, and escape other text with escapeSegment().`,
    { key: shown(key) },
  );
}

/** Returns `prefix` when some key could begin with it; otherwise throws `ValidationError`. The empty prefix is the whole store. */
export function assertPrefix(prefix: string): string {
  if (typeof prefix === 'string' && prefix.length <= maxKey && /^(?:[a-z0-9._-]+\/)*[a-z0-9._-]*$/.test(prefix) && !prefix.split('/').some((part) => part.startsWith('.'))) {
    return prefix;
  }
  throw new ValidationError(`${shown(prefix)} is not a prefix of any key.`, { key: shown(prefix) });
}

/**
 * A key segment for any text, different for different texts. Plain segments stay as they are; others become `_` followed by the text with each byte outside
 * `[a-z0-9-]` as `_xx` in hexadecimal and a closing `_`, and {@link unescapeSegment} gives them back; what would be too long becomes `__` and the SHA-256 of
 * the text, which cannot be reversed. Throws `ValidationError` for a text with a lone surrogate.
 *
 * @example
 * ```ts
 * import { MemoryStorage, escapeSegment } from 'modelkeep';
 *
 * const storage = new MemoryStorage();
 * const key = `my-notes/${escapeSegment('São Paulo')}`; // my-notes/__53_c3_a3o_20_50aulo_
 * await storage.write([{ kind: 'put', key, bytes: new TextEncoder().encode('windy') }]);
 * ```
 */
export function escapeSegment(text: string): string {
  if (isSegment(text) && !text.startsWith('_')) return text;
  if (!isWellFormed(text)) throw new ValidationError('A name has a lone surrogate, which UTF-8 cannot hold.', { path: 'name' });
  let escaped = '_';
  for (const byte of utf8(text)) {
    const plain = (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || byte === 0x2d;
    escaped += plain ? String.fromCharCode(byte) : `_${toHex(Uint8Array.of(byte))}`;
  }
  return escaped.length < maxSegment ? `${escaped}_` : `__${digestOf(text).slice('sha256:'.length)}`;
}

/**
 * The text that {@link escapeSegment} was given, or `undefined` when only its hash was kept or the segment is not of that form.
 *
 * @example
 * ```ts
 * import { escapeSegment, unescapeSegment } from 'modelkeep';
 *
 * console.log(unescapeSegment(escapeSegment('São Paulo'))); // São Paulo
 * ```
 */
export function unescapeSegment(segment: string): string | undefined {
  if (!segment.startsWith('_')) return isSegment(segment) ? segment : undefined;
  if (!segment.endsWith('_')) return undefined;
  const bytes: number[] = [];
  for (let at = 1; at < segment.length - 1; at++) {
    if (segment[at] !== '_') {
      bytes.push(segment.charCodeAt(at));
      continue;
    }
    const code = segment.slice(at + 1, at + 3);
    if (!/^[0-9a-f]{2}$/.test(code)) return undefined;
    bytes.push(parseInt(code, 16));
    at += 2;
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes));
    return escapeSegment(text) === segment ? text : undefined;
  } catch {
    return undefined;
  }
}
