import * as z from 'zod/mini';
import type { ColumnType } from '../../core/column.ts';
import { durationMs, type Duration } from '../../core/duration.ts';
import { ValidationError } from '../../core/errors.ts';
import { check } from '../../core/schema.ts';
import { aggregateSchema, type AggregateDefinition } from '../aggregate.ts';
import { checkCondition, conditionType } from './condition.ts';

/** Type of a feature: `int64` travels as bigint, `timestamp` as epoch milliseconds, `json` is any other plain data. */
export type FeatureType = ColumnType;

/** A feature that is a column as it is: the newest value not later than the moment asked for. */
export interface ColumnFeature {
  /** Tells it from the other kinds of features. */
  readonly kind: 'column';
  /** The type of the column's values. */
  readonly type: FeatureType;
}

/** What a feature is, as data. */
export type FeatureDefinition = ColumnFeature | AggregateDefinition;

/** A feature view as data: how rows of events become features of an entity. Made by {@link featureView}. */
export interface FeatureView<Name extends string = string> {
  /** Tells it from other definitions. */
  readonly kind: 'feature-view';
  /** Names the view in the store and in references. */
  readonly name: string;
  /** The columns whose values together name an entity. */
  readonly entity: readonly string[];
  /** The column that says when a row became true. */
  readonly timestamp: string;
  /** The column that says when a row became known. */
  readonly createdTimestamp?: string | undefined;
  /** How long a value of a column stays usable, in milliseconds; absent when for ever. */
  readonly ttl?: number | undefined;
  /** Its features by name. */
  readonly features: Readonly<Record<Name, FeatureDefinition>>;
}

/** How a view is defined. */
export interface FeatureViewOptions<Features extends Readonly<Record<string, FeatureType | AggregateDefinition>>> {
  /** Letters, digits and `_`, not beginning with a digit and without `__`. */
  name: string;
  /** The columns whose values together name an entity; none for a view that is the same for all. */
  entity: readonly string[];
  /** The column that says when a row became true: the time of its event. */
  timestamp: string;
  /** The column that says when a row became known, if later than its event: by default nothing is used before it. @default none */
  createdTimestamp?: string | undefined;
  /** How long a value of a column stays usable after its timestamp, both ends included; windows have lengths of their own. @default for ever */
  ttl?: Duration | undefined;
  /** Features by name: the type of a column of that name, or an aggregate. */
  features: Features;
}

const namePattern = /^[A-Za-z_][A-Za-z0-9_]*$/;
const types = ['float64', 'int64', 'bool', 'string', 'timestamp', 'json'] as const;
const name = /* @__PURE__ */ z.string().check(z.minLength(1));
const columnName = /* @__PURE__ */ z.string().check(z.minLength(1), z.refine((text) => text !== '__proto__', 'must not be __proto__, which no object can have as a plain column'));

const optionsSchema = /* @__PURE__ */ z.strictObject({
  name,
  entity: z.array(columnName),
  timestamp: columnName,
  createdTimestamp: z.optional(columnName),
  ttl: z.optional(z.unknown()),
  features: z.record(z.string(), z.union([z.enum(types), aggregateSchema], `must be one of the types ${types.join(', ')}, or an aggregate such as aggregate.mean('delay', { window: '1h' })`)),
});

const viewSchema = /* @__PURE__ */ z.strictObject({
  kind: z.literal('feature-view'),
  name,
  entity: z.array(columnName),
  timestamp: columnName,
  createdTimestamp: z.optional(columnName),
  ttl: z.optional(z.number().check(z.gt(0))),
  features: z.record(z.string(), z.union([z.strictObject({ kind: z.literal('column'), type: z.enum(types) }), aggregateSchema])),
});

/**
 * Defines features over rows of events, as plain data: nothing is stored until it is given to `FeatureStore.apply`.
 *
 * Throws `ValidationError` when names collide, an aggregate is not over a `float64` column, or the `ttl` is not a positive duration.
 *
 * @example
 * ```ts
 * import { aggregate, featureView } from 'modelkeep';
 *
 * const drivers = featureView({
 *   name: 'driver_stats', entity: ['driver_id'], timestamp: 'event_time', ttl: '7d',
 *   features: { rating: 'float64', trips_1d: aggregate.count({ window: '1d' }) },
 * });
 * console.log(drivers.name, drivers.ttl);
 * ```
 */
