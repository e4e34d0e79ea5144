import * as z from 'zod/mini';
import { isWellFormed } from '../bytes.ts';
import { ValidationError } from '../errors.ts';
import { check } from '../schema.ts';
import { shown } from '../shown.ts';
import { tensorTypes, type ColumnSpec, type DataSpec, type ListSpec, type ModelSignature, type NumberSpec, type RowSpec, type StringSpec, type TensorsSpec, type ValueSpec } from './model-signature.ts';
import { isEmpty, lowerBound, upperBound } from './number-bounds.ts';

// Deeper than any record of features, and shallow enough for the stack.
const maxDepth = 32;

const text = z.string().check(z.minLength(1), z.refine((value) => isWellFormed(value), 'has a lone surrogate'));
const count = z.int().check(z.minimum(0));
const shape = (type: ValueSpec['type'], rules: z.core.$ZodShape): z.ZodMiniType =>
  z.strictObject({
    name: z.optional(text),
    type: z.literal(type),
    nullable: z.optional(z.boolean()),
    ...rules,
    required: z.optional(z.boolean()),
    description: z.optional(z.string()),
  });
const some = <T extends z.ZodMiniType>(value: T): z.ZodMiniOptional<z.ZodMiniArray<T>> => z.optional(z.array(value).check(z.minLength(1)));

const limits = {
  minimum: z.optional(z.number()),
  maximum: z.optional(z.number()),
  exclusiveMinimum: z.optional(z.number()),
  exclusiveMaximum: z.optional(z.number()),
};

/** What a specification of each type has, but for the specifications within it. */
const valueSchemas: Readonly<Record<ValueSpec['type'], z.ZodMiniType>> = {
  float64: shape('float64', { values: some(z.number()), ...limits }),
  int64: shape('int64', { values: some(z.int()), ...limits }),
  string: shape('string', { values: some(z.string()), minLength: z.optional(count), maxLength: z.optional(count), pattern: z.optional(z.string()) }),
  bool: shape('bool', { values: some(z.boolean()) }),
  timestamp: shape('timestamp', {}),
  json: shape('json', {}),
  list: shape('list', { items: z.looseObject({}), minItems: z.optional(count), maxItems: z.optional(count) }),
  row: shape('row', { columns: z.array(z.looseObject({})), others: z.optional(z.enum(['ignored', 'refused'])) }),
};

const tensorsSchema = z.strictObject({
  type: z.literal('tensors'),
  by: z.enum(['name', 'position']),
  tensors: z
    .array(
      z.strictObject({
        name: text,
        dtype: z.enum(tensorTypes),
        shape: z.optional(z.array(z.nullable(count))),
      }),
    )
    .check(z.minLength(1)),
});
const signatureSchema = z.strictObject({ input: z.optional(z.looseObject({})), output: z.optional(z.looseObject({})) });

/** The types that a specification can have. */
export const specTypes: readonly string[] = [...Object.keys(valueSchemas), 'tensors'];

/** Checks a signature that is plain data. Throws `ValidationError` with the path of the first thing wrong. */
export function checkSignature(value: unknown, path: string): ModelSignature {
  const { input, output } = check(signatureSchema, value, path);
  return {
    ...(input !== undefined && { input: checkSpec(input, `${path}.input`) }),
    ...(output !== undefined && { output: checkSpec(output, `${path}.output`) }),
  };
}

/** Checks one side of a signature that is plain data. */
export function checkSpec(value: unknown, path: string): DataSpec {
  if ((value as { type?: unknown } | null | undefined)?.type !== 'tensors') return checkValueSpec(value, path, 0);
  const spec = check(tensorsSchema, value, path) as TensorsSpec;
  checkNames(spec.tensors, `${path}.tensors`);
  return spec;
}

function checkValueSpec(value: unknown, path: string, depth: number): ValueSpec {
  if (depth > maxDepth) throw new ValidationError(`${path} lies ${maxDepth} specifications deep; a signature goes no deeper.`, { path });
  const type = (value as { type?: unknown } | null | undefined)?.type;
  const schema = typeof type === 'string' && Object.hasOwn(valueSchemas, type) ? valueSchemas[type as ValueSpec['type']] : undefined;
  if (schema === undefined) {
    throw new ValidationError(`${path}.type is ${shown(type)}; it must be one of ${specTypes.join(', ')}.`, { path: `${path}.type` });
  }
  const spec = check(schema, value, path) as ValueSpec;
  switch (spec.type) {
    case 'float64':
    case 'int64':
      checkNumbers(spec, path);
      return spec;
    case 'string':
      checkTexts(spec, path);
      return spec;
    case 'list':
      checkOrder(spec.minItems, spec.maxItems, path, 'Items');
      return { ...spec, items: checkItems(spec, path, depth) };
    case 'row':
      return { ...spec, columns: checkColumns(spec, path, depth) };
    default:
      return spec;
  }
}

function checkItems({ items }: ListSpec, path: string, depth: number): ValueSpec {
  const found = checkValueSpec(items, `${path}.items`, depth + 1);
  const extra = ['name', 'required', 'description'].find((key) => key in found);
  if (extra !== undefined) throw new ValidationError(`${path}.items has ${extra}, which only columns have.`, { path: `${path}.items.${extra}` });
  return found;
}

function checkColumns({ columns }: RowSpec, path: string, depth: number): ColumnSpec[] {
  const checked = columns.map((column, i) => {
    const found = checkValueSpec(column, `${path}.columns[${i}]`, depth + 1) as ColumnSpec;
    if ((found as Partial<ColumnSpec>).name === undefined) throw new ValidationError(`${path}.columns[${i}].name is missing.`, { path: `${path}.columns[${i}].name` });
    return found;
  });
  checkNames(checked, `${path}.columns`);
  return checked;
}

function checkNames(parts: readonly { readonly name: string }[], path: string): void {
  const seen = new Set<string>();
  parts.forEach(({ name }, i) => {
    if (seen.has(name)) throw new ValidationError(`${path}[${i}].name is ${shown(name)}, which another has already.`, { path: `${path}[${i}].name` });
    seen.add(name);
  });
}

function checkNumbers(spec: NumberSpec, path: string): void {
  if (!isEmpty(lowerBound(spec), upperBound(spec))) return;
  throw new ValidationError(`${path} has limits that no ${spec.type} lies between.`, { path });
}

function checkTexts({ minLength, maxLength, pattern }: StringSpec, path: string): void {
  checkOrder(minLength, maxLength, path, 'Length');
  if (pattern === undefined) return;
  try {
    new RegExp(pattern, 'u');
  } catch (cause) {
    throw new ValidationError(`${path}.pattern is ${shown(pattern)}, which is no regular expression.`, { path: `${path}.pattern`, cause });
  }
}

function checkOrder(least: number | undefined, most: number | undefined, path: string, of: string): void {
  if (least === undefined || most === undefined || least <= most) return;
  throw new ValidationError(`${path}.min${of} is ${least}, which is more than its max${of}, ${most}.`, { path: `${path}.min${of}` });
}
