import { canonicalJson } from '../core/codec.ts';
import { digestOf, type Digest } from '../core/digest.ts';
import { ValidationError } from '../core/errors.ts';
import { childOf, type ChildPipeline } from './nesting/child-pipeline.ts';
import { planSteps, type Plan } from './plan.ts';
import type { StepDefinition } from './step.ts';
import type { TriggerRule } from './trigger-rule.ts';
import type { WaitKind } from './waiting/wait.ts';

/** The place of a step in the graph, as it is stored with a run. */
export interface StepShape {
  readonly name: string;
  /** Names of steps by the name of the input. */
  readonly needs: Readonly<Record<string, string>>;
  readonly after: readonly string[];
  /** Absent for the usual. */
  readonly trigger?: TriggerRule | undefined;
  /** Whether it runs at the end; absent when not. */
  readonly final?: true | undefined;
  /** What it waits for; absent when it does not. */
  readonly waits?: WaitKind | undefined;
  /** Whether it has items; absent when not. */
  readonly map?: true | undefined;
  /** The pipeline that it runs; absent when it runs none. */
  readonly runs?: string | undefined;
}

/** The steps of a pipeline at the moment a run begins; steps added later do not change it. */
export class Definition {
  readonly steps: ReadonlyMap<string, StepDefinition>;
  readonly plan: Plan;

  /** @param pools - The slots of each pool. */
  constructor(pipeline: string, steps: Iterable<StepDefinition>, pools: ReadonlyMap<string, number>) {
    this.steps = new Map([...steps].map((step) => [step.handle.name, step]));
    if (this.steps.size === 0) throw new ValidationError(`Pipeline '${pipeline}' has no steps; define one with step() before it runs.`, { path: pipeline });
    this.plan = planSteps(
      [...this.steps.values()].map(({ handle, needs, after, share, retry, totalTimeoutMs, priority, trigger, final, allowFailure, items }) => {
        return { name: handle.name, upstream: [...Object.values(needs), ...after], ...share, retry, totalTimeoutMs, priority, trigger, final, allowFailure, items: items && { concurrency: items.concurrency } };
      }),
      pools,
    );
  }

  /** The pipelines that steps run. */
  get children(): ChildPipeline[] {
    const children: ChildPipeline[] = [];
    for (const { run } of this.steps.values()) {
      const child = childOf(run);
      if (child) children.push(child);
    }
    return children;
  }

  /** Of the graph and the declared versions of what steps do, in whatever order they were defined: processes that have the same make each other's attempts. */
  get digest(): Digest {
    const versions = new Map([...this.steps.values()].map(({ handle, cache }) => [handle.name, cache?.version]));
    const steps = this.shape().map((step) => ({ ...step, version: versions.get(step.name) }));
    return digestOf(canonicalJson(steps.sort((a, b) => (a.name < b.name ? -1 : 1)), 'definition'));
  }

  shape(): StepShape[] {
    // In the order in which they are written, with each change of a run's head.
    return [...this.steps.values()].map(({ handle, needs, after, trigger, final, items, run, waits }) => ({
      after: [...new Set(after)].sort(),
      ...(final && { final }),
      ...(items && { map: true as const }),
      name: handle.name,
      needs,
      ...runs(childOf(run)),
      ...(!final && trigger !== 'all_success' && { trigger }),
      ...(waits && { waits }),
    }));
  }

  /** Throws `ValidationError` that tells every difference in the graph. What a step does, its retries and its timeouts may have changed. */
  assertContinues(run: string, stored: readonly StepShape[]): void {
    const before = new Map(stored.map((step) => [step.name, step]));
    const now = new Map(this.shape().map((step) => [step.name, step]));
    const differences = [
      ...[...before.keys()].filter((name) => !now.has(name)).map((name) => `step '${name}' is missing`),
      ...[...now.keys()].filter((name) => !before.has(name)).map((name) => `step '${name}' is new`),
      ...[...now.values()].flatMap((step) => (before.has(step.name) ? differencesOf(before.get(step.name)!, step) : [])),
    ];
    if (differences.length === 0) return;
    throw new ValidationError(
      `Run ${run} cannot be resumed, for the pipeline is not the one that it was started with: ${differences.join('; ')}. Resume it with that definition, or start a new run.`,
      { path: run, differences },
    );
  }
}

function runs(child: ChildPipeline | undefined): Pick<StepShape, 'runs'> {
  return child ? { runs: child.name } : {};
}

function differencesOf(before: StepShape, now: StepShape): string[] {
  const differences: string[] = [];
  for (const input of new Set([...Object.keys(before.needs), ...Object.keys(now.needs)])) {
    const [was, is] = [before.needs[input], now.needs[input]];
    if (was !== is) differences.push(`input '${input}' of step '${now.name}' ${was === undefined ? 'is new' : is === undefined ? 'is gone' : `comes from '${is}' instead of '${was}'`}`);
  }
  if (before.after.join('\n') !== now.after.join('\n')) differences.push(`step '${now.name}' comes after ${list(now.after)} instead of ${list(before.after)}`);
  if (before.trigger !== now.trigger) differences.push(`step '${now.name}' runs by the trigger '${now.trigger ?? 'all_success'}' instead of '${before.trigger ?? 'all_success'}'`);
  if (before.final !== now.final) differences.push(`step '${now.name}' ${now.final ? 'runs' : 'no longer runs'} at the end`);
  if (before.waits !== now.waits) differences.push(`step '${now.name}' is ${kindOf(now)} instead of ${kindOf(before)}`);
  if (before.map !== now.map) differences.push(`step '${now.name}' ${now.map ? 'has items now' : 'has no items any more'}`);
  if (before.runs !== now.runs) differences.push(`step '${now.name}' runs ${pipelineOf(now)} instead of ${pipelineOf(before)}`);
  return differences;
}

function kindOf({ waits }: StepShape): string {
  return waits === undefined ? 'a step that does not wait' : `one that waits (${waits})`;
}

function pipelineOf({ runs }: StepShape): string {
  return runs === undefined ? 'no other pipeline' : `pipeline '${runs}'`;
}

function list(names: readonly string[]): string {
  return names.length === 0 ? 'no other' : names.map((name) => `'${name}'`).join(', ');
}
