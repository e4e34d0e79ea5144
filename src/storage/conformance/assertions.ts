import { toHex } from '../../core/bytes.ts';
import { isModelkeepError, type ErrorCode } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';

/** Fails the test unless the condition holds. The suite brings its own assertions, so that it needs no particular runner. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

/** Fails the test unless both are equal all the way down; `undefined` properties count as absent. */
export function assertEqual(found: unknown, expected: unknown, what: string): void {
  if (!isEqual(found, expected)) throw new Error(`${what}: expected ${show(expected)}, found ${show(found)}`);
}

/** Fails the test unless the call rejects with one of modelkeep's errors of that code; gives back the error. */
export async function assertRejects(code: ErrorCode, call: () => unknown, what: string): Promise<unknown> {
  let outcome: unknown;
  try {
    outcome = await call();
  } catch (error) {
    if (isModelkeepError(error, code)) return error;
    throw new Error(`${what}: expected an error with code '${code}', but it failed otherwise: ${String(error)}`, { cause: error });
  }
  throw new Error(`${what}: expected an error with code '${code}', but it gave ${show(outcome)}`);
}

function isEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (a instanceof Uint8Array || b instanceof Uint8Array) return a instanceof Uint8Array && b instanceof Uint8Array && isEqualBytes(a, b);
  if (a instanceof Date || b instanceof Date) return a instanceof Date && b instanceof Date && Object.is(a.getTime(), b.getTime());
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  if (Array.isArray(a) && a.length !== (b as unknown[]).length) return false;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) => isEqual(own(a, key), own(b, key)));
}

function own(value: object, key: string): unknown {
  return Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
}

function isEqualBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function show(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes ${toHex(value.subarray(0, 16))}${value.length > 16 ? '…' : ''}`;
  if (Array.isArray(value)) return `[${value.slice(0, 20).map(show).join(', ')}${value.length > 20 ? `, … ${value.length} in all` : ''}]`;
  return shown(value, 400);
}
