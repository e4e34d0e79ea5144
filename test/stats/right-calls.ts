import * as stats from 'modelkeep/stats';

/** A call that works; what is wrong is put in the place of each thing it is given. */
export interface RightCall {
  /** The export, and where it is an object or a class the member: `normal.cdf`, `Moments#merge`. */
  readonly name: string;
  readonly call: (...args: never[]) => unknown;
  readonly args: readonly unknown[];
}

const meanArm = (sum: number): stats.MeanArm => ({ kind: 'mean', n: 120, sum, sumSquares: 2 * sum * sum / 120, before: { sums: { kind: 'mean', sum: 20, sumSquares: 90 }, sumOfProducts: 70 } });
const proportionArm = (successes: number): stats.ProportionArm => ({ kind: 'proportion', n: 120, successes });
const ratioArm: stats.RatioArm = { kind: 'ratio', n: 120, numerator: { kind: 'mean', sum: 300, sumSquares: 869 }, denominator: { kind: 'proportion', successes: 90 }, sumOfProducts: 250 };
const quantileArm: stats.QuantileArm = { kind: 'quantile', n: 1000, sampled: 900, probability: 0.9, value: 7, low: 6.8, high: 7.3 };
const x = [1.5, 2.5, 3, 4, 6, 7.5];
const y = [2, 2.5, 4.5, 5, 8, 9];
const labels = [0, 1, 1, 0, 1, 0];
const guesses = [0, 1, 0, 0, 1, 1];
const shares = [0.2, 0.7, 0.6, 0.4, 0.9, 0.5];
const weights = [1, 2, 1, 0.5, 1, 1];
const counts = [5, 3, 2];
const table = [
  [10, 20, 3],
  [12, 5, 9],
];
const four = [
  [5, 2],
  [1, 7],
];
const rows = [
  [1, 2],
  [2, 3],
  [4, 1],
  [3, 3],
  [0, 5],
];
const many = Array.from({ length: 48 }, (_, i) => x[i % 6]!);
const classRows = shares.map((share) => [1 - share, share]);
const grades = [
  [3, 0, 1],
  [0, 1, 0],
];
const ratings = [
  [0.3, 0.5, 0.1],
  [0.9, 0.2, 0.4],
];
const sum = (values: Float64Array): number => values.reduce((all, value) => all + value, 0);

