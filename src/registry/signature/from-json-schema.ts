import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import type { ColumnSpec, ValueSpec } from '../../core/signature/model-signature.ts';

/** A JSON Schema, as plain data. */
export type JsonSchema = Readonly<Record<string, unknown>>;

// What says nothing about which values are valid; since draft 2019-09 that is true of `format` too.
const annotations = new Set([
  '$schema', '$id', '$anchor', '$comment', '$defs', 'definitions', 'title', 'description', 'default', 'examples', 'example', 'deprecated', 'readOnly', 'writeOnly',
  'format', 'contentEncoding', 'contentMediaType',
]);
const limits = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'];
const allTypes = ['array', 'boolean', 'number', 'object', 'string'];

interface Reader {
  readonly root: JsonSchema;
  /** The schemas within which the present one lies. */
  readonly within: ReadonlySet<unknown>;
}

/**
 * The specification of the values that a JSON Schema (draft 2020-12, or 7, or of OpenAPI 3) describes. Annotations are passed over, except descriptions of columns.
 *
 * Throws `ValidationError` with the path of the value for what a specification cannot express: unions of types, schemas that refer to themselves, maps, tuples…
 */
export function specFromJsonSchema(schema: JsonSchema, path: string): ValueSpec {
  return specOf(schema, path, { root: schema, within: new Set() });
}

function specOf(schema: unknown, path: string, reader: Reader): ValueSpec {
  if (schema === true || (isObject(schema) && rulesOf(schema).length === 0)) return { type: 'json', nullable: true };
  if (!isObject(schema)) throw inexpressible(path, schema === false ? 'can have no value' : `has ${shown(schema)} where a schema must be`);
  if (reader.within.has(schema)) throw inexpressible(path, 'refers to itself');
  const inner: Reader = { root: reader.root, within: new Set([...reader.within, schema]) };
  if ('$ref' in schema) return specOf(target(only(schema, ['$ref'], path)['$ref'], path, reader), path, inner);
  if ('allOf' in schema) return allOf(only(schema, ['allOf'], path)['allOf'], path, inner);
  for (const union of ['anyOf', 'oneOf']) if (union in schema) return unionOf(union, only(schema, [union], path)[union], path, inner);
  const { type, nullable } = typeOf(schema, path);
  const spec = typedSpec(type, schema, path, inner);
  return nullable ? { ...spec, nullable } : spec;
}

function typedSpec(type: string, schema: JsonSchema, path: string, reader: Reader): ValueSpec {
  switch (type) {
    case 'any':
      only(schema, ['type', 'nullable'], path);
      return { type: 'json' };
    case 'number':
    case 'integer':
      return { type: type === 'number' ? 'float64' : 'int64', ...valuesOf(schema), ...pick(only(schema, ['type', 'nullable', 'enum', 'const', ...limits], path), limits) } as ValueSpec;
    case 'boolean':
      only(schema, ['type', 'nullable', 'enum', 'const'], path);
      return { type: 'bool', ...valuesOf(schema) } as ValueSpec;
    case 'string': {
      // Libraries spell out what a moment looks like, each in its own way.
      if (schema['format'] === 'date-time' && valuesOf(schema).values === undefined) return only(schema, ['type', 'nullable', 'pattern'], path) && { type: 'timestamp' };
      const rules = ['minLength', 'maxLength', 'pattern'];
      return { type: 'string', ...valuesOf(schema), ...pick(only(schema, ['type', 'nullable', 'enum', 'const', ...rules], path), rules) } as ValueSpec;
    }
    case 'array': {
      const rules = only(schema, ['type', 'nullable', 'items', 'minItems', 'maxItems', 'uniqueItems'], path);
      if (rules['uniqueItems'] === true) throw inexpressible(path, 'must have values that are all different');
      if (Array.isArray(rules['items'])) throw inexpressible(path, 'is a tuple');
      return { type: 'list', items: specOf(rules['items'] ?? true, `${path}[]`, reader), ...pick(rules, ['minItems', 'maxItems']) };
    }
    case 'object':
      return rowOf(schema, path, reader);
    default:
      throw inexpressible(path, `is of type ${shown(type)}`);
  }
}

function rowOf(schema: JsonSchema, path: string, reader: Reader): ValueSpec {
  if (isMap(schema)) throw inexpressible(path, 'is a map with names of any kind');
  const { properties = {}, required = [], additionalProperties } = only(schema, ['type', 'nullable', 'properties', 'required', 'additionalProperties'], path);
  if (!isObject(properties) || !Array.isArray(required)) throw inexpressible(path, 'has properties that are no object, or required that is no array');
  const columns = Object.entries(properties).map(([name, property]): ColumnSpec => {
    const description = isObject(property) && typeof property['description'] === 'string' ? { description: property['description'] } : {};
    return { name, ...specOf(property, `${path}.${name}`, reader), ...(!required.includes(name) && { required: false }), ...description };
  });
  for (const name of new Set(required)) if (!Object.hasOwn(properties, name as string)) columns.push({ name: name as string, type: 'json', nullable: true });
  return { type: 'row', columns, ...(additionalProperties === false && { others: 'refused' }) };
}

function isMap({ additionalProperties, propertyNames, patternProperties }: JsonSchema): boolean {
  if (propertyNames !== undefined || patternProperties !== undefined) return true;
  return isObject(additionalProperties) && rulesOf(additionalProperties).length > 0;
}

