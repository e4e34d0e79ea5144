import type { ArmSummary, QuantileArm } from '../../stats/experiments/arm-summary.ts';
import type { AllocationColumn } from '../unit-table.ts';
import { meanArm, ratioArm } from './arm-of-sums.ts';
import type { MetricArm } from './metric-arms.ts';
import type { Grouping, UnitSums } from './unit-sums.ts';

/** The units of an arm by the weights that they came by. */
export interface ArmEpochs {
  readonly parts: readonly MetricArm[];
  /** How many units came by these weights in all arms together. */
  readonly totals: readonly number[];
}

/** Arms made alike, so that they can be compared though units came to them by weights that were changed. */
export interface AlikeArms {
  readonly arms: readonly ArmSummary[];
  /** How many units of the first epoch would tell as much as was seen: the clock of sequential intervals. */
  readonly seen?: number | undefined;
}

// An arm that has fewer units in an epoch says too little of it.
const fewest = 10;

/** The arms by a grouping, each with its units by the weights that they came by. */
export function armsByEpoch({ of, groups, family = groups }: Grouping, { weights, epoch }: AllocationColumn, armsBy: (grouping: Grouping) => readonly MetricArm[]): readonly MetricArm[] {
  const count = weights.length;
  const all = armsBy({ of: of.map((group, i) => (group < 0 ? -1 : group * count + epoch[i]!)), groups: groups * count });
  const partsOf = (group: number): readonly MetricArm[] => all.slice(group * count, (group + 1) * count);
  return Array.from({ length: groups }, (_, group): MetricArm => {
    const parts = partsOf(group);
    const first = group - (group % family);
    const totals = parts.map((_part, e) => Array.from({ length: family }, (_each, v) => all[(first + v) * count + e]!.units).reduce((sum, units) => sum + units, 0));
    const used = parts.flatMap(({ units }, e) => (units > 0 ? [e] : []));
    return { units: parts.reduce((sum, part) => sum + part.units, 0), summary: weighed(parts, totals, used), epochs: { parts, totals } };
  });
}

/**
 * Arms that can be compared. Where the weights of a test were changed, the units of an arm are not those of another: it has more of the times when it got a larger share, and where weights follow from what came of units, also more of those after it did well by
 * chance, so that its plain mean is biased (Nie, Tian, Taylor and Zou 2018). So arms are compared among units that came by the same weights, and these differences are weighed by how many units came by them in all arms (Bowden and Trippa 2017; Zhang, Janson and Murphy 2020):
 * those numbers follow from no outcome, and each difference is unbiased given all before. Times in which one of the arms has fewer than 10 units are left out of both.
 *
 * Each arm is given as the plain sums of as many units as would have that mean and that variance. Their clock for sequential intervals is the variance of the martingale that the differences add up to. A text says why they cannot be compared.
 */
export function alikeArms(given: readonly MetricArm[]): AlikeArms | string {
  const tooLarge = 'the numbers of an arm are so large that the sum of their squares is beyond 1.8e308; give them in a larger unit';
  const [first] = given;
  const totals = first?.epochs?.totals;
  if (totals === undefined) return given.every(({ summary }) => summary !== undefined) ? { arms: given.map(({ summary }) => summary!) } : tooLarge;
  const used = [...totals.keys()].filter((e) => given.every(({ epochs }) => isEnough(epochs!.parts[e]!)));
  if (used.length === 0) return `at no time that its weights were the same do all arms that are compared have ${fewest} units`;
  const arms = given.map(({ epochs }) => weighed(epochs!.parts, totals, used));
  return arms.every((arm) => arm !== undefined) ? { arms, seen: seenBy(given, totals, used) } : tooLarge;
}

function isEnough({ units, summary }: MetricArm): boolean {
  if (units < fewest) return false;
  return summary?.kind !== 'quantile' || (summary.low < summary.high && summary.n > neededBy(summary));
}

// With fewer values no order statistic bounds the quantile, by the widths of a normal law at 95 %.
const deviations = 1.959_963_984_540_054;

