import { accuracy } from '../../../src/stats/metrics/accuracy.ts';
import { averagePrecision } from '../../../src/stats/metrics/average-precision.ts';
import { balancedAccuracy } from '../../../src/stats/metrics/balanced-accuracy.ts';
import { brierScore } from '../../../src/stats/metrics/brier-score.ts';
import { classificationReport } from '../../../src/stats/metrics/classification-report.ts';
import { cohenKappa } from '../../../src/stats/metrics/cohen-kappa.ts';
import { confusionMatrix } from '../../../src/stats/metrics/confusion-matrix.ts';
import { estimatedPerformance } from '../../../src/stats/metrics/estimated-performance.ts';
import { expectedCalibrationError } from '../../../src/stats/metrics/expected-calibration-error.ts';
import { fBeta } from '../../../src/stats/metrics/f-beta.ts';
import { isotonicRegression } from '../../../src/stats/metrics/isotonic-regression.ts';
import { logLoss } from '../../../src/stats/metrics/log-loss.ts';
import { matthewsCorrelation } from '../../../src/stats/metrics/matthews-correlation.ts';
import { maxError } from '../../../src/stats/metrics/max-error.ts';
import { meanAbsoluteError } from '../../../src/stats/metrics/mean-absolute-error.ts';
import { meanAbsolutePercentageError } from '../../../src/stats/metrics/mean-absolute-percentage-error.ts';
import { meanSquaredError } from '../../../src/stats/metrics/mean-squared-error.ts';
import { meanSquaredLogError } from '../../../src/stats/metrics/mean-squared-log-error.ts';
import { medianAbsoluteError } from '../../../src/stats/metrics/median-absolute-error.ts';
import { ndcg } from '../../../src/stats/metrics/ndcg.ts';
import { precision } from '../../../src/stats/metrics/precision.ts';
import { rSquared } from '../../../src/stats/metrics/r-squared.ts';
import { recall } from '../../../src/stats/metrics/recall.ts';
import { rocAuc } from '../../../src/stats/metrics/roc-auc.ts';
import { rootMeanSquaredError } from '../../../src/stats/metrics/root-mean-squared-error.ts';
import type { GoldenCheck } from './golden-check.ts';
import { type Sample, sampleOf } from './golden-file.ts';
import { type QualityRecipe, qualitySample } from './quality-sample.ts';

type Recipe = QualityRecipe & { readonly threshold: number };

/** What each function leaves out of the golden test of binary classifiers is compared under the name of another. */
const others = (...own: readonly string[]): Record<string, string> => {
  const ranked = ['roc_auc', 'delong_var', 'average_precision', 'log_loss', 'brier'];
  const all = ['tp', 'fp', 'tn', 'fn', ...ranked, 'accuracy', 'f1', 'precision', 'recall', 'mcc', 'kappa', 'balanced_accuracy'];
  return Object.fromEntries(all.filter((key) => !own.includes(key)).map((key) => [key, 'compared under the function that gives it']));
};

const ofScores = (name: string, key: string, metric: (labels: Uint8Array, scores: Float64Array) => number): GoldenCheck<Recipe> => ({
  name,
  test: 'binary_quality',
  actual: (input) => {
    const { labels, scores } = qualitySample(input);
    return { [key]: metric(labels, scores) };
  },
  without: others(key),
});

const ofPredictions = (name: string, key: string, metric: (labels: Uint8Array, predictions: Uint8Array) => number): GoldenCheck<Recipe> => ({
  name,
  test: 'binary_quality',
  actual: (input) => {
    const { labels, scores } = qualitySample(input);
    return { [key]: metric(labels, Uint8Array.from(scores, (score) => (score >= input.threshold ? 1 : 0))) };
  },
  without: others(key),
});

const matrix: GoldenCheck<Recipe> = {
  name: 'confusionMatrix',
  test: 'binary_quality',
  actual: (input) => {
    const { labels, scores } = qualitySample(input);
    const { counts } = confusionMatrix(labels, Array.from(scores, (score) => score >= input.threshold), { labels: [0, 1] });
    return { tn: counts[0]?.[0], fp: counts[0]?.[1], fn: counts[1]?.[0], tp: counts[1]?.[1] };
  },
  without: others('tp', 'fp', 'tn', 'fn'),
};

const area: GoldenCheck<Recipe> = {
  name: 'rocAuc',
  test: 'binary_quality',
  actual: (input) => {
    const { labels, scores } = qualitySample(input);
    const { value, variance } = rocAuc(labels, scores);
    return { roc_auc: value, delong_var: variance };
  },
  without: others('roc_auc', 'delong_var'),
};

interface Pair {
  readonly y_true: Sample;
  readonly y_pred: Sample;
}

const multiclassKeys = ['accuracy', 'f1_macro', 'f1_weighted', 'f1_micro', 'mcc', 'kappa'];