/** A union whose only branches but `null` are one schema, or values of one type. */
function unionOf(keyword: string, branches: unknown, path: string, reader: Reader): ValueSpec {
  if (!Array.isArray(branches) || branches.length === 0) throw inexpressible(path, `has a ${keyword} that is no array of schemas`);
  const rest = branches.filter((branch) => !isNull(branch));
  const nullable = rest.length < branches.length ? { nullable: true } : {};
  const specs = rest.map((branch) => specOf(branch, path, reader));
  const [first, ...others] = specs;
  if (first === undefined) throw inexpressible(path, 'can only be null');
  if (keyword === 'oneOf' && (branches.length - rest.length > 1 || ('nullable' in nullable && specs.some((spec) => spec.nullable === true)))) {
    throw inexpressible(path, 'is a oneOf that null matches twice');
  }
  if (others.length === 0) return { ...first, ...nullable };
  const values = specs.flatMap((spec): readonly unknown[] => ('values' in spec ? (spec.values ?? []) : []));
  const alike = specs.every((spec) => spec.type === first.type && 'values' in spec && Object.keys(spec).every((key) => key === 'type' || key === 'values' || key === 'nullable'));
  if (!alike || (keyword === 'oneOf' && new Set(values).size < values.length)) throw inexpressible(path, `is a union of ${specs.map((spec) => spec.type).join(' and ')}`);
  return { type: first.type, values: [...new Set(values)], ...(specs.some((spec) => spec.nullable === true) && { nullable: true }), ...nullable } as ValueSpec;
}

function allOf(parts: unknown, path: string, reader: Reader): ValueSpec {
  if (Array.isArray(parts) && parts.length === 1) return specOf(parts[0], path, reader);
  throw inexpressible(path, 'must be what several schemas say at once');
}

/** The one type that a schema has besides `null`. */
function typeOf(schema: JsonSchema, path: string): { readonly type: string; readonly nullable: boolean } {
  const { type, nullable } = schema;
  const types = Array.isArray(type) ? (type as unknown[]) : type === undefined ? [] : [type];
  const allowed = allowedValues(schema);
  const named = types.filter((each) => each !== 'null') as string[];
  // A list of values rules out null unless it has it.
  const orNull = (types.length > named.length || nullable === true || types.length === 0) && (allowed === undefined ? types.length > 0 : allowed.includes(null));
  if (allTypes.every((each) => named.includes(each))) return { type: 'any', nullable: orNull };
  if (named.length > 1) throw inexpressible(path, `is a union of ${named.join(' and ')}`);
  if (named[0] !== undefined) return { type: named[0], nullable: orNull };
  if (types.length > 0) throw inexpressible(path, 'can only be null');
  if (allowed) return { type: typeOfValues(allowed, path), nullable: orNull };
  if ('properties' in schema || 'items' in schema) throw inexpressible(path, `has ${'items' in schema ? 'items' : 'properties'} but no type, so that it can be anything else too`);
  throw inexpressible(path, `has rules but no type: ${rulesOf(schema).join(', ')}`);
}

function typeOfValues(values: readonly unknown[], path: string): string {
  const types = new Set(values.filter((value) => value !== null).map((value) => typeof value as string));
  const [type] = types;
  if (types.size === 1 && type !== undefined && ['string', 'number', 'boolean'].includes(type)) return type;
  throw inexpressible(path, types.size === 0 ? 'can only be null' : `is a union of ${[...types].join(' and ')}`);
}

function allowedValues({ enum: values, ...schema }: JsonSchema): readonly unknown[] | undefined {
  if ('const' in schema) return [schema['const']];
  return Array.isArray(values) ? values : undefined;
}

function valuesOf(schema: JsonSchema): { readonly values?: readonly unknown[] } {
  const values = allowedValues(schema)?.filter((value) => value !== null);
  return values === undefined ? {} : { values: [...new Set(values)] };
}

/** What a reference within the document points at. */
function target(ref: unknown, path: string, { root }: Reader): unknown {
  if (ref === '#') return root;
  const parts = typeof ref === 'string' && ref.startsWith('#/') ? ref.slice(2).split('/') : undefined;
  const found = parts?.reduce<unknown>((at, part) => {
    const key = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
    return isObject(at) && Object.hasOwn(at, key) ? at[key] : undefined;
  }, root);
  if (found === undefined) throw inexpressible(path, `refers to ${shown(ref)}, which is not in the schema`);
  return found;
}

/** The schema, when it has no rules but these. */
function only(schema: JsonSchema, allowed: readonly string[], path: string): JsonSchema {
  const other = rulesOf(schema).find((key) => !allowed.includes(key));
  if (other !== undefined) throw inexpressible(path, `has the rule ${other}: ${shown(schema[other])}`);
  return schema;
}

function rulesOf(schema: JsonSchema): string[] {
  return Object.keys(schema).filter((key) => !annotations.has(key) && !key.startsWith('x-') && schema[key] !== undefined);
}

function pick(schema: JsonSchema, keys: readonly string[]): JsonSchema {
  return Object.fromEntries(keys.filter((key) => schema[key] !== undefined).map((key) => [key, schema[key]]));
}

function isNull(schema: unknown): boolean {
  return isObject(schema) && (schema['type'] === 'null' || schema['const'] === null);
}

function isObject(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function inexpressible(path: string, what: string): ValidationError {
  return new ValidationError(`${path} ${what}, which a signature cannot express; describe it by a specification of your own, or leave this side out.`, { path });
}
