import { toBase64 } from './bytes.ts';
import { newId } from './ids.ts';

const [quote, backslash, minus, zero, nine, capitalI, capitalN] = [0x22, 0x5c, 0x2d, 0x30, 0x39, 0x49, 0x4e];

/** The value of JSON in which integers of 64 bits that a number cannot hold exactly are bigints; larger ones are rounded. Throws `SyntaxError` for what is no JSON. */
export function parseLossless(text: string): unknown {
  // Also finds out that it is JSON, so that the scan need not.
  const plain: unknown = JSON.parse(text);
  return holdsLarge(plain) ? (parseMarked(text, false) ?? plain) : plain;
}

/** The same of JSON that may hold the bare tokens `NaN`, `Infinity`, `-Infinity` and `Inf`, as TensorFlow Serving and Python write them, and integers of 64 bits without sign. */
export function parseTolerant(text: string): unknown {
  let plain: unknown;
  try {
    plain = JSON.parse(text);
  } catch (error) {
    const marked = /NaN|Inf/.test(text) ? parseMarked(text, true) : undefined;
    if (marked === undefined) throw error;
    return marked;
  }
  return holdsLarge(plain) ? (parseMarked(text, true) ?? plain) : plain;
}

/**
 * JSON of plain data, with bigints as bare integers. Numbers that are integers beyond what a number holds exactly get an exponent, so that {@link parseLossless} gives back the type, too. What
 * JSON has no number for is a text as in the JSON of protobuf (`"NaN"`), and bytes are Base64.
 */
export function stringifyLossless(value: unknown): string {
  return stringify(value, (number) => `"${number}"`);
}

/** The same with `NaN`, `Infinity` and `-Infinity` as bare tokens, which {@link parseTolerant} reads. */
export function stringifyTolerant(value: unknown): string {
  return stringify(value, String);
}

function stringify(value: unknown, nonFinite: (value: number) => string): string {
  switch (typeof value) {
    case 'bigint':
      return String(value);
    case 'number':
      if (!Number.isFinite(value)) return nonFinite(value);
      if (Object.is(value, -0)) return '-0';
      return Number.isInteger(value) && !Number.isSafeInteger(value) ? value.toExponential() : String(value);
    case 'object':
      break;
    default:
      return JSON.stringify(value) ?? 'null';
  }
  if (isPlain(value)) return JSON.stringify(value);
  const inner = (item: unknown): string => stringify(item, nonFinite);
  if (value === null) return 'null';
  if (value instanceof Date) return JSON.stringify(value);
  if (value instanceof Uint8Array) return `"${toBase64(value)}"`;
  if (Array.isArray(value)) return `[${value.map(inner).join(',')}]`;
  if (ArrayBuffer.isView(value)) return `[${Array.from(value as unknown as ArrayLike<number>, inner).join(',')}]`;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${inner(field)}`).join(',')}}`;
}

/** Parses a text in which what JSON cannot say stands as marked texts; `undefined` when there is nothing of the kind. */
function parseMarked(text: string, bare: boolean): unknown {
  // Nobody can have put into the text what is made up now.
  const mark = `${newId()} `;
  let marked = '';
  let copied = 0;
  const put = (at: number, end: number): void => {
    marked += `${text.slice(copied, at)}"${mark}${text.slice(at, end)}"`;
    copied = end;
  };
  for (let at = 0; at < text.length; ) {
    const code = text.charCodeAt(at);
    if (code === quote) at = endOfText(text, at);
    else if (code === minus || (code >= zero && code <= nine)) {
      const token = bare && code === minus ? endOfBare(text, at) : 0;
      const end = token || endOfNumber(text, at);
      if (token > 0 || isLarge(text.slice(at, end), bare)) put(at, end);
      at = end;
    } else if (bare && (code === capitalI || code === capitalN)) {
      const end = endOfBare(text, at);
      if (end > at) put(at, end);
      at = Math.max(end, at + 1);
    } else at++;
  }
  if (copied === 0) return undefined;
  return unmark(JSON.parse(marked + text.slice(copied)), mark);
}

