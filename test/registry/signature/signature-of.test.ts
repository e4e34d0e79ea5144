import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import * as mini from 'zod/mini';
import { ValidationError, signatureOf, signatureToJsonSchema, type DataSource, type JsonSchema, type RowSpec } from 'modelkeep';
import { valueSpecs } from './arbitrary-spec.ts';

const input = (source: DataSource): unknown => signatureOf({ input: source }).input;

function failure(source: DataSource): { message: string; path: unknown } {
  try {
    input(source);
  } catch (error) {
    if (error instanceof ValidationError) return { message: error.message, path: error.details['path'] };
    throw error;
  }
  throw new Error('The source was accepted.');
}

describe('signatureOf', () => {
  it('reads what zod says, before it transforms for inputs and after for outputs', () => {
    const schema = z.object({
      distance: z.number().min(0).describe('In miles.'),
      seats: z.int().positive().max(900),
      origin: z.enum(['ATL', 'JFK']).nullable(),
      kind: z.union([z.literal('jet'), z.literal('prop')]).optional(),
      late: z.boolean().default(false),
      when: z.iso.datetime(),
      embedding: z.array(z.number()).length(2),
      day: z.literal([1, 2]),
    });
    const { input: taken, output: given } = signatureOf({ input: schema, output: schema });
    expect(taken).toEqual({
      type: 'row',
      columns: [
        { name: 'distance', type: 'float64', minimum: 0, description: 'In miles.' },
        { name: 'seats', type: 'int64', exclusiveMinimum: 0, maximum: 900 },
        { name: 'origin', type: 'string', values: ['ATL', 'JFK'], nullable: true },
        { name: 'kind', type: 'string', values: ['jet', 'prop'], required: false },
        { name: 'late', type: 'bool', required: false },
        { name: 'when', type: 'timestamp' },
        { name: 'embedding', type: 'list', items: { type: 'float64' }, minItems: 2, maxItems: 2 },
        { name: 'day', type: 'float64', values: [1, 2] },
      ],
    });
    expect(given).toMatchObject({ others: 'refused', columns: [{}, {}, {}, {}, { name: 'late', type: 'bool' }, {}, {}, {}] });
    expect((given as RowSpec).columns[4]).not.toHaveProperty('required');
  });

  it('reads zod/mini, which does not tell its JSON Schema by itself', () => {
    expect(input(mini.strictObject({ a: mini.nullable(mini.int().check(mini.minimum(1))), b: mini.optional(mini.string()) }))).toEqual({
      type: 'row',
      others: 'refused',
      columns: [{ name: 'a', type: 'int64', minimum: 1, maximum: 2 ** 53 - 1, nullable: true }, { name: 'b', type: 'string', required: false }],
    });
  });

  it('reads any Standard JSON Schema, also one that is a function', () => {
    const asked: unknown[] = [];
    const convert = (schema: JsonSchema) => (options: object): JsonSchema => (asked.push(options), schema);
    const props = { version: 1 as const, vendor: 'other', jsonSchema: { input: convert({ type: 'string' }), output: convert({ type: 'number' }) } };
    const schema = Object.assign(() => undefined, { '~standard': props });
    expect(signatureOf({ input: schema, output: schema })).toEqual({ input: { type: 'string' }, output: { type: 'float64' } });
    expect(asked).toEqual([{ target: 'draft-2020-12' }, { target: 'draft-2020-12' }]);
  });

  it('reads JSON Schema: references, annotations, null in lists of values, single branches', () => {
    const schema = {
      $schema: 'http://json-schema.org/draft-07/schema#',
      title: 'Flight',
      definitions: { 'a/b': { type: 'integer', minimum: 0 } },
      type: 'object',
      required: ['id', 'elsewhere'],
      properties: {
        id: { $ref: '#/definitions/a~1b', description: 'A number.' },
        again: { allOf: [{ $ref: '#/definitions/a~1b' }] },
        size: { enum: ['s', 'm', null] },
        flag: { const: true },
        anything: {},
        old: { type: 'string', nullable: true, format: 'uuid', 'x-order': 1 },
        maybe: { oneOf: [{ type: 'null' }, { type: 'array' }] },
        either: { anyOf: [{ const: 1 }, { enum: [2, 1] }] },
      },
      additionalProperties: false,
    };
    expect(input(schema)).toEqual({
      type: 'row',
      others: 'refused',
      columns: [
        { name: 'id', type: 'int64', minimum: 0, description: 'A number.' },
        { name: 'again', type: 'int64', minimum: 0, required: false },
        { name: 'size', type: 'string', values: ['s', 'm'], nullable: true, required: false },
        { name: 'flag', type: 'bool', values: [true], required: false },
        { name: 'anything', type: 'json', nullable: true, required: false },
        { name: 'old', type: 'string', nullable: true, required: false },
        { name: 'maybe', type: 'list', items: { type: 'json', nullable: true }, nullable: true, required: false },
        { name: 'either', type: 'float64', values: [1, 2], required: false },
        { name: 'elsewhere', type: 'json', nullable: true },
      ],
    });
  });

  it('gives the same specification back that became JSON Schema', () => {
    fc.assert(
      fc.property(valueSpecs, (spec) => {
        const { input: schema } = signatureToJsonSchema({ input: spec });
        expect(plain(input(JSON.parse(JSON.stringify(schema)) as JsonSchema))).toEqual(plain(input(spec)));
      }),
      { seed: 5, numRuns: 1_000 },
    );
  });

  it.each<[string, DataSource, string, RegExp]>([
    ['a union of types', z.object({ a: z.union([z.string(), z.number()]) }), 'signature.input.a', /is a union of string and number/],
    ['several types', { type: ['string', 'integer'] }, 'signature.input', /is a union of string and integer/],
    ['values of several types', { enum: ['a', 1] }, 'signature.input', /is a union of string and number/],
    ['a recursive schema', z.object({ get next(): z.ZodNullable<z.ZodObject> { return node; } }), 'signature.input.next.next', /refers to itself/],
    ['a map', z.object({ a: z.record(z.string(), z.number()) }), 'signature.input.a', /is a map/],
    ['a tuple', z.object({ a: z.array(z.tuple([z.number()])) }), 'signature.input.a[]', /prefixItems/],
    ['an intersection', { allOf: [{ type: 'string' }, { minLength: 1 }] }, 'signature.input', /several schemas say at once/],
    ['a multiple', z.object({ a: z.number().multipleOf(0.5) }), 'signature.input.a', /multipleOf: 0\.5/],
    ['different values', { type: 'array', uniqueItems: true }, 'signature.input', /all different/],
    ['nothing but null', { type: 'null' }, 'signature.input', /only be null/],
    ['no value at all', { type: 'object', properties: { a: false } }, 'signature.input.a', /can have no value/],
    ['rules without a type', { minLength: 1 }, 'signature.input', /rules but no type: minLength/],
    ['a reference to elsewhere', { $ref: 'https://example.org/a.json' }, 'signature.input', /not in the schema/],
    ['what has no JSON Schema', z.object({ a: z.date() }), 'signature.input', /Date cannot be represented/],
    ['a misspelt rule', { type: 'string', nullible: true }, 'signature.input', /the rule nullible/],
    ['no schema', 'string' as never, 'signature.input', /must be a specification, a schema or a JSON Schema/],
  ])('says where there is %s', (_what, source, path, message) => {
    const found = failure(source);
    expect(found.path).toBe(path);
    expect(found.message).toMatch(message);
  });

  it('says which library does not tell its JSON Schema', () => {
    expect(failure({ '~standard': { version: 1, vendor: 'zod' } }).message).toMatch(/"zod" that does not tell its JSON Schema: use zod 4/);
  });

  it.each<[DataSource, string, RegExp]>([
    [{ type: 'row', columns: [{ name: 'a', type: 'bool' }, { name: 'a', type: 'bool' }] }, 'signature.input.columns[1].name', /another has already/],
    [{ type: 'row', columns: [{ type: 'bool' } as never] }, 'signature.input.columns[0].name', /is missing/],
    [{ type: 'list', items: { type: 'float' } as never }, 'signature.input.items', /is of type "float"|must be one of/],
    [{ type: 'float64', minimum: 2, maximum: 1 }, 'signature.input', /limits that no float64 lies between/],
    [{ type: 'int64', exclusiveMinimum: 1, exclusiveMaximum: 2 }, 'signature.input', /limits that no int64 lies between/],
    [{ type: 'row', columns: [{ name: 'a', type: 'string', pattern: '(' }] }, 'signature.input.columns[0].pattern', /no regular expression/],
    [{ type: 'list', items: { type: 'bool' }, minItems: 2, maxItems: 1 }, 'signature.input.minItems', /more than its maxItems/],
    [{ type: 'bool', values: [] }, 'signature.input.values', /at least 1/],
    [{ type: 'float64', values: ['a'] as never }, 'signature.input.values[0]', /must be a number/],
    [{ type: 'list', items: { type: 'bool', name: 'a' } as never }, 'signature.input.items.name', /which only columns have/],
    [{ type: 'tensors', by: 'name', tensors: [{ name: 'x', dtype: 'float32', shape: [-1] }] }, 'signature.input.tensors[0].shape[0]', /at least 0/],
    [{ type: 'tensors', by: 'name', tensors: [] }, 'signature.input.tensors', /at least 1/],
  ])('refuses the specification %j', (source, path, message) => {
    const found = failure(source);
    expect(found.message).toMatch(message);
    if (path !== 'signature.input.items') expect(found.path).toBe(path);
  });

  it('refuses specifications that do not end', () => {
    const endless = { type: 'list' as const, items: {} as never };
    endless.items = endless as never;
    expect(failure(endless).message).toMatch(/goes no deeper/);
  });

  it('knows its own two sides only', () => {
    expect(() => signatureOf({ inputs: { type: 'bool' } } as never)).toThrow(/neither its input nor its output/);
    expect(() => signatureOf(null as never)).toThrow(/must be an object/);
    expect(signatureOf({})).toEqual({});
  });
});

