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
  const [control, treatment] = [a.value - theta * a.before, b.value - theta * b.before];
  const [varianceA, varianceB] = [adjustedVariance(a, theta), adjustedVariance(b, theta)];
  if (!(varianceA > 0 && varianceB > 0)) return 'no-variance';
  const difference = treatment - control;
  const means = { df: satterthwaite(varianceA / a.n, a.n, varianceB / b.n, b.n), n: a.n + b.n, control, treatment, theta };
  if (kind === 'absolute') return { ...means, effect: difference, standardError: Math.sqrt(varianceA / a.n + varianceB / b.n) };
  const baseline = Math.abs(a.value);
  if (!(baseline > 0)) return 'no-baseline';
  // The control is in the difference and below the line: its part of the gradient is -kept·(measured) + theta·(before). Of means it is taken where both arms were alike before, as units assigned by chance are.
  const kept = a.ratio ? 1 + difference / a.value : b.value / a.value;
  const ofControl = kept * kept * a.variance + theta * theta * a.varianceBefore - 2 * kept * theta * a.covariance;
  return { ...means, effect: difference / baseline, standardError: Math.sqrt(varianceB / b.n + ofControl / a.n) / baseline };
}

function satterthwaite(varianceA: number, n: number, varianceB: number, m: number): number {
  const share = varianceA / (varianceA + varianceB);
  return 1 / (share ** 2 / (n - 1) + (1 - share) ** 2 / (m - 1));
}
