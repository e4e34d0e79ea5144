import type { MetricRole } from '../experiment-definition.ts';

/** What an experiment's units say, as plain data: what {@link analyzeUnits} gives. Nothing in it is NaN or infinite, so it is the same after JSON. */
export interface AbAnalysis {
  /** How differences were judged. */
  readonly method: AnalysisMethod;
  /** The confidence that decisions keep to. */
  readonly confidence: number;
  /** How p-values and intervals were corrected for how many comparisons there are. */
  readonly correction: CorrectionMethod;
  /** The variant that the others are compared with. */
  readonly control: string;
  /** Units that were exposed to one variant. */
  readonly units: number;
  /** Units that were exposed to several, and are left out. */
  readonly crossed: number;
  /** Exposures to variants that the experiment does not have. */
  readonly unknown: number;
  /** Units by variant. */
  readonly variants: readonly VariantCount[];
  /** Whether units came in the shares that they were assigned by. */
  readonly sampleRatio: SampleRatioCheck;
  /** Which planned look this was, of the method `group-sequential`. */
  readonly look?: AnalysisLook | undefined;
  /** The metrics, in the order of the definition. */
  readonly metrics: readonly MetricAnalysis[];
  /** The same by attributes, where it was asked for: exploratory, never decided by. */
  readonly segments: readonly SegmentAnalysis[];
  /** What to do, and why. */
  readonly decision: AbDecision;
}

/** `sequential`: may be looked at any time; `fixed`: for one look that was planned; `group-sequential`: for a few that were. */
export type AnalysisMethod = 'sequential' | 'fixed' | 'group-sequential';

/** How chance findings among many comparisons are held down: `holm`, `bonferroni` keep the chance of any, `bh` (Benjamini and Hochberg) the share of false ones among those found; `none` neither. */
export type CorrectionMethod = 'holm' | 'bh' | 'bonferroni' | 'none';

/** The units of a variant. */
export interface VariantCount {
  /** The variant. */
  readonly variant: string;
  /** How many units were exposed to it. */
  readonly units: number;
  /** How many there should have been, of so many in all. */
  readonly expected: number;
}

/** Whether units came in the shares that they were assigned by (Pearson's chi-squared test). */
export interface SampleRatioCheck {
  /** `mismatch`: no figure of the experiment is to be trusted; `insufficient`: too few units to tell. */
  readonly status: 'held' | 'mismatch' | 'insufficient';
  /** Its p-value. */
  readonly pValue: number;
}

/** A planned look. */
export interface AnalysisLook {
  /** Which one it is, from 1 on. */
  readonly number: number;
  /** The units that it is of: those of which the least known primary metric is known. */
  readonly units: number;
  /** Their share of the units planned, at most 1. */
  readonly fraction: number;
}

/** What the units say of a metric. */
export interface MetricAnalysis {
  /** The metric. */
  readonly metric: string;
  /** What is measured. */
  readonly kind: 'proportion' | 'mean' | 'count' | 'ratio' | 'quantile';
  /** What it is for. */
  readonly role: MetricRole;
  /** Which way is better. */
  readonly goal: 'increase' | 'decrease';
  /** Between which values extremes were taken in, of what is summed up (`value`, or `numerator` and `denominator`); absent where nothing was. */
  readonly winsorized?: Readonly<Record<string, WinsorBounds>> | undefined;
  /** What each variant came to. */
  readonly arms: readonly ArmAnalysis[];
  /** Each treatment against the control. */
  readonly comparisons: readonly MetricComparison[];
}

/** The values that others were set to which lay beyond; absent on a side without a bound. */
export interface WinsorBounds {
  /** The least. */
  readonly lower?: number | undefined;
  /** The most. */
  readonly upper?: number | undefined;
}

/** What a variant came to in a metric. */
export interface ArmAnalysis {
  /** The variant. */
  readonly variant: string;
  /** Units whose window has passed; of a quantile, those that have values. */
  readonly units: number;
  /** The measure, not adjusted by anything before; 0 of no units, and where it is not defined. */
  readonly value: number;
}

/** An effect with its interval. */
export interface EffectInterval {
  /** The effect, treatment less control. */
  readonly effect: number;
  /** The lower end of the interval. */
  readonly low: number;
  /** The upper end. */
  readonly high: number;
}

