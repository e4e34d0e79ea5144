import { ValidationError } from '../../core/errors.ts';
import { estimateArm, type ArmEstimate } from './arm-estimate.ts';
import { demandArm, together, type ArmSummary } from './arm-summary.ts';
import { momentsOf, type EffectKind, type EffectMoments, type UndefinedReason } from './effect-moments.ts';

/** How two arms differ; a word for why that cannot be said. */
export function armEffect(control: ArmSummary, treatment: ArmSummary, kind: EffectKind): EffectMoments | UndefinedReason {
  demandArm('control', control);
  demandArm('treatment', treatment);
  if (control.kind !== treatment.kind) {
    throw new ValidationError(`control is a ${control.kind} and treatment a ${treatment.kind}; both arms must be summed up in the same way.`, { path: 'treatment.kind' });
  }
  if (control.kind === 'quantile' && treatment.kind === 'quantile' && control.probability !== treatment.probability) {
    throw new ValidationError(`control is the quantile ${control.probability} and treatment the quantile ${treatment.probability}; both arms must have the same one.`, { path: 'treatment.probability' });
  }
  const [a, b] = [estimateArm(control), estimateArm(treatment)];
  return momentsOf(a, b, thetaOf(control, a, treatment, b), kind);
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
