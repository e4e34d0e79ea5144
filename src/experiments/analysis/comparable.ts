import type { ArmSummary, MeanArm, ProportionArm } from '../../stats/experiments/arm-summary.ts';

/**
 * Two arms such that they can be compared where one of them does not vary at all, as when nobody of the control had an error: a share is then taken with one success and one failure more in both (Agresti and Caffo 2000), a mean with
 * the variance of both arms together, which is that of either if they do not differ. Where neither varies they are left as they are.
 */
export function comparable(control: ArmSummary, treatment: ArmSummary): readonly [ArmSummary, ArmSummary] {
  if (control.kind === 'proportion' && treatment.kind === 'proportion') return shares(control, treatment);
  if (control.kind === 'mean' && treatment.kind === 'mean') return means(control, treatment);
  return [control, treatment];
}

function shares(control: ProportionArm, treatment: ProportionArm): readonly [ArmSummary, ArmSummary] {
  const [still, other] = [control, treatment].map(({ n, successes }) => n > 1 && (successes === 0 || successes === n));
  const alike = control.successes * treatment.n === treatment.successes * control.n;
  if (!(still || other) || alike || control.n < 2 || treatment.n < 2) return [control, treatment];
  return [control, treatment].map(({ n, successes }): ProportionArm => ({ kind: 'proportion', n: n + 2, successes: successes + 1 })) as [ArmSummary, ArmSummary];
}

function means(control: MeanArm, treatment: MeanArm): readonly [ArmSummary, ArmSummary] {
  if (control.n < 2 || treatment.n < 2) return [control, treatment];
  const [a, b] = [squaresAboutMean(control), squaresAboutMean(treatment)];
  if (a > 0 === b > 0) return [control, treatment];
  const variance = (a + b) / (control.n + treatment.n - 2);
  return a > 0 ? [without(control), varying(treatment, variance)] : [varying(control, variance), without(treatment)];
}

// Less than rounding leaves is nothing.
function squaresAboutMean({ n, sum, sumSquares }: MeanArm): number {
  const squares = sumSquares - (sum * sum) / n;
  return squares > 1e-12 * sumSquares ? squares : 0;
}

function varying(arm: MeanArm, variance: number): MeanArm {
  return { kind: 'mean', n: arm.n, sum: arm.sum, sumSquares: (arm.sum * arm.sum) / arm.n + (arm.n - 1) * variance };
}

function without({ kind, n, sum, sumSquares }: MeanArm): MeanArm {
  return { kind, n, sum, sumSquares };
}
