import * as z from 'zod/mini';
import { NotFoundError, ValidationError } from '../../core/errors.ts';
import { check } from '../../core/schema.ts';
import { factFields, factsOf, type DefinitionFacts } from './definition-facts.ts';
import { checkName } from './definition-name.ts';
import { featureInputSchema, type FeatureInput } from './feature-input.ts';
import { featureTypeSchema, type FeatureType, type FeatureValue } from './feature-type.ts';

/** What an on-demand view says of itself as data: everything but its function, which stays in the program. */
export interface OnDemandViewData extends DefinitionFacts {
  /** Tells it from other definitions. */
  readonly kind: 'on-demand-view';
  /** Names the view in the store and in references. */
  readonly name: string;
  /** Which edition of the function it is: whoever changes what the function gives, names a new one. */
  readonly version: string;
  /** Features of other views that go in, by the name under which the function gets them. */
  readonly inputs: Readonly<Record<string, FeatureInput>>;
  /** What the request brings along, by the name of its column. */
  readonly request: Readonly<Record<string, FeatureType>>;
  /** The features that come out, with their types. */
  readonly features: Readonly<Record<string, FeatureType>>;
}

/** A row's values by name, each `null` where it is missing. */
export type NullableRow = Readonly<Record<string, unknown>>;

/** A view whose features are computed from others, and from what the request brings along, when they are asked for. Made by {@link onDemandView}. */
export interface OnDemandView<Types extends Readonly<Record<string, FeatureType>> = Readonly<Record<string, FeatureType>>> extends OnDemandViewData {
  /** Its features, with their types. */
  readonly features: Types;
  /** What computes one row's features. */
  readonly compute: (row: never) => NullableRow;
  /** Points at one of its features, typed, for other on-demand views, services and queries. Throws `NotFoundError` when it has none of that name. */
  feature<Name extends Extract<keyof Types, string>>(name: Name): FeatureInput<Types[Name]>;
}

/** What the function of an on-demand view gets: a value or `null` for each of its inputs and each value of the request. */
export type OnDemandRow<Inputs extends Readonly<Record<string, FeatureInput>>, Request extends Readonly<Record<string, FeatureType>>> = {
  readonly [Name in keyof Inputs]: FeatureValue<Inputs[Name]['type']> | null;
} & { readonly [Name in keyof Request]: FeatureValue<Request[Name]> | null };

/** What the function of an on-demand view gives: a value or `null` for each of its features. */
export type OnDemandResult<Types extends Readonly<Record<string, FeatureType>>> = { readonly [Name in keyof Types]: FeatureValue<Types[Name]> | null };

/** How an on-demand view is defined. */
export interface OnDemandViewOptions<
  Inputs extends Readonly<Record<string, FeatureInput>>,
  Request extends Readonly<Record<string, FeatureType>>,
  Types extends Readonly<Record<string, FeatureType>>,
> extends DefinitionFacts {
  /** Letters, digits and `_`, not beginning with a digit and without `__`. */
  readonly name: string;
  /** Which edition of the function it is: whoever changes what the function gives, names a new one. */
  readonly version: string;
  /** Features of other views that go in, such as `{ mean: airportDelays.feature('delay_mean_1h') }`. @default none */
  readonly inputs?: Inputs | undefined;
  /** What the request brings along: columns of the entities asked for, with their types. @default none */
  readonly request?: Request | undefined;
  /** The features that come out, with their types. */
  readonly features: Types;
  /** Computes the features of one row. It must depend on nothing but its argument, and give every feature, `null` where there is no value. */
  readonly compute: (row: OnDemandRow<Inputs, Request>) => OnDemandResult<Types>;
}

const version = /* @__PURE__ */ z.string().check(z.regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'must be letters, digits, dots, dashes and underscores, such as 1 or 2026.11-a'));
const column = /* @__PURE__ */ z.string().check(z.minLength(1), z.refine((text) => text !== '__proto__', 'must not be __proto__'));
const types = /* @__PURE__ */ z.record(column, featureTypeSchema);
const inputs = /* @__PURE__ */ z.record(column, featureInputSchema);
const optionsSchema = /* @__PURE__ */ z.strictObject({
  name: z.string(),
  version,
  inputs: z.optional(inputs),
  request: z.optional(types),
  features: types,
  compute: z.custom((value) => typeof value === 'function', 'must be a function of one row'),
  ...factFields,
});
const dataSchema = /* @__PURE__ */ z.strictObject({ kind: z.literal('on-demand-view'), name: z.string(), version, inputs, request: types, features: types, ...factFields });