export function featureView<const Features extends Readonly<Record<string, FeatureType | AggregateDefinition>>>(
  options: FeatureViewOptions<Features>,
): FeatureView<Extract<keyof Features, string>> {
  check(optionsSchema, options, 'featureView');
  const path = `featureView(${options.name})`;
  const features: Record<string, FeatureDefinition> = Object.fromEntries(
    Object.entries(options.features).map(([feature, definition]) => [feature, typeof definition === 'string' ? { kind: 'column', type: definition } : definition]),
  );
  const view: FeatureView = {
    kind: 'feature-view',
    name: options.name,
    entity: [...options.entity],
    timestamp: options.timestamp,
    createdTimestamp: options.createdTimestamp,
    ttl: options.ttl === undefined ? undefined : durationMs(options.ttl, `${path}.ttl`),
    features,
  };
  if (view.ttl === 0) throw new ValidationError(`${path}.ttl is 0; give a length of time, or leave it out for values that never grow too old.`, { path: `${path}.ttl` });
  checkView(view, path);
  return view;
}

/** Checks a view wherever it came from, parsed from JSON for example. */
export function checkView(view: FeatureView, path: string): void {
  check(viewSchema, view, path);
  checkNames(view, path);
  viewColumns(view);
}

function checkNames(view: FeatureView, path: string): void {
  const named = Object.keys(view.features);
  if (named.length === 0) throw new ValidationError(`${path}.features is empty; a view needs at least one feature.`, { path: `${path}.features` });
  for (const text of [view.name, ...named]) {
    if (namePattern.test(text) && !text.includes('__')) continue;
    throw new ValidationError(`${JSON.stringify(text)} cannot name a view or feature: use letters, digits and _, begin with no digit, and leave out __.`, { path });
  }
  const reserved = [...view.entity, view.timestamp, ...(view.createdTimestamp === undefined ? [] : [view.createdTimestamp])];
  const twice = reserved.find((column, i) => reserved.indexOf(column) !== i);
  if (twice !== undefined) throw new ValidationError(`${path} uses the column '${twice}' twice among entity, timestamp and createdTimestamp.`, { path });
  const clash = named.find((feature) => reserved.includes(feature));
  if (clash !== undefined) throw new ValidationError(`${path}.features.${clash} has the name of a key or timestamp column; give the feature another name.`, { path: `${path}.features.${clash}` });
}

/** The columns that a view's features are made of, with their types: its own columns, and what aggregates sum and test. */
export function viewColumns(view: FeatureView): Record<string, ColumnType> {
  const columns: Record<string, ColumnType> = {};
  const declared = Object.entries<FeatureDefinition>(view.features);
  for (const [feature, definition] of declared) if (definition.kind === 'column') columns[feature] = definition.type;
  for (const [feature, definition] of declared) {
    if (definition.kind !== 'aggregate' || definition.function === 'count') continue;
    if (definition.column === undefined) {
      const path = `featureView(${view.name}).features.${feature}.column`;
      throw new ValidationError(`${path} is missing; a ${definition.function} goes over a column.`, { path });
    }
    if (!Object.hasOwn(columns, definition.column)) columns[definition.column] = 'float64';
    const type = columns[definition.column]!;
    if (type === 'float64') continue;
    const path = `featureView(${view.name}).features.${feature}`;
    throw new ValidationError(`${path} aggregates '${definition.column}', which is a ${type} column; only float64 columns can be summed.`, { path });
  }
  for (const [feature, definition] of declared) {
    if (definition.kind !== 'aggregate') continue;
    for (const [column, condition] of Object.entries(definition.where ?? {})) {
      const path = `featureView(${view.name}).features.${feature}.where.${column}`;
      if (!Object.hasOwn(columns, column)) columns[column] = conditionType(condition, path);
      checkCondition(condition, columns[column]!, path);
    }
  }
  const key = [...view.entity, view.timestamp, view.createdTimestamp].find((column) => column !== undefined && Object.hasOwn(columns, column));
  if (key !== undefined) {
    throw new ValidationError(`featureView(${view.name}) aggregates or tests '${key}', which is a key or timestamp column; ingest a copy of it under another name.`, { path: key });
  }
  return columns;
}

/** The definition of a feature that the view has. */
export function definitionOf(view: FeatureView, feature: string): FeatureDefinition {
  return (view.features)[feature]!;
}
