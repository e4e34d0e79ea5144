import { canonicalJson } from '../../core/codec.ts';
import type { Digest } from '../../core/digest.ts';
import { NotFoundError, ValidationError, isModelkeepError } from '../../core/errors.ts';
import type { Key } from '../../core/key.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { DefinitionCatalog } from './definition-catalog.ts';
import { currentView, isOnDemand, serviceKey, versionIn, versionOf, viewKey, type CurrentView, type ServiceMember, type ViewState } from './definition-states.ts';
import { expandFeatures } from './expand-features.ts';
import { parseRef, parseVersionedName, type FeatureRef } from './feature-ref.ts';
import type { FeatureService } from './feature-service.ts';
import type { FeatureType } from './feature-type.ts';
import type { OnDemandView } from './on-demand-view.ts';

/** Features by the name of a service (`delay_v1`, or `delay_v1@1` for an older version), a service, or references in a list. */
export type FeatureRequest = string | FeatureService | readonly FeatureRef[];

/** What of a query decides its plan. */
export interface PlannedQuery extends Pick<OperationOptions, 'signal'> {
  readonly features: FeatureRequest;
  readonly fullFeatureNames?: boolean | undefined;
}

/** A feature of a view, and under what its values are found while a query is answered. */
export interface AskedFeature {
  readonly feature: string;
  readonly id: string;
}

/** What is asked of one feature view. */
export interface AskedView {
  /** What it is called in reports. */
  readonly label: string;
  readonly current: CurrentView;
  /** The columns of the entities that hold its key, in the key's order. */
  readonly keys: readonly string[];
  readonly features: readonly AskedFeature[];
}

/** What is asked of one on-demand view. */
export interface AskedComputation {
  readonly label: string;
  readonly view: OnDemandView;
  /** For each input, under what its values are found, and their type. */
  readonly inputs: readonly { readonly alias: string; readonly id: string; readonly type: FeatureType }[];
  /** For each value of the request, the column of the entities that holds it. */
  readonly request: readonly { readonly alias: string; readonly column: string; readonly type: FeatureType }[];
  readonly features: readonly AskedFeature[];
}

/** A column of the answer. */
export interface AskedColumn {
  readonly column: string;
  readonly id: string;
  /** What it is, for messages. */
  readonly ref: string;
}

/** One version of a service. */
export interface ServicePin {
  /** Name of the service. */
  readonly service: string;
  /** Which version of it. */
  readonly version: number;
  /** Digest of its definition. */
  readonly digest: Digest;
}

/** What it takes to answer a query. */
export interface QueryPlan {
  /** The service that was asked for, where it was one. */
  readonly service: ServicePin | undefined;
  readonly views: readonly AskedView[];
  /** In an order in which each comes behind those that go into it. */
  readonly computations: readonly AskedComputation[];
  readonly columns: readonly AskedColumn[];
  /** Records of definitions that the plan is only good for as long as they are the same. */
  readonly relies: readonly Key[];
}

/** What a plan is made from. */
export interface PlanSource {
  readonly catalog: DefinitionCatalog;
  /** The function of an on-demand view, where this program has it. */
  readonly functionOf: (name: string, version: string) => OnDemandView | undefined;
  /** Whether what the catalog knows will do. */
  readonly cached: boolean;
}

/** Plans a query. Throws `ValidationError` or `NotFoundError`, naming both sides, for what cannot be a reference, is not there, or would give two columns one name. */
export async function planQuery(source: PlanSource, request: FeatureRequest, fullFeatureNames: boolean, options: OperationOptions): Promise<QueryPlan> {
  const plan = new Planner(source, options);
  if (typeof request === 'string' || (typeof request === 'object' && request !== null && 'kind' in request)) {
    await plan.addService(typeof request === 'string' ? request : request.name, fullFeatureNames);
  } else {
    await plan.addRefs(request, fullFeatureNames);
  }
  return plan.finish();
}

/** What each column of a result is, by its name. Throws `ValidationError` when two would have one name. */
export function columnOwners(columns: readonly AskedColumn[]): ReadonlyMap<string, string> {
  const owners = new Map<string, string>();
  for (const { column, ref } of columns) {
    const owner = owners.get(column);
    if (owner !== undefined) throw collision(column, owner, ref);
    owners.set(column, ref);
  }
  return owners;
}

