/**
 * Rows of a question with two answers, counted by what was predicted and by the bin of their score: first the bins of those predicted negative, then those of the predicted positive, `2 * bins` cells in all.
 */
export type CellCounts = Float64Array;

/** How calibrated rows are told apart: all together by their score, where that decides what is predicted, or those predicted negative and positive each by themselves. */
export type CalibrationScope = 'all' | 'by-prediction';

/**
 * The chance of the positive class in each cell, never falling with the score: isotonic regression on the cells' counts by pooling adjacent violators. A cell without rows has the chance of the next lower
 * one that has, or of the next higher where there is none; a prediction that no row has those of the other. `steady` adds so many rows, half of them of either class, to every pool.
 */
export function calibrateCells(counts: CellCounts, positives: CellCounts, steady: number, scope: CalibrationScope, into: Float64Array): void {
  const all = counts.length;
  if (scope === 'all') {
    calibrateSide(counts, positives, steady, into, 0, all);
    return;
  }
  const found = [calibrateSide(counts, positives, steady, into, 0, all / 2), calibrateSide(counts, positives, steady, into, all / 2, all)];
  if (!found[0]) into.copyWithin(0, all / 2);
  if (!found[1]) into.copyWithin(all / 2, 0, all / 2);
}

function calibrateSide(counts: CellCounts, positives: CellCounts, steady: number, into: Float64Array, from: number, to: number): boolean {
  // Pools lie on a stack: the first cell of each, its rows and its positives.
  const starts: number[] = [];
  const rows: number[] = [];
  const hits: number[] = [];
  for (let cell = from; cell < to; cell++) {
    if (counts[cell] === 0) continue;
    let start = cell;
    let [n, k] = [counts[cell]!, positives[cell]!];
    while (starts.length > 0 && hits.at(-1)! * n >= k * rows.at(-1)!) {
      start = starts.pop()!;
      n += rows.pop()!;
      k += hits.pop()!;
    }
    starts.push(start);
    rows.push(n);
    hits.push(k);
  }
  starts.forEach((start, pool) => into.fill((hits[pool]! + steady / 2) / (rows[pool]! + steady), pool === 0 ? from : start, to));
  return starts.length > 0;
}

/**
 * Calibrated chances as a law to draw from: straight lines between the middles of the pools, by the rows of the reference. Labels drawn from the steps themselves would be told apart by the next calibration more surely than real ones are,
 * for which reason a bootstrap of isotonic regression must draw from something smooth (Sen, Banerjee & Woodroofe 2010).
 */
export function smoothChances(chances: Float64Array, counts: CellCounts, scope: CalibrationScope): void {
  const half = counts.length / 2;
  if (scope === 'all') smoothSide(chances, counts);
  else for (const from of [0, half]) smoothSide(chances.subarray(from, from + half), counts.subarray(from, from + half));
}

function smoothSide(chances: Float64Array, counts: CellCounts): void {
  const middles: number[] = [];
  const values: number[] = [];
  const places = new Float64Array(chances.length);
  let reached = 0;
  for (let start = 0, end = 0; start < chances.length; start = end) {
    const from = reached;
    for (end = start; end < chances.length && chances[end] === chances[start]; end++) {
      places[end] = reached + counts[end]! / 2;
      reached += counts[end]!;
    }
    middles.push((from + reached) / 2);
    values.push(chances[start]!);
  }
  let right = 0;
  for (let cell = 0; cell < chances.length; cell++) {
    while (right < middles.length && middles[right]! < places[cell]!) right++;
    if (right === 0 || right === middles.length) continue;
    const share = (places[cell]! - middles[right - 1]!) / (middles[right]! - middles[right - 1]!);
    chances[cell] = values[right - 1]! * (1 - share) + values[right]! * share;
  }
}

/** What is estimated of a question with two answers. */
export const binaryMetrics = ['accuracy', 'precision', 'recall', 'specificity', 'f1', 'rocAuc'] as const;

/** One of them. */
export type BinaryMetric = (typeof binaryMetrics)[number];

/** The metrics, in the order of {@link binaryMetrics}, of cells with so many rows and, known or expected, positives; NaN where one is not defined. */
export function measureCells(counts: CellCounts, positivesOf: (cell: number) => number, into: Float64Array): void {
  const bins = counts.length / 2;
  let [tp, fp, fn, tn] = [0, 0, 0, 0];
  let area = 0;
  for (let bin = 0; bin < bins; bin++) {
    const ofNegative = positivesOf(bin);
    const ofPositive = positivesOf(bins + bin);
    const hits = ofNegative + ofPositive;
    area += hits * (tn + fp);
    fn += ofNegative;
    tn += counts[bin]! - ofNegative;
    tp += ofPositive;
    fp += counts[bins + bin]! - ofPositive;
    area += (hits * (counts[bin]! + counts[bins + bin]! - hits)) / 2;
  }
  into[0] = (tp + tn) / (tp + fp + fn + tn);
  into[1] = tp / (tp + fp);
  into[2] = tp / (tp + fn);
  into[3] = tn / (tn + fp);
  into[4] = tp / (tp + (fp + fn) / 2);
  into[5] = area / ((tp + fn) * (tn + fp));
}
