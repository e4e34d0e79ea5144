import { fisherF } from '../../stats/distributions/fisher-f.ts';
import { midranks } from '../../stats/effects/midranks.ts';

/** How far groups explain the ranks of values. */
export interface RankVariance {
  /** H of Kruskal & Wallis (1952), with its correction for ties. */
  readonly statistic: number;
  /** η² of the ranks: the share of their variance that lies between the groups, H / (n - 1). */
  readonly share: number;
  /** Of the hypothesis that groups do not matter, from F on the ranks (Conover & Iman 1981) under Fisher's law. */
  readonly pValue: number;
  /** Groups with a value. */
  readonly groups: number;
}

/**
 * The analysis of variance of ranks in groups. With two groups it is Spearman's coefficient with 0 and 1, and its test by Student's law. Groups that explain
 * nothing, equal values, and one value for each group, which would explain anything, give a share of 0 and p-value 1. No value may be NaN. Costs O(n log n).
 */
export function rankVariance(values: Float64Array, groups: readonly string[]): RankVariance {
  const n = values.length;
  const ranks = midranks(values);
  const mean = (n + 1) / 2;
  const sums = new Map<string, { sum: number; count: number }>();
  let whole = 0;
  for (let i = 0; i < n; i++) {
    const deviation = ranks[i]! - mean;
    whole += deviation * deviation;
    const group = sums.get(groups[i]!) ?? { sum: 0, count: 0 };
    sums.set(groups[i]!, { sum: group.sum + deviation, count: group.count + 1 });
  }
  let between = 0;
  for (const { sum, count } of sums.values()) between += (sum * sum) / count;
  const k = sums.size;
  if (k < 2 || n <= k || whole === 0) return { statistic: 0, share: 0, pValue: 1, groups: k };
  const share = Math.min(1, between / whole);
  const within = Math.max(0, whole - between);
  const ratio = within === 0 ? Infinity : between / (k - 1) / (within / (n - k));
  return { statistic: share * (n - 1), share, pValue: fisherF.sf(ratio, k - 1, n - k), groups: k };
}
