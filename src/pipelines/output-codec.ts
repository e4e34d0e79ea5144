import { concatBytes, utf8 } from '../core/bytes.ts';
import { canonicalJson, decode } from '../core/codec.ts';
import { IntegrityError, ValidationError } from '../core/errors.ts';
import { columnsOf, decodedTexts, leastColumnar, masked, maskOf, numbersOf, rowsOf, textsOf, type CodedTexts } from './columnar.ts';

const arrayTypes = {
  int8: Int8Array,
  uint8: Uint8Array,
  uint8c: Uint8ClampedArray,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  float32: Float32Array,
  float64: Float64Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  // Lists that are no typed arrays: of numbers, and of texts, whose dictionary is in the tree.
  numbers: Float64Array,
  texts8: Uint8Array,
  texts16: Uint16Array,
  texts32: Uint32Array,
  // Behind the list that it is of, in the same place.
  valid: Uint8Array,
} as const;

type ArrayType = keyof typeof arrayTypes;
type TypedArray = InstanceType<(typeof arrayTypes)[ArrayType]>;

/** A list of rows that is in the tree as columns. */
interface RowsHeader {
  readonly path: readonly (string | number)[];
  readonly length: number;
}

/** A typed array that was taken out of the tree: where it belongs, and what it is. */
interface ArrayHeader {
  readonly path: readonly (string | number)[];
  readonly type: ArrayType;
  readonly length: number;
}

// What a process can hold a few copies of, and a page too.
const maxOutputBytes = 512 * 1024 * 1024;

// As the codec's.
const maxDepth = 500;

interface FoundArray extends ArrayHeader {
  readonly array: TypedArray;
}

/**
 * A step's output as bytes: the length of a JSON header, the header with the tree of plain data and a list of the typed arrays in it, then those arrays as they are
 * (little-endian, aligned to 8). Longer lists of numbers, of recurring texts, and of rows that have the same names are kept as such arrays too, with a mask where some are `null`. Equal outputs give equal bytes.
 *
 * Throws `ValidationError` with the path of what is neither plain data nor bytes nor a typed array, and for what takes more than 512 MiB.
 */
export function packOutput(value: unknown, path = 'output'): Uint8Array<ArrayBuffer> {
  const collector = new ArrayCollector(path);
  const tree = collector.strip(value);
  const { found, rows } = collector;
  if (found.length === 0 && rows.length === 0) return packTree(canonicalJson(tree, path), path);
  const arrays = canonicalJson(found.map(({ path: at, type, length }) => ({ path: at, type, length })), path);
  const tables = rows.length === 0 ? '' : `,"rows":${canonicalJson(rows, path)}`;
  const head = utf8(`{"arrays":${arrays}${tables},"tree":${canonicalJson(tree, path)}}`);
  const parts: Uint8Array[] = [new Uint8Array(8), head, new Uint8Array(gapAfter(head.length))];
  new DataView(parts[0]!.buffer).setUint32(0, head.length, true);
  for (const { array } of found) {
    parts.push(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), new Uint8Array(gapAfter(array.byteLength)));
  }
  assertFits(parts.reduce((sum, { byteLength }) => sum + byteLength, 0), path);
  return concatBytes(parts);
}

/** The same bytes, of what has no arrays. */
function packTree(tree: string, path: string): Uint8Array<ArrayBuffer> {
  const head = utf8(`{"arrays":[],"tree":${tree}}`);
  const size = 8 + head.length + gapAfter(head.length);
  assertFits(size, path);
  const bytes = new Uint8Array(size);
  new DataView(bytes.buffer).setUint32(0, head.length, true);
  bytes.set(head, 8);
  return bytes;
}

function assertFits(size: number, path: string): void {
  if (size <= maxOutputBytes) return;
  throw new ValidationError(`${path} takes ${size} bytes, and at most ${maxOutputBytes} are kept; save it elsewhere in pieces, as an artifact or a dataset.`, { path, size, limit: maxOutputBytes });
}

/** A fresh copy of the output that {@link packOutput} was given. Throws `IntegrityError`, naming `key`, when the bytes are not of that form. */
export function unpackOutput(bytes: Uint8Array, key: string): unknown {
  try {
    const headLength = new DataView(bytes.buffer, bytes.byteOffset, 8).getUint32(0, true);
    const { arrays, rows = [], tree } = decode(bytes.subarray(8, 8 + headLength), key) as { arrays: ArrayHeader[]; rows?: RowsHeader[]; tree: unknown };
    const root = { tree };
    let at = 8 + headLength + gapAfter(headLength);
    for (const { path, type, length } of arrays) {
      const constructor = arrayTypes[type];
      const size = length * constructor.BYTES_PER_ELEMENT;
      if (at + size > bytes.length) throw new RangeError('The output ends too early.');
      const array = new constructor(bytes.slice(at, at + size).buffer);
      replace(root, ['tree', ...path], (inTree) => listed(type, array, inTree));
      at += size + gapAfter(size);
    }
    for (const { path, length } of rows) replace(root, ['tree', ...path], (columns) => rowsOf(columns as Readonly<Record<string, readonly unknown[]>>, length));
    return root.tree;
  } catch (cause) {
    throw new IntegrityError(`The step output in ${key} cannot be read: its bytes are not what modelkeep writes.`, { key, cause });
  }
}

