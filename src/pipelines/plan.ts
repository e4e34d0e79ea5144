import { ValidationError } from '../core/errors.ts';
import type { RetryPolicy } from './retry.ts';
import type { TriggerRule } from './trigger-rule.ts';

/** What a run must know of a step to decide about it: data only, no function. */
export interface StepSpec {
  readonly name: string;
  /** Names of the steps that it comes after. */
  readonly upstream: readonly string[];
  readonly retry: RetryPolicy;
  /** Bounds all its attempts together with the waits between them. */
  readonly totalTimeoutMs?: number | undefined;
  /** The pool that it takes slots of. */
  readonly pool?: string | undefined;
  /** How many. @default 1 */
  readonly slots?: number | undefined;
  /** Those of a higher one start first. @default 0 */
  readonly priority?: number | undefined;
  /** Given for a step that has items, which become known when it runs. */
  readonly items?: ItemTerms | undefined;
  /** How those must have ended. */
  readonly trigger: TriggerRule;
  /** Whether it runs at the end of the run, after all that are not so, whatever became of them. */
  readonly final: boolean;
  /** Whether the run may succeed though it fails or cannot run. */
  readonly allowFailure: boolean;
}

/** How the items of a step run. */
export interface ItemTerms {
  /** How many of them at once. @default as many as the run allows */
  readonly concurrency?: number | undefined;
}

/** The graph of a pipeline, ready to decide with: steps by number in an order in which none comes before what it depends on. */
export interface Plan {
  readonly steps: readonly StepSpec[];
  readonly indexOf: ReadonlyMap<string, number>;
  readonly upstream: readonly (readonly number[])[];
  readonly downstream: readonly (readonly number[])[];
  /** The slots of each pool. The first stands for none, and has no end. */
  readonly pools: readonly number[];
  /** The number of its pool, by the step's number. */
  readonly poolOf: readonly number[];
}

/** Orders the steps (Kahn 1962; among free ones the first defined comes first). Throws `ValidationError` for a double name, an unknown one, or a cycle, which it names. */
export function planSteps(specs: readonly StepSpec[], pools: ReadonlyMap<string, number> = new Map()): Plan {
  const positions = new Map<string, number>();
  for (const { name } of specs) {
    if (positions.has(name)) throw new ValidationError(`Two steps are called '${name}'; give each a name of its own.`, { path: name });
    positions.set(name, positions.size);
  }
  const steps = inOrder(specs, positions);
  const indexOf = new Map(steps.map(({ name }, i) => [name, i]));
  const upstream = steps.map((step) => [...new Set(step.upstream)].map((name) => indexOf.get(name)!));
  const downstream: number[][] = steps.map(() => []);
  upstream.forEach((sources, i) => sources.forEach((source) => downstream[source]!.push(i)));
  const names = [undefined, ...pools.keys()];
  const numbers = new Map(names.map((name, i) => [name, i]));
  return { steps, indexOf, upstream, downstream, pools: [Infinity, ...pools.values()], poolOf: steps.map(({ pool }) => numbers.get(pool)!) };
}

function inOrder(specs: readonly StepSpec[], positions: ReadonlyMap<string, number>): StepSpec[] {
  const waiting = specs.map(() => 0);
  const followers: number[][] = specs.map(() => []);
  specs.forEach((spec, i) => {
    for (const name of new Set(spec.upstream)) {
      const source = positions.get(name);
      if (source === undefined) throw new ValidationError(`Step '${spec.name}' depends on '${name}', which is not a step of this pipeline.`, { path: spec.name });
      followers[source]!.push(i);
      waiting[i]!++;
    }
  });
  const order = specs.flatMap((_, i) => (waiting[i] === 0 ? [i] : []));
  for (let at = 0; at < order.length; at++) {
    for (const follower of followers[order[at]!]!) if (--waiting[follower]! === 0) order.push(follower);
  }
  if (order.length < specs.length) {
    const cycle = findCycle(specs, new Set(order.map((i) => specs[i]!.name)));
    throw new ValidationError(`The steps depend on each other in a circle: ${cycle.join(' → ')}. Take one of these dependencies out.`, { path: cycle[0]!, cycle });
  }
  return order.map((i) => specs[i]!);
}

/** A cycle among the steps that could not be ordered: each of them has an upstream step that could not be either, so walking upstream must come round. */
function findCycle(specs: readonly StepSpec[], ordered: ReadonlySet<string>): string[] {
  const byName = new Map(specs.map((spec) => [spec.name, spec]));
  const path: string[] = [];
  let name = specs.find((spec) => !ordered.has(spec.name))!.name;
  while (!path.includes(name)) {
    path.push(name);
    name = byName.get(name)!.upstream.find((source) => !ordered.has(source))!;
  }
  return [...path.slice(path.indexOf(name)), name].reverse();
}
