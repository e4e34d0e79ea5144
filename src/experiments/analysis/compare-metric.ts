import { normal } from '../../stats/distributions/normal.ts';
import type { ArmSummary } from '../../stats/experiments/arm-summary.ts';
import { bayesianComparison } from '../../stats/experiments/bayesian-comparison.ts';
import type { ArmComparison } from '../../stats/experiments/compare-arms.ts';
import type { CupedShare, DetectableEffect, EffectBelief, EffectInterval, MetricComparison } from './ab-analysis.ts';
import type { AnalyzeSettings } from './analyze-options.ts';
import { alikeArms } from './allocation-epochs.ts';
import { comparable } from './comparable.ts';
import type { Judge } from './judge.ts';
import type { MetricArm } from './metric-arms.ts';

/** A treatment against the control, before other comparisons are thought of. */
export interface RawComparison extends Pick<MetricComparison, 'status' | 'reason' | 'difference' | 'standardError' | 'lift' | 'pValue' | 'cuped'> {
  /** Whether each arm has as many units as a verdict takes. */
  readonly enough: boolean;
  /** The units of both arms. */
  readonly units: number;
  /** The measure of the control. */
  readonly control: number;
  /** What sequential intervals count in place of units; absent where they count these. */
  readonly seen?: number | undefined;
  /** The arms as they were compared; absent where they could not be. */
  readonly arms?: readonly [ArmSummary, ArmSummary] | undefined;
}

const nothing: EffectInterval = { effect: 0, low: 0, high: 0 };

/** Compares two arms by their difference, which decides, and as a lift, which tells. */
export function compareMetric(control: MetricArm, treatment: MetricArm, judge: Judge, { confidence, minPerArm }: AnalyzeSettings): RawComparison {
  const units = control.units + treatment.units;
  const none = (reason: string): RawComparison => ({ status: 'undefined', reason, difference: nothing, standardError: 0, pValue: 1, enough: false, units, control: 0 });
  const alike = alikeArms([control, treatment]);
  if (typeof alike === 'string') return none(alike);
  const { seen } = alike;
  const arms = comparable(alike.arms[0]!, alike.arms[1]!);
  const found = judge.compare(...arms, { effect: 'absolute', confidence, seen });
  if (found.status === 'undefined') return none(whyUndefined(control, treatment));
  const difference = intervalOf(found);
  if (difference === undefined) return none('no level is spent at this look: of no unit is a primary metric known yet, or it is too near to the look before');
  const relative = judge.compare(...arms, { effect: 'relative', confidence, seen });
  const few = Math.min(control.units, treatment.units) < minPerArm;
  return {
    status: 'compared',
    ...(few && { reason: `an arm has ${Math.min(control.units, treatment.units)} units; no verdict is given with fewer than ${minPerArm}` }),
    difference,
    standardError: found.standardError,
    lift: relative.status === 'compared' ? intervalOf(relative) : undefined,
    pValue: found.pValue,
    enough: !few,
    units,
    control: found.control,
    seen,
    cuped: found.theta === 0 ? undefined : cupedOf(found, arms, judge, confidence),
    arms,
  };
}

/** The interval of a comparison; `undefined` where it is beyond what a number can be. */
function intervalOf({ effect, low, high }: ArmComparison): EffectInterval | undefined {
  return Number.isFinite(effect) && Number.isFinite(low) && Number.isFinite(high) ? { effect, low, high } : undefined;
}

function whyUndefined(control: MetricArm, treatment: MetricArm): string {
  const fewest = Math.min(control.units, treatment.units);
  if (fewest < 2) return fewest === 0 ? 'an arm has no units yet' : 'an arm has one unit, and nothing tells how units vary';
  if (control.summary?.kind === 'quantile') return 'an arm has too few values for an interval of this quantile, or all values around it are the same';
  if (control.summary?.kind === 'ratio') return 'the ratio of an arm does not vary, or has nothing below the line';
  return 'the units do not vary';
}

function cupedOf(found: ArmComparison, arms: readonly [ArmSummary, ArmSummary], judge: Judge, confidence: number): CupedShare | undefined {
  const [a, b] = arms.map((arm) => ('before' in arm ? { ...arm, before: undefined } : arm)) as [ArmSummary, ArmSummary];
  const without = judge.compare(a, b, { effect: 'absolute', confidence });
  if (without.status === 'undefined') return undefined;
  return { theta: found.theta, varianceReduction: Math.max(0, 1 - (found.standardError / without.standardError) ** 2) };
}

/** What is to be believed of an effect. */
export function beliefOf({ arms, lift }: RawComparison, goal: 'increase' | 'decrease', { confidence, prior }: AnalyzeSettings): EffectBelief | undefined {
  if (arms === undefined) return undefined;
  const effect = lift === undefined ? 'absolute' : 'relative';
  // A prior is of lifts, and says nothing of a difference.
  const found = bayesianComparison(...arms, { effect, credibility: confidence, prior: lift && prior, lowerIsBetter: goal === 'decrease' });
  if (found.status === 'undefined' || ![found.effect, found.low, found.high, found.risk.control, found.risk.treatment].every(Number.isFinite)) return undefined;
  return { effect: found.effect, low: found.low, high: found.high, chanceToWin: found.chanceToWin, riskOfControl: found.risk.control, riskOfTreatment: found.risk.treatment };
}

/** The difference that is found with the power asked for, at one look at as many units as there are. */
export function detectableOf({ status, standardError, units, control }: RawComparison, judge: Judge, confidence: number, power: number): DetectableEffect | undefined {
  if (status === 'undefined') return undefined;
  const difference = (judge.reach(units, confidence) + Math.max(0, normal.quantile(power))) * standardError;
  if (!Number.isFinite(difference)) return undefined;
  const lift = Math.abs(difference / control);
  return { difference, ...(Number.isFinite(lift) && { lift }) };
}
