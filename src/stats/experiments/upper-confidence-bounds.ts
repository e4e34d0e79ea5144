import { ValidationError } from '../../core/errors.ts';
import { demandFlag, demandList, demandNotNegative, demandNumber, demandOneOf, demandOptions } from '../arguments.ts';
import { demandArm, type MeanArm, type ProportionArm } from './arm-summary.ts';
import { estimateArm } from './arm-estimate.ts';

/** How {@link upperConfidenceBounds} looks at the arms. */
export interface UpperConfidenceBoundsOptions {
  /** That less is better, as of a latency: the bounds are from below then. @default false */
  lowerIsBetter?: boolean | undefined;
  /** The least and the most that a value can be; arms of means need it. @default none */
  range?: readonly [low: number, high: number] | undefined;
  /** How much is tried beyond what is known: a bound is one that is passed with a chance of about total^-exploration. @default 1 */
  exploration?: number | undefined;
}

/** Which arm to try next, and why. */
export interface UpperConfidenceBounds {
  /** The index of the arm with the best bound; of several such, the one that was tried least, then the first. */
  readonly next: number;
  /** The best that each arm may well be; of one that was never tried the end of the range. */
  readonly bounds: readonly number[];
}

/**
 * The arm of a bandit to try next, by optimism: the one that may well be the best. Nothing is drawn, so equal sums give the same arm on every machine; it is for units that are assigned one by one, whose outcome is soon known. For shares of traffic see
 * {@link banditWeights}.
 *
 * The bound of a proportion is that of KL-UCB (Garivier and Cappé 2011), the largest share that the Kullback–Leibler divergence does not rule out, whose regret is the least possible as trials grow (Lai and Robbins 1985). The bound of a mean is that of UCB-V (Audibert, Munos and
 * Szepesvári 2009), which is narrow where the values vary little, and holds for values within `range`. Costs O(arms).
 *
 * @throws ValidationError for fewer than two arms, sums that are none, means without `range` or outside of it, and options out of range.
 *
 * @example
 * ```ts
 * import { upperConfidenceBounds } from 'modelkeep/stats';
 *
 * const { next, bounds } = upperConfidenceBounds([
 *   { kind: 'proportion', n: 1000, successes: 130 },
 *   { kind: 'proportion', n: 40, successes: 4 },
 * ]);
 * console.log(next, bounds.map((bound) => bound.toFixed(2))); // 1 ['0.17', '0.36']
 * ```
 */
export function upperConfidenceBounds(arms: readonly (ProportionArm | MeanArm)[], options: UpperConfidenceBoundsOptions = {}): UpperConfidenceBounds {
  const { lowerIsBetter = false, exploration = 1, range } = demandOptions(options);
  demandFlag('lowerIsBetter', lowerIsBetter);
  demandNotNegative('exploration', exploration);
  demandList('arms', arms);
  if (arms.length < 2) throw new ValidationError(`arms has ${arms.length} elements; a bandit has at least two.`, { path: 'arms' });
  arms.forEach((arm, i) => demandBounded(`arms[${i}]`, arm, range));
  const total = arms.reduce((sum, { n }) => sum + n, 0);
  const caution = exploration * Math.log(Math.max(1, total));
  // What is the least becomes the most of the mirror image.
  const bounds = arms.map((arm) => (lowerIsBetter ? -upperBound(arm, caution, -1, range) : upperBound(arm, caution, 1, range)));
  const better = lowerIsBetter ? -1 : 1;
  let next = 0;
  bounds.forEach((bound, i) => {
    const ahead = better * (bound - bounds[next]!);
    if (ahead > 0 || (ahead === 0 && arms[i]!.n < arms[next]!.n)) next = i;
  });
  return { next, bounds };
}

function demandBounded(name: string, arm: ProportionArm | MeanArm, range: readonly [number, number] | undefined): void {
  demandArm(name, arm);
  demandOneOf(`${name}.kind`, arm.kind, ['proportion', 'mean']);
  if (arm.kind === 'proportion') return;
  const [low, high] = demandRange(name, range);
  if (arm.n > 0 && !(arm.sum >= arm.n * low && arm.sum <= arm.n * high)) throw new ValidationError(`${name} has a mean of ${arm.sum / arm.n}, outside of the range from ${low} to ${high}.`, { path: `${name}.sum` });
}

function demandRange(name: string, range: readonly [number, number] | undefined): readonly [number, number] {
  if (range === undefined) throw new ValidationError(`${name} is a mean, whose values must lie within a known range; give options.range, or clip them.`, { path: 'range' });
  demandList('range', range);
  const [low, high] = range;
  demandNumber('range[0]', low);
  demandNumber('range[1]', high);
  if (range.length !== 2 || !(low < high && Number.isFinite(high - low))) throw new ValidationError(`range is [${range.join(', ')}]; give the least and the most that a value can be.`, { path: 'range' });
  return range;
}

/** The most that the mean of an arm, times `sign`, may well be. */
function upperBound(arm: ProportionArm | MeanArm, caution: number, sign: 1 | -1, range: readonly [number, number] | undefined): number {
  const { n } = arm;
  const [low, high] = arm.kind === 'proportion' ? [0, 1] : range!;
  const most = sign === 1 ? high : -low;
  if (n === 0) return most;
  const { value } = estimateArm(arm);
  if (arm.kind === 'proportion') return sign === 1 ? klUpper(value, caution / n) : -(1 - klUpper(1 - value, caution / n));
  // The formula has the variance that divides by n.
  const variance = Math.max(0, arm.sumSquares / n - value * value);
  return Math.min(most, sign * value + Math.sqrt((2 * variance * caution) / n) + (3 * (high - low) * caution) / n);
}

/** The largest q whose divergence from a share p is at most `radius`. */
function klUpper(p: number, radius: number): number {
  // Pinsker's inequality: the divergence is at least twice the squared distance.
  let [low, high] = [p, Math.min(1, p + Math.sqrt(radius / 2))];
  while (true) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) return low;
    if (divergence(p, middle) <= radius) low = middle;
    else high = middle;
  }
}

/** The Kullback–Leibler divergence of two shares. */
function divergence(p: number, q: number): number {
  const hits = p === 0 ? 0 : p * Math.log(p / q);
  const misses = p === 1 ? 0 : (1 - p) * Math.log((1 - p) / (1 - q));
  return hits + misses;
}
