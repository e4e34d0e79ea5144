import { fromBase64, toBase64, utf8 } from '../bytes.ts';
import { ValidationError } from '../errors.ts';
import { shown } from '../shown.ts';
import type { TensorType } from '../signature/model-signature.ts';
import { halfToNumber, numberToHalf } from './half.ts';
import { elementCount, type Tensor, type TensorValues } from './tensor.ts';
import { elementType } from './tensor-types.ts';

/** The limits of the types of integers. */
const ranges: Partial<Record<TensorType, readonly [least: number, most: number]>> = {
  int8: [-128, 127], int16: [-32768, 32767], int32: [-2147483648, 2147483647],
  uint8: [0, 255], uint16: [0, 65535], uint32: [0, 4294967295],
};

/** The shape that nested lists have, by the first element at each level. */
export function shapeOfNested(value: unknown): number[] {
  const shape: number[] = [];
  for (let at = value; Array.isArray(at); at = at[0]) shape.push(at.length);
  return shape;
}

/**
 * The tensor that nested lists of JSON values are. With `shape` it must have that shape, or be one flat list of all elements. Bytes are `{ "b64": … }`. Throws `ValidationError` for lists of differing
 * lengths and for elements that are not of the type, with the path of the element.
 */
export function tensorOfNested(dtype: TensorType, value: unknown, path: string, shape?: readonly number[]): Tensor {
  const own = shapeOfNested(value);
  const asked = shape ?? own;
  const count = elementCount(asked);
  const flat = shape !== undefined && own.length === 1 && own[0] === count && shape.length !== 1;
  const levels = flat ? [count] : asked;
  if (own.length !== levels.length || own.some((size, i) => size !== levels[i])) {
    // A list that is empty ends before its last dimensions.
    if (count !== 0 || own.length > levels.length || own.some((size, i) => size !== levels[i]) || own.at(-1) !== 0) {
      throw new ValidationError(`${path} has the shape ${shown(own)}; it must have ${shown(asked)}, nested or flat.`, { path });
    }
  }
  // Before anything is allocated: the first lists may claim what the others do not hold.
  if (count > 0) checkLists(value, levels, 0, path);
  const data = emptyValues(dtype, count, path);
  const set = setterOf(dtype, data);
  let next = 0;
  const fill = (item: unknown, level: number): void => {
    if (level < levels.length) for (const each of item as unknown[]) fill(each, level + 1);
    else if (!set(next++, item)) throw elementError(dtype, item, path);
  };
  if (levels.length === 1) {
    const list = value as unknown[];
    for (let i = 0; i < list.length; i++) if (!set(i, list[i])) throw elementError(dtype, list[i], path);
  } else if (count > 0) fill(value, 0);
  return { dtype, shape: asked, data };
}

/** Holds lists at all levels but the last, whose elements are looked at one by one, to the lengths that they must have. */
function checkLists(value: unknown, levels: readonly number[], level: number, path: string): void {
  const size = levels[level];
  if (size === undefined) return;
  if (!Array.isArray(value) || value.length !== size) {
    throw new ValidationError(`${path} is no tensor: at level ${level} it has ${Array.isArray(value) ? `a list of ${value.length}` : 'no list'} where others have lists of ${size}.`, { path });
  }
  if (level < levels.length - 1) for (const item of value) checkLists(item, levels, level + 1, path);
}

/**
 * How elements are given: as JSON has them, with the fewest digits for floats of 32 bits; the same with all texts as `{ "b64": … }`, as bytes that are no text are anyway; or as a program has them, bytes being bytes.
 */
export type ElementForm = 'json' | 'b64' | 'raw';

/** The elements of a tensor as nested lists, 64-bit integers as bigints. */
export function nestedOf({ dtype, shape, data }: Tensor, form: ElementForm = 'json'): unknown {
  const value = valueReader(dtype, data, form);
  let next = 0;
  const list = (level: number): unknown => (level === shape.length ? value(next++) : Array.from({ length: shape[level]! }, () => list(level + 1)));
  return list(0);
}