const byFunction: Record<string, readonly (readonly unknown[])[]> = {
  compareArms: [
    [meanArm(300), meanArm(320), { method: 'fixed', effect: 'absolute', alternative: 'greater', confidence: 0.9, tunedFor: 500 }],
    [ratioArm, ratioArm],
    [quantileArm, quantileArm],
  ],
  bayesianComparison: [[proportionArm(40), proportionArm(50), { prior: { mean: 0, sd: 0.3 }, credibility: 0.9, lowerIsBetter: true, effect: 'relative' }]],
  quantileArm: [[many, 0.5, { units: many.map((_, i) => i % 20) }]],
  alwaysValid: [[2.5, 1000, { confidence: 0.9, tunedFor: 2000 }]],
  sampleRatioTest: [[[50, 60], [0.5, 0.5], { alpha: 0.01, minPerArm: 5 }]],
  banditWeights: [[[proportionArm(10), proportionArm(20)], { floor: 0.1, lowerIsBetter: true, topTwo: false, minPerArm: 20 }]],
  upperConfidenceBounds: [[[proportionArm(10), proportionArm(20)], { lowerIsBetter: true, range: [0, 2], exploration: 0.5 }]],
  proportionPosterior: [[{ successes: 3, trials: 9 }, { credibility: 0.9, prior: { successes: 1, failures: 1 } }]],
  proportionDifference: [[{ successes: 3, trials: 9 }, { successes: 5, trials: 9 }, { credibility: 0.9, prior: { successes: 1, failures: 1 } }]],
  experimentPower: [[{ mean: 0.1, variance: 0.2 }, 0.1, 1000, 900, { effect: 'absolute', method: 'sequential', confidence: 0.9, tunedFor: 500 }]],
  experimentSampleSize: [[{ mean: 0.1 }, 0.5, { power: 0.7, effect: 'relative', method: 'fixed' }]],
  minimumDetectableEffect: [[{ mean: 0.1 }, 1000, { power: 0.7, effect: 'relative', method: 'sequential' }]],
  groupSequentialBounds: [[[0.5, 1], { alpha: 0.1, sides: 1, spending: 'power', exponent: 3 }]],
  erf: [[0.5]],
  erfc: [[0.5]],
  lgamma: [[2.5]],
  gammaP: [[2, 1]],
  gammaQ: [[2, 1]],
  betaInc: [[2, 3, 0.4]],
  quantileEdges: [[x, 3]],
  countInBins: [[x, [2, 4]]],
  countInHistogram: [[x, [1, 4, 8]]],
  histogram: [[x, { rule: 4 }], [x, { rule: 'doane' }]],
  histogramEdges: [[x, 'sturges'], [x, 3]],
  ksTest: [[x, y, { method: 'auto', ties: 'exact', alternative: 'two-sided' }]],
  chiSquareTest: [[table, { correction: 'none', law: 'moments' }]],
  chiSquareGoodnessOfFit: [[counts, [4, 4, 2], { rescale: true, ddof: 0 }]],
  gGoodnessOfFit: [[counts, [4, 4, 2], { rescale: true, ddof: 0 }]],
  gTest: [[table]],
  fisherExactTest: [[four, { alternative: 'less', confidence: 0.9 }]],
  mcNemarTest: [[four, { method: 'asymptotic', continuity: true, confidence: 0.9 }]],
  proportionsZTest: [[{ successes: 3, trials: 9 }, { successes: 5, trials: 8 }, { alternative: 'less', confidence: 0.9, correction: 'none' }]],
  binomialTest: [[3, 9, { p: 0.4, alternative: 'two-sided', confidence: 0.9, interval: 'wilson' }]],
  welchTTest: [[x, y, { alternative: 'less', confidence: 0.9 }]],
  studentTTest: [[x, y, { paired: true, alternative: 'less', confidence: 0.9 }], [x, y, { paired: false }]],
  mannWhitneyTest: [[x, y, { method: 'exact', alternative: 'less', continuity: true }]],
  andersonDarlingKSampleTest: [[[x, y], { resamples: 20, seed: 2 }]],
  cramerVonMisesTest: [[x, y, { method: 'exact', ties: 'ignore' }]],
  kuiperTest: [[x, y]],
  eppsSingletonTest: [[x, y, { t: [0.4, 0.8] }]],
  bonferroni: [[[0.1, 0.2]]],
  holm: [[[0.1, 0.2]]],
  benjaminiHochberg: [[[0.1, 0.2]]],
  benjaminiYekutieli: [[[0.1, 0.2]]],
  wassersteinDistance: [[x, y, { scale: 'reference-sd' }]],
  energyDistance: [[x, y]],
  jensenShannonDistance: [[counts, [4, 4, 2], { base: 2, input: 'counts' }]],
  klDivergence: [[counts, [4, 4, 2], { base: 2, input: 'counts' }]],
  hellingerDistance: [[counts, [4, 4, 2], { input: 'counts' }]],
  totalVariation: [[counts, [4, 4, 2], { input: 'counts' }]],
  lInfinity: [[counts, [4, 4, 2], { input: 'counts' }]],
  psi: [[counts, [4, 4, 2], { add: 0.5 }], [counts, [4, 4, 2], { floor: 0.01 }]],
  cramersV: [[table, { correction: 'bergsma' }]],
  mmd: [[rows, rows, { bandwidth: 'median', resamples: 5, maxRows: 4, seed: 2 }], [{ values: x, width: 2 }, { columns: [x, y] }, { bandwidth: 0.5, resamples: 5 }]],
  reconstructionTest: [[{ x, y }, { x: y, y: x }, { columns: ['x', 'y'], alpha: 0.1, minDelta: 0.2, minRows: 10, explained: 0.5, seed: 3 }]],
  domainClassifier: [[{ x }, { x: y }, { columns: ['x'], alpha: 0.1, minAuc: 0.6, minRows: 20, maxRows: 20, folds: 2, rounds: 2, depth: 1, seed: 3 }]],
  worstSlices: [[{ x, y }, { score: 'y', worse: 'lower', columns: ['x'], depth: 1, minRows: 2, minEffect: 0.1, alpha: 0.1, bins: 2, maxValues: 3, limit: 2 }]],
  principalComponents: [[rows, { components: 1 }], [{ columns: [x, y] }, { explained: 0.5 }], [{ values: x, width: 2 }]],
  confusionMatrix: [[labels, guesses, { labels: [0, 1], weights }]],
  accuracy: [[labels, guesses, { weights }]],
  precision: [[labels, guesses, { average: 'binary', positive: 1, weights }], [labels, guesses, { average: 'macro', labels: [0, 1] }]],
  recall: [[labels, guesses, { average: 'binary', positive: 1, weights }], [labels, guesses, { average: 'micro', labels: [0, 1] }]],
  fBeta: [[labels, guesses, { average: 'weighted', labels: [0, 1], beta: 2, weights }]],
  specificity: [[labels, guesses, { average: 'binary', positive: 1, weights }]],
  balancedAccuracy: [[labels, guesses, { weights }]],
  matthewsCorrelation: [[labels, guesses, { weights }]],
  cohenKappa: [[labels, guesses, { weights }]],
  classificationReport: [[labels, guesses, { weights, labels: [0, 1] }]],
  logLoss: [[labels, shares, { positive: 1, eps: 1e-9, weights }], [['a', 'b'], [[0.2, 0.8], [0.6, 0.4]], { classes: ['a', 'b'] }]],
  brierScore: [[labels, shares, { positive: 1, weights }]],
  rocAuc: [[labels, shares, { positive: 1, confidence: 0.9 }]],
  compareRocAuc: [[labels, shares, guesses, { positive: 1, alternative: 'less', confidence: 0.9 }]],
  rocCurve: [[labels, shares, { positive: 1, thin: true }]],
  precisionRecallCurve: [[labels, shares, { positive: 1 }]],
  averagePrecision: [[labels, shares, { positive: 1 }]],
  expectedCalibrationError: [[labels, shares, { positive: 1, bins: 3, strategy: 'equal-width' }]],
  isotonicRegression: [[x, y, { increasing: true, weights }]],
  confidenceEstimator: [
    [labels, shares, { threshold: 0.5, positive: 1, confidence: 0.9, minRows: 1, bins: 2, resamples: 50, seed: 2 }],
    [labels, shares, { predictions: guesses, minRows: 1, resamples: 50 }],
    [labels, classRows, { classes: [0, 1], minRows: 1, resamples: 50 }],
  ],
  attributeChange: [[{ x: many, loss: many }, { x: many.map((value) => value + 1), loss: many }, { score: 'loss', columns: ['x'], confidence: 0.9, minRows: 10, bins: 2, maxValues: 3 }]],
  directLossEstimator: [[{ x: many, kind: many.map((value) => (value > 2 ? 'a' : 'b')) }, many, many.map((value) => value * 1.1), { confidence: 0.9, minRows: 1, rounds: 2, depth: 1, bins: 2, seed: 2 }]],
  estimatedPerformance: [[shares, guesses, { scores: x, positive: 1 }], [shares, { threshold: 0.5 }]],
  meanAbsoluteError: [[x, y, { weights }]],
  meanSquaredError: [[x, y, { weights }]],
  rootMeanSquaredError: [[x, y, { weights }]],
  meanAbsolutePercentageError: [[x, y, { weights }]],
  meanSquaredLogError: [[x, y, { weights }]],
  medianAbsoluteError: [[x, y, { weights }]],
  maxError: [[x, y]],
  rSquared: [[x, y, { weights }]],
  quantileLoss: [[x, y, { quantile: 0.3, weights }]],
  ndcg: [[grades, ratings, { k: 2, gain: 'linear' }]],
  meanReciprocalRank: [[grades, ratings, { k: 2 }]],
  meanAveragePrecision: [[grades, ratings, { k: 2 }]],
  pearsonCorrelation: [[x, y, { alternative: 'less', confidence: 0.9 }]],
  spearmanCorrelation: [[x, y, { alternative: 'less', confidence: 0.9, method: 'auto' }]],
  kendallCorrelation: [[x, y, { alternative: 'less', confidence: 0.9, method: 'auto' }]],
  cohensD: [[x, y, { confidence: 0.9, correction: 'hedges' }]],
  cliffsDelta: [[x, y, { confidence: 0.9 }]],
  cramersVInterval: [[table, { confidence: 0.9 }]],
  standardizedWasserstein: [[x, y, { confidence: 0.9, resamples: 20, seed: 2 }]],
  bootstrap: [[x, sum, { resamples: 20, confidence: 0.9, method: 'bca', strata: labels, seed: 2 }], [[x, y], sum, { resamples: 20, paired: true }]],
  permutationTest: [[x, y, sum, { resamples: 20, alternative: 'less', paired: false, seed: 2 }]],
  permutationImportance: [[[x, y], () => 1, { repeats: 2, confidence: 0.9, seed: 2, signal: new AbortController().signal }]],
  thresholdFor: [['psi', x, 5, 0.1, { resamples: 20, bins: 3, seed: 2 }], ['ks', x, 5, 0.1, { resamples: 20 }], [sum, counts, 5, 0.1, { resamples: 20, input: 'counts' }]],
};

