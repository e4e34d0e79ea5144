import * as z from 'zod/mini';
import type { ColumnType } from '../../core/column.ts';
import { durationMs, type Duration } from '../../core/duration.ts';
import { NotFoundError, ValidationError } from '../../core/errors.ts';
import { check } from '../../core/schema.ts';
import { aggregateSchema, aggregateType, declareColumns, type AggregateDefinition } from '../aggregates/aggregate-definition.ts';
import { checkCondition, conditionType } from './condition.ts';
import { factFields, factsOf, type DefinitionFacts } from './definition-facts.ts';
import { checkName } from './definition-name.ts';
import { keyTypesSchema, type Entity, type KeyType } from './entity.ts';
import type { FeatureInput } from './feature-input.ts';
import { checkValue, featureTypeSchema, type FeatureType } from './feature-type.ts';
import { columnName as nameOfColumn, computedType, expressionSchema, isComputed, type Expression } from '../expressions/expression.ts';

/** A feature that is a column as it is, or computed from columns of one row: the newest value not later than the moment asked for. */
export interface ColumnFeature {
  /** Tells it from the other kinds of features. */
  readonly kind: 'column';
  /** The type of the column's values. */
  readonly type: FeatureType;
  /** `=` and an expression, where it is computed from columns of the row. */
  readonly from?: string | undefined;
}

/** What a feature is, as data. */
export type FeatureDefinition = ColumnFeature | AggregateDefinition;

/** What people should know of one feature. */
export interface FeatureFacts {
  /** What it is and how it is meant. @default none */
  readonly description?: string | undefined;
  /** Whatever else should be known of it. @default none */
  readonly tags?: Readonly<Record<string, string>> | undefined;
}

/** What stands where a feature has no value, and what people should know of it. */
export interface FeatureExtras extends FeatureFacts {
  /** What is given where there is no value: no row, none that is young enough, or one without it. Statuses still tell. @default null */
  readonly default?: unknown;
}

/** A column as a feature, with more to say of it. */
export interface ColumnFeatureOptions extends FeatureExtras {
  /** The type of the column, which has the feature's name. */
  readonly type: FeatureType;
}

/** An aggregate or an expression as a feature, with more to say of it. */
export interface ComputedFeatureOptions extends FeatureExtras {
  /** What it is computed by. */
  readonly from: AggregateDefinition | Expression;
}

/** A feature with more to say of it than what it is. */
export type FeatureOptions = ColumnFeatureOptions | ComputedFeatureOptions;

/** What a feature may be given as: the type of a column of its name, an aggregate, an expression, or any of them with more to say of it. */
export type FeatureSource = FeatureType | AggregateDefinition | Expression | FeatureOptions;

/** The type of the values of a feature that is given so. */
export type SourceType<Source> = Source extends FeatureType
  ? Source
  : Source extends Readonly<Record<'from', infer From>>
    ? SourceType<From>
    : Source extends AggregateDefinition<infer Type> | Expression<infer Type>
      ? Type
      : Source extends Readonly<Record<'type', infer Type extends FeatureType>>
        ? Type
        : FeatureType;

/** How fresh a view is expected to be, as data. */
export interface ExpectedFreshness {
  /** How old its newest row may be, in milliseconds. */
  readonly maxAge: number;
  /** Whether age is counted from the row's event time or from its ingestion. @default 'event' */
  readonly by?: 'event' | 'ingested' | undefined;
}

/** How fresh a view is expected to be. */
export interface ExpectedFreshnessOptions {
  /** How old its newest row may be. */
  readonly maxAge: Duration;
  /** Whether age is counted from the row's event time or from its ingestion. @default 'event' */
  readonly by?: 'event' | 'ingested' | undefined;
}

