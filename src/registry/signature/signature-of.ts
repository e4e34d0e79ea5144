import * as z from 'zod/mini';
import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { checkSpec, specTypes } from '../../core/signature/check-signature.ts';
import type { DataSpec, ModelSignature } from '../../core/signature/model-signature.ts';
import { specFromJsonSchema, type JsonSchema } from './from-json-schema.ts';

/** What a signature can be made of, side by side. */
export interface SignatureSource {
  /** What the model takes: of a schema that transforms, what goes in. @default not told */
  readonly input?: DataSource | undefined;
  /** What the model gives: of a schema that transforms, what comes out. @default not told */
  readonly output?: DataSource | undefined;
}

/** One side of a signature: a specification, a schema of zod 4 or of any library with Standard JSON Schema (ArkType, Valibot…), or a JSON Schema. */
export type DataSource = DataSpec | SchemaSource | JsonSchema;

/** A Standard Schema that tells its JSON Schema (https://standardschema.dev/json-schema), or one of zod. */
export interface SchemaSource {
  /** What the convention asks of a schema, under the name that it reserves. */
  readonly '~standard': SchemaSourceProps;
}

/** What a schema has under `~standard`. */
export interface SchemaSourceProps {
  /** The version of the convention. */
  readonly version: 1;
  /** The name of the schema library. */
  readonly vendor: string;
  /** Its JSON Schema; absent in libraries that do not follow that part of the convention. */
  readonly jsonSchema?: JsonSchemaSource | undefined;
}

/** A schema's JSON Schema, before and after it transforms. */
export interface JsonSchemaSource {
  /** That of what goes in. */
  readonly input: (options: { readonly target: 'draft-2020-12' }) => JsonSchema;
  /** That of what comes out. */
  readonly output: (options: { readonly target: 'draft-2020-12' }) => JsonSchema;
}

const stringKeys = ['type', 'nullable', 'values', 'minLength', 'maxLength', 'pattern'];

/**
 * The signature of a model, from specifications, schemas or JSON Schemas. `registry.registerVersion()` does the same with its `signature`.
 *
 * Throws `ValidationError` with the path of the value for what a signature cannot express: unions of types, schemas that refer to themselves, maps, tuples…
 *
 * @example
 * ```ts
 * import { z } from 'zod';
 * import { signatureOf } from 'modelkeep';
 *
 * const signature = signatureOf({
 *   input: z.object({ distance: z.number().min(0), origin: z.enum(['ATL', 'JFK']).nullable() }),
 *   output: z.object({ score: z.number() }),
 * });
 * console.log(signature.output); // { type: 'row', columns: [ { name: 'score', type: 'float64' } ], others: 'refused' }
 * ```
 */
export function signatureOf(source: SignatureSource): ModelSignature {
  return readSignature(source, 'signature');
}

/** A signature from what callers give under the name of `path`. */
export function readSignature(source: SignatureSource, path: string): ModelSignature {
  if (typeof source !== 'object' || source === null) throw new ValidationError(`${path} is ${shown(source)}; it must be an object with input, output or both.`, { path });
  const unknown = Object.keys(source).find((key) => key !== 'input' && key !== 'output');
  if (unknown !== undefined) throw new ValidationError(`${path} has ${shown(unknown)}, which is neither its input nor its output.`, { path: `${path}.${unknown}` });
  const { input, output } = source;
  return {
    ...(input !== undefined && { input: readSide(input, 'input', `${path}.input`) }),
    ...(output !== undefined && { output: readSide(output, 'output', `${path}.output`) }),
  };
}

function readSide(source: DataSource, side: 'input' | 'output', path: string): DataSpec {
  // A schema of ArkType is a function.
  if ((typeof source !== 'object' && typeof source !== 'function') || source === null) {
    throw new ValidationError(`${path} is ${shown(source)}; it must be a specification, a schema or a JSON Schema.`, { path });
  }
  if ('~standard' in source) return checkSpec(specFromJsonSchema(toJsonSchema(source as SchemaSource, side, path), path), path);
  return checkSpec(isSpec(source) ? source : specFromJsonSchema(source as JsonSchema, path), path);
}

// A text is written alike in both languages, until it has what only one knows.
function isSpec(source: DataSpec | JsonSchema): boolean {
  const { type } = source;
  return typeof type === 'string' && specTypes.includes(type) && (type !== 'string' || Object.keys(source).every((key) => stringKeys.includes(key)));
}

function toJsonSchema(schema: SchemaSource, side: 'input' | 'output', path: string): JsonSchema {
  const { vendor, jsonSchema } = schema['~standard'];
  try {
    if (jsonSchema) return jsonSchema[side]({ target: 'draft-2020-12' });
    if ('_zod' in schema) return z.toJSONSchema(schema as unknown as z.core.$ZodType, { io: side });
  } catch (cause) {
    throw new ValidationError(`${path} has no JSON Schema, so that a signature cannot express it: ${cause instanceof Error ? cause.message : shown(cause)}.`, { path, cause });
  }
  throw new ValidationError(`${path} is a schema of ${shown(vendor)} that does not tell its JSON Schema: use zod 4, ArkType, or Valibot's toStandardJsonSchema().`, { path });
}