function neededBy({ probability }: QuantileArm): number {
  return deviations ** 2 * Math.max(probability / (1 - probability), (1 - probability) / probability);
}

/** The variance of the differences, each times how many units it stands for, on the scale on which the first epoch has as many units as it has. */
function seenBy(given: readonly MetricArm[], totals: readonly number[], used: readonly number[]): number {
  const unitsIn = (e: number): readonly number[] => given.map(({ epochs }) => epochs!.parts[e]!.units);
  const varianceOf = (e: number): number => totals[e]! ** 2 * unitsIn(e).reduce((sum, units) => sum + 1 / units, 0);
  const [begin] = used;
  const all = used.reduce((sum, e) => sum + varianceOf(e), 0);
  return (unitsIn(begin!).reduce((sum, units) => sum + units, 0) * all) / varianceOf(begin!);
}

/** An arm with each of its parts weighed by how many units it stands for; `undefined` where a part is beyond what numbers can be. */
function weighed(parts: readonly MetricArm[], totals: readonly number[], used: readonly number[]): ArmSummary | undefined {
  const all = used.reduce((sum, e) => sum + totals[e]!, 0);
  const kept = used.map((e) => ({ ...parts[e]!, share: totals[e]! / all }));
  const [first] = kept;
  if (first === undefined) return parts[0]?.summary;
  if (kept.some(({ summary }) => summary === undefined)) return undefined;
  if (first.summary!.kind === 'quantile') return weighedQuantile(kept.map(({ summary, share }) => ({ arm: summary as QuantileArm, share })));
  const sums = weighedSums(kept.map((part) => ({ sums: part.sums!, share: part.share })));
  return first.summary!.kind === 'ratio' ? ratioArm(sums) : meanArm(sums);
}

/** The sums of so many units as have the mean of the parts, each by its share, with its variance, by the variance within parts. */
function weighedSums(parts: readonly { readonly sums: UnitSums; readonly share: number }[]): UnitSums {
  const width = parts[0]!.sums.sums.length;
  const columns = Array.from({ length: width }, (_, i) => i);
  const spread = parts.reduce((sum, { share, sums: { n } }) => sum + (share * share) / n, 0);
  // What rounding takes from a whole number is given back.
  const n = Math.max(1, Math.floor((1 + 1e-9) / spread));
  const freedom = parts.reduce((sum, { sums }) => sum + sums.n - 1, 0);
  const means = columns.map((i) => parts.reduce((sum, { share, sums }) => sum + (share * sums.sums[i]!) / sums.n, 0));
  const products = columns.map((i) =>
    columns.map((j) => {
      if (j < i) return 0;
      const within = parts.reduce((sum, { sums }) => sum + sums.products[i]![j]! - (sums.sums[i]! * sums.sums[j]!) / sums.n, 0);
      // Rounding may leave less than nothing of a variance.
      const covariance = freedom > 0 ? (i === j ? Math.max(0, within) : within) / freedom : 0;
      return (n - 1) * covariance + n * means[i]! * means[j]!;
    }),
  );
  return { n, sums: means.map((mean) => n * mean), products };
}

/** The mean of quantiles, each by its share, with an interval as wide as their errors together. */
function weighedQuantile(parts: readonly { readonly arm: QuantileArm; readonly share: number }[]): QuantileArm {
  const sum = (of: (arm: QuantileArm) => number): number => parts.reduce((total, { arm, share }) => total + share * of(arm), 0);
  const error = (of: (arm: QuantileArm) => number): number => Math.sqrt(parts.reduce((total, { arm, share }) => total + (share * of(arm)) ** 2, 0));
  const value = sum((arm) => arm.value);
  const n = parts.reduce((total, { arm }) => total + arm.n, 0);
  return { kind: 'quantile', n, probability: parts[0]!.arm.probability, value, low: value - error((arm) => arm.value - arm.low), high: value + error((arm) => arm.high - arm.value) };
}
