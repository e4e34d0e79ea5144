const mostKnown = 64;

interface Known<T> {
  readonly bytes: Uint8Array;
  readonly value: T;
}

/** What was made of bytes, for those who meet the same bytes again: it is found without a text or a view being made of them, and so leaves nothing behind. A few dozen are remembered. */
export class KnownBytes<T> {
  /** By their length, those that were met last before the others. */
  readonly #known = new Map<number, Known<T>[]>();
  #size = 0;

  /** What was kept of the same bytes as those from `start` to `end`; `undefined` where there is none. */
  find(bytes: Uint8Array, start: number, end: number): T | undefined {
    const alike = this.#known.get(end - start);
    if (alike === undefined) return undefined;
    for (let i = 0; i < alike.length; i++) {
      const found = alike[i]!;
      if (!areSame(found.bytes, bytes, start)) continue;
      if (i > 0) {
        alike[i] = alike[i - 1]!;
        alike[i - 1] = found;
      }
      return found.value;
    }
    return undefined;
  }

  /** Keeps what was made of the bytes from `start` to `end`, and gives it. */
  keep(bytes: Uint8Array, start: number, end: number, value: T): T {
    if (this.#size >= mostKnown) {
      this.#known.clear();
      this.#size = 0;
    }
    const known = { bytes: bytes.slice(start, end), value };
    const alike = this.#known.get(known.bytes.length);
    if (alike === undefined) this.#known.set(known.bytes.length, [known]);
    else alike.push(known);
    this.#size++;
    return value;
  }
}

function areSame(known: Uint8Array, bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < known.length; i++) if (known[i] !== bytes[start + i]) return false;
  return true;
}
