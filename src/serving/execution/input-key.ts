import { utf8 } from '../../core/bytes.ts';
import { createHasher } from '../../core/digest.ts';
import { isPlain, TypedArray } from './plain-copy.ts';

// A key that is a text itself costs nothing to make; one longer than a digest costs memory.
const longestText = 200;
const deepest = 100;

/**
 * What tells an input from every other: equal for inputs that are equal part by part, whatever the order of their properties, and different for all others. It is the input itself, written down canonically, where that is short, and else a SHA-256 of that, for which nobody has ever found two alike.
 *
 * `undefined` for what cannot be told by its contents: what holds functions, symbols or instances of classes, refers back to itself, is nested more than a hundred deep, or throws when it is read.
 */
export function inputKey(input: unknown): string | undefined {
  const writer = new KeyWriter();
  try {
    return writer.write(input) ? writer.key() : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a view is of a class of the language, or Node's Buffer: bytes say all of it. */
function isOfLanguage(view: ArrayBufferView): boolean {
  const { constructor } = view;
  return constructor === DataView || Object.getPrototypeOf(constructor) === TypedArray || constructor === (globalThis as { Buffer?: unknown }).Buffer;
}

/** Whether an array has all its items, and nothing else; its names come in the order of the items, and behind them the others. */
function hasOnlyItems(values: readonly unknown[]): boolean {
  const names = Object.keys(values);
  return names.length === values.length && (names.length === 0 || names.at(-1) === String(values.length - 1)) && Object.getOwnPropertySymbols(values).length === 0;
}

/** Writes values one after the other; each kind of value begins and ends in its own way, so that no two run into each other. */
class KeyWriter {
  readonly #parts: (string | Uint8Array)[] = [];
  readonly #within: object[] = [];
  #text = '';

  key(): string {
    if (this.#parts.length === 0 && this.#text.length <= longestText) return this.#text;
    const hasher = createHasher();
    for (const part of [...this.#parts, this.#text]) hasher.update(typeof part === 'string' ? utf8(part) : part);
    return hasher.digest();
  }

  /** Whether the value could be written. */
  write(value: unknown): boolean {
    switch (typeof value) {
      case 'string':
        return this.#add(JSON.stringify(value));
      case 'number':
        return this.#add(Object.is(value, -0) ? '-0,' : `${value},`);
      case 'bigint':
        return this.#add(`${value}n`);
      case 'boolean':
        return this.#add(value ? 'T' : 'F');
      case 'undefined':
        return this.#add('U');
      case 'object':
        return value === null ? this.#add('!') : this.#object(value);
      default:
        return false;
    }
  }

  #add(text: string): true {
    this.#text += text;
    return true;
  }

  #object(value: object): boolean {
    if (value instanceof Date) return Object.getPrototypeOf(value) === Date.prototype && this.#add(`D${value.getTime()},`);
    if (ArrayBuffer.isView(value)) return isOfLanguage(value) && this.#bytes(value.constructor.name, new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
    if (value instanceof ArrayBuffer) return this.#bytes('ArrayBuffer', new Uint8Array(value));
    if (this.#within.length >= deepest || this.#within.includes(value)) return false;
    this.#within.push(value);
    const written = Array.isArray(value) ? this.#items(value) : isPlain(value) && this.#fields(value);
    this.#within.pop();
    return written;
  }

  #bytes(kind: string, bytes: Uint8Array): true {
    this.#parts.push(`${this.#text}<${kind} ${bytes.length}>`, bytes);
    this.#text = '';
    return true;
  }

  #items(values: readonly unknown[]): boolean {
    // Holes, and what an array has besides its items, are not written.
    if (Object.getPrototypeOf(values) !== Array.prototype || !hasOnlyItems(values)) return false;
    this.#add('[');
    for (let i = 0; i < values.length; i++) if (!this.write(values[i])) return false;
    return this.#add(']');
  }

  #fields(fields: Readonly<Record<string, unknown>>): boolean {
    const names = Object.keys(fields);
    // Nor are fields that have no name, or do not show it.
    if (Reflect.ownKeys(fields).length !== names.length) return false;
    this.#add('{');
    for (const name of names.sort()) {
      this.#add(`${JSON.stringify(name)}:`);
      if (!this.write(fields[name])) return false;
    }
    return this.#add('}');
  }
}
