import { ValidationError } from '../../core/errors.ts';
import { valueAt } from '../../core/column.ts';
import { toTable, type Table, type TableInput } from '../../core/table.ts';
import { demandLevel, demandList, demandOptions, demandSameLength, demandWhole } from '../arguments.ts';
import { spearmanCorrelation } from '../effects/spearman-correlation.ts';
import { SeededGenerator } from '../seeded-generator.ts';
import { StateReader } from '../state-reader.ts';
import { demandRegressionMetric, type AskedMetric } from './asked-metric.ts';
import type { EstimatedRow } from './estimated-row.ts';
import { mostOutside, type EstimateWarning } from './estimate-warnings.ts';
import { unknownMetric, type EstimatedMetric } from './estimated-metric.ts';
import { LossCells, type LossCellsState } from './loss-cells.ts';
import { binnerOf, featuresOf, numberFeature, numberOf, type LossFeature } from './loss-features.ts';
import { VersionCells } from './version-cells.ts';
import { fitLossTrees, LossScorer, readFeatures, readTrees, treeStates, type LossTrees, type LossTreeState } from './loss-trees.ts';

/** How {@link directLossEstimator} learns, and how its estimates are made. */
export interface DirectLossEstimatorOptions {
  /** How probable it is that an interval covers what labels would show. @default 0.95 */
  confidence?: number | undefined;
  /** With fewer rows nothing is estimated; a reference needs twice as many, at least 40. @default 100 */
  minRows?: number | undefined;
  /** Trees, 1 to 1,000. @default 50 */
  rounds?: number | undefined;
  /** Questions that each tree asks one after the other, 1 to 6. More of them know more kinds of rows, and each less surely. @default 2 */
  depth?: number | undefined;
  /** Parts of about equal counts that expected losses are cut into, 1 to 1,000. @default 20 */
  bins?: number | undefined;
  /** The seed of the halves of the reference, a whole number below 2^32. @default 1 */
  seed?: number | undefined;
}

/** The errors that a regression is expected to make. */
export interface DirectLossEstimate {
  /** `insufficient` with fewer than `minRows` rows; nothing is estimated then. */
  readonly status: 'estimated' | 'insufficient';
  /** The mean of |label - prediction|, in the unit of the labels. */
  readonly mae: EstimatedMetric;
  /** The mean of (label - prediction)², in the square of that unit. */
  readonly mse: EstimatedMetric;
  /** Its root, in the unit of the labels. */
  readonly rmse: EstimatedMetric;
  /** Rows that took part. */
  readonly n: number;
  /** Rows that were left out because their prediction is no finite number. */
  readonly dropped: number;
  /** The share of rows with a value that is beyond all numbers of the reference, or a category that it has not. */
  readonly outside: number;
  /** Why the estimate is to be doubted; none when nothing speaks against it. */
  readonly warnings: readonly EstimateWarning[];
}

/** A {@link DirectLossEstimator} as plain JSON. */
export interface DirectLossEstimatorState {
  /** Which state this is. */
  readonly kind: 'direct-loss-estimator';
  /** The version of its layout. */
  readonly version: 1;
  /** The confidence of the intervals. */
  readonly confidence: number;
  /** The least rows. */
  readonly minRows: number;
  /** What trees ask about. */
  readonly features: readonly LossFeature[];
  /** Where scores begin. */
  readonly start: number;
  /** The trees. */
  readonly trees: readonly LossTreeState[];
  /** Losses of the half of the reference that the trees were not grown with. */
  readonly cells: LossCellsState;
  /** How sure it is that the trees know where losses are large. */
  readonly association: LossAssociation;
}

/** Whether losses are large where they are expected to be, on rows of the reference that the trees were not grown with. */
export interface LossAssociation {
  /** Spearman's rank correlation of expected and real loss, -1 to 1. */
  readonly correlation: number;
  /** How probable one at least as large is when the columns tell nothing. */
  readonly pValue: number;
}

interface Settings {
  readonly confidence: number;
  readonly minRows: number;
}

/**
 * Estimates the errors of a regression on rows without labels; {@link directLossEstimator} makes it of a labelled reference.
 *
 * @example
 * ```ts
 * import { DirectLossEstimator, directLossEstimator } from 'modelkeep/stats';
 *
 * const x = Float64Array.from({ length: 1000 }, (_, i) => ((i * 37) % 1000) / 1000);
 * const labels = x.map((value, i) => value * Math.sin(i * 12.9898)); // unsure where x is large
 * const stored = JSON.stringify(directLossEstimator({ x }, labels, new Float64Array(1000)));
 * const { mae } = DirectLossEstimator.fromJSON(JSON.parse(stored)).estimate({ x }, new Float64Array(1000));
 * console.log(mae.value !== null && Math.abs(mae.value - 0.32) < 0.04); // true
 * ```
 */
export class DirectLossEstimator {
  /** Whether losses are large where they are expected to be, on rows of the reference that the trees were not grown with. */
  readonly association: LossAssociation;
  readonly #settings: Settings;
  readonly #trees: LossTrees;
  readonly #scorer: LossScorer;
  readonly #cells: LossCells;

