import { demandLevel, demandOptions } from '../arguments.ts';
import { normal } from '../distributions/normal.ts';
import type { Label } from './label.ts';
import { sortScores } from './scored-labels.ts';

/** Which class {@link rocAuc} is about, and how sure its interval is. */
export interface RocAucOptions {
  /** The class that high scores speak for. @default 1 or true */
  positive?: Label | undefined;
  /** How probable it is that the interval covers the true value. @default 0.95 */
  confidence?: number | undefined;
}

/** What {@link rocAuc} found. */
export interface RocAuc {
  /** The area, 0 to 1; 0.5 for scores that know nothing. NaN with one class only. */
  readonly value: number;
  /** DeLong's estimate of the area's variance; NaN with fewer than two rows of a class. */
  readonly variance: number;
  /** The lower end of the interval, 0 to 1. */
  readonly low: number;
  /** The upper end of the interval, 0 to 1. */
  readonly high: number;
  /** Rows of the positive class that took part. */
  readonly positives: number;
  /** Rows of other classes that took part. */
  readonly negatives: number;
  /** Rows that were left out because of a missing label or a NaN score. */
  readonly dropped: number;
}

/**
 * The area under the ROC curve: the probability that a positive row scores higher than a negative one, ties counted half; with DeLong's variance (DeLong,
 * DeLong & Clarke-Pearson 1988, computed from ranks as Sun & Xu 2014 do) and an interval.
 *
 * The interval is symmetric on the logit scale, logit(A) ± z·√variance / (A·(1 - A)), which stays inside 0 to 1 and covers better than A ± z·√variance for
 * areas near 1. Where all positives score above all negatives (or below) the variance is 0 and says nothing; the interval is then the exact one-sided bound of
 * k independent pairs, from (α/2)^(1/k) to 1 with k the smaller class, since a true area of A separates k such pairs with probability A^k.
 *
 * Only the order of scores matters: ±Infinity are the extremes. Rows with a missing label or a NaN score are left out and counted; with one class only
 * everything is NaN, and with a single row of a class variance and interval (short of perfect separation) are. O(n log n).
 *
 * Throws `ValidationError` when the lists differ in length, `confidence` is no level, or the labels are not 0/1, -1/1 or booleans and `positive` does not say
 * what is meant.
 *
 * @example
 * ```ts
 * import { rocAuc } from 'modelkeep/stats';
 *
 * const { value, low, high } = rocAuc([0, 0, 1, 1, 0, 1], [0.1, 0.4, 0.35, 0.8, 0.2, 0.9]);
 * console.log(value); // 0.8888888888888888
 * console.log(low < value && value < high); // true
 * ```
 */
export function rocAuc(labels: ArrayLike<Label>, scores: ArrayLike<number>, options: RocAucOptions = {}): RocAuc {
  const { positive, confidence = 0.95 } = demandOptions(options);
  demandLevel('confidence', confidence);
  const { positives, negatives, dropped } = sortScores(labels, scores, positive);
  const m = positives.length;
  const n = negatives.length;
  const counts = { positives: m, negatives: n, dropped };
  if (m === 0 || n === 0) return { value: NaN, variance: NaN, low: NaN, high: NaN, ...counts };
  let halves = 0;
  eachTie(positives, negatives, (_, tiedPositives, below, tiedNegatives) => {
    halves += tiedPositives * (2 * below + tiedNegatives);
  });
  const value = halves / (2 * m * n);
  let ofPositives = 0;
  let ofNegatives = 0;
  eachTie(positives, negatives, (above, tiedPositives, below, tiedNegatives) => {
    ofPositives += tiedPositives * ((below + tiedNegatives / 2) / n - value) ** 2;
    ofNegatives += tiedNegatives * ((above + tiedPositives / 2) / m - value) ** 2;
  });
  const variance = ofPositives / (m - 1) / m + ofNegatives / (n - 1) / n;
  return { value, variance, ...aucInterval(value, variance, Math.min(m, n), 1 - confidence), ...counts };
}

/** Walks both classes upwards, tie by tie: how many positives lie above it and are of it, how many negatives lie below it and are of it. */
function eachTie(
  positives: Float64Array,
  negatives: Float64Array,
  visit: (above: number, tiedPositives: number, below: number, tiedNegatives: number) => void,
): void {
  const m = positives.length;
  const n = negatives.length;
  let i = 0;
  let j = 0;
  while (i < m || j < n) {
    const score = j === n || (i < m && positives[i]! < negatives[j]!) ? positives[i]! : negatives[j]!;
    const firstPositive = i;
    const firstNegative = j;
    while (i < m && positives[i] === score) i++;
    while (j < n && negatives[j] === score) j++;
    visit(m - i, i - firstPositive, firstNegative, j - firstNegative);
  }
}

/** The interval of an area with that variance: symmetric on the logit scale, exact where all of `pairs` pairs are separated. */
export function aucInterval(value: number, variance: number, pairs: number, alpha: number): { low: number; high: number } {
  const separated = (alpha / 2) ** (1 / pairs);
  if (value === 1) return { low: separated, high: 1 };
  if (value === 0) return { low: 0, high: 1 - separated };
  const reach = (-normal.quantile(alpha / 2) * Math.sqrt(variance)) / (value * (1 - value));
  const odds = value / (1 - value);
  return { low: 1 / (1 + Math.exp(reach) / odds), high: 1 / (1 + Math.exp(-reach) / odds) };
}