const node = z.nullable(z.object({ get next(): z.ZodNullable<z.ZodObject> { return node; } }));

/** Without what says nothing: `false` where it is the default, descriptions of moments. */
function plain(spec: unknown): unknown {
  return JSON.parse(JSON.stringify(spec, (key, value: unknown) => ((key === 'nullable' && value === false) || (key === 'required' && value === true) || (key === 'others' && value === 'ignored') ? undefined : value)));
}

describe('signatureToJsonSchema', () => {
  it('makes nested arrays of tensors', () => {
    const tensor = { name: 'x', dtype: 'uint8' as const, shape: [null, 2] };
    const schema = { type: 'array', items: { type: 'array', items: { type: 'integer', minimum: 0, maximum: 255 }, minItems: 2, maxItems: 2 } };
    expect(signatureToJsonSchema({ input: { type: 'tensors', by: 'name', tensors: [tensor] } }).input).toMatchObject({ type: 'object', properties: { x: schema }, required: ['x'] });
    expect(signatureToJsonSchema({ input: { type: 'tensors', by: 'position', tensors: [tensor] } }).input).toMatchObject(schema);
    expect(signatureToJsonSchema({ output: { type: 'tensors', by: 'position', tensors: [tensor, { name: 'y', dtype: 'complex64', shape: [] }] } }).output).toMatchObject({
      prefixItems: [schema, { type: 'array', minItems: 2, maxItems: 2 }],
      items: false,
    });
  });

  it('leaves out the side that is not told', () => {
    expect(signatureToJsonSchema({})).toEqual({});
  });
});
