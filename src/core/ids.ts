import { v5, validate, version } from 'uuid';

// Random bytes for so many ids at once: asking the host for sixteen takes longer than all the rest.
const pool = { bytes: /* @__PURE__ */ new Uint8Array(16 * 128), used: 16 * 128 };
const last = { msecs: -Infinity, seq: 0, time: '' };
const mostSeq = 0xffff_ffff;
const hex: readonly string[] = /* @__PURE__ */ Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** A new UUIDv7 (RFC 9562 §5.7): unique, and ordered by the time of its making as text and as bytes. */
export function newId(): string {
  if (pool.used === pool.bytes.length) {
    crypto.getRandomValues(pool.bytes);
    pool.used = 0;
  }
  const random = pool.bytes.subarray(pool.used, (pool.used += 16));
  const now = Date.now();
  if (now > last.msecs) {
    startAt(now);
    // From the lower half of what there is, so that many more fit into the same millisecond.
    last.seq = ((random[6]! & 0x7f) << 24) | (random[7]! << 16) | (random[8]! << 8) | random[9]!;
  } else if (last.seq === mostSeq) {
    startAt(last.msecs + 1);
    last.seq = 0;
  } else last.seq++;
  // Behind the time 32 bits of a counter, between the bits that say what it is, and the rest by chance.
  const { seq, time } = last;
  const counted = `${hex[0x70 | (seq >>> 28)]!}${hex[(seq >>> 20) & 0xff]!}-${hex[0x80 | ((seq >>> 14) & 0x3f)]!}${hex[(seq >>> 6) & 0xff]!}-${hex[((seq << 2) & 0xfc) | (random[10]! & 3)]!}`;
  return `${time}${counted}${hex[random[11]!]!}${hex[random[12]!]!}${hex[random[13]!]!}${hex[random[14]!]!}${hex[random[15]!]!}`;
}

function startAt(msecs: number): void {
  const digits = msecs.toString(16).padStart(12, '0');
  last.msecs = msecs;
  last.time = `${digits.slice(0, 8)}-${digits.slice(8)}-`;
}

/** Whether `text` is a UUIDv7 in its usual lower-case form. */
export function isId(text: string): boolean {
  return validate(text) && version(text) === 7 && text === text.toLowerCase();
}

// Of our own, so that no other program derives the same ids from the same texts.
const namespace = '6f1d3b0e-6a52-4c0f-9a3e-0d6f4f2b7c11';

/** The UUIDv5 of a text: the same text always has the same (RFC 9562 §5.5). */
export function idOfText(text: string): string {
  return v5(text, namespace);
}