/** A feature view as data: how rows of events become features of an entity. Made by {@link featureView}. */
export interface FeatureView<Name extends string = string> extends DefinitionFacts {
  /** Tells it from other definitions. */
  readonly kind: 'feature-view';
  /** Names the view in the store and in references. */
  readonly name: string;
  /** The columns whose values together name an entity. */
  readonly entity: readonly string[];
  /** The name of the entity, where it is one that was defined. */
  readonly entityName?: string | undefined;
  /** Types of the columns of the key, where the entity says them. */
  readonly keyTypes?: Readonly<Record<string, KeyType>> | undefined;
  /** The column that says when a row became true. */
  readonly timestamp: string;
  /** The column that says when a row became known. */
  readonly createdTimestamp?: string | undefined;
  /** The columns that tell rows of one entity and time apart; absent when each row that came is one of its own. */
  readonly rowId?: readonly string[] | undefined;
  /** How long a value of a column stays usable, in milliseconds; absent when for ever. */
  readonly ttl?: number | undefined;
  /** How fresh it is expected to be; it decides no value. */
  readonly freshness?: ExpectedFreshness | undefined;
  /** Its features by name. */
  readonly features: Readonly<Record<Name, FeatureDefinition>>;
  /** Types of columns of the rows that are no features but go into some. */
  readonly columns?: Readonly<Record<string, FeatureType>> | undefined;
  /** What is given where a feature has no value, by feature. */
  readonly defaults?: Readonly<Record<string, unknown>> | undefined;
  /** What people should know of its features, by feature. */
  readonly about?: Readonly<Record<string, FeatureFacts>> | undefined;
}

/** A feature view as {@link featureView} gives it: data that knows its types. */
export interface TypedFeatureView<Types extends Readonly<Record<string, FeatureType>>> extends FeatureView<Extract<keyof Types, string>> {
  /** Points at one of its features, typed, for on-demand views, services and queries. Throws `NotFoundError` when it has none of that name. */
  feature<Name extends Extract<keyof Types, string>>(name: Name): FeatureInput<Types[Name]>;
}

/** How a view is defined. */
export interface FeatureViewOptions<Features extends Readonly<Record<string, FeatureSource>>> extends DefinitionFacts {
  /** Letters, digits and `_`, not beginning with a digit and without `__`. */
  name: string;
  /** What its features are of: an entity, or the columns whose values together name one; none for a view that is the same for all. */
  entity: readonly string[] | Entity;
  /** The column that says when a row became true: the time of its event. */
  timestamp: string;
  /** The column that says when a row became known, if later than its event: by default nothing is used before it. @default none */
  createdTimestamp?: string | undefined;
  /**
   * The columns that, with the entity and the timestamp, say which row is which, for rows that are corrected later or delivered twice: of several with one identity only the last counts, which is the
   * one created last, then ingested last. `[]` where an entity has one row at a time. Columns of type `string`, `int64` or `timestamp`; `string` where no type is declared. @default every row that comes counts
   */
  rowId?: readonly string[] | undefined;
  /** How long a value of a column stays usable after its timestamp, both ends included; windows have lengths of their own. @default for ever */
  ttl?: Duration | undefined;
  /** How fresh the view is expected to be, for `freshness` and `staleness`; it decides no value, so changing it breaks nothing. @default nothing is expected */
  freshness?: ExpectedFreshnessOptions | undefined;
  /** Features by name: the type of a column of that name, an aggregate, an expression, or any of them with a default and a description. */
  features: Features;
  /** Types of columns of the rows that are no features but go into some; where left out, what is aggregated is a `float64`, and what a condition tests is of the type it is compared with. @default none */
  columns?: Readonly<Record<string, FeatureType>> | undefined;
}

const name = /* @__PURE__ */ z.string().check(z.minLength(1));
const columnName = /* @__PURE__ */ z.string().check(z.minLength(1), z.refine((text) => text !== '__proto__' && !text.startsWith('='), 'must not be __proto__, which no object can have as a plain column, nor begin with =, which expressions do'));

