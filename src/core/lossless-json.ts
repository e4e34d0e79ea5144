import { toBase64 } from './bytes.ts';
import { newId } from './ids.ts';

const [quote, backslash, minus, zero, nine] = [0x22, 0x5c, 0x2d, 0x30, 0x39];

/** The value of JSON in which integers of 64 bits that a number cannot hold exactly are bigints; larger ones are rounded. Throws `SyntaxError` for what is no JSON. */
export function parseLossless(text: string): unknown {
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  // Also finds out that it is JSON, so that the scan need not.
  const plain: unknown = JSON.parse(text);
  // Nobody can have put into the text what is made up now.
  const mark = `${newId()} `;
  let marked = '';
  let copied = 0;
  for (let at = 0; at < text.length; ) {
    const code = text.charCodeAt(at);
    if (code === quote) at = endOfText(text, at);
    else if (code === minus || (code >= zero && code <= nine)) {
      const end = endOfNumber(text, at);
      const digits = text.slice(at, end);
      if (isLarge(digits)) {
        marked += `${text.slice(copied, at)}"${mark}${digits}"`;
        copied = end;
      }
      at = end;
    } else at++;
  }
  if (copied === 0) return plain;
  return JSON.parse(marked + text.slice(copied), (_, value: unknown) => (typeof value === 'string' && value.startsWith(mark) ? BigInt(value.slice(mark.length)) : value));
}

/**
 * JSON of plain data, with bigints as bare integers. Numbers that are integers beyond what a number holds exactly get an exponent, so that {@link parseLossless} gives back the type, too. What
 * JSON has no number for is a text as in the JSON of protobuf (`"NaN"`), and bytes are Base64.
 */
export function stringifyLossless(value: unknown): string {
  switch (typeof value) {
    case 'bigint':
      return String(value);
    case 'number':
      if (!Number.isFinite(value)) return `"${value}"`;
      if (Object.is(value, -0)) return '-0';
      return Number.isInteger(value) && !Number.isSafeInteger(value) ? value.toExponential() : String(value);
    case 'object':
      break;
    default:
      return JSON.stringify(value) ?? 'null';
  }
  if (value === null) return 'null';
  if (value instanceof Date) return JSON.stringify(value);
  if (value instanceof Uint8Array) return `"${toBase64(value)}"`;
  if (Array.isArray(value) && value.every(isPlain)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(stringifyLossless).join(',')}]`;
  if (ArrayBuffer.isView(value)) return `[${Array.from(value as unknown as ArrayLike<number>, stringifyLossless).join(',')}]`;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${stringifyLossless(field)}`).join(',')}}`;
}

/** Whether JSON.stringify says the same of a value. */
function isPlain(value: unknown): boolean {
  if (typeof value !== 'number') return value === null || typeof value === 'string' || typeof value === 'boolean';
  return Number.isSafeInteger(value) ? !Object.is(value, -0) : Number.isFinite(value) && !Number.isInteger(value);
}

function isLarge(digits: string): boolean {
  if (digits.length > 20 || !/^-?\d+$/.test(digits) || Number.isSafeInteger(Number(digits))) return false;
  const value = BigInt(digits);
  return BigInt.asIntN(64, value) === value;
}

/** Behind the closing quote of a text that begins at `at`. */
function endOfText(text: string, at: number): number {
  for (let end = at + 1; ; end++) {
    const code = text.charCodeAt(end);
    if (code === quote) return end + 1;
    if (code === backslash) end++;
  }
}

function endOfNumber(text: string, at: number): number {
  let end = at + 1;
  while (end < text.length && /[0-9.eE+-]/.test(text[end]!)) end++;
  return end;
}
