import type { GuardrailCheck } from './ab-analysis.ts';
import type { AnalyzeSettings } from './analyze-options.ts';
import type { RawComparison } from './compare-metric.ts';
import type { Judge } from './judge.ts';
import { scaledArm } from './scaled-arm.ts';

/** What a guardrail is held to. */
export interface GuardrailRule {
  readonly goal: 'increase' | 'decrease';
  readonly margin: number;
  /** How many guardrails times treatments there are. */
  readonly checks: number;
}

/**
 * Whether a guardrail holds, by one-sided intervals of what the treatment has less what the margin allows. That is a difference from a multiple of the control and not a lift, whose interval is of no use where the control is near 0. Harm is corrected for
 * the number of checks, for any of them is an alarm; that it holds is not, for all have to (an intersection-union test).
 */
export function checkGuardrail({ arms, control, enough, seen }: RawComparison, { goal, margin, checks }: GuardrailRule, judge: Judge, { confidence, correction }: AnalyzeSettings): GuardrailCheck {
  const none: GuardrailCheck = { status: 'unclear', margin, lossAtMost: 0, lossAtLeast: 0 };
  if (arms === undefined) return none;
  const factor = 1 + (goal === 'increase' ? -margin : margin) * Math.sign(control);
  const [allowed, treatment] = [scaledArm(arms[0], factor), scaledArm(arms[1], 1)];
  const corrected = correction === 'none' ? confidence : 1 - (1 - confidence) / checks;
  const [gain, loss] = goal === 'increase' ? (['greater', 'less'] as const) : (['less', 'greater'] as const);
  const holds = judge.compare(allowed, treatment, { effect: 'absolute', alternative: gain, confidence, seen });
  const harms = judge.compare(allowed, treatment, { effect: 'absolute', alternative: loss, confidence: corrected, seen });
  const [lossAtMost, lossAtLeast] = goal === 'increase' ? [0 - holds.low, 0 - harms.high] : [holds.high, harms.low];
  if (holds.status === 'undefined' || !(Number.isFinite(lossAtMost) && Number.isFinite(lossAtLeast))) return none;
  return { status: !enough ? 'unclear' : lossAtLeast > 0 ? 'harmed' : lossAtMost < 0 ? 'held' : 'unclear', margin, lossAtMost, lossAtLeast };
}