  /** @internal */
  constructor(settings: Settings, trees: LossTrees, cells: LossCells, association: LossAssociation) {
    this.#settings = settings;
    this.#trees = trees;
    this.#scorer = new LossScorer(trees);
    this.#cells = cells;
    this.association = association;
  }

  /** What the errors on these rows should be. A column that the reference had and the rows lack is missing in each. Throws `ValidationError` as {@link directLossEstimator} does. O(rows × trees × depth). */
  estimate(columns: TableInput, predictions: ArrayLike<number>): DirectLossEstimate {
    const counts = new Float64Array(this.cells);
    this.count(columns, predictions, counts);
    return this.estimateCounts(counts);
  }

  /** How many numbers {@link DirectLossEstimator.count} counts in: parts of expected losses, rows unlike the reference, and rows that were left out. @internal */
  get cells(): number {
    return this.#cells.size + 2;
  }

  /** Adds rows to counts, which may be added up and estimated from at any time. @internal */
  count(columns: TableInput, predictions: ArrayLike<number>, into: Float64Array): void {
    const table = toTable(columns, { path: 'columns' });
    demandRows(table, predictions);
    for (let row = 0; row < table.rowCount; row++) this.#count(predictions[row], (feature) => valueIn(table, this.#trees.features[feature]!, row, predictions), into);
  }

  /** Adds one row to counts; a column that it lacks is missing. Never throws. @internal */
  countRow({ features = {}, prediction }: EstimatedRow, into: Float64Array): void {
    this.#count(prediction, (feature) => {
      const { column } = this.#trees.features[feature]!;
      if (column === undefined) return prediction;
      // A column called 'constructor' must not find what every object inherits; getters of a class are values.
      return column in Object.prototype && !Object.hasOwn(features, column) ? null : (features[column] ?? null);
    }, into);
  }

  /** What counts rows by the version of the model. @internal */
  versionCells(): VersionCells {
    return new VersionCells(this);
  }

  /** No class is meant; throws `ValidationError` for a metric that is not estimated. @internal */
  placeOf(asked: AskedMetric): undefined {
    demandRegressionMetric(asked);
  }

  #count(prediction: unknown, valueOf: (feature: number) => unknown, into: Float64Array): void {
    const { size } = this.#cells;
    if (!Number.isFinite(prediction)) {
      into[size + 1]!++;
      return;
    }
    const { score, outside } = this.#scorer.score(valueOf);
    into[this.#cells.binOf(score)]!++;
    if (outside) into[size]!++;
  }

  /** {@link DirectLossEstimator.estimate} of counted rows. @internal */
  estimateCounts(counts: Float64Array): DirectLossEstimate {
    const { size } = this.#cells;
    const rows = counts.subarray(0, size);
    const [outside, dropped] = [counts[size]!, counts[size + 1]!];
    const n = rows.reduce((sum, count) => sum + count, 0);
    const { confidence, minRows } = this.#settings;
    const warnings: EstimateWarning[] = [];
    if (!(this.association.pValue <= 0.05)) warnings.push('uninformative');
    if (outside > mostOutside * n) warnings.push('outside-reference');
    const enough = n >= minRows;
    const metrics = enough ? this.#cells.estimate(rows, confidence) : { mae: unknownMetric, mse: unknownMetric, rmse: unknownMetric };
    return { status: enough ? 'estimated' : 'insufficient', ...metrics, n, dropped, outside: n === 0 ? 0 : outside / n, warnings };
  }

  /** Plain JSON that {@link DirectLossEstimator.fromJSON} takes. */
  toJSON(): DirectLossEstimatorState {
    const { features, start } = this.#trees;
    return { kind: 'direct-loss-estimator', version: 1, ...this.#settings, features, start, trees: treeStates(this.#trees), cells: this.#cells.toJSON(), association: this.association };
  }

  /** The estimator that was stored; throws `ValidationError` when the state is none. */
  static fromJSON(state: unknown): DirectLossEstimator {
    const reader = new StateReader(state, 'direct-loss-estimator');
    const settings = { confidence: reader.number('confidence', 0, 1), minRows: reader.whole('minRows', 1) };
    const features = readFeatures(reader);
    const trees = { features, start: reader.number('start'), trees: readTrees(reader, features) };
    const association = reader.part('association');
    return new DirectLossEstimator(settings, trees, LossCells.read(reader.part('cells')), { correlation: association.number('correlation', -1, 1), pValue: association.number('pValue', 0, 1) });
  }
}

