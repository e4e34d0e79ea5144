import * as z from 'zod/mini';
import { ValidationError } from './errors.ts';

/** What a Standard Schema (https://standardschema.dev, version 1) answers to a value. */
export type StandardResult<Output> = StandardSuccess<Output> | StandardFailure;

/** The answer of a schema that accepts a value. */
export interface StandardSuccess<Output> {
  /** What the schema made of its input. */
  readonly value: Output;
  /** Absent: that is how success is told from failure. */
  readonly issues?: undefined;
}

/** The answer of a schema that refuses a value. */
export interface StandardFailure {
  /** What is wrong, at least one thing. */
  readonly issues: readonly StandardIssue[];
}

/** One thing that a schema found wrong. */
export interface StandardIssue {
  /** What is wrong, for a person. */
  readonly message: string;
  /** Where it is wrong, from the outside in: keys, or objects that hold one; absent for the value as a whole. */
  readonly path?: readonly (PropertyKey | StandardPathSegment)[] | undefined;
}

/** One step of the way to what is wrong, as some schema libraries write it. */
export interface StandardPathSegment {
  /** The property's name or the element's index. */
  readonly key: PropertyKey;
}

/** Any validator of the Standard Schema family: zod, valibot, arktype… Declared here by shape, so that none of them is needed. */
export interface StandardSchema<Input = unknown, Output = Input> {
  /** Everything that the convention asks of a schema, under the name that it reserves. */
  readonly '~standard': StandardProps<Input, Output>;
}

/** What a Standard Schema holds under `~standard`. */
export interface StandardProps<Input = unknown, Output = Input> {
  /** The version of the convention. */
  readonly version: 1;
  /** The name of the schema library. */
  readonly vendor: string;
  /** Tells whether a value is valid and what it becomes; may answer later. */
  readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
  /** The types that go in and come out, for the compiler; there is no value in it. */
  readonly types?: StandardTypes<Input, Output> | undefined;
}

/** The types of a Standard Schema. */
export interface StandardTypes<Input = unknown, Output = Input> {
  /** What the schema takes. */
  readonly input: Input;
  /** What it makes of that. */
  readonly output: Output;
}

/** Validates with the user's schema; throws `ValidationError` with the path of the first thing wrong. */
export async function validateWith<Output>(schema: StandardSchema<unknown, Output>, value: unknown, name: string): Promise<Output> {
  const result = (await schema['~standard'].validate(value)) as StandardResult<Output> | undefined;
  if (!result) throw new ValidationError(`${name} could not be judged: its schema answered ${String(result)}; a Standard Schema answers { value } or { issues }.`, { path: name });
  if (result.issues === undefined) return result.value;
  const issue = result.issues[0];
  const path = pathOf(name, (issue?.path ?? []).map((part) => (typeof part === 'object' ? part.key : part)));
  throw new ValidationError(`${path} is not valid: ${issue?.message ?? 'the schema gave no reason'}.`, { path });
}

/** Checks input against one of modelkeep's own schemas where it enters; throws `ValidationError` with the path of the first thing wrong. */
export function check<S extends z.ZodMiniType>(schema: S, value: unknown, name: string): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const path = pathOf(name, issue.path);
  throw new ValidationError(`${path} ${explain(issue, valueAtPath(value, issue.path))}.`, { path });
}

function pathOf(name: string, parts: readonly PropertyKey[]): string {
  return parts.reduce<string>((path, part) => (typeof part === 'number' ? `${path}[${part}]` : `${path}.${String(part)}`), name);
}

// The issues that zod hands out do not carry the input.
function valueAtPath(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((at, key) => (at === null || at === undefined ? undefined : (at as Record<PropertyKey, unknown>)[key]), value);
}

/** What each of the alternatives asks for, of those that tell. */
function explainUnion({ errors }: z.core.$ZodIssueInvalidUnion, input: unknown): string {
  const asked = errors.flatMap(([first]) => (first && first.path.length === 0 ? [explain(first, null)] : []));
  if (asked.length === 0) return 'is not valid';
  return `${input === undefined ? 'is missing; it ' : ''}must ${asked.map((text) => text.replace(/^must /, '')).join(', or ')}`;
}

// zod/mini carries no messages of its own.
function explain(issue: z.core.$ZodIssue, input: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.expected === 'nonoptional') return 'is missing';
      return `${input === undefined ? 'is missing; it ' : ''}must be ${/^[aeiou]/.test(issue.expected) ? 'an' : 'a'} ${issue.expected}`;
    case 'invalid_value':
      return `must be ${issue.values.length === 1 ? '' : 'one of '}${issue.values.map((value) => JSON.stringify(value)).join(', ')}`;
    case 'invalid_union':
      return explainUnion(issue, input);
    case 'invalid_key':
      return `has a name that ${issue.issues[0] ? explain(issue.issues[0], issue.path.at(-1)) : 'is not valid'}`;
    case 'too_small':
      if (issue.origin === 'array') return `must have at least ${issue.minimum} ${issue.minimum === 1 ? 'element' : 'elements'}`;
      return issue.minimum === 1 && issue.origin === 'string' ? 'must not be empty' : `must be ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`;
    case 'too_big':
      if (issue.origin === 'string') return `must have at most ${issue.maximum} characters`;
      return `must be ${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}`;
    case 'unrecognized_keys':
      return `has unknown options: ${issue.keys.join(', ')}`;
    default:
      return issue.message && issue.message !== 'Invalid input' ? issue.message : 'is not valid';
  }
}
