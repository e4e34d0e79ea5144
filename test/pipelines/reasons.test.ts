import fc from 'fast-check';
import { MemoryStorage, Pipeline, type StepHandle, type StepResult } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { triggerRules, triggerVerdict, type Tally, type TriggerRule } from '../../src/pipelines/trigger-rule.ts';

type Does = 'succeeds' | 'fails' | 'has no reason to run' | 'cancels the run';

interface Drawn {
  readonly name: string;
  readonly does: Does;
  readonly after: readonly string[];
  readonly trigger: TriggerRule;
  readonly final: boolean;
}

const does = fc.constantFrom<Does>('succeeds', 'succeeds', 'succeeds', 'fails', 'fails', 'has no reason to run', 'cancels the run');
const step = fc.record({ edges: fc.array(fc.nat(), { maxLength: 4 }), does, trigger: fc.oneof(fc.constant<TriggerRule>('all_success'), fc.constantFrom(...triggerRules)) });

/** Steps of which each comes after earlier ones, the last of them at the end of the run. */
const graphs = fc.tuple(fc.array(step, { minLength: 2, maxLength: 9 }), fc.nat(3)).map(([steps, finals]) =>
  steps.map((drawn, i): Drawn => {
    const after = i === 0 ? [] : [...new Set(drawn.edges.map((edge) => `s${edge % i}`))];
    const final = i >= steps.length - finals;
    return { name: `s${i}`, does: drawn.does === 'has no reason to run' && final ? 'fails' : drawn.does, after, trigger: final ? 'all_done' : drawn.trigger, final };
  }),
);

async function resultsOf(graph: readonly Drawn[]): Promise<{ steps: ReadonlyMap<string, StepResult>; cancelled: boolean }> {
  const pipeline = new Pipeline({ name: 'reasons', storage: new MemoryStorage(), grace: 0 });
  const controller = new AbortController();
  const handles = new Map<string, StepHandle<unknown>>();
  for (const { name, does: act, after, trigger, final } of graph) {
    const order = { after: after.map((each) => handles.get(each)!) };
    const work = (): void => {
      if (act === 'fails') throw new Error('no');
      if (act === 'cancels the run') controller.abort();
    };
    handles.set(name, final ? pipeline.finally(name, order, work) : pipeline.step(name, { ...order, trigger, ...(act === 'has no reason to run' && { when: () => false }) }, work));
  }
  const { id } = await pipeline.run({ signal: controller.signal });
  return { steps: new Map(Object.entries((await pipeline.getRun(id)).steps)), cancelled: controller.signal.aborted };
}

/** How many of the steps that a step comes after have ended in which way; one that was cancelled has not done its work. */
function tallyOf(after: readonly string[], steps: ReadonlyMap<string, StepResult>): Tally {
  const count = (...statuses: string[]): number => after.filter((name) => statuses.includes(steps.get(name)!.status)).length;
  return { succeeded: count('succeeded'), failed: count('failed', 'cancelled'), skipped: count('skipped'), upstreamFailed: count('upstream_failed') };
}

/** All that a tally may come to when as many more steps end. */
function completions({ succeeded, failed, skipped, upstreamFailed }: Tally, left: number): Tally[] {
  const found: Tally[] = [];
  for (let a = 0; a <= left; a++) for (let b = 0; a + b <= left; b++) for (let c = 0; a + b + c <= left; c++) found.push({ succeeded: succeeded + a, failed: failed + b, skipped: skipped + c, upstreamFailed: upstreamFailed + left - a - b - c });
  return found;
}

/** Checks that what is said stopped a step, and would have whatever else had become of the rest. */
function assertReason({ name, does: act, after, trigger, final }: Drawn, { status, because = '' }: StepResult, { steps, cancelled }: Awaited<ReturnType<typeof resultsOf>>): void {
  const tally = tallyOf(after, steps);
  if (status === 'cancelled') {
    expect([cancelled, final]).toEqual([true, false]);
    expect(because).toMatch(/^the run was cancelled (?:before|while) it ran$/);
    return;
  }
  if (because === 'its condition did not hold') {
    expect([status, act]).toEqual(['skipped', 'has no reason to run']);
    expect(completions(tally, 0).map((each) => triggerVerdict(trigger, each, after.length))).toEqual(['run']);
    return;
  }
  expect(triggerVerdict(trigger, tally, after.length), `${name}: ${because}`).not.toBe('run');
  const named = /^step '(s\d+)' (failed|was skipped|was cancelled)$/.exec(because);
  if (named) {
    const [, culprit = '', what = ''] = named;
    const said = { failed: 'failed', 'was skipped': 'skipped', 'was cancelled': 'cancelled' }[what];
    expect(steps.get(culprit)!.status).toBe(said);
    expect(status).toBe(said === 'skipped' ? 'skipped' : 'upstream_failed');
    // It comes after that one, or after one that could not run for the same reason.
    const through = after.filter((each) => each === culprit || (steps.get(each)!.status === 'upstream_failed' && steps.get(each)!.because === because));
    expect(through.length).toBeGreaterThan(0);
    if (said === 'skipped') expect([after.includes(culprit), ['all_success', 'none_skipped'].includes(trigger)]).toEqual([true, true]);
    return;
  }
  const told = /^its trigger '(\w+)' cannot be met: of (\d+) steps (\d+) succeeded, (\d+) failed, (\d+) were skipped and (\d+) could not run$/.exec(because);
  expect(told, `${name}: ${because}`).not.toBeNull();
  const [rule, ...numbers] = told!.slice(1);
  const [total = 0, succeeded = 0, failed = 0, skipped = 0, upstreamFailed = 0] = numbers.map(Number);
  expect([rule, total]).toEqual([trigger, after.length]);
  const then = { succeeded, failed, skipped, upstreamFailed };
  for (const kind of Object.keys(then) as (keyof Tally)[]) expect(then[kind]).toBeLessThanOrEqual(tally[kind]);
  expect(triggerVerdict(trigger, then, total)).toBe(status);
  for (const each of completions(then, total - succeeded - failed - skipped - upstreamFailed)) expect(triggerVerdict(trigger, each, total)).not.toBe('run');
}

describe('the reason of a step that did not run', () => {
  it('names the step, the rule, the condition or the cancellation that really stopped it, in any graph', async () => {
    const stopped = new Set<string>();
    await fc.assert(
      fc.asyncProperty(graphs, async (graph) => {
        const results = await resultsOf(graph);
        for (const drawn of graph) {
          const result = results.steps.get(drawn.name)!;
          if (result.status === 'succeeded' || result.status === 'failed') {
            expect(result.because).toBeUndefined();
            continue;
          }
          assertReason(drawn, result, results);
          stopped.add(`${result.status} ${result.because!.replace(/'s\d+'/, '').split(' ').slice(0, 3).join(' ')}`);
        }
      }),
      { numRuns: 250 },
    );
    // Reasons of every kind have come up.
    expect(stopped.size).toBeGreaterThanOrEqual(7);
  });
});