const factsSchema = { description: factFields.description, tags: factFields.tags };
const sourceSchema = /* @__PURE__ */ z.union(
  [
    featureTypeSchema,
    aggregateSchema,
    expressionSchema,
    z.strictObject({ type: featureTypeSchema, default: z.optional(z.unknown()), ...factsSchema }),
    z.strictObject({ from: z.union([aggregateSchema, expressionSchema]), default: z.optional(z.unknown()), ...factsSchema }),
  ],
  "must be one of the types float64, int64, bool, string, timestamp, bytes, json and embedding(n), an aggregate such as aggregate.mean('delay', { window: '1h' }), an expression such as expression('distance / hours'), or { type } or { from } with a default, description or tags",
);
const shared = {
  name,
  timestamp: columnName,
  createdTimestamp: z.optional(columnName),
  rowId: z.optional(z.array(columnName)),
  columns: z.optional(z.record(columnName, featureTypeSchema)),
  ...factFields,
};

const by = /* @__PURE__ */ z.optional(/* @__PURE__ */ z.enum(['event', 'ingested']));
const optionsSchema = /* @__PURE__ */ z.strictObject({
  freshness: z.optional(z.strictObject({ maxAge: z.unknown(), by })),
  entity: z.union([z.array(columnName), z.looseObject({ kind: z.literal('entity') })], "must be an entity, or the names of the columns of its key, such as ['driver_id']"),
  ...shared,
  ttl: z.optional(z.unknown()),
  features: z.record(z.string(), sourceSchema),
});

const viewSchema = /* @__PURE__ */ z.strictObject({
  kind: z.literal('feature-view'),
  entity: z.array(columnName),
  ...shared,
  entityName: z.optional(name),
  keyTypes: z.optional(keyTypesSchema),
  ttl: z.optional(z.number().check(z.gt(0))),
  freshness: z.optional(z.strictObject({ maxAge: z.number().check(z.gt(0)), by })),
  features: z.record(z.string(), z.union([z.strictObject({ kind: z.literal('column'), type: featureTypeSchema, from: z.optional(z.string().check(z.startsWith('='))) }), aggregateSchema])),
  defaults: z.optional(z.record(z.string(), z.unknown())),
  about: z.optional(z.record(z.string(), z.strictObject(factsSchema))),
});

/**
 * Defines features over rows of events, as plain data: nothing is stored until it is given to `FeatureStore.apply`.
 *
 * Throws `ValidationError` when names collide, an aggregate is not over a column of its type, a default is not of its feature's type, or the `ttl` is not a positive duration.
 *
 * @example
 * ```ts
 * import { aggregate, featureView } from 'modelkeep';
 *
 * const drivers = featureView({
 *   name: 'driver_stats', entity: ['driver_id'], timestamp: 'event_time', ttl: '7d',
 *   features: { rating: { type: 'float64', default: 3, description: 'Stars, from 1 to 5.' }, trips_1d: aggregate.count({ window: '1d' }) },
 * });
 * console.log(drivers.name, drivers.ttl, drivers.feature('rating').type);
 * ```
 */
export function featureView<const Features extends Readonly<Record<string, FeatureSource>>>(
  options: FeatureViewOptions<Features>,
): TypedFeatureView<{ readonly [Name in Extract<keyof Features, string>]: SourceType<Features[Name]> }> {
  check(optionsSchema, options, 'featureView');
  const path = `featureView(${options.name})`;
  const { entity } = options;
  const { features, defaults, about } = partsOf(options, path);
  const view: FeatureView = {
    kind: 'feature-view',
    name: options.name,
    entity: 'kind' in entity ? Object.keys(entity.keys) : [...entity],
    entityName: 'kind' in entity ? entity.name : undefined,
    keyTypes: 'kind' in entity ? { ...entity.keys } : undefined,
    timestamp: options.timestamp,
    createdTimestamp: options.createdTimestamp,
    rowId: options.rowId && [...options.rowId],
    ttl: options.ttl === undefined ? undefined : durationMs(options.ttl, `${path}.ttl`),
    freshness: options.freshness && { maxAge: durationMs(options.freshness.maxAge, `${path}.freshness.maxAge`), by: options.freshness.by },
    features,
    columns: options.columns && { ...options.columns },
    defaults,
    about,
    ...factsOf(options),
  };
  if (view.ttl === 0) throw new ValidationError(`${path}.ttl is 0; give a length of time, or leave it out for values that never grow too old.`, { path: `${path}.ttl` });
  checkView(view, path);
  const feature = (name: string): FeatureInput => inputOf(view, name);
  // A method that is no property of the data: what is stored, compared or printed of a view does not have it.
  return Object.defineProperty(view, 'feature', { value: feature }) as never;
}

