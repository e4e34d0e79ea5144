import { lgamma } from '../../stats/special/lgamma.ts';
import { hypergeometricLaw } from '../../stats/tests/hypergeometric-law.ts';
import { exactPValue } from '../../stats/tests/unimodal-law.ts';

/** So many rows of so many. */
export interface Part {
  readonly rows: number;
  readonly of: number;
}

/** Rows by category. */
export type CategoryRows = readonly (readonly [category: string, rows: number])[];

/** Whether a share has grown over that of the reference: Fisher's exact test, one-sided. Both must be of some rows. */
export function grownPValue(current: Part, reference: Part): number {
  return exactPValue(hypergeometricLaw(current.rows + reference.rows, current.of, current.of + reference.of), current.rows, 'greater');
}

/**
 * The chance that at least so many numbers are out of the range of `reference` others, all drawn alike. Ordered, the two stretches beyond the reference's ends are as any two between neighbours of it: at least `rows` are in both together when, of the
 * first `rows` + 1 numbers, at most one is the reference's. Exact where no two are equal, and otherwise at most that.
 */
export function outOfRangePValue({ rows, of }: Part, reference: number): number {
  if (rows === 0 || reference < 2) return 1;
  return exactPValue(hypergeometricLaw(reference, rows + 1, reference + of), 1, 'less');
}

/**
 * A bound of the chance that at least so many rows are of categories that the reference does not have, all drawn alike: where categories are rare some rows always are. Given the rows of each category on both sides together, every way to deal
 * them out is as likely; that all those of one come to the same side makes it less likely of another (Joag-Dev & Proschan 1983), so that Chernoff's bound holds as it does for what is independent.
 */
export function unseenPValue(current: CategoryRows, reference: CategoryRows): number {
  const together = new Map(reference);
  const unseen = rowsOf(current.filter(([category]) => !together.has(category)));
  if (unseen === 0) return 1;
  for (const [category, rows] of current) together.set(category, (together.get(category) ?? 0) + rows);
  const n = rowsOf(current);
  const sizes = new Map<number, number>();
  for (const rows of together.values()) if (rows <= n) sizes.set(rows, (sizes.get(rows) ?? 0) + 1);
  const groups = [...sizes].map(([size, categories]): Group => ({ size, categories, logShare: logAllOn(size, n, n + rowsOf(reference)) }));
  return Math.exp(Math.min(0, leastOf((s) => logMoment(groups, s) - s * unseen)));
}

/**
 * The same where the categories that the reference does not have were only counted, and that there are at least `unseen`: for a category of a single row it is likeliest that all of its rows are current.
 */
export function manyUnseenPValue(unseen: number, known: number, current: number, reference: number): number {
  if (unseen <= 0) return 1;
  const group = { size: 1, categories: unseen + known, logShare: Math.log(current / (current + reference)) };
  return Math.exp(Math.min(0, leastOf((s) => logMoment([group], s) - s * unseen)));
}

/** Categories that have the same number of rows. */
interface Group {
  readonly size: number;
  readonly categories: number;
  /** Logarithm of the chance that all rows of one come to the current side. */
  readonly logShare: number;
}

/** The logarithm of the mean of e to the `s` times the rows of categories all of which came to one side, as if they came independently of each other. */
function logMoment(groups: readonly Group[], s: number): number {
  return groups.reduce((sum, { size, categories, logShare }) => {
    const power = logShare + s * size;
    return sum + categories * (power > 40 ? power : Math.log1p(Math.exp(power) - Math.exp(logShare)));
  }, 0);
}

/** The logarithm of the chance that `size` rows of `total` are all among `n` drawn ones. */
function logAllOn(size: number, n: number, total: number): number {
  if (size > 64) return Math.min(0, lgamma(n + 1) - lgamma(n - size + 1) - lgamma(total + 1) + lgamma(total - size + 1));
  let sum = 0;
  for (let i = 0; i < size; i++) sum += Math.log((n - i) / (total - i));
  return sum;
}

const golden = (Math.sqrt(5) - 1) / 2;

/** About the least value of a convex function over 0 to 60. Any value serves as a bound. */
function leastOf(value: (s: number) => number): number {
  let [from, to] = [0, 60];
  let [left, right] = [to - golden * (to - from), from + golden * (to - from)];
  let [atLeft, atRight] = [value(left), value(right)];
  for (let i = 0; i < 40; i++) {
    if (atLeft <= atRight) {
      [to, right, atRight] = [right, left, atLeft];
      atLeft = value((left = to - golden * (to - from)));
    } else {
      [from, left, atLeft] = [left, right, atRight];
      atRight = value((right = from + golden * (to - from)));
    }
  }
  return Math.min(atLeft, atRight);
}

function rowsOf(categories: CategoryRows): number {
  return categories.reduce((sum, [, rows]) => sum + rows, 0);
}
