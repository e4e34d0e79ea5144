import type { BoolSpec, DataSpec, ModelSignature, NumberSpec, RowSpec, StringSpec, TensorSpec, TensorsSpec, TensorType, ValueSpec } from '../../core/signature/model-signature.ts';
import type { JsonSchema } from './from-json-schema.ts';

/** A signature as JSON Schemas. */
export interface SignatureJsonSchema {
  /** What the model takes; absent where that is not told. */
  readonly input?: JsonSchema | undefined;
  /** What the model gives; absent where that is not told. */
  readonly output?: JsonSchema | undefined;
}

const integers: Readonly<Partial<Record<TensorType, readonly [number, number]>>> = {
  int4: [-8, 7],
  int8: [-128, 127],
  int16: [-32_768, 32_767],
  int32: [-2_147_483_648, 2_147_483_647],
  uint4: [0, 15],
  uint8: [0, 255],
  uint16: [0, 65_535],
  uint32: [0, 4_294_967_295],
};

/**
 * A signature as JSON Schemas of draft 2020-12, for documents, forms and other tools. {@link signatureOf} gives the same signature back, but for tensors, which become
 * nested arrays: objects of them where they are told apart by name, and an array of them, or the one that there is, where by position. A complex number is an array
 * of its two parts.
 *
 * @example
 * ```ts
 * import { signatureToJsonSchema } from 'modelkeep';
 *
 * const { input } = signatureToJsonSchema({ input: { type: 'row', columns: [{ name: 'distance', type: 'float64', minimum: 0 }] } });
 * console.log(input); // { $schema: …, type: 'object', properties: { distance: { type: 'number', minimum: 0 } }, required: [ 'distance' ] }
 * ```
 */
export function signatureToJsonSchema({ input, output }: ModelSignature): SignatureJsonSchema {
  const document = (spec: DataSpec): JsonSchema => ({ $schema: 'https://json-schema.org/draft/2020-12/schema', ...(spec.type === 'tensors' ? tensorsSchema(spec) : valueSchema(spec)) });
  return { ...(input && { input: document(input) }), ...(output && { output: document(output) }) };
}

function valueSchema(spec: ValueSpec): JsonSchema {
  const typed = (type: string): { type: string | string[] } => ({ type: spec.nullable === true ? [type, 'null'] : type });
  switch (spec.type) {
    case 'float64':
    case 'int64': {
      const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = spec;
      return defined({ ...typed(spec.type === 'float64' ? 'number' : 'integer'), enum: enumOf(spec), minimum, maximum, exclusiveMinimum, exclusiveMaximum });
    }
    case 'string': {
      const { minLength, maxLength, pattern } = spec;
      return defined({ ...typed('string'), enum: enumOf(spec), minLength, maxLength, pattern });
    }
    case 'bool':
      return defined({ ...typed('boolean'), enum: enumOf(spec) });
    case 'timestamp':
      return { ...typed('string'), format: 'date-time' };
    case 'json':
      return spec.nullable === true ? {} : { type: ['object', 'array', 'string', 'number', 'boolean'] };
    case 'list':
      return defined({ ...typed('array'), items: valueSchema(spec.items), minItems: spec.minItems, maxItems: spec.maxItems });
    case 'row':
      return { ...typed('object'), ...rowSchema(spec) };
  }
}

function rowSchema({ columns, others }: RowSpec): JsonSchema {
  const properties = Object.fromEntries(columns.map((column) => [column.name, { ...valueSchema(column), ...(column.description !== undefined && { description: column.description }) }]));
  const required = columns.filter((column) => column.required !== false).map(({ name }) => name);
  return { properties, ...(required.length > 0 && { required }), ...(others === 'refused' && { additionalProperties: false }) };
}

function enumOf({ values, nullable }: NumberSpec | StringSpec | BoolSpec): readonly unknown[] | undefined {
  return values && nullable === true ? [...values, null] : values;
}

function tensorsSchema({ by, tensors }: TensorsSpec): JsonSchema {
  const schemas = tensors.map(tensorSchema);
  if (by === 'name') {
    const names = tensors.map(({ name }) => name);
    return { type: 'object', properties: Object.fromEntries(names.map((name, i) => [name, schemas[i]])), required: names, additionalProperties: false };
  }
  if (schemas.length === 1) return schemas[0]!;
  return { type: 'array', prefixItems: schemas, items: false, minItems: schemas.length };
}

function tensorSchema({ dtype, shape }: TensorSpec): JsonSchema {
  if (shape === undefined) return {};
  return [...shape].reverse().reduce<JsonSchema>((items, size) => ({ type: 'array', items, ...(size !== null && { minItems: size, maxItems: size }) }), elementSchema(dtype));
}

function elementSchema(dtype: TensorType): JsonSchema {
  const range = integers[dtype];
  if (range) return { type: 'integer', minimum: range[0], maximum: range[1] };
  if (dtype === 'int64') return { type: 'integer' };
  if (dtype === 'uint64') return { type: 'integer', minimum: 0 };
  if (dtype === 'bool') return { type: 'boolean' };
  if (dtype === 'string') return { type: 'string' };
  if (dtype.startsWith('complex')) return { type: 'array', items: { type: 'number' }, minItems: 2, maxItems: 2 };
  return { type: 'number' };
}

function defined(schema: JsonSchema): JsonSchema {
  return Object.fromEntries(Object.entries(schema).filter(([, value]) => value !== undefined));
}
