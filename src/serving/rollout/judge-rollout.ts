import type { GuardrailVerdict } from './guardrail.ts';
import { judgeGuardrail, judgeSampleRatio, sharedAlpha } from './judge-guardrail.ts';
import { windowOf } from './rollout-plan.ts';
import { sampleRatio } from './rollout-reducer.ts';
import type { RolloutInput, RolloutState } from './rollout-state.ts';
import { evidenceOf, type StoredStageCounts } from './stage-counts.ts';

/** What the measured guardrails of a rollout come to by what all processes counted, together with what its checks said. */
export function judgeRollout(state: RolloutState, counts: readonly StoredStageCounts[], checked: readonly GuardrailVerdict[]): Extract<RolloutInput, { type: 'look' }> {
  const { plan } = state;
  const stage = plan.stages[state.stage]!;
  const evidence = evidenceOf(counts, windowOf(plan, state.stage));
  const own = evidenceOf(counts, [state.stage]);
  const alpha = sharedAlpha(plan);
  // By this stage alone: a key that was counted in the stage before is no other one in this.
  const ratio = judgeSampleRatio(own, stage);
  const isSkewed = ratio?.status === 'inconclusive' && !state.ratioAccepted;
  const verdicts = plan.guardrails.flatMap((guardrail): readonly GuardrailVerdict[] => {
    if (guardrail.kind === 'check') return checked.filter((verdict) => verdict.guardrail === guardrail.name);
    const verdict = judgeGuardrail(guardrail, evidence, stage, alpha);
    // What compares arms that are not alike says nothing, good or bad.
    if (isSkewed && guardrail.kind === 'comparison') return [{ ...verdict, status: 'inconclusive', cause: 'sample-ratio', reason: `The arms do not have their shares, see '${sampleRatio}'.` }];
    return [verdict];
  });
  return { type: 'look', verdicts: ratio ? [ratio, ...verdicts] : verdicts, samples: { candidate: own.candidate.n, control: own.control.n } };
}