const multiclass = (name: string, metrics: (labels: Float64Array, predictions: Float64Array) => Record<string, number>): GoldenCheck<Pair> => {
  const own = Object.keys(metrics(new Float64Array(0), new Float64Array(0)));
  return {
    name,
    test: 'multiclass_quality',
    actual: ({ y_true, y_pred }) => metrics(sampleOf(y_true), sampleOf(y_pred)),
    without: Object.fromEntries(multiclassKeys.filter((key) => !own.includes(key)).map((key) => [key, 'compared under the function that gives it'])),
  };
};

const regressionKeys = ['mae', 'mse', 'rmse', 'mape', 'r2', 'median_ae', 'max_error', 'msle'];

const regression = (name: string, key: string, metric: (labels: Float64Array, predictions: Float64Array) => number): GoldenCheck<Pair> => ({
  name,
  test: 'regression_quality',
  actual: ({ y_true, y_pred }) => ({ [key]: metric(sampleOf(y_true), sampleOf(y_pred)) }),
  without: Object.fromEntries(regressionKeys.filter((other) => other !== key).map((other) => [other, 'compared under the function that gives it'])),
});

const ranking: GoldenCheck<{ relevance: number[][]; score: number[][] }> = {
  name: 'ndcg',
  test: 'ndcg',
  actual: ({ relevance, score }) => Object.fromEntries([1, 3, 6].map((k) => [`ndcg@${k}`, ndcg(relevance, score, { k })])),
};

const calibrationError: GoldenCheck<QualityRecipe> = {
  name: 'expectedCalibrationError',
  test: 'ece_equal_mass10',
  actual: (input) => {
    const { labels, scores } = qualitySample(input);
    return expectedCalibrationError(labels, scores);
  },
};

const isotonic: GoldenCheck<QualityRecipe & { query: number[] }> = {
  name: 'isotonicRegression',
  test: 'isotonic',
  actual: (input) => {
    const { labels, scores } = qualitySample(input);
    return [...isotonicRegression(scores, labels).predictAll(input.query)];
  },
};

const estimated: GoldenCheck<Recipe> = {
  name: 'estimatedPerformance',
  test: 'cbpe',
  actual: (input) => {
    const { scores } = qualitySample(input);
    const found = estimatedPerformance(scores, { threshold: input.threshold });
    const { truePositives: tp, falsePositives: fp, falseNegatives: fn, trueNegatives: tn, rocAuc: roc_auc } = found;
    return { tp, fp, fn, tn, roc_auc, f1: found.f1, precision: found.precision, recall: found.recall, specificity: found.specificity, accuracy: found.accuracy };
  },
};

/** The metrics of models against scikit-learn's values, DeLong's variance, and NannyML's calibration and estimates. */
export const checks: readonly GoldenCheck[] = [
  matrix,
  area,
  ofScores('averagePrecision', 'average_precision', averagePrecision),
  ofScores('logLoss', 'log_loss', logLoss),
  ofScores('brierScore', 'brier', brierScore),
  ofPredictions('accuracy', 'accuracy', accuracy),
  ofPredictions('fBeta', 'f1', fBeta),
  ofPredictions('precision', 'precision', precision),
  ofPredictions('recall', 'recall', recall),
  ofPredictions('matthewsCorrelation', 'mcc', matthewsCorrelation),
  ofPredictions('cohenKappa', 'kappa', cohenKappa),
  ofPredictions('balancedAccuracy', 'balanced_accuracy', balancedAccuracy),
  multiclass('accuracy', (labels, predictions) => ({ accuracy: accuracy(labels, predictions) })),
  multiclass('fBeta', (labels, predictions) => ({
    f1_macro: fBeta(labels, predictions, { average: 'macro' }),
    f1_weighted: fBeta(labels, predictions, { average: 'weighted' }),
    f1_micro: fBeta(labels, predictions, { average: 'micro' }),
  })),
  multiclass('classificationReport', (labels, predictions) => {
    const report = classificationReport(labels, predictions);
    return { accuracy: report.accuracy, f1_macro: report.macro.f1, f1_weighted: report.weighted.f1, f1_micro: report.micro.f1 };
  }),
  multiclass('matthewsCorrelation', (labels, predictions) => ({ mcc: matthewsCorrelation(labels, predictions) })),
  multiclass('cohenKappa', (labels, predictions) => ({ kappa: cohenKappa(labels, predictions) })),
  regression('meanAbsoluteError', 'mae', meanAbsoluteError),
  regression('meanSquaredError', 'mse', meanSquaredError),
  regression('rootMeanSquaredError', 'rmse', rootMeanSquaredError),
  regression('meanAbsolutePercentageError', 'mape', meanAbsolutePercentageError),
  regression('rSquared', 'r2', rSquared),
  regression('medianAbsoluteError', 'median_ae', medianAbsoluteError),
  regression('maxError', 'max_error', maxError),
  regression('meanSquaredLogError', 'msle', meanSquaredLogError),
  ranking,
  calibrationError,
  isotonic,
  estimated,
];