/** What the sources of features say, sorted by what it is good for. */
function partsOf({ features: sources, columns = {} }: Pick<FeatureViewOptions<Readonly<Record<string, FeatureSource>>>, 'features' | 'columns'>, path: string): Pick<FeatureView, 'features' | 'defaults' | 'about'> {
  // What is a column as it is says its type; the others may go into expressions before that.
  const declared: Record<string, FeatureType> = { ...columns };
  for (const [name, source] of Object.entries(sources)) {
    const type = typeof source === 'object' && 'type' in source && !('kind' in source) ? source.type : source;
    if (typeof type === 'string') declared[name] = type;
  }
  const features: [string, FeatureDefinition][] = [];
  const defaults: [string, unknown][] = [];
  const about: [string, FeatureFacts][] = [];
  for (const [name, source] of Object.entries(sources)) {
    const given: FeatureOptions = typeof source === 'string' ? { type: source } : 'kind' in source ? { from: source } : source;
    features.push([name, 'type' in given ? { kind: 'column', type: given.type } : given.from.kind === 'aggregate' ? given.from : computedFeature(given.from, declared, `${path}.features.${name}`)]);
    if (given.default !== undefined) defaults.push([name, given.default instanceof Float32Array || given.default instanceof Float64Array ? Array.from(given.default) : given.default]);
    if (given.description !== undefined || given.tags !== undefined) about.push([name, { description: given.description, tags: given.tags }]);
  }
  return { features: Object.fromEntries(features), defaults: unlessEmpty(defaults), about: unlessEmpty(about) };
}

function computedFeature(from: Expression, columns: Record<string, FeatureType>, path: string): ColumnFeature {
  const name = nameOfColumn(from);
  return { kind: 'column', type: computedType(name, columns, path), from: name };
}

