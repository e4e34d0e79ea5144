import { ValidationError } from '../../../core/errors.ts';
import { shown } from '../../../core/shown.ts';
import type { TableInput } from '../../../core/table.ts';
import { demandLevel, demandOptions, demandProbability, demandWhole } from '../../arguments.ts';
import { normal } from '../../distributions/normal.ts';
import { midranks } from '../../effects/midranks.ts';
import { aucInterval, rocAuc } from '../../metrics/roc-auc.ts';
import type { DriftStatus } from '../../profiles/data-drift.ts';
import { sideTable } from '../../profiles/side-table.ts';
import { SeededGenerator } from '../../seeded-generator.ts';
import { chooseColumns } from '../choose-columns.ts';
import { allRows, drawRows } from '../rows.ts';
import { fitTrees, type TreeSettings } from './boosted-trees.ts';
import { poolFeatures, type LeftOutReason, type PooledFeature } from './pooled-features.ts';

/** How {@link domainClassifier} learns and judges. */
export interface DomainClassifierOptions {
  /** The columns to learn from; leave out what always moves on, such as row numbers. @default all columns of both sides */
  columns?: readonly string[] | undefined;
  /** Chance of a false alarm when nothing has changed. @default 0.05 */
  alpha?: number | undefined;
  /** The area under the ROC curve that must surely be exceeded for a change to matter, 0.5 to 1: the lower end of its interval is compared. @default 0.55 */
  minAuc?: number | undefined;
  /** With fewer rows than this on either side nothing is judged, at least 20. @default 50 */
  minRows?: number | undefined;
  /** Rows of each side that are learnt from at most, at least 20; of more rows a random sample is taken. @default 5000 */
  maxRows?: number | undefined;
  /** Parts that the rows are cut into; each is judged by what was learnt from others. 2 to 20. @default 5 */
  folds?: number | undefined;
  /** Trees of each classifier, 1 to 1,000. @default 50 */
  rounds?: number | undefined;
  /** Questions that each tree asks one after the other, 1 to 6: with 1 no interplay of columns is seen. @default 3 */
  depth?: number | undefined;
  /** The seed of the sample and of the folds, a whole number below 2^32. @default 1 */
  seed?: number | undefined;
}

/** How much one column helped to tell the sides apart. */
export interface DomainColumn {
  /** The column. */
  readonly name: string;
  /** Its share of all that the columns' questions gained, 0 to 1; 0 where nothing was gained. */
  readonly importance: number;
}

/** What {@link domainClassifier} found. */
export interface DomainDrift {
  /** `drifted` when the difference is both significant and large, `insufficient` when there was too little to learn from. */
  readonly status: DriftStatus;
  /** The verdict in words. */
  readonly summary: string;
  /** The area under the ROC curve for rows that were not learnt from, mean over the folds: the chance that a current row looks more current than one of the reference; 0.5 by chance. `null` when nothing was learnt. */
  readonly auc: number | null;
  /** The lower end of its 95 % interval. */
  readonly low: number | null;
  /** The upper end of that interval. */
  readonly high: number | null;
  /** How probable a classifier at least as good is when nothing has changed; 1 when nothing was learnt. */
  readonly pValue: number;
  /** What helped most comes first; what `compareData` says of it tells how it changed. */
  readonly columns: readonly DomainColumn[];
  /** Columns that had no part, and why. */
  readonly leftOut: readonly (readonly [column: string, reason: LeftOutReason])[];
  /** Rows of the reference that were learnt from. */
  readonly referenceRows: number;
  /** Current rows that were learnt from. */
  readonly currentRows: number;
  /** Rows that each side had, of which at most `maxRows` were taken. */
  readonly available: readonly [reference: number, current: number];
}

interface Settings extends TreeSettings {
  readonly alpha: number;
  readonly minAuc: number;
  readonly minRows: number;
  readonly maxRows: number;
  readonly folds: number;
  readonly seed: number;
}