/**
 * Learns from a labelled reference how large the errors of a regression on rows without labels should be: direct loss estimation (DLE, as NannyML describes it), with intervals.
 *
 * On one half of the reference, drawn at random, gradient-boosted trees learn to tell the absolute error of a row from its columns (numbers, truth values and texts of which few are different; others have no part) and its prediction. The other half, which
 * they have not seen, is sorted by what they expect and cut into `bins` parts, and tells how large errors and squared errors are in each. An estimate is the mean over the parts that the rows lie in, so that it holds however
 * poor the trees are, when rows of one part are alike.
 *
 * The interval should cover what the labels of these rows would show; it has the variance of their own errors and of those of the reference, as of a normal law, and half the step to the next part for rows that a part has more of than it
 * had. With heavy tails or inputs that moved far, squared errors are covered less often than it says; docs/statistics.md has figures.
 *
 * **What it cannot see**: that the same rows now have other labels (concept drift). It follows the inputs to where the errors were larger, and nothing else. Where the columns do not tell where that is (`association`), the estimate
 * stays what the reference had, and `uninformative` is among its warnings.
 *
 * Rows whose label or prediction is no finite number are left out. Throws `ValidationError` when fewer than twice `minRows` are left, the lists differ in length, or an option is out of range.
 *
 * @example
 * ```ts
 * import { directLossEstimator } from 'modelkeep/stats';
 *
 * const x = Float64Array.from({ length: 1000 }, (_, i) => ((i * 37) % 1000) / 1000);
 * const labels = x.map((value, i) => value * Math.sin(i * 12.9898)); // unsure where x is large
 * const estimator = directLossEstimator({ x }, labels, new Float64Array(1000));
 *
 * const large = x.map((value) => 0.6 + 0.4 * value); // without labels
 * const [before, now] = [estimator.estimate({ x }, new Float64Array(1000)), estimator.estimate({ x: large }, new Float64Array(1000))];
 * console.log(now.mae.low! > before.mae.high!); // true
 * ```
 */
export function directLossEstimator(columns: TableInput, labels: ArrayLike<number>, predictions: ArrayLike<number>, options: DirectLossEstimatorOptions = {}): DirectLossEstimator {
  const { confidence = 0.95, minRows = 100, rounds = 50, depth = 2, bins = 20, seed = 1 } = demandOptions(options);
  demandLevel('confidence', confidence);
  demandWhole('minRows', minRows, 1);
  demandWhole('rounds', rounds, 1, 1000);
  demandWhole('depth', depth, 1, 6);
  demandWhole('bins', bins, 1, 1000);
  const generator = new SeededGenerator(seed);
  const table = toTable(columns, { path: 'columns' });
  demandSameLength('labels', labels, 'predictions', predictions);
  demandRows(table, predictions);
  const kept = Array.from({ length: table.rowCount }, (_, i) => i).filter((i) => Number.isFinite(labels[i]) && Number.isFinite(predictions[i]));
  const least = Math.max(40, 2 * minRows);
  if (kept.length < least) throw new ValidationError(`The reference has ${kept.length} rows with a finite label and prediction; at least ${least} are needed.`, { path: 'labels' });
  for (let i = kept.length - 1; i > 0; i--) {
    const other = generator.below(i + 1);
    [kept[i], kept[other]] = [kept[other]!, kept[i]!];
  }
  const errors = Float64Array.from(kept, (i) => labels[i]! - predictions[i]!);
  const half = kept.length >> 1;
  const features = [...featuresOf(table), numberFeature(Float64Array.from(kept, (i) => predictions[i]!))!];
  const valuesOf = (row: number) => (feature: number) => valueIn(table, features[feature]!, row, predictions);
  const grown = features.map(() => new Uint8Array(half));
  const binners = features.map(binnerOf);
  const bin = new Uint8Array(features.length);
  for (let i = 0; i < half; i++) {
    LossScorer.read(binners, valuesOf(kept[i]!), bin);
    grown.forEach((column, f) => (column[i] = bin[f]!));
  }
  const trees = fitLossTrees(features, grown, errors.subarray(0, half).map(Math.abs), { rounds, depth });
  const scorer = new LossScorer(trees);
  const scores = Float64Array.from(kept.slice(half), (row) => scorer.score(valuesOf(row)).score);
  const rest = errors.subarray(half);
  const { statistic, pValue } = spearmanCorrelation(scores, rest.map(Math.abs), { alternative: 'greater' });
  return new DirectLossEstimator({ confidence, minRows }, trees, LossCells.of(scores, rest, bins), { correlation: statistic, pValue });
}

function demandRows(table: Table, predictions: ArrayLike<number>): void {
  demandList('predictions', predictions);
  // A table without columns has no rows to be compared with.
  if (Object.keys(table.columns).length === 0 && table.rowCount === 0 && predictions.length > 0) throw new ValidationError('columns has no column; give at least one.', { path: 'columns' });
  if (table.rowCount !== predictions.length) throw new ValidationError(`predictions has ${predictions.length} values and columns has ${table.rowCount} rows; they belong together, one by one.`, { path: 'predictions' });
}

function valueIn({ columns }: Table, { column }: LossFeature, row: number, predictions: ArrayLike<number>): unknown {
  if (column === undefined) return numberOf(predictions[row]);
  return Object.hasOwn(columns, column) ? valueAt(columns[column]!, row) : null;
}
