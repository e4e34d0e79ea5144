export { erf, erfc } from './stats/special/erf.ts';
export { lgamma } from './stats/special/lgamma.ts';
export { gammaP, gammaQ } from './stats/special/incomplete-gamma.ts';
export { betaInc } from './stats/special/incomplete-beta.ts';
export type { ContinuousDistribution, DiscreteDistribution } from './stats/distributions/distribution.ts';
export { normal } from './stats/distributions/normal.ts';
export { studentT } from './stats/distributions/student-t.ts';
export { chiSquared } from './stats/distributions/chi-squared.ts';
export { fisherF } from './stats/distributions/fisher-f.ts';
export { beta } from './stats/distributions/beta.ts';
export { gamma } from './stats/distributions/gamma.ts';
export { binomial } from './stats/distributions/binomial.ts';
export { poisson } from './stats/distributions/poisson.ts';
export { kolmogorov } from './stats/distributions/kolmogorov.ts';
export { SortedSample, type Sample } from './stats/samples/sorted-sample.ts';
export { quantileEdges } from './stats/samples/quantile-edges.ts';
export { countInBins } from './stats/samples/count-in-bins.ts';
export { countInHistogram, histogram, histogramEdges, type Histogram, type HistogramOptions, type HistogramRule } from './stats/samples/histogram.ts';
export type { Alternative, TestResult } from './stats/tests/test-result.ts';
export { ksTest, type KsOptions, type KsResult } from './stats/tests/ks-test.ts';
export type { KsAlternative } from './stats/tests/ks-exact.ts';
export { chiSquareTest, type ChiSquareOptions, type ChiSquareResult } from './stats/tests/chi-square-test.ts';
export { chiSquareGoodnessOfFit } from './stats/tests/chi-square-goodness-of-fit.ts';
export type { GoodnessOfFitOptions, GoodnessOfFitResult } from './stats/tests/goodness-of-fit.ts';
export { gGoodnessOfFit, gTest, type GTestResult } from './stats/tests/g-test.ts';
export { fisherExactTest, type FisherExactOptions, type FisherExactResult } from './stats/tests/fisher-exact-test.ts';
export { mcNemarTest, type McNemarOptions, type McNemarResult } from './stats/tests/mcnemar-test.ts';
export { proportionsZTest, type Proportion, type ProportionsZTestOptions, type ProportionsZTestResult } from './stats/tests/proportions-z-test.ts';
export { binomialTest, type BinomialTestOptions, type BinomialTestResult } from './stats/tests/binomial-test.ts';
export { welchTTest } from './stats/tests/welch-t-test.ts';
export { studentTTest, type StudentTTestOptions } from './stats/tests/student-t-test.ts';
export type { TTestOptions, TTestResult } from './stats/tests/t-test-result.ts';
export { mannWhitneyTest, type MannWhitneyOptions, type MannWhitneyResult } from './stats/tests/mann-whitney-test.ts';
export { andersonDarlingKSampleTest, type AndersonDarlingOptions, type AndersonDarlingResult } from './stats/tests/anderson-darling-test.ts';
export { cramerVonMisesTest, type CramerVonMisesOptions, type CramerVonMisesResult } from './stats/tests/cramer-von-mises-test.ts';
export { kuiperTest, type KuiperResult } from './stats/tests/kuiper-test.ts';
export { eppsSingletonTest, type EppsSingletonOptions, type EppsSingletonResult } from './stats/tests/epps-singleton-test.ts';
export { bonferroni } from './stats/tests/bonferroni.ts';
export { holm } from './stats/tests/holm.ts';
export { benjaminiHochberg } from './stats/tests/benjamini-hochberg.ts';
export { benjaminiYekutieli } from './stats/tests/benjamini-yekutieli.ts';
export { wassersteinDistance, type WassersteinOptions } from './stats/distances/wasserstein-distance.ts';
export { energyDistance } from './stats/distances/energy-distance.ts';
export { jensenShannonDistance } from './stats/distances/jensen-shannon-distance.ts';
export { klDivergence } from './stats/distances/kl-divergence.ts';
export type { LogarithmOptions } from './stats/distances/logarithm-base.ts';
export { hellingerDistance } from './stats/distances/hellinger-distance.ts';
export { totalVariation } from './stats/distances/total-variation.ts';
export { lInfinity } from './stats/distances/l-infinity.ts';
export type { SharesOptions } from './stats/distances/shares.ts';
export { psi, type PsiResult, type ZeroRule } from './stats/distances/psi.ts';
export { evidently, type ColumnScoreOptions, type ColumnTest, type ColumnTestByDefault, type Evidently, type EvidentlyColumnDrift, type EvidentlyDatasetDrift } from './stats/compatibility/evidently.ts';
export type { PermutedScoreOptions } from './stats/compatibility/evidently-category-tests.ts';
export type { EvidentlyColumnFacts, EvidentlyDefaultTest, EvidentlyDefaultTestName } from './stats/compatibility/evidently-default-test.ts';
export { evidentlyRules } from './stats/compatibility/evidently-rules.ts';
export { nannymlRules } from './stats/compatibility/nannyml-rules.ts';
export type { EvidentlyMethod, MethodRules, MethodScore, NannymlMethod } from './stats/compatibility/comparison-method.ts';
export type { BinRule, Column, ColumnKind, ColumnValue } from './stats/compatibility/column.ts';
export type { DriftRule, DriftScore, DriftScoreOptions } from './stats/compatibility/drift-score.ts';
export { nannyml, type AlertThreshold, type Nannyml, type NannymlOptions } from './stats/compatibility/nannyml.ts';
export { cramersV, type CramersVOptions } from './stats/distances/cramers-v.ts';
export { worstSlices, type WorstSlice, type WorstSlices, type WorstSlicesOptions } from './stats/slices/worst-slices.ts';
export type { SliceCondition, SliceWhere } from './stats/slices/slice-column.ts';
export { domainClassifier, type DomainClassifierOptions, type DomainColumn, type DomainDrift } from './stats/multivariate/domain/domain-classifier.ts';
export type { LeftOutReason } from './stats/multivariate/domain/pooled-features.ts';
export { mmd, type MmdOptions, type MmdResult } from './stats/multivariate/mmd.ts';
export { PrincipalComponents, principalComponents, type PrincipalComponentsOptions, type PrincipalComponentsState } from './stats/multivariate/principal-components.ts';
export { reconstructionTest, type ReconstructionDrift, type ReconstructionOptions } from './stats/multivariate/reconstruction-test.ts';
export type { Rows } from './stats/multivariate/rows.ts';
export type { Label } from './stats/metrics/label.ts';
export type { WeightOptions } from './stats/metrics/weights.ts';
export type { Average, ClassAverageOptions } from './stats/metrics/class-average.ts';
export { confusionMatrix, type ConfusionMatrix, type ConfusionMatrixOptions } from './stats/metrics/confusion-matrix.ts';
export { accuracy } from './stats/metrics/accuracy.ts';
export { precision } from './stats/metrics/precision.ts';
export { recall } from './stats/metrics/recall.ts';
export { fBeta, type FBetaOptions } from './stats/metrics/f-beta.ts';
export { specificity } from './stats/metrics/specificity.ts';
export { balancedAccuracy } from './stats/metrics/balanced-accuracy.ts';
export { matthewsCorrelation } from './stats/metrics/matthews-correlation.ts';
export { cohenKappa } from './stats/metrics/cohen-kappa.ts';
export { classificationReport, type ClassScores, type ClassificationReport, type ClassificationReportOptions, type LabelScores } from './stats/metrics/classification-report.ts';
export { logLoss, type LogLossOptions } from './stats/metrics/log-loss.ts';
export { brierScore, type BrierScoreOptions } from './stats/metrics/brier-score.ts';
export { rocAuc, type RocAuc, type RocAucOptions } from './stats/metrics/roc-auc.ts';
export { compareRocAuc, type CompareRocAucOptions, type RocAucComparison } from './stats/metrics/compare-roc-auc.ts';
export { rocCurve, type RocCurve, type RocCurveOptions } from './stats/metrics/roc-curve.ts';
export { precisionRecallCurve, type PrecisionRecallCurve, type PrecisionRecallCurveOptions } from './stats/metrics/precision-recall-curve.ts';
export { averagePrecision, type AveragePrecisionOptions } from './stats/metrics/average-precision.ts';
export { expectedCalibrationError, type CalibrationErrorOptions } from './stats/metrics/expected-calibration-error.ts';
export { IsotonicFit, isotonicRegression, type IsotonicFitState, type IsotonicRegressionOptions } from './stats/metrics/isotonic-regression.ts';
export { estimatedPerformance, type EstimatedPerformance, type EstimatedPerformanceOptions } from './stats/metrics/estimated-performance.ts';
export {
  ConfidenceEstimator,
  confidenceEstimator,
  type ConfidenceEstimate,
  type ConfidenceEstimateOptions,
  type ConfidenceEstimatorOptions,
  type ConfidenceEstimatorState,
} from './stats/estimation/confidence-estimator.ts';
export {
  DirectLossEstimator,
  directLossEstimator,
  type DirectLossEstimate,
  type DirectLossEstimatorOptions,
  type DirectLossEstimatorState,
  type LossAssociation,
} from './stats/estimation/direct-loss-estimator.ts';
export type { LossCellsState } from './stats/estimation/loss-cells.ts';
export type { LossFeature } from './stats/estimation/loss-features.ts';
export type { LossTreeState } from './stats/estimation/loss-trees.ts';
export type { ConfidencePart } from './stats/estimation/confidence-part.ts';
export { attributeChange, type AttributeChangeOptions, type ChangeAttribution } from './stats/estimation/attribute-change.ts';
export type { AttributedColumn, AttributedPart } from './stats/estimation/attribute-cells.ts';
export type { CalibrationCheck } from './stats/estimation/calibration-check.ts';
export type { ClassEstimate, ClassificationEstimate } from './stats/estimation/classification-estimate.ts';
export type { EstimatedMetric } from './stats/estimation/estimated-metric.ts';
export type { EstimateWarning } from './stats/estimation/estimate-warnings.ts';
export type { ScoreCellsState } from './stats/estimation/score-cells.ts';
export type { EstimatorScores } from './stats/estimation/read-scores.ts';
export { meanAbsoluteError } from './stats/metrics/mean-absolute-error.ts';
export { meanSquaredError } from './stats/metrics/mean-squared-error.ts';
export { rootMeanSquaredError } from './stats/metrics/root-mean-squared-error.ts';
export { meanAbsolutePercentageError } from './stats/metrics/mean-absolute-percentage-error.ts';
export { meanSquaredLogError } from './stats/metrics/mean-squared-log-error.ts';
export { medianAbsoluteError } from './stats/metrics/median-absolute-error.ts';
export { maxError } from './stats/metrics/max-error.ts';
export { rSquared } from './stats/metrics/r-squared.ts';
export { quantileLoss, type QuantileLossOptions } from './stats/metrics/quantile-loss.ts';
export { ndcg, type NdcgOptions } from './stats/metrics/ndcg.ts';
export { meanReciprocalRank } from './stats/metrics/mean-reciprocal-rank.ts';
export { meanAveragePrecision } from './stats/metrics/mean-average-precision.ts';
export type { RankingOptions } from './stats/metrics/ranked-queries.ts';
export { pearsonCorrelation } from './stats/effects/pearson-correlation.ts';
export { spearmanCorrelation, type SpearmanOptions } from './stats/effects/spearman-correlation.ts';
export { kendallCorrelation, type KendallOptions } from './stats/effects/kendall-correlation.ts';
export type { CorrelationOptions, CorrelationResult } from './stats/effects/correlation-result.ts';
export { cohensD, type CohensDOptions } from './stats/effects/cohens-d.ts';
export { cliffsDelta, type CliffsDeltaOptions } from './stats/effects/cliffs-delta.ts';
export { cramersVInterval, type CramersVInterval, type CramersVIntervalOptions } from './stats/effects/cramers-v-interval.ts';
export { standardizedWasserstein, type StandardizedWassersteinOptions } from './stats/effects/standardized-wasserstein.ts';
export type { EffectSize } from './stats/effects/effect-size.ts';
export { bootstrap, type BootstrapOptions, type BootstrapResult } from './stats/resampling/bootstrap.ts';
export { permutationTest, type PermutationOptions, type PermutationResult } from './stats/resampling/permutation-test.ts';
export { permutationImportance, type ColumnImportance, type PermutationImportanceOptions, type PermutationImportanceResult } from './stats/resampling/permutation-importance.ts';
export type { CountDistance } from './stats/resampling/count-distances.ts';
export { thresholdFor, type Threshold, type ThresholdMethod, type ThresholdOptions } from './stats/resampling/threshold-for.ts';
export { Moments, type MomentsState } from './stats/sketches/moments.ts';
export { KllSketch, type KllSketchOptions, type KllSketchState } from './stats/sketches/kll-sketch.ts';
export { HyperLogLog, type HyperLogLogOptions, type HyperLogLogState } from './stats/sketches/hyper-log-log.ts';
export type { HashableValue } from './stats/sketches/hash-value.ts';
export { TopK, type TopItem, type TopItems, type TopKOptions, type TopKState, type ValueCount } from './stats/sketches/top-k.ts';
export { FixedHistogram, type FixedHistogramState } from './stats/sketches/fixed-histogram.ts';
export { AdaptiveHistogram, type AdaptiveHistogramOptions, type AdaptiveHistogramState, type HistogramBin } from './stats/sketches/adaptive-histogram.ts';
export { Reservoir, type ReservoirOptions, type ReservoirState } from './stats/sketches/reservoir.ts';
export type { ScalarValue, StoredScalar } from './stats/sketches/scalar-value.ts';
export type { StoredNumber } from './stats/stored-number.ts';
export type { DetectorState, DetectorStatus, StreamDetector } from './stats/detectors/stream-detector.ts';
export { Adwin, type AdwinOptions } from './stats/detectors/adwin.ts';
export { Ddm, type DdmOptions } from './stats/detectors/ddm.ts';
export { Eddm, type EddmOptions } from './stats/detectors/eddm.ts';
export { HddmA, type HddmAOptions } from './stats/detectors/hddm-a.ts';
export { HddmW, type HddmWOptions } from './stats/detectors/hddm-w.ts';
export { PageHinkley, type ChangeDirection, type PageHinkleyOptions } from './stats/detectors/page-hinkley.ts';
export { Kswin, type KswinOptions } from './stats/detectors/kswin.ts';
export { Cusum, type CusumOptions } from './stats/detectors/cusum.ts';
export type { GeneratorState } from './stats/seeded-generator.ts';
export { compareArms, type ArmComparison, type CompareArmsOptions } from './stats/experiments/compare-arms.ts';
export type { EffectKind, UndefinedReason } from './stats/experiments/effect-moments.ts';
export type {
  ArmSummary,
  MeanArm,
  MeanBefore,
  MeanSums,
  ProportionArm,
  ProportionSums,
  QuantileArm,
  RatioArm,
  RatioBefore,
  RatioProducts,
  RatioSums,
} from './stats/experiments/arm-summary.ts';
export { quantileArm, type QuantileArmOptions } from './stats/experiments/quantile-arm.ts';
export { alwaysValid, type AlwaysValid, type ConfidenceSequenceOptions } from './stats/experiments/confidence-sequence.ts';
export { bayesianComparison, type BayesianComparison, type BayesianComparisonOptions, type ChoiceRisk, type EffectPrior } from './stats/experiments/bayesian-comparison.ts';
export {
  proportionDifference,
  proportionPosterior,
  type BetaPrior,
  type ProportionDifference,
  type ProportionPosterior,
  type ProportionPosteriorOptions,
} from './stats/experiments/proportion-posterior.ts';
export { sampleRatioTest, type SampleRatioOptions, type SampleRatioResult } from './stats/experiments/sample-ratio-test.ts';
export { experimentPower, experimentSampleSize, minimumDetectableEffect, type Baseline, type PlanOptions, type PowerPlanOptions } from './stats/experiments/experiment-power.ts';
export { groupSequentialBounds, type GroupSequentialLook, type GroupSequentialOptions } from './stats/experiments/group-sequential.ts';
export { banditWeights, type BanditWeights, type BanditWeightsOptions } from './stats/experiments/bandit-weights.ts';
export { upperConfidenceBounds, type UpperConfidenceBounds, type UpperConfidenceBoundsOptions } from './stats/experiments/upper-confidence-bounds.ts';
