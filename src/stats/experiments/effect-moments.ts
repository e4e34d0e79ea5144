import { ValidationError } from '../../core/errors.ts';
import { adjustedVariance, estimateArm, type ArmEstimate } from './arm-estimate.ts';
import { demandArm, together, type ArmSummary } from './arm-summary.ts';

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

/** How two arms differ; a word for why that cannot be said. */
export function effectMoments(control: ArmSummary, treatment: ArmSummary, kind: EffectKind): EffectMoments | UndefinedReason {
  demandArm('control', control);
  demandArm('treatment', treatment);
  if (control.kind !== treatment.kind) {
    throw new ValidationError(`control is a ${control.kind} and treatment a ${treatment.kind}; both arms must be summed up in the same way.`, { path: 'treatment.kind' });
  }
  const [a, b] = [estimateArm(control), estimateArm(treatment)];
  return momentsOf(a, b, thetaOf(control, a, treatment, b), kind);
}

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

/**
 * The share of what was before that is taken out of both arms: the one that leaves the least variance (Deng et al. 2013, CUPED), from both arms as one sample of units, or from the sum of both arms' variances for ratios. 0 where
 * nothing was before, or it does not vary.
 */
function thetaOf(control: ArmSummary, a: ArmEstimate, treatment: ArmSummary, b: ArmEstimate): number {
  if (control.kind === 'quantile' || treatment.kind === 'quantile' || control.before === undefined || treatment.before === undefined) return 0;
  const both = control.kind === 'ratio' || treatment.kind === 'ratio' ? undefined : estimateArm(together(control, treatment));
  const [covariance, variance] = both === undefined ? [a.covariance + b.covariance, a.varianceBefore + b.varianceBefore] : [both.covariance, both.varianceBefore];
  return variance > 0 && Number.isFinite(covariance) ? covariance / variance : 0;
}

function satterthwaite(varianceA: number, n: number, varianceB: number, m: number): number {
  const share = varianceA / (varianceA + varianceB);
  return 1 / (share ** 2 / (n - 1) + (1 - share) ** 2 / (m - 1));
}