/** Throws `ValidationError` when a column of the entities would have the name of one of the result's. */
export function assertFree(names: Iterable<string>, owners: ReadonlyMap<string, string>): void {
  for (const name of names) {
    if (name === '__proto__') throw new ValidationError("entities has a column '__proto__', which no plain result can have; rename it.", { path: 'entities' });
    const ref = owners.get(name);
    if (ref !== undefined) throw collision(name, 'a column of entities', ref);
  }
}

function collision(column: string, owner: string, ref: string): ValidationError {
  const advice = owner === ref ? 'Ask for it once.' : 'Ask with { fullFeatureNames: true }, give a view another name with { as }, or rename one of them.';
  return new ValidationError(`Two columns of the result would be named '${column}': ${owner} and ${ref}. ${advice}`, { path: 'features', column });
}

type Pins = Readonly<Record<string, number | string>>;

class Planner {
  readonly #source: PlanSource;
  readonly #options: OperationOptions;
  readonly #views = new Map<string, AskedView & { readonly features: AskedFeature[] }>();
  readonly #computations = new Map<string, AskedComputation & { readonly features: AskedFeature[] }>();
  readonly #labels = new Set<string>();
  readonly #columns: AskedColumn[] = [];
  readonly #relies = new Set<Key>();
  /** Keys and values of the request that the views met so far could be given other columns for. */
  #renamable = new Set<string>();
  #service: ServicePin | undefined;

  constructor(source: PlanSource, options: OperationOptions) {
    this.#source = source;
    this.#options = options;
  }

  finish(): QueryPlan {
    return { service: this.#service, views: [...this.#views.values()], computations: [...this.#computations.values()], columns: this.#columns, relies: [...this.#relies] };
  }

  async addService(text: string, fullNames: boolean): Promise<void> {
    const { name, version } = parseVersionedName(text, 'features');
    if (version === undefined) this.#relies.add(serviceKey(name));
    const service = await this.#freshIfUnknown((cached) => this.#source.catalog.service(name, version, cached, this.#options));
    this.#service = { service: name, version: service.version, digest: service.digest };
    for (const member of service.members) await this.#addMember(member, service.pins, fullNames);
  }

  async addRefs(refs: readonly FeatureRef[], fullNames: boolean): Promise<void> {
    if (!Array.isArray(refs) || refs.length === 0) {
      throw new ValidationError("features must be a list such as ['airport_delays:delay_mean_1h'] with at least one entry, or the name of a feature service.", { path: 'features' });
    }
    for (const [i, ref] of refs.entries()) {
      const parsed = parseRef(ref as FeatureRef, `features[${i}]`);
      const { view, version, features, as, keys } = parsed;
      const state = await this.#state(view, version, features);
      await this.#addMember({ view, version: versionIn(view, state, version), features: expandFeatures(state, view, version, features), as, keys }, {}, fullNames);
    }
  }

  async #addMember(member: ServiceMember, pins: Pins, fullNames: boolean): Promise<void> {
    const { view, version, features, as, keys = {} } = member;
    this.#renamable = new Set();
    for (const feature of features) {
      const id = await this.#need(view, version, feature, as, keys, pins, []);
      const column = as !== undefined || fullNames ? `${as ?? view}__${feature}` : feature;
      this.#columns.push({ column, id, ref: as === undefined ? `${view}:${feature}` : `${view}:${feature} as ${as}` });
    }
    const stray = Object.keys(keys).find((key) => !this.#renamable.has(key));
    if (stray !== undefined) {
      throw new ValidationError(`keys names '${stray}', by which the view '${view}' finds nothing; it has ${[...this.#renamable].join(', ') || 'no key'}.`, { path: `features.keys.${stray}` });
    }
  }

  /** Sees to it that a feature is computed, and returns under what it is found. */
  async #need(name: string, version: number | string | undefined, feature: string, as: string | undefined, keys: Readonly<Record<string, string>>, pins: Pins, trail: readonly string[]): Promise<string> {
    const state = await this.#state(name, version, [feature]);
    return isOnDemand(state) ? this.#needComputed(name, state, version, feature, as, keys, pins, trail) : this.#needJoined(name, state, version, feature, as, keys);
  }

