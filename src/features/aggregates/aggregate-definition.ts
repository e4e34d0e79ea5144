import * as z from 'zod/mini';
import { embeddingSize, type ColumnType } from '../../core/column.ts';
import { ValidationError } from '../../core/errors.ts';
import { whereSchema, type Where } from '../definitions/condition.ts';
import { columnsBehind, computedType, isComputed } from '../expressions/expression.ts';
import type { Window } from './window.ts';

/** What an aggregate computes. */
export type AggregateFunction =
  | 'count' | 'rate' | 'share' | 'sum' | 'mean' | 'ratio' | 'min' | 'max' | 'variance' | 'std' | 'skew' | 'kurtosis'
  | 'first' | 'last' | 'firstK' | 'lastK' | 'topK' | 'distinctCount' | 'quantile';

/** Something computed from an entity's recent events, as data. Made by {@link aggregate}. */
export interface AggregateDefinition<Type extends ColumnType = ColumnType> extends Window {
  /** Tells it from the other kinds of features. */
  readonly kind: 'aggregate';
  /** What is computed. */
  readonly function: AggregateFunction;
  /** The column that is aggregated, or `=` and an expression; `count`, `rate` and `share` have none. */
  readonly column?: string | undefined;
  /** The column whose sum a `ratio` divides by, or `=` and an expression. */
  readonly over?: string | undefined;
  /** Type of `column` where no feature declares it. */
  readonly type?: ColumnType | undefined;
  /** The column whose values the events are told apart by, or `=` and an expression: one result for each. */
  readonly by?: string | undefined;
  /** Of a `quantile`: 0 to 1. */
  readonly q?: number | undefined;
  /** Of `firstK`, `lastK` and `topK`: how many values at most. */
  readonly k?: number | undefined;
  /** Of `variance` and `std`: taken off the number of values before it divides. */
  readonly ddof?: 0 | 1 | undefined;
  /** Of a `rate`: its unit of time in milliseconds. */
  readonly per?: number | undefined;
  /** Of `distinctCount` and `quantile`: set when a sketch answers. */
  readonly approximate?: true | undefined;
  /** Only events that satisfy it count; absent when all do. */
  readonly where?: Where | undefined;
  /** Never set: tells the compiler the type of the values. */
  readonly values?: Type | undefined;
}

/** What a function needs beside a window. */
interface FunctionRule {
  /** The types that its column may have; absent for functions without one. */
  readonly columns?: readonly ColumnType[] | 'any' | undefined;
  readonly needs?: readonly ('over' | 'q' | 'k' | 'ddof' | 'per' | 'where')[] | undefined;
  /** The type of the result; the column's own where absent. */
  readonly result?: ColumnType | undefined;
  /** What the column is taken for where nothing says. */
  readonly type?: ColumnType | undefined;
}

const numeric: FunctionRule = { columns: ['float64'], result: 'float64' };
const ordered: readonly ColumnType[] = ['float64', 'int64', 'timestamp'];
const scalar: readonly ColumnType[] = ['float64', 'int64', 'timestamp', 'bool', 'string'];

const rules: Readonly<Record<AggregateFunction, FunctionRule>> = {
  count: { result: 'float64' },
  rate: { result: 'float64', needs: ['per'] },
  share: { result: 'float64', needs: ['where'] },
  sum: numeric,
  mean: numeric,
  ratio: { ...numeric, needs: ['over'] },
  min: { columns: ordered },
  max: { columns: ordered },
  variance: { ...numeric, needs: ['ddof'] },
  std: { ...numeric, needs: ['ddof'] },
  skew: numeric,
  kurtosis: numeric,
  first: { columns: 'any' },
  last: { columns: 'any' },
  firstK: { columns: 'any', needs: ['k'], result: 'json' },
  lastK: { columns: 'any', needs: ['k'], result: 'json' },
  topK: { columns: scalar, needs: ['k'], result: 'json', type: 'string' },
  distinctCount: { columns: scalar, result: 'float64', type: 'string' },
  quantile: { ...numeric, needs: ['q'] },
};

const whole = (least: number): z.ZodMiniType<number> => z.number().check(z.int(), z.minimum(least));
const columnName = /* @__PURE__ */ z.string().check(z.minLength(1));

const columnType = /* @__PURE__ */ z.string().check(z.refine((type) => [...scalar, 'json', 'bytes'].includes(type) || embeddingSize(type) !== undefined, 'must be float64, int64, bool, string, timestamp, bytes, embedding(n) or json'));

