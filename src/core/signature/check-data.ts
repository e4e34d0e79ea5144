import { ValidationError } from '../errors.ts';
import { shown } from '../shown.ts';
import type { DataSpec, ListSpec, NumberSpec, RowSpec, StringSpec, TensorSpec, TensorsSpec, ValueSpec } from './model-signature.ts';

/** What is wrong with a value, and where. */
export interface Mismatch {
  readonly path: string;
  readonly problem: string;
}

const rfc3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;
const maxTime = 8.64e15;

/**
 * Checks that data is what one side of a signature says: values, rows (columns that are `undefined` are missing), or tensors of TensorFlow.js (`dtype`, `shape`)
 * and ONNX Runtime (`type`, `dims`), whose elements are not looked at. `name` is what messages call the data. The cost is linear in the data.
 *
 * Throws `ValidationError` with the path of the first thing wrong.
 *
 * @example
 * ```ts
 * import { checkData, type DataSpec } from 'modelkeep';
 *
 * const input: DataSpec = { type: 'row', columns: [{ name: 'distance', type: 'float64', minimum: 0 }] };
 * checkData(input, { distance: 733 }, 'input');
 * try {
 *   checkData(input, { distance: -1 }, 'input');
 * } catch (error) {
 *   console.log(error); // ValidationError: input.distance is -1; it must be at least 0.
 * }
 * ```
 */
export function checkData(spec: DataSpec, value: unknown, name: string): void {
  const mismatch = findMismatch(spec, value, name);
  if (mismatch) throw new ValidationError(`${mismatch.path} ${mismatch.problem}.`, { path: mismatch.path });
}

/** The first thing wrong with a value, or `undefined` when it is what the specification says. */
export function findMismatch(spec: DataSpec, value: unknown, path: string): Mismatch | undefined {
  if (spec.type === 'tensors') return tensorsMismatch(spec, value, path);
  if (value === null) return spec.nullable === true ? undefined : { path, problem: 'is null; it must have a value' };
  if (value === undefined) return { path, problem: 'is missing' };
  if (spec.type === 'list') return listMismatch(spec, value, path);
  if (spec.type === 'row') return rowMismatch(spec, value, path);
  const problem = scalarProblem(spec, value);
  return problem === undefined ? undefined : { path, problem: `is ${shown(value)}; it must be ${problem}` };
}

function scalarProblem(spec: Exclude<ValueSpec, ListSpec | RowSpec>, value: unknown): string | undefined {
  switch (spec.type) {
    case 'float64':
    case 'int64':
      return numberProblem(spec, value);
    case 'string':
      return stringProblem(spec, value);
    case 'bool':
      if (typeof value !== 'boolean') return 'true or false';
      return spec.values && !spec.values.includes(value) ? String(!value) : undefined;
    case 'timestamp':
      return isMoment(value) ? undefined : 'a date, epoch milliseconds or a text of RFC 3339';
    case 'json':
      return typeof value === 'function' || typeof value === 'symbol' ? 'plain data' : undefined;
  }
}

function numberProblem(spec: NumberSpec, value: unknown): string | undefined {
  const { type, values, minimum, maximum, exclusiveMinimum, exclusiveMaximum } = spec;
  const fits = type === 'float64' ? isFloat64(value) : isInt64(value);
  if (!fits) return type === 'float64' ? 'a finite number' : 'an integer of 64 bits, as a bigint beyond 2^53';
  const number = value as number | bigint;
  if (values && !values.some((each) => (typeof number === 'bigint' ? Number.isInteger(each) && BigInt(each) === number : each === number))) return `one of ${shown(values)}`;
  if (minimum !== undefined && number < minimum) return `at least ${minimum}`;
  if (maximum !== undefined && number > maximum) return `at most ${maximum}`;
  if (exclusiveMinimum !== undefined && number <= exclusiveMinimum) return `more than ${exclusiveMinimum}`;
  if (exclusiveMaximum !== undefined && number >= exclusiveMaximum) return `less than ${exclusiveMaximum}`;
  return undefined;
}

function isFloat64(value: unknown): boolean {
  return Number.isFinite(value) || (typeof value === 'bigint' && Number.isFinite(Number(value)) && BigInt(Number(value)) === value);
}

function isInt64(value: unknown): boolean {
  return Number.isSafeInteger(value) || (typeof value === 'bigint' && BigInt.asIntN(64, value) === value);
}

