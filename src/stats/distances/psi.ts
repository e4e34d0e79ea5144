import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { demandList } from '../arguments.ts';
import { binomialPmf } from '../special/saddle-point.ts';

/** How {@link psi} keeps the logarithm of an empty bin finite. */
export type ZeroRule =
  | {
      /** Counts that are added to every bin of both sides, finite and not negative. */
      readonly add: number;
    }
  | {
      /** The share that every bin is raised to at least, 0 to 1. */
      readonly floor: number;
    };

/** What {@link psi} found. */
export interface PsiResult {
  /** The index: 0 when the shares are equal. */
  readonly value: number;
  /** Lower end of an approximate 95 % interval for the index of the two populations, after what chance alone is expected to give was taken off. */
  readonly low: number;
  /** Upper end of that interval. */
  readonly high: number;
  /** What the index is expected to be by chance when both sides are draws from one population. */
  readonly expectedByChance: number;
  /** What each bin adds to `value`; their sum. */
  readonly contributions: Float64Array;
  /** Bins that either side has a count in. */
  readonly bins: number;
}

/**
 * The population stability index Σ (c - r) ln(c / r) over the shares r and c of a reference and a current sample in common bins (the symmetrised
 * Kullback–Leibler divergence, natural logarithm). Bins that are empty on both sides are left out.
 *
 * Its value depends on how empty bins are treated, which differs between systems: `{ add: 0.5 }` (the default) adds half a count to every bin of both sides, so
 * that a bin that is empty by chance counts for little in a small sample and for much in a large one; `{ floor: 0.0001 }` raises every share to at least that.
 *
 * By chance alone it is about (bins - 1)(1/n + 1/m); `expectedByChance` is that, taken exactly where a bin is nearly empty, and the interval stands on it and
 * on the multinomial variance of both sides (delta method). It holds for the default zero rule.
 *
 * An empty side or fewer than two bins give 0 with the interval [0, 0]. A rule that fills nothing (0) gives Infinity where one side of a bin is empty, and what
 * chance gives and the interval are NaN then. O(bins).
 *
 * @throws {ValidationError} for different lengths, counts that are negative or not finite, and a zero rule that is none.
 *
 * @example
 * ```ts
 * import { psi } from 'modelkeep/stats';
 *
 * const { value, low, high, expectedByChance } = psi([500, 300, 200], [400, 350, 250]);
 * console.log(value, low, high, expectedByChance); // 0.0411, 0.0009, 0.0732, 0.0040
 * ```
 */
export function psi(reference: ArrayLike<number>, current: ArrayLike<number>, zeros: ZeroRule = { add: 0.5 }): PsiResult {
  demandZeroRule(zeros);
  return psiOfClusters(reference, current, zeros, 1);
}

/** {@link psi} of rows that are not independent: a design effect is how many times their shares vary as much as those of independent rows (Kish 1965), in chance and interval. */
export function psiOfClusters(reference: ArrayLike<number>, current: ArrayLike<number>, zeros: ZeroRule, designEffect: number): PsiResult {
  const { n, m, bins } = totals(reference, current);
  const contributions = new Float64Array(reference.length);
  if (n === 0 || m === 0 || bins < 2) return { value: 0, low: 0, high: 0, expectedByChance: 0, contributions, bins };
  const share = (count: number, total: number): number => ('add' in zeros ? (count + zeros.add) / (total + zeros.add * bins) : Math.max(count / total, zeros.floor));
  let value = 0;
  let chance = 0;
  let chanceVariance = 0;
  const slopes = new Slopes();
  for (let i = 0; i < reference.length; i++) {
    if (reference[i] === 0 && current[i] === 0) continue;
    const r = share(reference[i]!, n);
    const c = share(current[i]!, m);
    contributions[i] = (c - r) * Math.log(c / r);
    value += contributions[i]!;
    slopes.add(r, c);
    const [mean, variance] = chanceOf(reference[i]! + current[i]!, n, m, share);
    chance += mean * designEffect;
    chanceVariance += variance * designEffect ** 2;
  }
  const spread = 1.96 * Math.sqrt(slopes.variance(n, m) * designEffect + chanceVariance);
  return { value, low: Math.max(0, value - chance - spread), high: Math.max(0, value - chance + spread), expectedByChance: chance, contributions, bins };
}

function demandZeroRule(zeros: unknown): void {
  const rule = (typeof zeros === 'object' && zeros !== null ? zeros : {}) as { readonly add?: unknown; readonly floor?: unknown };
  const amount = 'add' in rule ? rule.add : rule.floor;
  if (typeof amount === 'number' && amount >= 0 && amount <= ('add' in rule ? Number.MAX_VALUE : 1)) return;
  throw new ValidationError(`zeros is ${shown(zeros, 60)}; it must be { add } with a finite count of at least 0, or { floor } with a share from 0 to 1.`, { path: 'zeros' });
}

function totals(reference: ArrayLike<number>, current: ArrayLike<number>): { n: number; m: number; bins: number } {
  demandList('reference', reference);
  demandList('current', current);
  if (reference.length !== current.length) {
    throw new ValidationError(`The reference has ${reference.length} bins and the current counts ${current.length}; count both in the same bins.`, { path: 'current' });
  }
  let n = 0;
  let m = 0;
  let bins = 0;
  for (let i = 0; i < reference.length; i++) {
    const r = reference[i]!;
    const c = current[i]!;
    if (!(isCount(r) && isCount(c))) {
      throw new ValidationError(`Bin ${i} counts ${shown(r, 60)} and ${shown(c, 60)}; a count is finite and not negative.`, { path: `[${i}]` });
    }
    n += r;
    m += c;
    if (r > 0 || c > 0) bins++;
  }
  return { n, m, bins };
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value < Infinity;
}

/** The multinomial variance of the index to first order, from its derivatives by each share. */
class Slopes {
  #r = 0;
  #rr = 0;
  #c = 0;
  #cc = 0;

  add(r: number, c: number): void {
    const byR = Math.log(r / c) + 1 - c / r;
    const byC = Math.log(c / r) + 1 - r / c;
    this.#r += r * byR;
    this.#rr += r * byR * byR;
    this.#c += c * byC;
    this.#cc += c * byC * byC;
  }

  variance(n: number, m: number): number {
    return Math.max(0, this.#rr - this.#r ** 2) / n + Math.max(0, this.#cc - this.#c ** 2) / m;
  }
}

/** Mean and variance of what a bin with `total` counts adds when they fall on the two sides by chance. */
function chanceOf(total: number, n: number, m: number, share: (count: number, total: number) => number): [mean: number, variance: number] {
  const p = m / (n + m);
  // Rows that are in this bin are not in the others, which draws its counts together.
  const free = 1 - total / (n + m);
  if (total * Math.min(p, 1 - p) >= 20) {
    const mean = free * (1 / n + 1 / m);
    return [mean, 2 * mean * mean];
  }
  const centre = total * p;
  const reach = 12 * Math.sqrt(centre * (1 - p)) + 12;
  let mean = 0;
  let square = 0;
  for (let k = Math.max(0, Math.floor(centre - reach)); k <= Math.min(total, centre + reach); k++) {
    const r = share(total - k, n);
    const c = share(k, m);
    const added = (c - r) * Math.log(c / r);
    const weight = binomialPmf(k, total, p, 1 - p);
    mean += weight * added;
    square += weight * added * added;
  }
  return [mean * free, Math.max(0, square - mean * mean) * free * free];
}
