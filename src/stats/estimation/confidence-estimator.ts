import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { demandLevel, demandNumber, demandOptions, demandSameLength, demandWhole } from '../arguments.ts';
import { demandClasses } from '../metrics/class-counts.ts';
import { type Label, labelKey } from '../metrics/label.ts';
import { SeededGenerator } from '../seeded-generator.ts';
import { StateReader } from '../state-reader.ts';
import { classifierPlace, type AskedMetric } from './asked-metric.ts';
import type { CalibrationScope } from './binary-cells.ts';
import { checkCalibration, type CalibrationCheck } from './calibration-check.ts';
import { binaryEstimate, multiclassEstimate, type ClassEstimate, type ClassificationEstimate } from './classification-estimate.ts';
import { DrawnCalibrations } from './drawn-calibrations.ts';
import { mostOutside, type EstimateWarning } from './estimate-warnings.ts';
import { countRows, fitPart, foldCount, readPart, type ConfidencePart, type Part } from './confidence-part.ts';
import { ConfidenceRowCounter } from './confidence-row.ts';
import type { EstimatedRow } from './estimated-row.ts';
import { placesOf, readScores, type EstimatorScores, type ScoreReading } from './read-scores.ts';
import { VersionCells } from './version-cells.ts';

/** How {@link confidenceEstimator} reads the reference, and how its estimates are made. */
export interface ConfidenceEstimatorOptions {
  /** From which score on a row is predicted positive, where there is one score per row and no `predictions`. @default 0.5 */
  threshold?: number | undefined;
  /** What was predicted for each row of the reference; then every estimate needs predictions too. @default by the threshold, or the class with the highest score */
  predictions?: ArrayLike<Label> | undefined;
  /** The class that a single score speaks for. @default 1 or true */
  positive?: Label | undefined;
  /** The class of each score, where every row has a score per class; required there. @default two answers, one score */
  classes?: readonly Label[] | undefined;
  /** How probable it is that an interval covers what labels would show. @default 0.95 */
  confidence?: number | undefined;
  /** With fewer rows nothing is estimated, and no reference is taken. @default 50 */
  minRows?: number | undefined;
  /** Parts of about equal counts that scores are cut into, 2 to 1,000; fewer different scores are kept apart. @default 100 */
  bins?: number | undefined;
  /** Simulations that the intervals come from, 50 to 100,000. @default 500 */
  resamples?: number | undefined;
  /** The seed of folds and simulations, a whole number below 2^32. @default 1 */
  seed?: number | undefined;
}

/** What {@link ConfidenceEstimator.estimate} may know. */
export interface ConfidenceEstimateOptions {
  /** What was predicted for each row; required if the reference was given predictions. @default by the threshold, or the class with the highest score */
  predictions?: ArrayLike<Label> | undefined;
}

/** The performance that a classifier is expected to have. */
export interface ConfidenceEstimate extends ClassificationEstimate {
  /** `insufficient` with fewer than `minRows` rows; nothing is estimated then. */
  readonly status: 'estimated' | 'insufficient';
  /** Each class against all others; none where there is one score per row. */
  readonly classes: readonly ClassEstimate[];
  /** Rows that took part. */
  readonly n: number;
  /** Rows that were left out because of a missing score or prediction. */
  readonly dropped: number;
  /** The share of rows with a score, or a prediction at a score, that no row of the reference has. */
  readonly outside: number;
  /** Why the estimate is to be doubted; none when nothing speaks against it. */
  readonly warnings: readonly EstimateWarning[];
}

/** A {@link ConfidenceEstimator} as plain JSON. */
export interface ConfidenceEstimatorState {
  /** Which state this is. */
  readonly kind: 'confidence-estimator';
  /** The version of its layout. */
  readonly version: 1;
  /** The classes, `null` where there is one score per row. */
  readonly classes: readonly (string | number)[] | null;
  /** The threshold, `null` where predictions come with the rows. */
  readonly threshold: number | null;
  /** The positive class, `null` for 1 or true. */
  readonly positive: string | number | null;
  /** The confidence of the intervals. */
  readonly confidence: number;
  /** The least rows. */
  readonly minRows: number;
  /** Simulations. */
  readonly resamples: number;
  /** Their seed. */
  readonly seed: number;
  /** The questions asked, one or one per class: bins of scores, and the reference's rows and positives in each, those predicted negative first. */
  readonly parts: readonly ConfidencePart[];
  /** How well the calibration holds, part by part. */
  readonly calibration: readonly CalibrationCheck[];
}