/** The elements of a tensor as one list of JSON values. */
export function flatOf({ dtype, shape, data }: Tensor): unknown[] {
  const value = valueReader(dtype, data, 'json');
  return Array.from({ length: elementCount(shape) }, (_, i) => value(i));
}

/** Gives elements one by one. */
function valueReader(dtype: TensorType, data: TensorValues, form: ElementForm): (i: number) => unknown {
  switch (dtype) {
    case 'bool':
      return (i) => data[i] === 1;
    case 'float16':
      return (i) => halfToNumber(data[i] as number);
    case 'float32':
      return form === 'raw' ? (i) => data[i] : (i) => shortest(data[i] as number);
    case 'string':
      return form === 'raw' ? (i) => data[i] : (i) => textValue(data[i] as string | Uint8Array, form === 'b64');
    default:
      return (i) => data[i];
  }
}

function textValue(text: string | Uint8Array, asBytes: boolean): unknown {
  if (typeof text === 'string' && !asBytes) return text;
  return { b64: toBase64(typeof text === 'string' ? utf8(text) : text) };
}

/** The number with fewest digits, of six or nine, that is the same in 32 bits: nobody wants to read 0.10000000149011612. */
function shortest(value: number): number {
  if (Number.isInteger(value) || !Number.isFinite(value)) return value;
  const short = Number(value.toPrecision(6));
  return Math.fround(short) === value ? short : Number(value.toPrecision(9));
}

function emptyValues(dtype: TensorType, count: number, path: string): TensorValues | (string | Uint8Array)[] {
  const type = elementType(dtype);
  if (type === undefined) throw new ValidationError(`${path} is of ${dtype}, which JSON has no form for here.`, { path });
  return type.array === undefined ? [] : new type.array(count);
}

/** Puts an element into its place, and tells whether it is of the type. */
function setterOf(dtype: TensorType, data: TensorValues | (string | Uint8Array)[]): (i: number, value: unknown) => boolean {
  const into = data as Record<number, unknown>;
  const put = (i: number, value: unknown): true => ((into[i] = value), true);
  const range = ranges[dtype];
  if (range !== undefined) return (i, value) => Number.isInteger(value) && (value as number) >= range[0] && (value as number) <= range[1] && put(i, value);
  switch (dtype) {
    case 'int64':
      return (i, value) => isInteger64(value, (integer) => BigInt.asIntN(64, integer)) && put(i, BigInt(value as number));
    case 'uint64':
      return (i, value) => isInteger64(value, (integer) => BigInt.asUintN(64, integer)) && put(i, BigInt(value as number));
    case 'bool':
      return (i, value) => (typeof value === 'boolean' || value === 0 || value === 1) && put(i, Number(value));
    case 'float16':
      return (i, value) => isNumber(value) && put(i, numberToHalf(Number(value)));
    case 'string':
      return (i, value) => {
        const text = typeof value === 'string' ? value : bytesOfB64(value);
        return text !== undefined && put(i, text);
      };
    default:
      return (i, value) => isNumber(value) && put(i, Number(value));
  }
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'bigint';
}

function isInteger64(value: unknown, wrap: (integer: bigint) => bigint): boolean {
  if (typeof value === 'bigint') return wrap(value) === value;
  return Number.isSafeInteger(value) && wrap(BigInt(value as number)) === BigInt(value as number);
}

/** The bytes that `{ "b64": … }` stands for; `undefined` for anything else. */
export function bytesOfB64(value: unknown): Uint8Array | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { b64 } = value as { b64?: unknown };
  if (typeof b64 !== 'string' || Object.keys(value).length !== 1) return undefined;
  try {
    return fromBase64(b64);
  } catch {
    return undefined;
  }
}

function elementError(dtype: TensorType, value: unknown, path: string): ValidationError {
  return new ValidationError(`${path} has the element ${shown(value, 80)}, which is not of ${elementType(dtype)?.wire ?? dtype}.`, { path });
}
