import { upperGamma } from '../special/incomplete-gamma.ts';
import { hypergeometricLaw } from '../tests/hypergeometric-law.ts';
import { exactPValue } from '../tests/unimodal-law.ts';

// So far out nothing that is decided depends on how far.
const beyondDoubt = 1e-30;
// From this variance of a cell on, its part is the square of a normal variable.
const wideCell = 400;
const negligible = 1e-17;

/**
 * How likely a table of two rows of counts, or one as far from even, is given its margins when both rows are of one distribution: true also at levels of 1e-5, where the chi-squared law of Pearson's statistic calls ten times too many
 * tables so unlikely when cells hold few counts or the rows differ much in size. Two filled columns are judged by Fisher's (1935) exact test; more by the likelihood ratio G² = 2 Σ O ln(O / E), under the gamma law (Pearson's type III)
 * of its mean, variance and skewness. The mean is exact; the others are those of independent binomial cells given the sum of their counts, to second order and rather too large.
 */
export function tailOfCounts([reference, current]: readonly [readonly number[], readonly number[]]): number {
  const cells = reference.map((count, i) => ({ all: count + current[i]!, here: current[i]! })).filter(({ all }) => all > 0);
  const here = cells.reduce((sum, cell) => sum + cell.here, 0);
  const all = cells.reduce((sum, cell) => sum + cell.all, 0);
  if (cells.length < 2 || here === 0 || here === all) return 1;
  if (cells.length === 2) return exactPValue(hypergeometricLaw(here, cells[0]!.all, all), cells[0]!.here, 'two-sided');
  const statistic = cells.reduce((sum, cell) => sum + deviance(cell.here, cell.all, (cell.all * here) / all), 0);
  const rough = upperGamma((cells.length - 1) / 2, statistic / 2);
  return rough < beyondDoubt ? rough : gammaTail(statistic, momentsOf(cells, here, all));
}

/** What a cell adds to G² when `here` of its `all` counts are in the row where `expected` are. */
function deviance(here: number, all: number, expected: number): number {
  const there = all - here;
  return 2 * ((here === 0 ? 0 : here * Math.log(here / expected)) + (there === 0 ? 0 : there * Math.log(there / (all - expected))));
}

/** P(G² ≥ statistic) under Pearson's type III law; its skewness is at least that of the gamma law which begins at 0. */
function gammaTail(statistic: number, { mean, variance, third }: { mean: number; variance: number; third: number }): number {
  if (!(variance > 1e-9 * mean)) return 1;
  const deviation = Math.sqrt(variance);
  const skewness = Math.max(third / (variance * deviation), (2 * deviation) / mean);
  const shape = 4 / skewness ** 2;
  return upperGamma(shape, Math.max(0, shape + (2 * (statistic - mean)) / (deviation * skewness)));
}

/** Sums over independent cells of moments of x, a cell's part of G², and of y, its count, both about their means. */
interface CellSums {
  mean: number;
  xx: number;
  xy: number;
  yy: number;
  xxx: number;
  xxy: number;
  xyy: number;
  yyy: number;
}

/** Mean, variance and third central moment of G² given the margins. */
function momentsOf(cells: readonly { readonly all: number }[], here: number, total: number): { mean: number; variance: number; third: number } {
  const sums: CellSums = { mean: 0, xx: 0, xy: 0, yy: 0, xxx: 0, xxy: 0, xyy: 0, yyy: 0 };
  for (const { all } of cells) addCell(sums, all, here, total);
  // Given the sum of the counts, of x remains what neither a line nor a parabola in y accounts for.
  const slope = sums.xy / sums.yy;
  const bend = sums.xyy / sums.yy;
  const straight = sums.xx - slope * sums.xy;
  // The third moment keeps what goes with the parabola: where cells are nearly empty, less would be too little.
  const third = sums.xxx - 3 * slope * sums.xxy + 3 * slope ** 2 * sums.xyy - slope ** 3 * sums.yyy;
  return { mean: sums.mean, variance: Math.max(straight - bend ** 2 / 2, straight / 2), third };
}

function addCell(sums: CellSums, all: number, here: number, total: number): void {
  const share = here / total;
  const expected = all * share;
  const spread = expected * (1 - share);
  if (spread >= wideCell) {
    addWideCell(sums, spread, share, (total - all) / (total - 1));
    return;
  }
  const { counts, parts, free, bound } = countsOf(all, here, total);
  let [weight, middle, boundWeight, mean] = [0, 0, 0, 0];
  for (let i = 0; i < counts.length; i++) {
    weight += free[i]!;
    middle += free[i]! * parts[i]!;
    boundWeight += bound[i]!;
    mean += bound[i]! * parts[i]!;
  }
  middle /= weight;
  sums.mean += mean / boundWeight;
  for (let i = 0; i < counts.length; i++) {
    const x = parts[i]! - middle;
    const y = counts[i]! - expected;
    const p = free[i]! / weight;
    sums.xx += p * x * x;
    sums.xy += p * x * y;
    sums.yy += p * y * y;
    sums.xxx += p * x * x * x;
    sums.xxy += p * x * x * y;
    sums.xyy += p * x * y * y;
    sums.yyy += p * y * y * y;
  }
}

function addWideCell(sums: CellSums, spread: number, share: number, mean: number): void {
  sums.mean += mean;
  sums.xx += 2;
  sums.yy += spread;
  sums.xxx += 8;
  sums.xyy += 2 * spread;
  sums.yyy += spread * (1 - 2 * share);
}

/** The counts that a cell has with any probability to speak of. */
interface CellCounts {
  readonly counts: number[];
  /** What each adds to G². */
  readonly parts: number[];
  /** Their weights when cells are independent (binomial). */
  readonly free: number[];
  /** Their weights given the sum over all cells (hypergeometric). */
  readonly bound: number[];
}

/** By the ratios of neighbouring weights, from the expected count outwards. */
function countsOf(all: number, here: number, total: number): CellCounts {
  const share = here / total;
  const expected = all * share;
  const odds = share / (1 - share);
  const first = Math.floor(expected);
  const counted: CellCounts = { counts: [], parts: [], free: [], bound: [] };
  const add = (count: number, free: number, bound: number): void => {
    counted.counts.push(count);
    counted.parts.push(deviance(count, all, expected));
    counted.free.push(free);
    counted.bound.push(bound);
  };
  add(first, 1, 1);
  for (let count = first, free = 1, bound = 1; count < all && free > negligible; count++) {
    free *= ((all - count) / (count + 1)) * odds;
    bound *= ((all - count) * (here - count)) / ((count + 1) * (total - all - here + count + 1));
    add(count + 1, free, bound);
  }
  for (let count = first, free = 1, bound = 1; count > 0 && free > negligible; count--) {
    free *= count / ((all - count + 1) * odds);
    bound *= (count * (total - all - here + count)) / ((all - count + 1) * (here - count + 1));
    add(count - 1, free, bound);
  }
  return counted;
}
