import { canonicalJson } from '../../core/codec.ts';

/** What writes a value: `JSON.stringify` as it is, the codec, or nothing, because it is too large. */
type Kind = 'plain' | 'special' | 'large';

// The codec refuses what is nested deeper.
const deepest = 500;

/**
 * The text of a value that {@link decode} reads, with arrays in the places of typed arrays; `undefined` when it is larger than so many characters, which is found out without writing it where that can be: an image would
 * hold up a request. Throws for what no record can hold.
 */
export function valueText(value: unknown, maxText: number): string | undefined {
  const walk = new Walk(maxText);
  walk.visit(value, 0);
  if (walk.kind === 'large') return undefined;
  const text = walk.kind === 'plain' ? JSON.stringify(value) : canonicalJson(plainCopy(value, 0));
  return text.length <= maxText ? text : undefined;
}

/** Goes through a value once, up to where it is known to be too large. */
class Walk {
  kind: Kind = 'plain';
  /** Characters that the text has at least. */
  #least = 0;
  readonly #maxText: number;

  constructor(maxText: number) {
    this.#maxText = maxText;
  }

  visit(value: unknown, depth: number): void {
    switch (typeof value) {
      case 'number':
        if (!Number.isFinite(value) || Object.is(value, -0)) this.#special();
        this.#add(1);
        return;
      case 'string':
        this.#add(value.length + 2);
        return;
      case 'boolean':
        this.#add(4);
        return;
      case 'object':
        if (value === null) this.#add(4);
        else this.#visitObject(value, depth);
        return;
      default:
        this.#special();
    }
  }

  #visitObject(value: object, depth: number): void {
    // Left to the codec, which names the place where it refuses a value.
    if (depth > deepest) return this.#special();
    if (Array.isArray(value)) {
      this.#add(value.length + 1);
      for (let i = 0; i < value.length && this.kind !== 'large'; i++) this.visit(value[i], depth + 1);
      return;
    }
    if (ArrayBuffer.isView(value)) {
      this.#special();
      this.#add(value instanceof DataView ? 0 : value instanceof Uint8Array ? value.length : 2 * (value as unknown as ArrayLike<number>).length);
      return;
    }
    const prototype: unknown = Object.getPrototypeOf(value);
    if ((prototype !== Object.prototype && prototype !== null) || 'toJSON' in value) return this.#special();
    const fields = value as Readonly<Record<string, unknown>>;
    for (const name of Object.keys(fields)) {
      if (this.kind === 'large') return;
      const field = fields[name];
      if (field === undefined) continue;
      // The codec writes what JSON lacks under such a name.
      if (name.charCodeAt(0) === 0x24) this.#special();
      this.#add(name.length + 4);
      this.visit(field, depth + 1);
    }
  }

  #special(): void {
    if (this.kind === 'plain') this.kind = 'special';
  }

  #add(characters: number): void {
    this.#least += characters;
    if (this.#least > this.#maxText) this.kind = 'large';
  }
}

/** The same with arrays in the places of typed arrays, which the codec does not know; bytes are left to it. */
function plainCopy(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || depth > deepest) return value;
  if (ArrayBuffer.isView(value)) return value instanceof Uint8Array || value instanceof DataView ? value : Array.from(value as unknown as ArrayLike<number>);
  if (Array.isArray(value)) return value.map((item) => plainCopy(item, depth + 1));
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plainCopy(field, depth + 1)]));
}
