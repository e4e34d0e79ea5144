import type { StorageAdapter } from '../../storage/contract.ts';
import type { Definition } from './definition.ts';
import type { DefinitionCatalog } from './definition-catalog.ts';
import { OnDemandFunctions } from './on-demand-functions.ts';
import type { OnDemandView } from './on-demand-view.ts';
import { PlanCache } from './plan-cache.ts';
import { planQuery, type PlannedQuery, type QueryPlan } from './query-plan.ts';

/** Plans queries by the definitions that are in force, with the functions that this program has. */
export class QueryPlanner {
  readonly #storage: StorageAdapter;
  readonly #catalog: DefinitionCatalog;
  readonly #functions: OnDemandFunctions;
  readonly #plans: PlanCache;

  constructor(storage: StorageAdapter, catalog: DefinitionCatalog, onDemand: readonly OnDemandView[]) {
    this.#storage = storage;
    this.#catalog = catalog;
    this.#functions = new OnDemandFunctions(onDemand);
    this.#plans = new PlanCache(() => catalog.generation);
  }

  /** Takes in the function of a definition, where it has one. */
  learn(definition: Definition): void {
    this.#functions.add(definition);
  }

  /** The plan by definitions as they are read now. */
  fresh(query: PlannedQuery): Promise<QueryPlan> {
    return this.#plan(query, false);
  }

  /** The plan by definitions as this instance knows them; whoever relies on it asks whether they are still so. */
  known(query: PlannedQuery): Promise<QueryPlan> {
    return this.#plans.get(query.features, query.fullFeatureNames ?? false, () => this.#plan(query, true));
  }

  /** The plan by definitions as they are now: that of the last time, when one read finds them unchanged. */
  async confirmed(query: PlannedQuery): Promise<QueryPlan> {
    const plan = await this.known(query);
    const keys = [...plan.relies];
    const found = await this.#storage.read(keys, { signal: query.signal });
    return keys.every((key, i) => this.#catalog.confirms(key, found[i]?.version)) ? plan : this.fresh(query);
  }

  async #plan({ features, fullFeatureNames = false, signal }: PlannedQuery, cached: boolean): Promise<QueryPlan> {
    return planQuery({ catalog: this.#catalog, functionOf: (name, version) => this.#functions.of(name, version), cached }, features, fullFeatureNames, { signal });
  }
}
