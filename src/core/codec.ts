import { fromBase64, fromUtf8, isWellFormed, toBase64, utf8 } from './bytes.ts';
import { IntegrityError, ValidationError } from './errors.ts';

/**
 * What records may hold: JSON, and what JSON loses: NaN, ±Infinity, -0, bigint, bytes and dates. Properties that are `undefined` are left out.
 */
export type Encodable =
  | null
  | boolean
  | number
  | bigint
  | string
  | Date
  | Uint8Array
  | readonly Encodable[]
  | { readonly [key: string]: Encodable | undefined };

/** A type of plain data as it is, and `never` in the place of what is none: what {@link Encodable} says, also of interfaces, which TypeScript assigns to no type with an index. */
export type EncodableForm<T> =
  // Also ends types that hold themselves, such as those of any JSON.
  [T] extends [Encodable] ? T
  : T extends null | boolean | number | bigint | string | Date | Uint8Array ? T
  : T extends readonly unknown[] ? { readonly [K in keyof T]: EncodableForm<T[K]> }
  : T extends ((...given: never) => unknown) | symbol | undefined ? never
  : T extends object ? { readonly [K in keyof T]: EncodableForm<Exclude<T[K], undefined>> | Extract<T[K], undefined> }
  : never;

/**
 * Canonical text of a value: keys sorted by UTF-16 code unit as in RFC 8785, no white space, numbers in ECMAScript's shortest form. Equal values give equal
 * text, so it serves for hashing too. What JSON cannot say is an object with one key that starts with `$`; a key of the user's that does gets one `$` more.
 *
 * Throws `ValidationError` with the path of anything else: functions, symbols, class instances, holes, cycles, lone surrogates, and of what is nested more than 500 deep.
 */
export function canonicalJson(value: unknown, path = 'value'): string {
  return write(value, path, []);
}

/** UTF-8 bytes of {@link canonicalJson}. */
export function encode(value: unknown, path = 'value'): Uint8Array<ArrayBuffer> {
  return utf8(canonicalJson(value, path));
}

/** A copy of a value as it would be read back: what the caller changes afterwards does not reach it. Throws like {@link canonicalJson}. */
export function storedCopy<T>(value: T, path: string): T {
  return revive(JSON.parse(canonicalJson(value, path))) as T;
}

// Far below where JSON.parse or a recursion of ours would overflow the stack of any host.
const maxDepth = 500;

/** The value of bytes that {@link encode} wrote. Throws `IntegrityError`, naming `key`, when they are not of that form. */
export function decode(bytes: Uint8Array, key: string): unknown {
  try {
    const text = fromUtf8(bytes);
    const value: unknown = JSON.parse(text);
    // Without a key or a text that begins with $, nothing was said in a form that JSON lacks: most records by far.
    return text.includes('"$') ? revive(value) : value;
  } catch (cause) {
    throw new IntegrityError(`The record ${key} cannot be read: its bytes are not what modelkeep writes.`, { key, cause });
  }
}

function write(value: unknown, path: string, within: object[]): string {
  const text = writePlain(value);
  if (text !== undefined) return text;
  switch (typeof value) {
    case 'string':
      throw new ValidationError(`${path} has a lone surrogate, which UTF-8 cannot hold.`, { path });
    case 'object':
      return writeObject(value!, path, within);
    default:
      throw new ValidationError(`${path} is ${value === undefined ? 'undefined' : `a ${typeof value}`}, which cannot be stored; store plain data.`, { path });
  }
}

// Texts that stand in JSON as they are: most by far.
const asItIs = /^[ !#-[\]-~]*$/;

/** What a value is written as that holds no other; `undefined` for one that does, and for what cannot be stored. */
function writePlain(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      if (asItIs.test(value)) return `"${value}"`;
      return isWellFormed(value) ? JSON.stringify(value) : undefined;
    case 'boolean':
      return value ? 'true' : 'false';
    case 'number':
      if (Object.is(value, -0)) return '{"$number":"-0"}';
      return Number.isFinite(value) ? String(value) : `{"$number":"${value}"}`;
    case 'bigint':
      return `{"$bigint":"${value}"}`;
    case 'object':
      return value === null ? 'null' : undefined;
    default:
      return undefined;
  }
}

function writeObject(value: object, path: string, within: object[]): string {
  if (within.length >= maxDepth) throw new ValidationError(`${path.slice(0, 200)}… is nested more than ${maxDepth} deep.`, { path: path.slice(0, 200) });
  if (within.includes(value)) throw new ValidationError(`${path} refers back to an object that contains it; only trees can be stored.`, { path });
  within.push(value);
  let text: string;
  if (value instanceof Uint8Array) {
    text = `{"$bytes":"${toBase64(value)}"}`;
  } else if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw new ValidationError(`${path} is an invalid Date.`, { path });
    text = `{"$date":"${value.toISOString()}"}`;
  } else if (Array.isArray(value)) {
    text = writeItems(value, path, within);
  } else {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) {
      const name = (value as { constructor?: { name?: string } }).constructor?.name ?? 'class instance';
      const hint = ArrayBuffer.isView(value) ? 'make it an array with Array.from()' : 'store plain data';
      throw new ValidationError(`${path} is a ${name}, which cannot be stored; ${hint}.`, { path });
    }
    text = writeFields(value as Record<string, unknown>, path, within);
  }
  within.pop();
  return text;
}

// The path of a value is put together only where it may be told.
function writeItems(items: readonly unknown[], path: string, within: object[]): string {
  let text = '';
  for (let i = 0; i < items.length; i++) text += `${i === 0 ? '' : ','}${writePlain(items[i]) ?? write(items[i], `${path}[${i}]`, within)}`;
  return `[${text}]`;
}

function writeFields(fields: Readonly<Record<string, unknown>>, path: string, within: object[]): string {
  let text = '';
  for (const key of sorted(Object.keys(fields))) {
    const field = fields[key];
    if (field === undefined) continue;
    const name = key.startsWith('$') ? `$${key}` : key;
    text += `${text === '' ? '' : ','}${writePlain(name) ?? write(name, path, within)}:${writePlain(field) ?? write(field, `${path}.${key}`, within)}`;
  }
  return `{${text}}`;
}

/** The same keys in order: what the library itself writes over and over has them so, and to see that is much cheaper than to sort. */
function sorted(keys: string[]): string[] {
  for (let i = 1; i < keys.length; i++) if (keys[i]! < keys[i - 1]!) return keys.sort();
  return keys;
}

function revive(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(revive);
  if (typeof value !== 'object' || value === null) return value;
  const keys = Object.keys(value);
  const fields = value as Record<string, unknown>;
  const tag = keys.length === 1 ? keys[0]! : '';
  if (tag.startsWith('$') && !tag.startsWith('$$')) return reviveTagged(tag, fields[tag]);
  const out: Record<string, unknown> = {};
  for (const key of keys) {
    const name = key.startsWith('$$') ? key.slice(1) : key;
    // Assigning to __proto__ would change the prototype instead of making a property.
    if (name === '__proto__') Object.defineProperty(out, name, { value: revive(fields[key]), enumerable: true, writable: true, configurable: true });
    else out[name] = revive(fields[key]);
  }
  return out;
}

function reviveTagged(tag: string, content: unknown): unknown {
  if (typeof content === 'string') {
    if (tag === '$number') return Number(content);
    if (tag === '$bigint') return BigInt(content);
    if (tag === '$bytes') return fromBase64(content);
    if (tag === '$date' && !Number.isNaN(Date.parse(content))) return new Date(content);
  }
  throw new TypeError(`Unknown tag ${tag}`);
}
