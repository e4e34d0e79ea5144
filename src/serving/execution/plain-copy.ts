/** A copy of plain data, and about how many bytes it takes. */
export interface PlainCopy<T> {
  readonly value: T;
  readonly bytes: number;
}

const deepest = 100;

/** Whether an object is one of plain fields: no array, and no instance of a class. */
export function isPlain(value: object): value is Readonly<Record<string, unknown>> {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** What objects, arrays and their slots take in the engines of today, about. */
const objectBytes = 32;
const slotBytes = 16;

/** What all typed arrays of the language extend. */
export const TypedArray: unknown = /* @__PURE__ */ Object.getPrototypeOf(Uint8Array);

/** A copy of a value that shares nothing with it, or `undefined` when the value is not plain data all through, such as one that holds functions or instances of classes, or throws when it is read. */
export function plainCopy<T>(value: T): PlainCopy<T> | undefined {
  const copier = new Copier();
  try {
    const copy = copier.copy(value);
    return copier.plain ? { value: copy as T, bytes: copier.bytes } : undefined;
  } catch {
    return undefined;
  }
}

class Copier {
  bytes = 0;
  plain = true;
  readonly #within: object[] = [];

  copy(value: unknown): unknown {
    switch (typeof value) {
      case 'object':
        return value === null ? value : this.#object(value);
      case 'function':
      case 'symbol':
        return this.#refuse();
      case 'string':
        this.bytes += 2 * value.length;
        return value;
      default:
        return value;
    }
  }

  #refuse(): undefined {
    this.plain = false;
  }

  #object(value: object): unknown {
    this.bytes += objectBytes;
    if (value instanceof Date) return new Date(value);
    if (ArrayBuffer.isView(value)) return this.#view(value);
    if (value instanceof ArrayBuffer) return this.#buffer(value.slice(0));
    if (this.#within.length >= deepest || this.#within.includes(value)) return this.#refuse();
    this.#within.push(value);
    const copy = Array.isArray(value) ? this.#items(value) : isPlain(value) ? this.#fields(value) : this.#refuse();
    this.#within.pop();
    return copy;
  }

  #buffer(buffer: ArrayBuffer): ArrayBuffer {
    this.bytes += buffer.byteLength;
    return buffer;
  }

  /** A view is copied as it is seen, without what else its buffer holds. One of a class that extends those of the language, such as Node's Buffer, is not plain. */
  #view(view: ArrayBufferView): unknown {
    const { constructor, buffer, byteOffset, byteLength } = view;
    if (constructor !== DataView && Object.getPrototypeOf(constructor) !== TypedArray) return this.#refuse();
    const bytes = new Uint8Array(byteLength);
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength));
    return new (constructor as new (buffer: ArrayBuffer) => unknown)(this.#buffer(bytes.buffer));
  }

  #items(values: readonly unknown[]): unknown[] {
    this.bytes += slotBytes * values.length;
    const out = new Array<unknown>(values.length);
    for (let i = 0; i < values.length && this.plain; i++) out[i] = this.copy(values[i]);
    return out;
  }

  #fields(fields: Readonly<Record<string, unknown>>): unknown {
    const out = Object.create(Object.getPrototypeOf(fields) as object | null) as Record<string, unknown>;
    for (const name of Object.keys(fields)) {
      if (!this.plain) break;
      this.bytes += slotBytes + 2 * name.length;
      const value = this.copy(fields[name]);
      // Assigning to __proto__ would change the prototype instead of making a property.
      if (name === '__proto__') Object.defineProperty(out, name, { value, enumerable: true, writable: true, configurable: true });
      else out[name] = value;
    }
    return out;
  }
}
