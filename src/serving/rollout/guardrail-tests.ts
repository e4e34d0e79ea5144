import { oneSidedP, sequenceTuning } from '../../stats/experiments/confidence-sequence.ts';
import { shareEvidence, shareLowerBound, shareUpperBound } from '../../stats/experiments/share-evidence.ts';
import { addSums, type ArmCounts, type ValueSums } from './arm-counts.ts';
import type { GuardrailMetric, PlannedBound, PlannedComparison } from './guardrail.ts';
import { LatencyLaw } from './latency-bounds.ts';

/** The arms of a comparison, and the shares of requests that they have by design. */
export interface ComparedArms {
  readonly candidate: ArmCounts;
  readonly control: ArmCounts;
  readonly shares: { readonly candidate: number; readonly control: number };
}

/** A sequential test of a guardrail, for any level: it may be looked at as often as one likes. */
export interface GuardrailTest {
  readonly candidate: number;
  readonly control?: number | undefined;
  readonly limit: number;
  /** How many values there must be on either side for it to be worth anything, and whether it may say that something is wrong with fewer. */
  readonly needs: number;
  readonly exact: boolean;
  /** Whether the values do not vary, so that there is no telling how sure their mean is; it is held against the limit as it is. */
  readonly blind?: boolean | undefined;
  /** Whether sums of the values are beyond what a number can be, so that nothing follows from them. */
  readonly overflown?: boolean | undefined;
  /** Whether the candidate is beyond the limit. */
  harm(alpha: number): boolean;
  /** Whether it is within the limit. */
  kept(alpha: number): boolean;
}

/** How many values of an arm a metric has. */
export function valuesOf(metric: GuardrailMetric, arm: ArmCounts): number {
  if (metric.kind === 'values') return arm.values.get(metric.name)?.n ?? 0;
  return metric.kind === 'latency' ? arm.timed : arm.n;
}

/** The test of a fixed bound; there is at least one value. */
export function boundTest({ metric, side, bound }: PlannedBound, arm: ArmCounts): GuardrailTest {
  if (metric.kind === 'errors') return shareTest(arm.errors, arm.n, bound);
  if (metric.kind === 'latency') {
    const law = new LatencyLaw(arm);
    const { probability } = metric;
    return {
      candidate: law.quantile(probability),
      limit: bound,
      needs: quantileNeeds(probability),
      exact: true,
      // The quantile is beyond the bound when more than that share lies above it.
      harm: (alpha) => enough(shareEvidence(law.above(bound), law.n, 1 - probability), alpha),
      kept: (alpha) => enough(shareEvidence(law.within(bound), law.n, probability), alpha),
    };
  }
  const sums = arm.values.get(metric.name)!;
  if (metric.proportion) return side === 'max' ? shareTest(sums.sum, sums.n, bound) : { ...shareTest(sums.n - sums.sum, sums.n, 1 - bound), candidate: sums.sum / sums.n, limit: bound };
  const { mean, variance, third } = momentsOf(sums);
  const sign = side === 'max' ? 1 : -1;
  const facts = { candidate: mean, limit: bound, needs: fewestForMeans, exact: false };
  if (![mean, variance, third].every(Number.isFinite)) return overflownTest(facts);
  if (!(variance > 0)) return blindTest(facts, sign * (mean - bound));
  return { ...facts, ...meanTest({ beyond: sign * (mean - bound), variance: variance / sums.n, third: (sign * third) / sums.n ** 2, n: sums.n }) };
}

/** Neither shown to be beyond the limit nor to be within it. */
function overflownTest(facts: Omit<GuardrailTest, 'harm' | 'kept' | 'overflown'>): GuardrailTest {
  return { ...facts, overflown: true, harm: () => false, kept: () => false };
}

/** Of values that are all alike. */
function blindTest(facts: Omit<GuardrailTest, 'harm' | 'kept' | 'blind'>, beyond: number): GuardrailTest {
  return { ...facts, blind: true, harm: () => beyond > 0, kept: () => beyond <= 0 };
}

/** The test against the control; there is at least one value on both sides. */
export function comparisonTest(planned: PlannedComparison, arms: ComparedArms): GuardrailTest {
  const { metric } = planned;
  if (metric.kind === 'errors') return errorComparison(planned, arms);
  if (metric.kind === 'latency') return latencyComparison(planned, metric.probability, arms);
  return meanComparison(planned, arms.candidate.values.get(metric.name)!, arms.control.values.get(metric.name)!);
}

/** A share that is to be at most so large, exactly. */
function shareTest(successes: number, n: number, most: number): GuardrailTest {
  return {
    candidate: successes / n,
    limit: most,
    needs: 0,
    exact: true,
    harm: (alpha) => enough(shareEvidence(successes, n, most), alpha),
    kept: (alpha) => enough(shareEvidence(n - successes, n, 1 - most), alpha),
  };
}

/**
 * Without a margin: of all failures those of the candidate have the share that the arms' shares of requests and the ratio of their rates give, which is one share to test (the conditional test that safety surveillance uses, as Kulldorff and others 2011).
 * It needs no failure of the control, so that a candidate that fails beside a control that never does is found. With a margin, by bounds of both.
 */
