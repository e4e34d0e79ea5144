import fc from 'fast-check';
import { planSteps, type Plan, type StepSpec } from '../../../src/pipelines/plan.ts';
import { retryPolicy } from '../../../src/pipelines/retry.ts';
import { triggerRules, type TriggerRule } from '../../../src/pipelines/trigger-rule.ts';
import { isOrderSensitive, naiveVerdict, type Ending } from './naive-rules.ts';

/** What a step does when it is run: how often it fails first, and what it then comes to. */
export interface Script {
  readonly failures: number;
  readonly then: 'succeeds' | 'declines' | 'sleeps' | 'asks' | 'is-refused' | 'lists';
  /** Of each item, how often it fails first. */
  readonly items: readonly number[];
}

/** A graph and what becomes of it. */
export interface RandomRun {
  readonly plan: Plan;
  readonly scripts: ReadonlyMap<string, Script>;
  readonly concurrency: number;
}

export const poolSizes: ReadonlyMap<string, number> = new Map([['gpu', 2], ['disk', 3]]);

const step = fc.record({
  edges: fc.array(fc.nat(), { maxLength: 3 }),
  trigger: fc.oneof({ weight: 3, arbitrary: fc.constant('all_success' as const) }, { weight: 4, arbitrary: fc.constantFrom(...triggerRules) }),
  final: fc.nat(7).map((chance) => chance === 0),
  allowFailure: fc.boolean(),
  failures: fc.constantFrom(0, 0, 0, 1, 2, 3),
  limit: fc.nat(2),
  then: fc.constantFrom('succeeds', 'succeeds', 'succeeds', 'declines', 'sleeps', 'asks', 'is-refused', 'lists', 'lists'),
  items: fc.array(fc.constantFrom(0, 0, 0, 1, 2, 3), { maxLength: 4 }),
  most: fc.constantFrom(undefined, 1, 2),
  share: fc.constantFrom(undefined, { pool: 'gpu', slots: 1 }, { pool: 'gpu', slots: 2 }, { pool: 'disk', slots: 2 }),
  priority: fc.nat(2),
  isTimed: fc.boolean(),
});

export const randomRuns: fc.Arbitrary<RandomRun> = fc.record({ steps: fc.array(step, { minLength: 1, maxLength: 9 }), concurrency: fc.integer({ min: 1, max: 4 }) }).map(({ steps, concurrency }) => {
  const specs = steps.map(({ edges, trigger, final, allowFailure, limit, then, most, share, priority, isTimed }, i): StepSpec => {
    // What runs at the end comes after everything else; nothing else can come after it.
    const sources = steps.slice(0, i).flatMap((source, at) => (!source.final || final ? [`s${at}`] : []));
    return {
      name: `s${i}`,
      upstream: sources.length === 0 ? [] : [...new Set(edges.map((edge) => sources[edge % sources.length]!))],
      retry: retryPolicy({ limit, backoff: 10 }, 'retries'),
      ...share,
      priority,
      trigger,
      final,
      allowFailure,
      totalTimeoutMs: isTimed ? 1_000 : undefined,
      items: then === 'lists' ? { concurrency: most } : undefined,
    };
  });
  return { plan: planSteps(specs, poolSizes), scripts: new Map(steps.map(({ failures, then, items }, i) => [`s${i}`, { failures, then, items }])), concurrency };
});

/** A graph of steps that succeed or decline, one at a time. */
export function graphOf(steps: readonly { readonly edges: readonly number[]; readonly priority: number; readonly declines: boolean; readonly trigger: TriggerRule }[]): RandomRun {
  const specs = steps.map(({ edges, priority, trigger }, i): StepSpec => {
    const upstream = i === 0 ? [] : [...new Set(edges.map((edge) => `s${edge % i}`))];
    return { name: `s${i}`, upstream, retry: retryPolicy(undefined, 'retries'), priority, trigger, final: false, allowFailure: false };
  });
  return { plan: planSteps(specs), scripts: new Map(steps.map(({ declines }, i) => [`s${i}`, { failures: 0, then: declines ? 'declines' : 'succeeds', items: [] }])), concurrency: 1 };
}

/** How a run ends that nothing disturbs, worked out step by step along the graph; `undefined` where that depends on the order in which steps end. */
export function expectedEndings({ plan, scripts }: RandomRun): ReadonlyMap<string, Ending> | undefined {
  const endings = new Map<string, Ending>();
  for (const { name, trigger, upstream, retry } of plan.steps) {
    const before = upstream.map((source) => endings.get(source));
    if (isOrderSensitive(trigger, before)) return undefined;
    const verdict = naiveVerdict(trigger, before);
    endings.set(name, verdict === 'run' ? endOf(scripts.get(name)!, retry.limit) : (verdict as Ending));
  }
  return endings;
}

function endOf({ failures, then, items }: Script, limit: number): Ending {
  if (failures > limit) return 'failed';
  if (then === 'declines') return 'skipped';
  if (then === 'is-refused') return 'failed';
  return then === 'lists' && items.some((fails) => fails > limit) ? 'failed' : 'succeeded';
}
