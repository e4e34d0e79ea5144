import { demandFlag, demandList, demandNumber, demandOneOf, demandOptions, demandWhole } from '../arguments.ts';
import { ValidationError } from '../../core/errors.ts';
import { normal } from '../distributions/normal.ts';
import { demandArm, type MeanArm, type ProportionArm } from './arm-summary.ts';
import { estimateArm } from './arm-estimate.ts';
import { gaussPanels } from './gauss-panels.ts';

/** How {@link banditWeights} shares out the traffic. */
export interface BanditWeightsOptions {
  /** The least share of every arm, so that each goes on to be tried; at most 1 / arms. @default 0.01 */
  floor?: number | undefined;
  /** That less is better, as of a latency. @default false */
  lowerIsBetter?: boolean | undefined;
  /** Shares by the chance to be among the best two, which learns faster which one is best (Russo 2016). @default true */
  topTwo?: boolean | undefined;
  /** With fewer units in any arm all have the same share. @default 100 */
  minPerArm?: number | undefined;
}

/** How the traffic of a bandit is to be shared out. */
export interface BanditWeights {
  /** `insufficient` while an arm has too few units or no variance; shares are equal then. */
  readonly status: 'weighted' | 'insufficient';
  /** The share of each arm; they add up to 1. */
  readonly weights: readonly number[];
  /** How probable it is of each arm that it is the best; equal while the status is insufficient. */
  readonly chanceToBeBest: readonly number[];
}

/** What is known of an arm's mean: a normal law. */
interface Belief {
  readonly mean: number;
  readonly sd: number;
}

/**
 * Shares of traffic by Thompson sampling (1933): each arm gets as much as it is probably the best, given normal beliefs of the arms' means, N(mean, s² / n). The probabilities are integrals and not draws, so equal sums give equal shares on every machine.
 *
 * Costs O(arms²) evaluations of a normal law at some hundred places each.
 *
 * @throws ValidationError for fewer than two arms, sums that are none, and options out of range.
 *
 * @example
 * ```ts
 * import { banditWeights } from 'modelkeep/stats';
 *
 * const { weights, chanceToBeBest } = banditWeights([
 *   { kind: 'proportion', n: 1000, successes: 100 },
 *   { kind: 'proportion', n: 1000, successes: 130 },
 * ], { topTwo: false, floor: 0.05 });
 * console.log(weights.map((w) => w.toFixed(2)), chanceToBeBest[1]!.toFixed(2)); // ['0.07', '0.93'] 0.98
 * ```
 */
export function banditWeights(arms: readonly (ProportionArm | MeanArm)[], options: BanditWeightsOptions = {}): BanditWeights {
  const { floor = 0.01, lowerIsBetter = false, topTwo = true, minPerArm = 100 } = demandOptions(options);
  demandList('arms', arms);
  if (arms.length < 2) throw new ValidationError(`arms has ${arms.length} elements; a bandit has at least two.`, { path: 'arms' });
  arms.forEach((arm, i) => {
    demandArm(`arms[${i}]`, arm);
    demandOneOf(`arms[${i}].kind`, arm.kind, ['proportion', 'mean']);
  });
  demandNumber('floor', floor);
  if (!(floor >= 0 && floor <= 1 / arms.length)) throw new ValidationError(`floor is ${floor}; with ${arms.length} arms it is a share from 0 to 1 / ${arms.length}.`, { path: 'floor' });
  demandFlag('lowerIsBetter', lowerIsBetter);
  demandFlag('topTwo', topTwo);
  demandWhole('minPerArm', minPerArm, 2);
  const equal = arms.map(() => 1 / arms.length);
  const beliefs = arms.map((arm): Belief => {
    const { value, variance, n } = estimateArm(arm);
    return { mean: lowerIsBetter ? -value : value, sd: Math.sqrt(variance / n) };
  });
  if (arms.some(({ n }) => n < minPerArm) || !beliefs.every(({ sd }) => sd > 0)) return { status: 'insufficient', weights: equal, chanceToBeBest: equal };
  const { best, second } = ranks(beliefs);
  const shares = topTwo ? best.map((chance, i) => (chance + second[i]!) / 2) : best;
  return { status: 'weighted', weights: shares.map((share) => floor + (1 - arms.length * floor) * share), chanceToBeBest: best };
}

/** How probable it is of each arm that it is the best, and that it is the second best. */
function ranks(beliefs: readonly Belief[]): { best: number[]; second: number[] } {
  const best = beliefs.map(() => 0);
  const second = beliefs.map(() => 0);
  eachPlace(beliefs, (x, width) => {
    const below = beliefs.map(({ mean, sd }) => normal.cdf((x - mean) / sd));
    const above = beliefs.map(({ mean, sd }) => normal.sf((x - mean) / sd));
    beliefs.forEach(({ mean, sd }, i) => {
      const density = (width * normal.pdf((x - mean) / sd)) / sd;
      if (density === 0) return;
      let none = 1;
      let one = 0;
      below.forEach((chance, j) => {
        if (j === i) return;
        one = one * chance + none * above[j]!;
        none *= chance;
      });
      best[i] = best[i]! + density * none;
      second[i] = second[i]! + density * one;
    });
  });
  return { best: normalized(best), second: normalized(second) };
}

// Beyond so many standard deviations nothing is left of a normal law.
const reach = 9;
// Panels of half a standard deviation integrate a normal law to the last digits.
const panel = 0.5;

/** Visits places that integrate anything made of the beliefs' laws, each with its weight. */
function eachPlace(beliefs: readonly Belief[], visit: (x: number, weight: number) => void): void {
  const edges = new Set<number>();
  for (const { mean, sd } of beliefs) for (let k = -reach; k <= reach; k += panel) edges.add(mean + k * sd);
  const { places, weights } = gaussPanels(Float64Array.from(edges).sort());
  places.forEach((place, i) => visit(place, weights[i]!));
}

function normalized(chances: readonly number[]): number[] {
  const total = chances.reduce((sum, chance) => sum + chance, 0);
  return chances.map((chance) => chance / total);
}