/**
 * Defines features that are computed when they are asked for, by the same function for training, on a server and in a browser. The function is known by name and `version` and never by its source
 * text, which tools rewrite: whoever changes what it gives, gives it another `version`.
 *
 * Throws `ValidationError` when names collide or nothing goes in.
 *
 * @example
 * ```ts
 * import { aggregate, featureView, onDemandView } from 'modelkeep';
 *
 * const delays = featureView({
 *   name: 'airport_delays', entity: ['origin'], timestamp: 'landed', features: { delay_mean_1h: aggregate.mean('delay', { window: '1h' }) },
 * });
 * const request = onDemandView({
 *   name: 'request', version: '1', inputs: { mean: delays.feature('delay_mean_1h') }, request: { distance: 'float64' },
 *   features: { log_distance: 'float64', busy: 'bool' },
 *   compute: ({ distance, mean }) => ({ log_distance: distance === null ? null : Math.log1p(distance), busy: mean !== null && mean > 20 }),
 * });
 * console.log(request.compute({ distance: 500, mean: 25 } as never));
 * ```
 */
export function onDemandView<
  const Types extends Readonly<Record<string, FeatureType>>,
  const Inputs extends Readonly<Record<string, FeatureInput>> = Readonly<Record<never, FeatureInput>>,
  const Request extends Readonly<Record<string, FeatureType>> = Readonly<Record<never, FeatureType>>,
>(options: OnDemandViewOptions<Inputs, Request, Types>): OnDemandView<Types> {
  check(optionsSchema, options, 'onDemandView');
  const data: OnDemandViewData = {
    kind: 'on-demand-view',
    name: options.name,
    version: options.version,
    inputs: { ...options.inputs },
    request: { ...options.request },
    features: { ...options.features },
    ...factsOf(options),
  };
  checkOnDemandData(data, `onDemandView(${options.name})`);
  const feature = (name: string): FeatureInput => {
    const type = Object.hasOwn(data.features, name) ? data.features[name] : undefined;
    if (type === undefined) throw new NotFoundError(`The on-demand view '${data.name}' has no feature '${name}'; it has ${Object.keys(data.features).join(', ')}.`, { key: `${data.name}:${name}` });
    return { kind: 'feature', view: data.name, feature: name, type };
  };
  // Methods that are no properties of the data: what is stored, compared or printed of a view does not have them.
  return Object.defineProperties(data, { compute: { value: options.compute }, feature: { value: feature } }) as never;
}

/** Whether a definition comes with its function. */
export function isOnDemandView(view: OnDemandViewData): view is OnDemandView {
  return typeof (view as Partial<OnDemandView>).compute === 'function';
}

/** Checks what an on-demand view says of itself, wherever it came from. */
export function checkOnDemandData(view: OnDemandViewData, path: string): void {
  check(dataSchema, view, path);
  checkName(view.name, 'a view', `${path}.name`);
  for (const name of Object.keys(view.features)) checkName(name, 'a feature', `${path}.features`);
  if (Object.keys(view.features).length === 0) throw new ValidationError(`${path}.features is empty; a view needs at least one feature.`, { path: `${path}.features` });
  if (Object.keys(view.inputs).length + Object.keys(view.request).length === 0) {
    throw new ValidationError(`${path} has neither inputs nor a request; what depends on nothing is no feature.`, { path });
  }
  const twice = Object.keys(view.inputs).find((name) => Object.hasOwn(view.request, name));
  if (twice !== undefined) throw new ValidationError(`${path} would get '${twice}' both as an input and from the request; name one of them otherwise.`, { path: `${path}.inputs.${twice}` });
  const own = Object.entries(view.inputs).find(([, input]) => input.view === view.name);
  if (own !== undefined) throw new ValidationError(`${path}.inputs.${own[0]} is a feature of the view itself.`, { path: `${path}.inputs.${own[0]}` });
}