interface Settings extends ScoreReading {
  readonly confidence: number;
  readonly minRows: number;
  readonly resamples: number;
  readonly seed: number;
}

const calibrationResamples = 99;

/** So many drawn chances are kept, 8 MB of them; those of more cells or simulations are drawn anew by each estimate. */
const mostKept = 2 ** 20;

/**
 * Estimates the performance of a classifier on rows without labels; {@link confidenceEstimator} makes it of a labelled reference. All that it keeps are counts.
 *
 * @example
 * ```ts
 * import { ConfidenceEstimator, confidenceEstimator } from 'modelkeep/stats';
 *
 * const scores = Float64Array.from({ length: 1000 }, (_, i) => ((i * 37) % 1000) / 1000);
 * const labels = Array.from(scores, (score, i) => (((i * 61) % 1000) / 1000 < score ? 1 : 0));
 * const stored = JSON.stringify(confidenceEstimator(labels, scores));
 * const { accuracy } = ConfidenceEstimator.fromJSON(JSON.parse(stored)).estimate(scores);
 * console.log(accuracy.value !== null && accuracy.value > 0.7); // true
 * ```
 */
export class ConfidenceEstimator {
  /** How well the calibration holds for rows of the reference that it was not fitted to; for each class, or one. */
  readonly calibration: readonly CalibrationCheck[];
  readonly #settings: Settings;
  readonly #parts: readonly Part[];
  readonly #rows: ConfidenceRowCounter;
  readonly #calibrations: readonly DrawnCalibrations[];

  /** @internal */
  constructor(settings: Settings, parts: readonly Part[], calibration: readonly CalibrationCheck[]) {
    this.#settings = settings;
    this.#parts = parts;
    this.#rows = new ConfidenceRowCounter(parts, settings);
    const { resamples, seed } = settings;
    const keep = this.cells * resamples <= mostKept;
    this.#calibrations = parts.map(({ rows, positives }, k) => new DrawnCalibrations({ reference: rows, positives, scope: scopeOf(settings) }, { resamples, seed: (seed + k) % 2 ** 32, keep }));
    this.calibration = calibration;
  }

  /** How many numbers {@link ConfidenceEstimator.count} counts in. @internal */
  get cells(): number {
    return this.#parts.reduce((sum, { rows }) => sum + rows.length, 1);
  }

  /**
   * What the performance on these rows should be: the metrics of one class, or their mean over the classes (accuracy excepted, which is of all rows). Throws `ValidationError` as {@link confidenceEstimator} does.
   *
   * Takes O(n) and `resamples` simulations of `bins` steps each.
   */
  estimate(scores: EstimatorScores, options: ConfidenceEstimateOptions = {}): ConfidenceEstimate {
    const { predictions } = demandOptions(options);
    const counts = new Float64Array(this.cells);
    this.count(scores, predictions, counts);
    return this.estimateCounts(counts);
  }

  /** Adds rows to counts, which may be added up and estimated from at any time. @internal */
  count(scores: EstimatorScores, predictions: ArrayLike<Label> | undefined, into: Float64Array): void {
    if (predictions === undefined && this.#settings.classes === undefined && this.#settings.threshold === undefined) {
      throw new ValidationError('The reference was given predictions, so that an estimate needs them too; give options.predictions.', { path: 'predictions' });
    }
    const read = readScores(scores, predictions, this.#settings);
    let at = 0;
    this.#parts.forEach(({ cells, rows }, part) => {
      countRows(read, part, cells, this.#parts.length > 1, into.subarray(at, at + rows.length));
      at += rows.length;
    });
    into[at]! += read.predicted.reduce((sum, predicted) => sum + (predicted === -1 ? 1 : 0), 0);
  }

  /** Adds one row to counts: by the threshold where there is one, else by its prediction, and among classes without one by the highest score. Never throws. @internal */
  countRow(row: EstimatedRow, into: Float64Array): void {
    this.#rows.count(row, into);
  }

  /** What counts rows by the version of the model. @internal */
  versionCells(): VersionCells {
    return new VersionCells(this);
  }