/** A treatment against the control in one metric. */
export interface MetricComparison {
  /** The treatment. */
  readonly variant: string;
  /** `undefined` when there is nothing to compare by; effects are 0 then, and p-values 1. */
  readonly status: 'compared' | 'undefined';
  /** Why there is nothing to compare by, or no verdict, in words. */
  readonly reason?: string | undefined;
  /** The difference in the unit of the metric, with an interval that holds alone. */
  readonly difference: EffectInterval;
  /** The standard error of the difference. */
  readonly standardError: number;
  /** The difference as a share of the control's measure; absent where that is 0. */
  readonly lift?: EffectInterval | undefined;
  /** The p-value of no difference, alone. */
  readonly pValue: number;
  /** The p-value and the interval of the difference with those of the other comparisons of metrics of this role in mind. */
  readonly adjusted: AdjustedComparison;
  /** By the adjusted p-value and the goal of the metric; `unclear` is not `alike`. */
  readonly verdict: 'better' | 'worse' | 'unclear';
  /** How much of what was before was taken out of both arms (CUPED), and what share of the variance that took away; absent where nothing was. */
  readonly cuped?: CupedShare | undefined;
  /** What is to be believed of the lift (of the difference where the lift is absent), whatever the method; absent where nothing is. It decides nothing. */
  readonly belief?: EffectBelief | undefined;
  /** The difference that one look at so many units finds with the power asked for; absent where there is nothing to compare by. */
  readonly minimumDetectable?: DetectableEffect | undefined;
  /** Of a guardrail, whether it holds. */
  readonly guardrail?: GuardrailCheck | undefined;
}

/** A comparison corrected for the others. */
export interface AdjustedComparison {
  /** The corrected p-value. */
  readonly pValue: number;
  /** The confidence at which the interval holds alone, such that all hold as promised. */
  readonly confidence: number;
  /** The lower end of that interval of the difference. */
  readonly low: number;
  /** The upper end. */
  readonly high: number;
}

/** What CUPED did. */
export interface CupedShare {
  /** How much of what was before was taken out. */
  readonly theta: number;
  /** The share of the variance of the difference that this took away. */
  readonly varianceReduction: number;
}

/** What is to be believed of an effect, with a normal prior or none. */
export interface EffectBelief extends EffectInterval {
  /** How probable it is that the treatment is better. */
  readonly chanceToWin: number;
  /** What is lost on average by choosing the control, counting 0 where that was right. */
  readonly riskOfControl: number;
  /** What is lost on average by choosing the treatment, counting 0 where that was right. */
  readonly riskOfTreatment: number;
}

/** An effect that would be found. */
export interface DetectableEffect {
  /** In the unit of the metric. */
  readonly difference: number;
  /** As a share of the control's measure; absent where that is 0. */
  readonly lift?: number | undefined;
}

/** Whether a guardrail holds, by one-sided intervals of what the treatment loses against the control beyond what the margin allows, in the unit of the metric; below 0 where it loses less than that, or gains. */
export interface GuardrailCheck {
  /** `held`: surely no worse than the margin allows; `harmed`: surely worse than that; `unclear`: neither. */
  readonly status: 'held' | 'harmed' | 'unclear';
  /** The loss that is allowed, a share of the size of the control's measure. */
  readonly margin: number;
  /** What is lost at most beyond the margin. It holds alone, since all guardrails must hold. */
  readonly lossAtMost: number;
  /** What is lost at least beyond the margin, corrected for the number of guardrails and variants. */
  readonly lossAtLeast: number;
}

/** Treatments against the control among the units that have some value of an attribute. */
export interface SegmentAnalysis {
  /** The attribute. */
  readonly attribute: string;
  /** Its value. */
  readonly value: string;
  /** Units that have it. */
  readonly units: number;
  /** The metric. */
  readonly metric: string;
  /** The treatment. */
  readonly variant: string;
  /** `insufficient`: an arm has fewer units than asked for; effects are 0 then, and p-values 1. */
  readonly status: 'compared' | 'undefined' | 'insufficient';
  /** The difference in the unit of the metric, with an interval that holds alone. */
  readonly difference: EffectInterval;
  /** The difference as a share of the control's measure; absent where that is 0. */
  readonly lift?: EffectInterval | undefined;
  /** The p-value of no difference, alone. */
  readonly pValue: number;
  /** The same corrected over all segments of the analysis. */
  readonly adjustedPValue: number;
  /** By the adjusted p-value and the goal of the metric. */
  readonly verdict: 'better' | 'worse' | 'unclear';
}

/** What to do, and why. */
export interface AbDecision {
  /** `ship` the variant; `stop` and stay with the control; `keep running`; `invalid`: the experiment says nothing, and wants repair. */
  readonly action: 'ship' | 'stop' | 'keep running' | 'invalid';
  /** The variant to ship. */
  readonly variant?: string | undefined;
  /** Why, in sentences with the numbers. */
  readonly reasons: readonly string[];
  /** Where each treatment stands. */
  readonly standings: readonly VariantStanding[];
  /** How much longer, as things stand; absent where it is decided, or cannot be told. */
  readonly remaining?: RemainingTime | undefined;
}

/** Where a treatment stands. */
export interface VariantStanding {
  /** The treatment. */
  readonly variant: string;
  /** `better` and may be shipped; `waiting`: better, with a guardrail that is not surely held; `worse`: a primary metric is surely worse, or a guardrail harmed; `unclear`. */
  readonly standing: 'better' | 'waiting' | 'worse' | 'unclear';
}

/** What is still to come. */
export interface RemainingTime {
  /** Units. */
  readonly units: number;
  /** Days, at the rate at which units came; absent where that is not known. */
  readonly days?: number | undefined;
}