  #needJoined(name: string, state: Exclude<ViewState, { kind: 'on-demand-view' }>, version: number | string | undefined, feature: string, as: string | undefined, keys: Readonly<Record<string, string>>): string {
    const own = versionOf(`feature view '${name}'`, state.versions, version);
    for (const key of own.view.entity) this.#renamable.add(key);
    const used = Object.fromEntries(own.view.entity.flatMap((key) => (Object.hasOwn(keys, key) && keys[key] !== key ? [[key, keys[key]!]] : [])));
    const group = canonicalJson([name, own.version, used]);
    let asked = this.#views.get(group);
    if (asked === undefined) {
      const current = currentView(name, state, own.version);
      asked = { label: this.#label(as ?? name, name, own.version), current, keys: current.view.entity.map((key) => used[key] ?? key), features: [] };
      this.#views.set(group, asked);
    }
    const id = `${group}:${feature}`;
    if (!asked.features.some((each) => each.id === id)) asked.features.push({ feature, id });
    return id;
  }

  async #needComputed(
    name: string,
    state: Extract<ViewState, { kind: 'on-demand-view' }>,
    version: number | string | undefined,
    feature: string,
    as: string | undefined,
    keys: Readonly<Record<string, string>>,
    pins: Pins,
    trail: readonly string[],
  ): Promise<string> {
    const { definition } = versionOf(`on-demand view '${name}'`, state.versions, version);
    for (const alias of Object.keys(definition.request)) this.#renamable.add(alias);
    if (trail.includes(name)) throw new ValidationError(`On-demand views go into each other: ${[...trail, name].join(' ← ')}.`, { path: 'features' });
    const group = canonicalJson(['on demand', name, definition.version, keys]);
    let asked = this.#computations.get(group);
    if (asked === undefined) {
      const view = this.#source.functionOf(name, definition.version);
      if (view === undefined) {
        throw new NotFoundError(
          `The on-demand view '${name}' at version ${definition.version} is stored, and its function is not in this program; give its definition to apply(), or to the FeatureStore as { onDemand: [${name}] }.`,
          { key: `${name}@${definition.version}` },
        );
      }
      const inputs: { alias: string; id: string; type: FeatureType }[] = [];
      for (const [alias, input] of Object.entries(definition.inputs)) {
        inputs.push({ alias, id: await this.#need(input.view, pins[input.view], input.feature, as, keys, pins, [...trail, name]), type: input.type });
      }
      const request = Object.entries(definition.request).map(([alias, type]) => ({ alias, column: Object.hasOwn(keys, alias) ? keys[alias]! : alias, type }));
      // Behind its inputs, which were added on the way here.
      asked = { label: this.#label(as ?? name, name, definition.version), view, inputs, request, features: [] };
      this.#computations.set(group, asked);
    }
    const id = `${group}:${feature}`;
    if (!asked.features.some((each) => each.id === id)) asked.features.push({ feature, id });
    return id;
  }

  async #state(name: string, version: number | string | undefined, features: readonly string[]): Promise<ViewState> {
    if (version === undefined) this.#relies.add(viewKey(name));
    return this.#freshIfUnknown(async (cached) => {
      const state = await this.#source.catalog.view(name, cached, this.#options);
      expandFeatures(state, name, version, features);
      return state;
    });
  }

  /** What is known does where it has what is asked for. */
  async #freshIfUnknown<T>(find: (cached: boolean) => Promise<T>): Promise<T> {
    const { cached } = this.#source;
    try {
      return await find(cached);
    } catch (error) {
      if (!cached || !isModelkeepError(error, 'not-found')) throw error;
      return find(false);
    }
  }

  #label(wanted: string, view: string, version: number | string): string {
    let label = wanted;
    if (this.#labels.has(label)) label = `${view}@${version}`;
    for (let i = 2; this.#labels.has(label); i++) label = `${wanted} ${i}`;
    this.#labels.add(label);
    return label;
  }
}
