import type { FeatureRequest, QueryPlan } from './query-plan.ts';

const maxPlans = 256;

/** Plans of queries that are asked again and again, each good for as long as nothing is learnt anew of definitions. */
export class PlanCache {
  /** How often something was learnt of definitions. */
  readonly #generation: () => number;
  /** Least recently made first. */
  readonly #plans = new Map<string, { readonly plan: QueryPlan; readonly generation: number }>();

  constructor(generation: () => number) {
    this.#generation = generation;
  }

  /** The plan that was made for this, or a new one. */
  async get(request: FeatureRequest, fullFeatureNames: boolean, make: () => Promise<QueryPlan>): Promise<QueryPlan> {
    const key = keyOf(request, fullFeatureNames);
    const generation = this.#generation();
    const known = key === undefined ? undefined : this.#plans.get(key);
    if (known?.generation === generation) return known.plan;
    const plan = await make();
    // What was learnt meanwhile may be in a part of the plan only.
    if (key === undefined || this.#generation() !== generation) return plan;
    this.#plans.delete(key);
    this.#plans.set(key, { plan, generation });
    if (this.#plans.size > maxPlans) this.#plans.delete(this.#plans.keys().next().value!);
    return plan;
  }
}

/** No reference has a line break; selections and what else is an object are planned anew. */
function keyOf(request: FeatureRequest, fullFeatureNames: boolean): string | undefined {
  if (typeof request === 'string') return `${fullFeatureNames} service ${request}`;
  return Array.isArray(request) && request.every((ref) => typeof ref === 'string') ? `${fullFeatureNames} refs ${request.join('\n')}` : undefined;
}