function errorComparison({ ratio, margin }: PlannedComparison, { candidate, control, shares }: ComparedArms): GuardrailTest {
  const rates = { candidate: candidate.errors / candidate.n, control: control.errors / control.n };
  const facts = { ...rates, limit: ratio * rates.control + margin, needs: 0, exact: true };
  if (margin === 0) {
    const share = (ratio * shares.candidate) / (ratio * shares.candidate + shares.control);
    const failures = candidate.errors + control.errors;
    return {
      ...facts,
      harm: (alpha) => enough(shareEvidence(candidate.errors, failures, share), alpha),
      kept: (alpha) => enough(shareEvidence(control.errors, failures, 1 - share), alpha),
    };
  }
  return {
    ...facts,
    harm: (alpha) => shareLowerBound(candidate.errors, candidate.n, alpha / 2) > ratio * shareUpperBound(control.errors, control.n, alpha / 2) + margin,
    kept: (alpha) => shareUpperBound(candidate.errors, candidate.n, alpha / 2) < ratio * shareLowerBound(control.errors, control.n, alpha / 2) + margin,
  };
}

function latencyComparison({ ratio, margin }: PlannedComparison, probability: number, arms: ComparedArms): GuardrailTest {
  const [candidate, control] = [new LatencyLaw(arms.candidate), new LatencyLaw(arms.control)];
  return {
    candidate: candidate.quantile(probability),
    control: control.quantile(probability),
    limit: ratio * control.quantile(probability) + margin,
    needs: quantileNeeds(probability),
    exact: true,
    harm: (alpha) => candidate.lowerBound(probability, alpha / 2) > ratio * control.upperBound(probability, alpha / 2) + margin,
    kept: (alpha) => candidate.upperBound(probability, alpha / 2) < ratio * control.lowerBound(probability, alpha / 2) + margin,
  };
}

/** By the difference of the candidate's mean from the limit, which is linear in both means, and its asymptotic confidence sequence. */
function meanComparison({ goal, ratio, margin }: PlannedComparison, a: ValueSums, b: ValueSums): GuardrailTest {
  const sign = goal === 'decrease' ? 1 : -1;
  const [candidate, control] = [momentsOf(a), momentsOf(b)];
  // So many times what is below 0 is on the other side of it: the allowance is a share of the size.
  const factor = control.mean < 0 ? 2 - ratio : ratio;
  const limit = factor * control.mean + sign * margin;
  // An arm in which all values are alike is taken to vary as all values together do: that none of ten thousand converted says something.
  const pooled = momentsOf(addSums(a, b)).variance;
  const variance = (candidate.variance || pooled) / a.n + (factor * factor * (control.variance || pooled)) / b.n;
  const beyond = sign * (candidate.mean - limit);
  const facts = { candidate: candidate.mean, control: control.mean, limit, needs: fewestForMeans, exact: false };
  if (![beyond, variance, pooled].every(Number.isFinite)) return overflownTest(facts);
  if (!(variance > 0)) return blindTest(facts, beyond);
  // Arms have shares alike, so that the skewness of one takes away that of the other.
  return { ...facts, ...meanTest({ beyond, variance, third: 0, n: a.n + b.n }) };
}

/** How far an estimate is beyond its limit, with its variance and third central moment. */
interface Excess {
  readonly beyond: number;
  readonly variance: number;
  readonly third: number;
  readonly n: number;
}

/** The sequential test of an estimate that is nearly normal. */
function meanTest({ beyond, variance, third, n }: Excess): Pick<GuardrailTest, 'harm' | 'kept'> {
  const z = beyond / Math.sqrt(variance);
  const skewness = third / variance ** 1.5;
  const test = (deviation: number, alpha: number): boolean => oneSidedP(sequenceTuning({ confidence: 1 - alpha }, 1), deviation, n) <= alpha;
  return { harm: (alpha) => test(lessSkewed(z, skewness), alpha), kept: (alpha) => test(lessSkewed(-z, -skewness), alpha) };
}

/**
 * A deviation upwards, less what is to be expected of an estimate whose long tail is below (Johnson 1978, to the first order): where few values are large, a sample that has none of them is small and seems to vary little. Never corrected
 * upwards, and never less for a larger deviation.
 */
function lessSkewed(z: number, skewness: number): number {
  const against = Math.max(0, -skewness);
  const most = Math.min(z, 1.5 / against);
  return most - (against * (1 + 2 * most * most)) / 6;
}

// The law of a mean is near a normal one from then on, for what is not very skewed.
const fewestForMeans = 100;

/** Of a quantile, so many values that five are expected beyond it. */
function quantileNeeds(probability: number): number {
  return Math.ceil(5 / Math.min(probability, 1 - probability) - 1e-6);
}

function enough(evidence: number, alpha: number): boolean {
  return evidence >= -Math.log(alpha);
}

function momentsOf({ n, sum, sumSquares, sumCubes }: ValueSums): { mean: number; variance: number; third: number } {
  const mean = sum / n;
  return { mean, variance: n < 2 ? 0 : Math.max(0, (sumSquares - sum * mean) / (n - 1)), third: (sumCubes - 3 * mean * sumSquares) / n + 2 * mean ** 3 };
}