  /** The place of the class that is meant, of several; throws `ValidationError` for a metric that is not estimated. @internal */
  placeOf(asked: AskedMetric): number | undefined {
    return classifierPlace(asked, this.#settings.classes);
  }

  /** {@link ConfidenceEstimator.estimate} of counted rows. @internal */
  estimateCounts(counts: Float64Array): ConfidenceEstimate {
    const { classes, minRows, seed } = this.#settings;
    let at = 0;
    const parts = this.#calibrations.map((calibrations) => ({ calibrations, current: counts.subarray(at, (at += calibrations.truth.length)) }));
    const n = parts[0]!.current.reduce((sum, count) => sum + count, 0);
    const enough = n >= minRows;
    // Rows must not be drawn by the numbers that labels of the reference were drawn by.
    const generator = new SeededGenerator((seed ^ 0x9e37_79b9) >>> 0);
    const settings = { ...this.#settings, generator };
    const estimate = classes === undefined ? binaryEstimate(enough ? parts[0] : undefined, settings) : multiclassEstimate(enough ? parts : [], classes, settings);
    const strange = parts.map(({ current }, part) => current.reduce((sum, count, cell) => sum + (this.#parts[part]!.rows[cell] === 0 ? count : 0), 0));
    const outside = n === 0 ? 0 : Math.max(...strange) / n;
    const warnings: EstimateWarning[] = [];
    if (this.calibration.some(({ error, byChance, pValue }) => pValue <= 0.01 && error - byChance > 0.01)) warnings.push('poor-calibration');
    if (outside > mostOutside) warnings.push('outside-reference');
    return { status: enough ? 'estimated' : 'insufficient', ...estimate, n, dropped: counts[at]!, outside, warnings };
  }

  /** Plain JSON that {@link ConfidenceEstimator.fromJSON} takes. */
  toJSON(): ConfidenceEstimatorState {
    const { classes, threshold, positive, confidence, minRows, resamples, seed } = this.#settings;
    const parts = this.#parts.map(({ cells, rows, positives }) => ({ ...cells.toJSON(), rows: [...rows], positives: [...positives] }));
    const keys = classes?.map((label) => labelKey(label)!) ?? null;
    return { kind: 'confidence-estimator', version: 1, classes: keys, threshold: threshold ?? null, positive: labelKey(positive) ?? null, confidence, minRows, resamples, seed, parts, calibration: this.calibration };
  }

  /** The estimator that was stored; throws `ValidationError` when the state is none. */
  static fromJSON(state: unknown): ConfidenceEstimator {
    const reader = new StateReader(state, 'confidence-estimator');
    const classes = reader.field('classes') === null ? undefined : reader.list('classes', 100_000).map((label, i) => labelIn(reader, `classes[${i}]`, label));
    const positive = reader.field('positive') === null ? undefined : labelIn(reader, 'positive', reader.field('positive'));
    const count = classes?.length ?? 1;
    const inner = (name: string): StateReader[] => {
      const list = reader.list(name, count);
      if (list.length !== count) reader.refuse(name, `has ${list.length} entries and must have ${count}`, null);
      return list.map((part, i) => reader.inner(part, `${name}[${i}]`));
    };
    const settings: Settings = {
      classes,
      positive,
      threshold: reader.optional('threshold'),
      confidence: reader.number('confidence', 0, 1),
      minRows: reader.whole('minRows', 1),
      resamples: reader.whole('resamples', 50, 100_000),
      seed: reader.seed(),
    };
    return new ConfidenceEstimator(settings, inner('parts').map(readPart), inner('calibration').map((part) => ({ error: part.number('error', 0, 1), byChance: part.number('byChance', 0, 1), pValue: part.number('pValue', 0, 1) })));
  }
}

/**
 * Learns from a labelled reference what the performance of a classifier on rows without labels should be: confidence-based performance estimation (CBPE, as NannyML describes it), with intervals.
 *
 * Scores are calibrated by isotonic regression on the counts of up to `bins` bins, and where no threshold decides, rows predicted to be of a class and others each by themselves, so that the estimate of the reference itself is what its labels show. Scores need not be
 * probabilities, but the chance of a class must rise with its score, and depend on nothing else: of several classes use probabilities, not logits. A row of chance p that is predicted positive is a true positive with p and a false positive with 1 - p, and so on; the metrics are those of the sums. With several classes each is
 * held against all others, and the metrics are means over the classes.
 *
 * The interval should cover what the labels of these rows would show: it has the chance of their labels and the sampling error of the reference's, by a parametric bootstrap. Means over classes have intervals that are wider than need be.
 *
 * **What it cannot see**: that the same rows now have other labels (concept drift), or that rows of the same score go wrong more often than they did because another kind of row has that score now. It follows the model's inputs to where the model
 * was less sure, and nothing else. `calibration` holds the promise against the reference, by cross-fitting in five folds.
 *
 * Rows with a missing label, score or prediction are left out. Throws `ValidationError` when fewer than `minRows` are left, the lists differ in length, rows of scores come without `classes` or differ from it, options are out of range,
 * or labels are not 0/1, -1/1 or booleans and `positive` does not say what is meant.
 *
 * @example
 * ```ts
 * import { confidenceEstimator } from 'modelkeep/stats';
 *
 * const scores = Float64Array.from({ length: 1000 }, (_, i) => ((i * 37) % 1000) / 1000);
 * const labels = Array.from(scores, (score, i) => (((i * 61) % 1000) / 1000 < score ? 1 : 0));
 * const estimator = confidenceEstimator(labels, scores, { threshold: 0.5 });
 *
 * const unsure = scores.map((score) => 0.4 + score / 5); // without labels, and nearer to the threshold
 * const [before, now] = [estimator.estimate(scores), estimator.estimate(unsure)];
 * console.log(now.accuracy.high! < before.accuracy.low!); // true
 * ```
 */
export function confidenceEstimator(labels: ArrayLike<Label>, scores: EstimatorScores, options: ConfidenceEstimatorOptions = {}): ConfidenceEstimator {
  const { threshold, predictions, positive, classes, confidence = 0.95, minRows = 50, bins = 100, resamples = 500, seed = 1 } = demandOptions(options);
  demandLevel('confidence', confidence);
  demandWhole('minRows', minRows, 1);
  demandWhole('bins', bins, 2, 1000);
  demandWhole('resamples', resamples, 50, 100_000);
  if (threshold !== undefined) demandNumber('threshold', threshold);
  if (Number.isNaN(threshold)) throw new ValidationError('threshold is NaN; it must be a number.', { path: 'threshold' });
  if (threshold !== undefined && (predictions !== undefined || classes !== undefined)) {
    throw new ValidationError(`threshold is ${threshold}, and ${classes === undefined ? 'predictions' : 'classes'} are given too; a threshold is for one score per row without predictions.`, { path: 'threshold' });
  }
  const generator = new SeededGenerator(seed);
  const known = classes === undefined ? undefined : demandClasses('classes', classes);
  if (known !== undefined && known.length < 2) throw new ValidationError(`classes is ${shown(known, 60)}; name two at least.`, { path: 'classes' });
  const settings: Settings = { classes: known, threshold: known === undefined && predictions === undefined ? (threshold ?? 0.5) : undefined, positive, confidence, minRows, resamples, seed };
  demandSameLength('labels', labels, 'scores', scores);
  const truth = placesOf('labels', labels, settings);
  const read = readScores(scores, predictions, settings);
  const kept = Array.from(truth.keys()).filter((i) => truth[i] !== -1 && read.predicted[i] !== -1 && read.scores.every((part) => Number.isFinite(part[i])));
  if (kept.length < minRows) throw new ValidationError(`The reference has ${kept.length} rows with a label, a finite score and a prediction; at least ${minRows} are needed.`, { path: 'labels' });
  const foldOf = kept.map(() => generator.below(foldCount));
  const fitted = read.scores.map((part, k) => fitPart({ scores: part, predicted: read.predicted, truth, wanted: known === undefined ? 1 : k }, kept, foldOf, bins));
  const checks = fitted.map(({ folded }) => checkCalibration({ ...folded, scope: scopeOf(settings) }, calibrationResamples, generator));
  return new ConfidenceEstimator(settings, fitted.map(({ part }) => part), checks);
}

/** Where a threshold decides, rows predicted positive are those of the highest scores, and one isotonic function has no end where they begin, at which it would be least sure. */
function scopeOf({ threshold }: Settings): CalibrationScope {
  return threshold === undefined ? 'by-prediction' : 'all';
}

function labelIn(reader: StateReader, place: string, label: unknown): string | number {
  if (typeof label === 'string' || (typeof label === 'number' && Number.isFinite(label))) return label;
  return reader.refuse(place, 'must be a text or a number', label);
}