const places: Record<string, readonly number[]> = {
  normal: [0.5, 1, 2],
  studentT: [0.5, 4],
  chiSquared: [0.5, 4],
  fisherF: [0.5, 4, 5],
  beta: [0.5, 2, 3],
  gamma: [0.5, 2, 3],
  binomial: [1, 4, 0.3],
  poisson: [1, 3],
  kolmogorov: [0.5],
};

const column = ['a', 'b', 'a', 'c'];
const ofColumns: Record<string, readonly unknown[]> = {
  'evidently.defaultTest': [{ kind: 'num', rows: 10, unique: 4 }],
  'evidently.datasetDrift': [[true, false], 0.5],
  'evidently.totalVariation': [column, ['b', 'b', 'c'], { threshold: 0.1, resamples: 20, seed: 2 }],
  'nannyml.lInfinity': [column, ['b', 'b', 'c']],
  'nannyml.standardDeviationThreshold': [x, 3],
  'nannyml.alert': [0.5, { lower: 0.1, upper: 0.4 }],
};

type Methods = Record<string, (other: unknown) => readonly unknown[]>;

/** The classes: what makes one, what is done with it, and what is done with the class itself. */
const classes: Record<string, { make: readonly unknown[]; methods?: Methods }> = {
  Moments: { make: [], methods: { update: () => [1], updateAll: () => [x], merge: (other) => [other] } },
  KllSketch: {
    make: [{ k: 200, seed: 2 }],
    methods: { update: () => [1], updateAll: () => [x], merge: (other) => [other], quantile: () => [0.5], quantiles: () => [[0.2, 0.5]], rank: () => [1], cdf: () => [1] },
  },
  HyperLogLog: { make: [{ precision: 12 }], methods: { update: () => ['a'], updateAll: () => [['a', 1]], merge: (other) => [other] } },
  TopK: { make: [{ capacity: 8 }], methods: { update: () => ['a'], updateAll: () => [['a', 1]], merge: (other) => [other], top: () => [3], countOf: () => ['a'] } },
  FixedHistogram: { make: [[0, 1, 5]], methods: { update: () => [1], updateAll: () => [x], merge: (other) => [other] } },
  AdaptiveHistogram: { make: [{ maxBins: 16 }], methods: { update: () => [1], updateAll: () => [x], merge: (other) => [other], quantile: () => [0.5], cdf: () => [1] } },
  Reservoir: { make: [{ capacity: 8, seed: 2 }], methods: { update: () => [1], updateAll: () => [x], merge: (other) => [other] } },
  IsotonicFit: { make: [[1, 2, 3], [1, 2, 2]], methods: { predict: () => [1], predictAll: () => [x] } },
  Adwin: { make: [{ delta: 0.01, clock: 8, maxBuckets: 4, minWindow: 5, gracePeriod: 9 }] },
  Ddm: { make: [{ warmUp: 10, warning: 2, drift: 3 }] },
  Eddm: { make: [{ warmUp: 10, alpha: 0.95, beta: 0.9 }] },
  HddmA: { make: [{ drift: 0.001, warning: 0.005, twoSided: true }] },
  HddmW: { make: [{ drift: 0.001, warning: 0.005, lambda: 0.05, twoSided: true }] },
  PageHinkley: { make: [{ warmUp: 10, delta: 0.005, threshold: 50, alpha: 0.99, direction: 'up' }] },
  Kswin: { make: [{ alpha: 0.005, window: 100, recent: 30, seed: 2 }] },
  Cusum: { make: [{ warmUp: 10, slack: 0.5, threshold: 5, direction: 'up' }] },
};