function stringProblem({ values, minLength = 0, maxLength = Infinity, pattern }: StringSpec, value: unknown): string | undefined {
  if (typeof value !== 'string') return 'a text';
  if (values && !values.includes(value)) return `one of ${shown(values)}`;
  // A character takes one or two units: counted only where that makes a difference.
  const length = value.length < minLength || value.length / 2 > maxLength ? value.length : [...value].length;
  if (length < minLength) return `at least ${minLength} characters long`;
  if (length > maxLength) return `at most ${maxLength} characters long`;
  if (pattern !== undefined && !new RegExp(pattern, 'u').test(value)) return `a text that matches /${pattern}/`;
  return undefined;
}

function isMoment(value: unknown): boolean {
  if (value instanceof Date) return !Number.isNaN(value.getTime());
  if (typeof value === 'number') return Number.isInteger(value) && Math.abs(value) <= maxTime;
  return typeof value === 'string' && rfc3339.test(value) && !Number.isNaN(Date.parse(value));
}

function listMismatch({ items, minItems = 0, maxItems = Infinity }: ListSpec, value: unknown, path: string): Mismatch | undefined {
  if (!Array.isArray(value) && !(ArrayBuffer.isView(value) && 'length' in value)) return { path, problem: `is ${shown(value)}; it must be an array` };
  const list = value as ArrayLike<unknown>;
  if (list.length < minItems || list.length > maxItems) {
    return { path, problem: `has ${list.length} values; it must have ${list.length < minItems ? `at least ${minItems}` : `at most ${maxItems}`}` };
  }
  for (let i = 0; i < list.length; i++) {
    const mismatch = findMismatch(items, list[i], `${path}[${i}]`);
    if (mismatch) return mismatch;
  }
  return undefined;
}

function rowMismatch({ columns, others }: RowSpec, value: unknown, path: string): Mismatch | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { path, problem: `is ${shown(value)}; it must be an object of columns` };
  const row = value as Readonly<Record<string, unknown>>;
  for (const column of columns) {
    const cell = Object.hasOwn(row, column.name) ? row[column.name] : undefined;
    if (cell === undefined && column.required === false) continue;
    const mismatch = findMismatch(column, cell, `${path}.${column.name}`);
    if (mismatch) return mismatch;
  }
  if (others !== 'refused') return undefined;
  const known = new Set(columns.map(({ name }) => name));
  const extra = Object.keys(row).find((name) => !known.has(name) && row[name] !== undefined);
  return extra === undefined ? undefined : { path: `${path}.${extra}`, problem: 'is no column that is known' };
}

function tensorsMismatch({ by, tensors }: TensorsSpec, value: unknown, path: string): Mismatch | undefined {
  if (by === 'position') {
    const given: readonly unknown[] = Array.isArray(value) ? value : [value];
    if (given.length !== tensors.length) return { path, problem: `has ${given.length} tensors; it must have ${tensors.length}` };
    return firstOf(tensors, (tensor, i) => tensorMismatch(tensor, given[i], Array.isArray(value) ? `${path}[${i}]` : path));
  }
  if (typeof value !== 'object' || value === null) return { path, problem: `is ${shown(value)}; it must be an object of tensors by name` };
  const extra = Object.keys(value).find((name) => !tensors.some((tensor) => tensor.name === name));
  if (extra !== undefined) return { path: `${path}.${extra}`, problem: 'is no tensor that is known' };
  return firstOf(tensors, (tensor) => tensorMismatch(tensor, (value as Readonly<Record<string, unknown>>)[tensor.name], `${path}.${tensor.name}`));
}

function tensorMismatch({ dtype, shape }: TensorSpec, value: unknown, path: string): Mismatch | undefined {
  if (value === undefined) return { path, problem: 'is missing' };
  const { dtype: element, type = element, shape: size, dims = size } = (value ?? {}) as Readonly<Partial<Record<'dtype' | 'type' | 'shape' | 'dims', unknown>>>;
  if (!Array.isArray(dims)) return { path, problem: 'is no tensor: it has no shape' };
  if (type !== dtype) return { path, problem: `is of ${shown(type)}; it must be of ${dtype}` };
  if (shape === undefined || (shape.length === dims.length && shape.every((each, i) => each === null || each === dims[i]))) return undefined;
  return { path, problem: `has the shape ${shown(dims)}; it must have ${shown(shape)}, where null is any size` };
}

function firstOf<T>(parts: readonly T[], find: (part: T, i: number) => Mismatch | undefined): Mismatch | undefined {
  for (const [i, part] of parts.entries()) {
    const mismatch = find(part, i);
    if (mismatch) return mismatch;
  }
  return undefined;
}