/** Schema of {@link AggregateDefinition}. */
export const aggregateSchema: z.ZodMiniType = /* @__PURE__ */ z.strictObject({
  kind: z.literal('aggregate'),
  function: z.enum(/* @__PURE__ */ Object.keys(rules) as [AggregateFunction, ...AggregateFunction[]]),
  column: z.optional(columnName),
  over: z.optional(columnName),
  type: z.optional(columnType),
  by: z.optional(columnName),
  window: z.union([whole(1), z.literal('lifetime')]),
  hop: whole(0),
  tumbling: z.optional(z.literal(true)),
  q: z.optional(z.number().check(z.minimum(0), z.maximum(1))),
  k: z.optional(whole(1).check(z.maximum(1000))),
  ddof: z.optional(z.union([z.literal(0), z.literal(1)])),
  per: z.optional(z.number().check(z.gt(0))),
  approximate: z.optional(z.literal(true)),
  where: z.optional(whereSchema),
});

/** Checks that an aggregate has what its function needs. Throws `ValidationError` naming what is missing or too much. `path` is of the aggregate. */
export function checkParts(definition: AggregateDefinition, path: string): void {
  const name = definition.function;
  const rule = rules[name];
  if (definition.column === undefined && rule.columns !== undefined) throw new ValidationError(`${path}.column is missing; a ${name} goes over a column.`, { path: `${path}.column` });
  if (definition.column !== undefined && rule.columns === undefined) throw new ValidationError(`${path}.column is '${definition.column}', but a ${name} counts events and has no column.`, { path: `${path}.column` });
  for (const need of rule.needs ?? []) {
    if (definition[need] === undefined) throw new ValidationError(`${path}.${need} is missing; a ${name} needs it.`, { path: `${path}.${need}` });
  }
  checkWindow(definition, path);
}

/**
 * Declares in `columns` those that an aggregate is made of and that nobody declared before, and checks that it can be computed from them; conditions are not looked at. Throws `ValidationError` naming what does
 * not fit. `path` is of the aggregate.
 */
export function declareColumns(definition: AggregateDefinition, columns: Record<string, ColumnType>, path: string): void {
  checkParts(definition, path);
  const name = definition.function;
  const rule = rules[name];
  for (const column of [definition.column, definition.over]) {
    if (column === undefined) continue;
    const type = typeOf(column, columns, definition.type ?? rule.type ?? 'float64', path);
    if (definition.type !== undefined && type !== definition.type) {
      throw new ValidationError(`${path}.type is ${definition.type}, but '${column}' is a ${type} column.`, { path: `${path}.type` });
    }
    if (rule.columns === 'any' || rule.columns!.includes(type)) continue;
    throw new ValidationError(`${path} aggregates '${column}', which is a ${type} column; a ${name} goes over ${rule.columns!.join(', ')} columns.`, { path });
  }
  if (definition.by === undefined) return;
  const type = typeOf(definition.by, columns, 'string', path);
  if (!['string', 'int64', 'bool'].includes(type)) throw new ValidationError(`${path}.by is '${definition.by}', a ${type} column; categories are string, int64 or bool columns.`, { path: `${path}.by` });
}

/** The type of a column, or of what is computed from some; a column that nobody declared is declared as one of type `otherwise`. */
function typeOf(name: string, columns: Record<string, ColumnType>, otherwise: ColumnType, path: string): ColumnType {
  if (isComputed(name)) return computedType(name, columns, path);
  if (!Object.hasOwn(columns, name)) columns[name] = otherwise;
  return columns[name]!;
}

function checkWindow({ function: name, window, hop, tumbling }: AggregateDefinition, path: string): void {
  if (tumbling && (window === 'lifetime' || hop === 0)) throw new ValidationError(`${path} is tumbling, which needs a window with an end and a hop above 0.`, { path });
  if (window !== 'lifetime') return;
  if (hop !== 0) throw new ValidationError(`${path}.hop is ${hop}, but a lifetime has no tail that could move; leave it out.`, { path: `${path}.hop` });
  if (name === 'rate') throw new ValidationError(`${path} is a rate over a lifetime, whose length nobody knows; give it a window.`, { path: `${path}.window` });
}

/** The columns of the rows that an aggregate is made of. */
export function columnsOfAggregate({ column, over, by, where }: AggregateDefinition): string[] {
  return [column, over, by, ...Object.keys(where ?? {})].flatMap((name) => (name === undefined ? [] : columnsBehind(name)));
}

/** The type of an aggregate's values, `type` being that of its column. */
export function aggregateType(definition: AggregateDefinition, type: ColumnType | undefined): ColumnType {
  if (definition.by !== undefined) return 'json';
  const rule = rules[definition.function];
  return rule.result ?? type ?? definition.type ?? rule.type ?? 'float64';
}