/** What was taken out, as it was. */
function listed(type: ArrayType, array: TypedArray, inTree: unknown): unknown {
  switch (type) {
    case 'numbers':
      return Array.from(array as Float64Array);
    case 'texts8':
    case 'texts16':
    case 'texts32':
      return decodedTexts({ dictionary: inTree as readonly string[], codes: array as CodedTexts['codes'] });
    case 'valid':
      return masked(inTree, array as Uint8Array);
    default:
      return array;
  }
}

/** Takes the typed arrays out of a value, leaving `null` in their places; the rest is the codec's to judge. */
class ArrayCollector {
  readonly found: FoundArray[] = [];
  readonly rows: RowsHeader[] = [];
  readonly #within: object[] = [];
  readonly #at: (string | number)[] = [];
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  /** The value without its typed arrays: itself when it holds none. */
  strip(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value;
    if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
      const array = value as TypedArray;
      this.found.push({ path: [...this.#at], type: this.#typeOf(array), length: array.length, array });
      return null;
    }
    // What is nested deeper is refused by the codec.
    if (this.#within.length >= maxDepth) return value;
    if (this.#within.includes(value)) throw new ValidationError(`${this.#path} refers back to an object that contains it; only trees can be stored.`, { path: this.#path });
    this.#within.push(value);
    const stripped = Array.isArray(value) ? this.#stripArray(value) : isPlain(value) ? this.#stripObject(value) : value;
    this.#within.pop();
    return stripped;
  }

  #stripArray(values: readonly unknown[]): unknown {
    const column = values.length < leastColumnar ? undefined : this.#stripColumn(values);
    return column === undefined ? this.#stripItems(values) : column;
  }

  /** What stays in the tree of a long list of alike values; `undefined` when it is none. */
  #stripColumn(values: readonly unknown[]): unknown {
    const take = (type: ArrayType, array: TypedArray): void => void this.found.push({ path: [...this.#at], type, length: array.length, array });
    const takeMask = (): void => {
      const mask = maskOf(values);
      if (mask) take('valid', mask);
    };
    switch (typeof values.find((value) => value !== null)) {
      case 'number': {
        const numbers = numbersOf(values);
        if (numbers === undefined) return undefined;
        take('numbers', numbers);
        takeMask();
        return null;
      }
      case 'string': {
        const texts = textsOf(values);
        if (texts === undefined) return undefined;
        take(`texts${(texts.codes.BYTES_PER_ELEMENT * 8) as 8 | 16 | 32}`, texts.codes);
        takeMask();
        return texts.dictionary;
      }
      default: {
        const columns = columnsOf(values);
        if (columns === undefined) return undefined;
        this.rows.push({ path: [...this.#at], length: values.length });
        return this.#stripObject(columns);
      }
    }
  }

  #stripItems(values: readonly unknown[]): readonly unknown[] {
    let copy: unknown[] | undefined;
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (typeof value !== 'object' || value === null) continue;
      this.#at.push(i);
      const stripped = this.strip(value);
      this.#at.pop();
      if (stripped !== value) (copy ??= values.slice())[i] = stripped;
    }
    return copy ?? values;
  }

  #stripObject(fields: Readonly<Record<string, unknown>>): object {
    const changed: [string, unknown][] = [];
    // Sorted, so that equal outputs have their arrays in the same order.
    for (const name of Object.keys(fields).sort()) {
      const value = fields[name];
      if (typeof value !== 'object' || value === null) continue;
      this.#at.push(name);
      const stripped = this.strip(value);
      this.#at.pop();
      if (stripped !== value) changed.push([name, stripped]);
    }
    return changed.length === 0 ? fields : Object.fromEntries([...Object.entries(fields), ...changed]);
  }

  /** By tag, not by constructor: a subclass (Node's Buffer) or an array of another realm is what it extends. */
  #typeOf(array: TypedArray): ArrayType {
    const tag = array[Symbol.toStringTag] as string;
    for (const [type, { name }] of Object.entries(arrayTypes)) if (name === tag) return type as ArrayType;
    throw new ValidationError(`${this.#path} is a ${tag}, which cannot be stored; convert it to another typed array.`, { path: this.#path });
  }

  get #path(): string {
    return this.#at.reduce<string>((path, part) => (typeof part === 'number' ? `${path}[${part}]` : `${path}.${part}`), this.#name);
  }
}

function isPlain(value: object): value is Readonly<Record<string, unknown>> {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function replace(root: object, path: readonly (string | number)[], replacement: (value: unknown) => unknown): void {
  let holder = root as Record<string | number, unknown>;
  for (const part of path.slice(0, -1)) {
    if (!Object.hasOwn(holder, part)) throw new TypeError('An array has no place in its tree.');
    holder = holder[part] as Record<string | number, unknown>;
  }
  const last = path[path.length - 1]!;
  if (!Object.hasOwn(holder, last)) throw new TypeError('An array has no place in its tree.');
  Object.defineProperty(holder, last, { value: replacement(holder[last]), enumerable: true, writable: true, configurable: true });
}

function gapAfter(size: number): number {
  return (8 - (size % 8)) % 8;
}