/**
 * Asks whether a classifier can tell current rows from those of a reference, by all columns at once: what no column shows by itself, such as two that no longer go together, is seen too (the classifier two-sample test,
 * Lopez-Paz & Oquab 2017).
 *
 * The classifier is gradient-boosted trees on binned columns: numbers, truth values, categories (the 60 most frequent of both sides), texts (their length, and which of the 100
 * most frequent words of both sides they have), and vectors such as embeddings, component by component. What is missing is a value of its own.
 * Points in time have no part, since they always move on; neither should row numbers, which `columns` can leave out.
 *
 * `auc` is cross-validated. Its interval is that of DeLong's variance within the folds: for these classifiers, not for those that other rows would have given. The p-value does not come from it, since the folds share their rows and so
 * depend on each other: it holds each fold against a classifier of the folds *before* it only. Its standardised rank sums are then uncorrelated, each with mean 0 and variance 1 when nothing has changed (martingale differences), and
 * their weighted sum is held against the normal law. Drift is a p-value of at most `alpha` and an `auc` surely above `minAuc`.
 *
 * Rows must be independent. Takes about rows × features × depth × rounds × folds steps. Odd contents never throw; throws `ValidationError` for options out of range, a name in `columns` that neither side has, and
 * columns of different lengths, and vectors as typed arrays that are not all finite and of one length.
 *
 * @example
 * ```ts
 * import { domainClassifier } from 'modelkeep/stats';
 *
 * const wave = (i: number) => Math.sin(i * 12.9898) * 43758.5453 % 1;
 * const before = Array.from({ length: 600 }, (_, i) => ({ x: wave(i), y: wave(i) }));  // y follows x
 * const after = Array.from({ length: 600 }, (_, i) => ({ x: wave(i), y: wave(i + 7) })); // and no longer does
 * const { status, auc, summary } = domainClassifier(before, after);
 * console.log(status, auc, summary); // 'drifted', though each column by itself is as it was
 * ```
 */
export function domainClassifier(reference: TableInput, current: TableInput, options: DomainClassifierOptions = {}): DomainDrift {
  const settings = checkSettings(options);
  const tables = [sideTable(reference, 'reference'), sideTable(current, 'current')] as const;
  const columns = chooseColumns(options.columns, new Set(tables.flatMap((table) => Object.keys(table.columns))), 'and neither side has such a column');
  const generator = new SeededGenerator(settings.seed);
  const taken = tables.map(({ rowCount }) => drawRows(allRows(rowCount), settings.maxRows, generator)) as [Uint32Array, Uint32Array];
  const { features, leftOut } = poolFeatures(tables, taken, columns);
  const [n, m] = [taken[0].length, taken[1].length];
  const about = { leftOut: [...leftOut], referenceRows: n, currentRows: m, available: [tables[0].rowCount, tables[1].rowCount] as const };
  const short = tooLittle(n, m, features, settings.minRows);
  if (short !== undefined) return { status: 'insufficient', summary: short, auc: null, low: null, high: null, pValue: 1, columns: [], ...about };
  const folds = cutIntoFolds(n, m, settings.folds, generator);
  const labels = Uint8Array.from({ length: n + m }, (_, i) => (i < n ? 0 : 1));
  const crossed = crossValidate(features, labels, folds, settings);
  const interval = aucInterval(crossed.auc, crossed.variance, Math.min(n, m), 0.05);
  const pValue = normal.sf(onwardSum(features, labels, folds, settings));
  const status = pValue <= settings.alpha && interval.low >= settings.minAuc ? 'drifted' : 'stable';
  const helped = importances(features, crossed.gains);
  return { status, summary: explain(crossed.auc, interval, pValue, status, helped, settings), auc: crossed.auc, ...interval, pValue, columns: helped, ...about };
}

function checkSettings(options: DomainClassifierOptions): Settings {
  const { alpha = 0.05, minAuc = 0.55, minRows = 50, maxRows = 5000, folds = 5, rounds = 50, depth = 3, seed = 1 } = demandOptions(options);
  demandLevel('alpha', alpha);
  demandProbability('minAuc', minAuc);
  demandWhole('minRows', minRows, 20);
  demandWhole('maxRows', maxRows, 20, 1_000_000);
  demandWhole('folds', folds, 2, 20);
  demandWhole('rounds', rounds, 1, 1000);
  demandWhole('depth', depth, 1, 6);
  if (minAuc < 0.5) throw new ValidationError(`minAuc is ${shown(minAuc)}; it must be at least 0.5, which is what chance gives.`, { path: 'minAuc' });
  return { alpha, minAuc, minRows: Math.max(minRows, folds), maxRows, folds, rounds, depth, seed };
}

function tooLittle(n: number, m: number, features: readonly PooledFeature[], minRows: number): string | undefined {
  if (n < minRows) return `the reference has ${n} ${n === 1 ? 'row' : 'rows'}, at least ${minRows} are needed`;
  if (m < minRows) return `${m === 1 ? 'there is 1 current row' : `there are ${m} current rows`}, at least ${minRows} are needed`;
  return features.length === 0 ? 'there is no column that both sides have and that can be compared' : undefined;
}

