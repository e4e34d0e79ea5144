import type { StepStatus } from '../../../src/pipelines/run-state.ts';
import type { TriggerRule } from '../../../src/pipelines/trigger-rule.ts';

/** How a step ended that another comes after; `undefined` while it has not. */
export type Ending = Extract<StepStatus, 'succeeded' | 'failed' | 'skipped' | 'upstream_failed' | 'cancelled'> | undefined;

/** What a rule says: to run, to wait, or that the step cannot run, and so ends as this. */
export type NaiveVerdict = 'run' | 'wait' | 'skipped' | 'upstream_failed';

const isOpen = (ending: Ending): boolean => ending === undefined;
const isGood = (ending: Ending): boolean => ending === 'succeeded';
const isSkip = (ending: Ending): boolean => ending === 'skipped';
// What was cancelled has not done its work.
const isFailure = (ending: Ending): boolean => ending === 'failed' || ending === 'cancelled';
const isBad = (ending: Ending): boolean => isFailure(ending) || ending === 'upstream_failed';

type Condition = (endings: readonly Ending[]) => boolean;

/** When all have ended, whether the step runs. */
const runs: Readonly<Record<TriggerRule, Condition>> = {
  all_success: (all) => all.every(isGood),
  all_failed: (all) => all.every(isBad),
  all_done: () => true,
  all_done_min_one_success: (all) => !all.some(isSkip) && all.some(isGood),
  all_skipped: (all) => all.every(isSkip),
  one_success: (all) => all.some(isGood),
  one_failed: (all) => all.some(isBad),
  one_done: (all) => all.some((each) => isGood(each) || isFailure(each)),
  none_failed: (all) => !all.some(isBad),
  none_failed_min_one_success: (all) => !all.some(isBad) && all.some(isGood),
  none_skipped: (all) => !all.some(isSkip),
  always: () => true,
};

/** Rules that need not wait for the rest once they hold. */
const early: readonly TriggerRule[] = ['one_success', 'one_failed', 'one_done'];

const possible: readonly Ending[] = ['succeeded', 'failed', 'skipped', 'upstream_failed'];

/** Whether those that have not ended can still end so that the step runs; two of a kind among them are enough to tell, for no rule counts further. */
function canRun(rule: TriggerRule, endings: readonly Ending[]): boolean {
  const ended = endings.filter((ending) => !isOpen(ending));
  if (ended.length === endings.length) return runs[rule](ended);
  return possible.some((a) => runs[rule]([...ended, a])) || possible.some((a) => possible.some((b) => runs[rule]([...ended, a, b])));
}

/** What a step that cannot run is called: a failure passes on only where the rule asks for success. */
function blockedAs(rule: TriggerRule, endings: readonly Ending[]): 'skipped' | 'upstream_failed' {
  const failed = endings.some(isBad);
  if (rule === 'all_success' || rule === 'none_failed' || rule === 'none_failed_min_one_success') return failed ? 'upstream_failed' : 'skipped';
  if (rule === 'one_success') return failed ? 'upstream_failed' : 'skipped';
  if (rule === 'all_done_min_one_success') return endings.some(isSkip) ? 'skipped' : 'upstream_failed';
  return 'skipped';
}

/** What a rule says, worked out by trying how the rest may end. */
export function naiveVerdict(rule: TriggerRule, endings: readonly Ending[]): NaiveVerdict {
  if (endings.length === 0 || rule === 'always') return 'run';
  if (early.includes(rule) && runs[rule](endings.filter((ending) => !isOpen(ending)))) return 'run';
  if (!canRun(rule, endings)) return blockedAs(rule, endings);
  return endings.some(isOpen) ? 'wait' : 'run';
}

/** Whether the name of a step that cannot run depends on who ended first: a skip decides at once, and so does a failure. */
export function isOrderSensitive(rule: TriggerRule, endings: readonly Ending[]): boolean {
  return rule === 'all_success' && endings.some(isSkip) && endings.some(isBad);
}
