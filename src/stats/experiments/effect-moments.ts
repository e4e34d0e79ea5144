import { adjustedVariance, type ArmEstimate } from './arm-estimate.ts';

/** Whether an effect is a difference in the unit of the measure, or that difference as a share of the control. */
export type EffectKind = 'absolute' | 'relative';

/** How two arms differ, with the standard error of that. */
export interface EffectMoments {
  readonly effect: number;
  readonly standardError: number;
  /** Degrees of freedom of Welch and Satterthwaite. */
  readonly df: number;
  /** Units in both arms. */
  readonly n: number;
  /** The means, adjusted where there is something to adjust by. */
  readonly control: number;
  readonly treatment: number;
  /** How much of what was before is taken out; 0 when nothing is. */
  readonly theta: number;
}

/** Why there is nothing to compare. */
export type UndefinedReason = 'no-variance' | 'no-baseline';

/** How two arms differ when `theta` of what was before is taken out. */
export function momentsOf(a: ArmEstimate, b: ArmEstimate, theta: number, kind: EffectKind): EffectMoments | UndefinedReason {
  // What is left out may be no number, such as a ratio without anything below the line.
  if (theta === 0 && !(a.before === 0 && b.before === 0)) return momentsOf(withoutBefore(a), withoutBefore(b), 0, kind);
  const [control, treatment] = [a.value - theta * a.before, b.value - theta * b.before];
  const [varianceA, varianceB] = [adjustedVariance(a, theta), adjustedVariance(b, theta)];
  const [squareA, squareB] = [varianceA / a.n, varianceB / b.n];
  // In the range of floating-point numbers or not at all.
  if (!(squareA > 0 && squareB > 0 && squareA + squareB < Infinity)) return 'no-variance';
  const difference = treatment - control;
  const means = { df: satterthwaite(squareA, a.n, squareB, b.n), n: a.n + b.n, control, treatment, theta };
  if (kind === 'absolute') return { ...means, effect: difference, standardError: Math.sqrt(squareA + squareB) };
  const baseline = Math.abs(a.value);
  if (!(baseline > 0)) return 'no-baseline';
  // The control is in the difference and below the line: its part of the gradient is -kept·(measured) + theta·(before). Of means it is taken where both arms were alike before, as units assigned by chance are.
  const kept = a.ratio ? 1 + difference / a.value : b.value / a.value;
  const ofControl = kept * kept * a.variance + theta * theta * a.varianceBefore - 2 * kept * theta * a.covariance;
  const [effect, standardError] = [difference / baseline, Math.sqrt(squareB + ofControl / a.n) / baseline];
  // A baseline that is 0 but for rounding divides to what is no number any more.
  if (!Number.isFinite(effect) || standardError === Infinity) return 'no-baseline';
  return standardError > 0 ? { ...means, effect, standardError } : 'no-variance';
}

function withoutBefore(arm: ArmEstimate): ArmEstimate {
  return { ...arm, before: 0, varianceBefore: 0, covariance: 0 };
}

function satterthwaite(varianceA: number, n: number, varianceB: number, m: number): number {
  const share = varianceA / (varianceA + varianceB);
  return 1 / (share ** 2 / (n - 1) + (1 - share) ** 2 / (m - 1));
}