function unlessEmpty<T>(entries: readonly [string, T][]): Readonly<Record<string, T>> | undefined {
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** Points at a feature of a view. Throws `NotFoundError` when it has none of that name. */
function inputOf(view: FeatureView, feature: string): FeatureInput {
  if (!Object.hasOwn(view.features, feature)) {
    throw new NotFoundError(`The feature view '${view.name}' has no feature '${feature}'; it has ${Object.keys(view.features).join(', ')}.`, { key: `${view.name}:${feature}` });
  }
  return { kind: 'feature', view: view.name, feature, type: featureTypeOf(view, feature) };
}

/** The type of a feature's values. */
export function featureTypeOf(view: FeatureView, feature: string): FeatureType {
  const definition = view.features[feature]!;
  if (definition.kind === 'column') return definition.type;
  const { column } = definition;
  if (column === undefined) return aggregateType(definition, undefined);
  const columns = viewColumns(view);
  return aggregateType(definition, isComputed(column) ? computedType(column, columns, `featureView(${view.name}).features.${feature}`) : columns[column]);
}

/** Checks a view wherever it came from, parsed from JSON for example. */
export function checkView(view: FeatureView, path: string): void {
  check(viewSchema, view, path);
  checkNames(view, path);
  viewColumns(view);
  const strangers = [...Object.keys(view.defaults ?? {}), ...Object.keys(view.about ?? {})].filter((feature) => !Object.hasOwn(view.features, feature));
  if (strangers.length > 0) throw new ValidationError(`${path} says something of '${strangers[0]}', which is none of its features.`, { path });
  for (const [feature, value] of Object.entries(view.defaults ?? {})) checkValue(value, featureTypeOf(view, feature), `${path}.features.${feature}.default`);
  const key = [...view.entity].sort().join();
  if (view.keyTypes && Object.keys(view.keyTypes).sort().join() !== key) throw new ValidationError(`${path}.keyTypes are not of the columns of its key, ${view.entity.join(', ')}.`, { path: `${path}.keyTypes` });
}

function checkNames(view: FeatureView, path: string): void {
  const named = Object.keys(view.features);
  if (named.length === 0) throw new ValidationError(`${path}.features is empty; a view needs at least one feature.`, { path: `${path}.features` });
  checkName(view.name, 'a view', path);
  for (const text of named) checkName(text, 'a feature', path);
  const reserved = [...view.entity, view.timestamp, ...(view.createdTimestamp === undefined ? [] : [view.createdTimestamp])];
  const twice = reserved.find((column, i) => reserved.indexOf(column) !== i);
  if (twice !== undefined) throw new ValidationError(`${path} uses the column '${twice}' twice among entity, timestamp and createdTimestamp.`, { path });
  const doubled = view.rowId?.find((column, i, all) => reserved.includes(column) || all.indexOf(column) !== i);
  if (doubled !== undefined) {
    throw new ValidationError(`${path}.rowId names '${doubled}', ${reserved.includes(doubled) ? 'which is a key or timestamp column: the entity and the timestamp are part of a row\'s identity anyway' : 'twice'}.`, { path: `${path}.rowId` });
  }
  const clash = named.find((feature) => reserved.includes(feature));
  if (clash !== undefined) throw new ValidationError(`${path}.features.${clash} has the name of a key or timestamp column; give the feature another name.`, { path: `${path}.features.${clash}` });
}

/** The columns that a view's features are made of, with their types: its own columns, and what aggregates sum and test. */
export function viewColumns(view: FeatureView): Record<string, ColumnType> {
  const columns: Record<string, ColumnType> = {};
  const declared = Object.entries<FeatureDefinition>(view.features);
  for (const [feature, definition] of declared) if (definition.kind === 'column' && definition.from === undefined) columns[feature] = definition.type;
  for (const [column, type] of Object.entries(view.columns ?? {})) {
    const path = `featureView(${view.name}).columns.${column}`;
    if (Object.hasOwn(columns, column)) throw new ValidationError(`${path} is a feature already; say its type there.`, { path });
    columns[column] = type;
  }
  for (const [feature, definition] of declared) {
    const path = `featureView(${view.name}).features.${feature}`;
    if (definition.kind === 'aggregate') declareColumns(definition, columns, path);
    else if (definition.from !== undefined) {
      const type = computedType(definition.from, columns, path);
      if (type !== definition.type) throw new ValidationError(`${path} is said to be a ${definition.type}, and ${definition.from.slice(1)} gives a ${type}.`, { path });
    }
  }
  for (const [feature, definition] of declared) {
    if (definition.kind !== 'aggregate') continue;
    for (const [column, condition] of Object.entries(definition.where ?? {})) {
      const path = `featureView(${view.name}).features.${feature}.where.${column}`;
      if (!isComputed(column) && !Object.hasOwn(columns, column)) columns[column] = conditionType(condition, path);
      checkCondition(condition, isComputed(column) ? computedType(column, columns, path) : columns[column]!, path);
    }
  }
  for (const column of view.rowId ?? []) {
    const type = (columns[column] ??= 'string');
    if (['string', 'int64', 'timestamp'].includes(type)) continue;
    const path = `featureView(${view.name}).rowId`;
    throw new ValidationError(`${path} names '${column}', which is a ${type} column; rows are told apart by string, int64 or timestamp columns.`, { path });
  }
  const key = [...view.entity, view.timestamp, view.createdTimestamp].find((column) => column !== undefined && Object.hasOwn(columns, column));
  if (key !== undefined) {
    throw new ValidationError(`featureView(${view.name}) makes features of '${key}', which is a key or timestamp column; ingest a copy of it under another name.`, { path: key });
  }
  return columns;
}

/** The definition of a feature that the view has. */
export function definitionOf(view: FeatureView, feature: string): FeatureDefinition {
  return (view.features)[feature]!;
}
