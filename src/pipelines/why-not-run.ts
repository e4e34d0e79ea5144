import type { Plan } from './plan.ts';
import type { Tally, TriggerVerdict } from './trigger-rule.ts';
import type { Units } from './units.ts';

/** Why the trigger of a step has it not run: by the number of the step, and how those that it comes after have ended. */
export function whyNotRun(plan: Plan, units: Units, { succeeded, failed, skipped: skips, upstreamFailed }: Tally, i: number, verdict: TriggerVerdict): string {
  const culprits = plan.upstream[i]!.map((source) => ({ name: plan.steps[source]!.name, ...units.at(source) }));
  const { trigger } = plan.steps[i]!;
  if (verdict === 'upstream_failed') {
    const culprit = culprits.find(({ status }) => status === 'failed') ?? culprits.find(({ status }) => status === 'upstream_failed');
    if (culprit) return culprit.status === 'failed' ? `step '${culprit.name}' failed` : culprit.because!;
  }
  const skipped = culprits.find(({ status }) => status === 'skipped');
  if (skipped && (trigger === 'all_success' || trigger === 'none_skipped')) return `step '${skipped.name}' was skipped`;
  return `its trigger '${trigger}' cannot be met: of ${culprits.length} steps ${succeeded} succeeded, ${failed} failed, ${skips} were skipped and ${upstreamFailed} could not run`;
}