/** Puts numbers in the places of marked texts. Not by a reviver, which is called for every value and would overflow the stack where a text is nested deep. */
function unmark(root: unknown, mark: string): unknown {
  const valueOf = (value: unknown): unknown => (typeof value === 'string' && value.startsWith(mark) ? numberOf(value.slice(mark.length)) : value);
  const open: object[] = isObject(root) ? [root] : [];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (Array.isArray(value)) {
      for (let i = 0; i < value.length; i++) {
        const item: unknown = value[i];
        if (typeof item === 'string') value[i] = valueOf(item);
        else if (isObject(item)) open.push(item);
      }
      continue;
    }
    const fields = value as Record<string, unknown>;
    for (const name of Object.keys(fields)) {
      if (name.startsWith(mark)) throw new SyntaxError(`${name.slice(mark.length)} stands where JSON has the name of a property.`);
      const field = fields[name];
      if (typeof field === 'string') fields[name] = valueOf(field);
      else if (isObject(field)) open.push(field);
    }
  }
  return valueOf(root);
}

/** Whether a number is among values that may have been an integer which it does not hold exactly. Looking at the values takes much less time than looking for long digits in the text: most of those are fractions. */
function holdsLarge(root: unknown): boolean {
  const isLargeNumber = (value: unknown): boolean => typeof value === 'number' && (value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER);
  const open: object[] = isObject(root) ? [root] : [];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (Array.isArray(value)) {
      for (let i = 0; i < value.length; i++) {
        const item: unknown = value[i];
        if (isLargeNumber(item)) return true;
        if (isObject(item)) open.push(item);
      }
      continue;
    }
    for (const name in value) {
      const field = (value as Record<string, unknown>)[name];
      if (isLargeNumber(field)) return true;
      if (isObject(field)) open.push(field);
    }
  }
  return isLargeNumber(root);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function numberOf(text: string): number | bigint {
  if (text.endsWith('NaN')) return NaN;
  if (text.includes('I')) return text.startsWith('-') ? -Infinity : Infinity;
  return BigInt(text);
}

/** Whether JSON.stringify certainly says the same of a value: of simple values, lists of them, and objects that have nothing else; what is nested deeper is looked at by its parts. */
function isPlain(value: unknown, levels = 2): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value !== 0 || !Object.is(value, -0) : Number.isFinite(value) && !Number.isInteger(value);
  if (typeof value !== 'object') return typeof value === 'string' || typeof value === 'boolean';
  if (value === null) return true;
  if (levels === 0) return false;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (!isPlain(value[i], levels - 1)) return false;
    return true;
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return false;
  for (const name in value) if (!isPlain((value as Record<string, unknown>)[name], levels - 1)) return false;
  return true;
}

function isLarge(digits: string, unsigned: boolean): boolean {
  if (digits.length > 20 || !/^-?\d+$/.test(digits) || Number.isSafeInteger(Number(digits))) return false;
  const value = BigInt(digits);
  return BigInt.asIntN(64, value) === value || (unsigned && BigInt.asUintN(64, value) === value);
}

/** Behind the closing quote of a text that begins at `at`. */
function endOfText(text: string, at: number): number {
  for (let end = at + 1; end < text.length; end++) {
    const code = text.charCodeAt(end);
    if (code === quote) return end + 1;
    if (code === backslash) end++;
  }
  return text.length;
}

/** Behind the bare token that begins at `at`; 0 when none does. */
function endOfBare(text: string, at: number): number {
  const from = text.charCodeAt(at) === minus ? at + 1 : at;
  const token = ['NaN', 'Infinity', 'Inf'].find((name) => text.startsWith(name, from));
  return token === undefined ? 0 : from + token.length;
}

function endOfNumber(text: string, at: number): number {
  let end = at + 1;
  while (end < text.length && /[0-9.eE+-]/.test(text[end]!)) end++;
  return end;
}