/** Rows by chance in parts that each have as many of either side, as near as can be. */
function cutIntoFolds(n: number, m: number, count: number, generator: SeededGenerator): Uint32Array[] {
  const parts = Array.from({ length: count }, (): number[] => []);
  for (const [from, size] of [[0, n] as const, [n, m] as const]) {
    const rows = Uint32Array.from({ length: size }, (_, i) => from + i);
    for (let i = size - 1; i > 0; i--) {
      const other = generator.below(i + 1);
      [rows[i], rows[other]] = [rows[other]!, rows[i]!];
    }
    rows.forEach((row, i) => parts[i % count]!.push(row));
  }
  return parts.map((rows) => Uint32Array.from(rows));
}

function joined(folds: readonly Uint32Array[]): Uint32Array {
  return Uint32Array.from(folds.flatMap((fold) => [...fold]));
}

/** Each fold by what was learnt from all the others. */
function crossValidate(features: readonly PooledFeature[], labels: Uint8Array, folds: readonly Uint32Array[], settings: TreeSettings): { auc: number; variance: number; gains: Float64Array } {
  const gains = new Float64Array(features.length);
  let auc = 0;
  let variance = 0;
  folds.forEach((fold, i) => {
    const fitted = fitTrees(features, labels, joined(folds.filter((_, k) => k !== i)), settings);
    fitted.gains.forEach((gain, feature) => (gains[feature]! += gain));
    const found = rocAuc(Array.from(fold, (row) => labels[row]!), Float64Array.from(fold, fitted.score), { positive: 1 });
    auc += found.value / folds.length;
    variance += found.variance / folds.length ** 2;
  });
  return { auc, variance, gains };
}

/** Each fold but the first by what was learnt from those before it; folds weigh more the more was learnt before them. Normal with mean 0 and variance 1, or closer to 0, when nothing has changed. */
function onwardSum(features: readonly PooledFeature[], labels: Uint8Array, folds: readonly Uint32Array[], settings: TreeSettings): number {
  let sum = 0;
  let weights = 0;
  for (let i = 1; i < folds.length; i++) {
    const fold = folds[i]!;
    const { score } = fitTrees(features, labels, joined(folds.slice(0, i)), settings);
    sum += Math.sqrt(i) * standardisedRankSum(Float64Array.from(fold, score), Uint8Array.from(fold, (row) => labels[row]!));
    weights += i;
  }
  return sum / Math.sqrt(weights);
}

/** The rank sum of the rows with label 1 less its mean, in its standard deviations over all assignments of the labels; 0 when all scores are equal. */
function standardisedRankSum(scores: Float64Array, labels: Uint8Array): number {
  const ranks = midranks(scores);
  const mean = (ranks.length + 1) / 2;
  let squares = 0;
  let sum = 0;
  let positives = 0;
  ranks.forEach((rank, i) => {
    squares += (rank - mean) ** 2;
    if (labels[i] === 1) {
      sum += rank - mean;
      positives++;
    }
  });
  const variance = (positives * (ranks.length - positives) * squares) / (ranks.length * (ranks.length - 1));
  return variance > 0 ? sum / Math.sqrt(variance) : 0;
}

function importances(features: readonly PooledFeature[], gains: Float64Array): DomainColumn[] {
  const byColumn = new Map<string, number>();
  features.forEach(({ column }, i) => byColumn.set(column, (byColumn.get(column) ?? 0) + gains[i]!));
  const total = gains.reduce((sum, gain) => sum + gain, 0);
  return [...byColumn].map(([name, gain]) => ({ name, importance: total > 0 ? gain / total : 0 })).sort((a, b) => b.importance - a.importance);
}

function explain(auc: number, { low, high }: { low: number; high: number }, pValue: number, status: DriftStatus, columns: readonly DomainColumn[], { alpha, minAuc }: Settings): string {
  const p = pValue < 1e-16 ? 'p under 1e-16' : `p ${Number(pValue.toPrecision(2))}`;
  const found = `an AUC of ${Number(auc.toPrecision(3))} (95 % interval ${Number(low.toPrecision(3))} to ${Number(high.toPrecision(3))}), ${p}`;
  if (status === 'drifted') {
    const most = columns.slice(0, 3).filter(({ importance }) => importance > 0).map(({ name, importance }) => `${name} (${Math.round(importance * 100)} %)`);
    return `A classifier tells the sides apart with ${found}; most by ${most.join(', ')}.`;
  }
  if (pValue > alpha) return `No classifier was found that tells the sides apart: ${found}.`;
  return `A classifier tells the sides apart, but not surely by more than the AUC of ${minAuc} that matters: ${found}.`;
}
