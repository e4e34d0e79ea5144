import type { AuditEvent } from '../core/audit.ts';
import { decode } from '../core/codec.ts';
import type { Key } from '../core/key.ts';

/** What a glance at the bytes of an event tells. */
export type EventGlance = Pick<AuditEvent, 'sequence' | 'type'>;

const latin = /* @__PURE__ */ new TextDecoder('latin1');
// The subject of an event stands behind its sequence; names and ids are much shorter.
const lookedAt = 2_048;
const ending = /^"sequence":([1-9]\d{0,14}),"subject":\{.*\},"type":"([a-z0-9-]+)"\}$/s;

/**
 * The sequence and the type of a stored event without decoding what it is about, which may be large. They stand at its end, for the codec sorts keys, and within a text every quote has a backslash before it; bytes of any other form are
 * decoded. Throws `IntegrityError`, naming `key`, when they are no event.
 */
export function glanceAt(bytes: Uint8Array, key: Key): EventGlance {
  const end = latin.decode(bytes.subarray(Math.max(0, bytes.length - lookedAt)));
  const match = ending.exec(end.slice(Math.max(0, end.lastIndexOf('"sequence":'))));
  return match === null ? (decode(bytes, key) as AuditEvent) : { sequence: Number(match[1]), type: match[2]! };
}
