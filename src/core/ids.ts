import { v5, v7, validate, version } from 'uuid';

// Random bytes for so many ids at once: asking the host for sixteen takes longer than all the rest.
const pool = { bytes: /* @__PURE__ */ new Uint8Array(16 * 128), used: 16 * 128 };
const last = { msecs: -Infinity, seq: 0 };
const mostSeq = 0xffff_ffff;

/** A new UUIDv7: unique, and ordered by the time of its making as text and as bytes. */
export function newId(): string {
  if (pool.used === pool.bytes.length) {
    crypto.getRandomValues(pool.bytes);
    pool.used = 0;
  }
  const random = pool.bytes.subarray(pool.used, (pool.used += 16));
  const now = Date.now();
  if (now > last.msecs) {
    last.msecs = now;
    // From the lower half of what there is, so that many more fit into the same millisecond.
    last.seq = ((random[6]! & 0x7f) << 24) | (random[7]! << 16) | (random[8]! << 8) | random[9]!;
  } else if (last.seq === mostSeq) {
    last.msecs++;
    last.seq = 0;
  } else last.seq++;
  return v7({ random, msecs: last.msecs, seq: last.seq });
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
