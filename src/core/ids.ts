import { v5, v7, validate, version } from 'uuid';

/** A new UUIDv7: unique, and ordered by the time of its making as text and as bytes. */
export function newId(): string {
  return v7();
}

const idBytes = 16;
const idsAtOnce = 256;

/** Makes ids as {@link newId} does, for whoever makes one for each request: the host, which takes as long for a few random bytes as for many, is asked for those of many ids at once. */
export class IdMaker {
  readonly #random: Uint8Array<ArrayBuffer> = new Uint8Array(idBytes * idsAtOnce);
  #used = idBytes * idsAtOnce;
  #ms = -Infinity;
  #count = 0;

  /** A new UUIDv7, behind all that were made before. */
  next(): string {
    const random = this.#nextRandom();
    const now = Date.now();
    if (now > this.#ms) {
      this.#ms = now;
      // Half of all counts are left for those of the same millisecond.
      this.#count = ((random[6]! & 0x7f) << 24) | (random[7]! << 16) | (random[8]! << 8) | random[9]!;
    } else {
      this.#count = (this.#count + 1) >>> 0;
      if (this.#count === 0) this.#ms++;
    }
    return v7({ random, msecs: this.#ms, seq: this.#count });
  }

  #nextRandom(): Uint8Array {
    if (this.#used === this.#random.length) {
      crypto.getRandomValues(this.#random);
      this.#used = 0;
    }
    return this.#random.subarray(this.#used, (this.#used += idBytes));
  }
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