type Sketch = Record<string, (...args: unknown[]) => unknown>;

function callsOfClass(name: string): RightCall[] {
  const Class = (stats as unknown as Record<string, new (...args: unknown[]) => Sketch>)[name]!;
  const { make, methods = { update: () => [1] } } = classes[name]!;
  const made = (): Sketch => new Class(...make);
  const { fromJSON } = Class as unknown as Sketch;
  const filled = made();
  if (methods['updateAll'] !== undefined) filled['updateAll']!(...methods['updateAll'](filled));
  return [
    { name: `new ${name}`, call: (...args: unknown[]) => new Class(...args), args: make },
    { name: `${name}.fromJSON`, call: (state: unknown) => fromJSON!.call(Class, state), args: [JSON.parse(JSON.stringify(filled))] },
    ...Object.entries(methods).map(([method, args]) => ({
      name: `${name}#${method}`,
      call: (...given: unknown[]) => {
        const one = made();
        return one[method]!(...given);
      },
      args: args(made()),
    })),
  ];
}

const components = stats.principalComponents(rows);

/** Calls of everything that `modelkeep/stats` exports. */
export const rightCalls: readonly RightCall[] = Object.entries(stats).flatMap(([name, value]): RightCall[] => {
  if (name === 'SortedSample') return [{ name: 'SortedSample.of', call: (sample: never) => stats.SortedSample.of(sample), args: [x] }];
  if (name === 'PrincipalComponents') {
    return [
      { name: 'PrincipalComponents.fromJSON', call: (state: unknown) => stats.PrincipalComponents.fromJSON(state), args: [JSON.parse(JSON.stringify(components))] },
      { name: 'PrincipalComponents#scores', call: (given: never) => components.scores(given), args: [rows] },
      { name: 'PrincipalComponents#reconstructionErrors', call: (given: never) => components.reconstructionErrors(given), args: [rows] },
    ];
  }
  if (name === 'DirectLossEstimator') {
    const one = stats.directLossEstimator({ x: many, flag: many.map((value) => value > 3) }, many, many.map((value) => value * 1.1), { minRows: 1, rounds: 2 });
    return [
      { name: 'DirectLossEstimator.fromJSON', call: (state: unknown) => stats.DirectLossEstimator.fromJSON(state), args: [JSON.parse(JSON.stringify(one))] },
      { name: 'DirectLossEstimator#estimate', call: (...given: [never, never]) => one.estimate(...given), args: [{ x }, y] },
    ];
  }
  if (name === 'ConfidenceEstimator') {
    const [one, several] = [stats.confidenceEstimator(labels, shares, { minRows: 1, resamples: 50 }), stats.confidenceEstimator(labels, classRows, { classes: [0, 1], minRows: 1, resamples: 50 })];
    return [
      { name: 'ConfidenceEstimator.fromJSON', call: (state: unknown) => stats.ConfidenceEstimator.fromJSON(state), args: [JSON.parse(JSON.stringify(several))] },
      { name: 'ConfidenceEstimator#estimate', call: (...given: [never, never]) => one.estimate(...given), args: [shares, { predictions: guesses }] },
      { name: 'ConfidenceEstimator#estimate of classes', call: (...given: [never, never]) => several.estimate(...given), args: [classRows, { predictions: guesses }] },
    ];
  }
  if (name === 'HyperLogLog') {
    const one = new stats.HyperLogLog();
    return [...callsOfClass(name), { name: 'HyperLogLog.union', call: (...args: never[]) => stats.HyperLogLog.union(args[0]!, ...args.slice(1)), args: [one, new stats.HyperLogLog()] }];
  }
  if (name in classes) return callsOfClass(name);
  if (name.endsWith('Rules')) {
    const rules = value as stats.MethodRules;
    return rules.methods.map((method) => ({ name: `${name}.score of ${method}`, call: (...args: Parameters<stats.MethodRules['score']>) => rules.score(...args), args: [method, x, y, 'num'] }));
  }
  if (typeof value === 'object') {
    return Object.entries(value).map(([member, call]) => {
      const full = `${name}.${member}`;
      const ofBoth = [member === 'psi' || member === 'z' ? column : x, member === 'z' ? column : y, name === 'nannyml' ? { kind: 'num' } : { threshold: 0.1 }];
      return { name: full, call: call as RightCall['call'], args: places[name] ?? ofColumns[full] ?? ofBoth };
    });
  }
  const calls = byFunction[name];
  if (calls === undefined) throw new Error(`Nobody calls ${name}; add a call of it that works.`);
  return calls.map((args) => ({ name, call: value as unknown as RightCall['call'], args }));
});
