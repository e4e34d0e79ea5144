import { demandList, demandOptions, demandProbability } from '../arguments.ts';
import { hellingerDistance } from '../distances/hellinger-distance.ts';
import { jensenShannonDistance } from '../distances/jensen-shannon-distance.ts';
import { klDivergence } from '../distances/kl-divergence.ts';
import { countCategories, demandColumns, distinctUpTo, joined, kindOf, numbersOf, type BinnedColumn, type Column, type ColumnKind } from './column.ts';
import { verdictOn, type DriftScore, type DriftScoreOptions } from './drift-score.ts';
import { binnedByDifferentValues, binnedColumn, filledShares } from './evidently-bins.ts';
import { categoryTest, chiSquareScore, fisherScore, gScore, variationScore, zScore, type PermutedScoreOptions } from './evidently-category-tests.ts';
import { evidentlyDefaultTest, type EvidentlyColumnFacts, type EvidentlyDefaultTest } from './evidently-default-test.ts';
import {
  andersonScore,
  cramerVonMisesScore,
  energyScore,
  eppsSingletonScore,
  ksScore,
  mannWhitneyScore,
  numericTest,
  studentScore,
  wassersteinScore,
} from './evidently-numeric-tests.ts';

/** How a column is read that may hold numbers or categories. */
export interface ColumnScoreOptions extends DriftScoreOptions {
  /** Whether the values are numbers or categories. @default 'num' where all that is there is numbers */
  kind?: ColumnKind | undefined;
}

/** A verdict by the test that Evidently chooses. */
export interface EvidentlyColumnDrift extends DriftScore {
  /** The test, by Evidently's name. */
  readonly test: EvidentlyDefaultTest['test'];
}

/** The verdict on all columns together. */
export interface EvidentlyDatasetDrift {
  /** The share of columns that drifted, 0 to 1; NaN without columns. */
  readonly driftedShare: number;
  /** Whether that is at least the share that was asked for. */
  readonly drift: boolean;
}

/** A test of two columns. */
export type ColumnTest<Options = DriftScoreOptions> = (reference: Column, current: Column, options?: Options) => DriftScore;

/** The functions of {@link evidently}. */
export interface Evidently {
  /** `psi`: Σ (r - c) ln(r / c) ≥ 0.1 over Evidently's bins, empty ones filled. */
  readonly psi: ColumnTest<ColumnScoreOptions>;
  /** `jensenshannon`: the distance ≥ 0.1 over Evidently's bins. In nats, so at most 0.83 and not 1. */
  readonly jensenShannon: ColumnTest<ColumnScoreOptions>;
  /** `kl_div`: Σ r ln(r / c) ≥ 0.1 over Evidently's bins, empty ones filled and both sides brought back to a sum of 1. */
  readonly klDivergence: ColumnTest<ColumnScoreOptions>;
  /** `hellinger`: the distance ≥ 0.1, numbers in bins by Sturges over the different values, however few. */
  readonly hellinger: ColumnTest<ColumnScoreOptions>;
  /** `wasserstein`: W₁ / max(sd of the reference with n, 0.001) ≥ 0.1. A few outliers in the reference hide a shift of all the rest. */
  readonly wasserstein: ColumnTest;
  /** `ed`: the energy distance > 0.1, in the root of the column's unit. */
  readonly energy: ColumnTest;
  /** `ks`: Kolmogorov–Smirnov, p ≤ 0.05; exact to 10,000 values a side as if none were equal, so conservative with ties. */
  readonly ks: ColumnTest;
  /** `cramer_von_mises`: p ≤ 0.1; exact to 20 values a side, ties ignored. */
  readonly cramerVonMises: ColumnTest;
  /** `anderson`: Anderson–Darling by its table, which knows p from 0.001 to 0.25; p < 0.1. */
  readonly anderson: ColumnTest;
  /** `mannw`: Mann–Whitney, p < 0.05, one-sided: it sees only values that rise and is blind to every fall. */
  readonly mannWhitney: ColumnTest;
  /** `t_test`: Student's with equal variances, p < 0.05. */
  readonly studentT: ColumnTest;
  /** `es`: Epps–Singleton at 0.4 and 0.8, p < 0.05; NaN where Evidently fails, when the middle half of the values is one. */
  readonly eppsSingleton: ColumnTest;
  /** `chisquare`: goodness of fit to the reference, p < 0.05. It takes the reference for the truth, so that equal sides of 1,000 with ten categories alarm in half of all cases; {@link chiSquareTest} does not. NaN for one category. */
  readonly chiSquare: ColumnTest;
  /** `g_test`: the same with likelihood ratios, p < 0.1; NaN where Evidently fails, for sides of different sizes, and for one category. */
  readonly gTest: ColumnTest;
  /** `z`: two shares with pooled variance, of all values but the first in order, p < 0.05. */
  readonly z: ColumnTest;
  /** `fisher_exact`: p < 0.1; NaN where Evidently fails, for more than two categories or sides of different sizes. */
  readonly fisherExact: ColumnTest;
  /** `TVD`: p < 0.1, the share of random splits whose total variation distance is as large. The draws are our own, seeded: the p-value is Evidently's but for chance, about ±0.01 where p is 0.1. Takes n steps a split. */
  readonly totalVariation: ColumnTest<PermutedScoreOptions>;
  /** The test that Evidently takes where none is named. It turns from p-values to distances at row 1001, and so does the verdict. Throws for counts that are no whole numbers. */
  readonly defaultTest: (facts: EvidentlyColumnFacts) => EvidentlyDefaultTest;
  /** The verdict of that test on a column of numbers or categories. */
  readonly columnDrift: ColumnTestByDefault;
  /** Drift of a data set: at least a share of its columns drifted, 0.5 unless told. Nothing corrects for how many there are. */
  readonly datasetDrift: (drifted: ArrayLike<boolean | number>, share?: number) => EvidentlyDatasetDrift;
}

/** The test of two columns that Evidently chooses by itself. */
export type ColumnTestByDefault = (reference: Column, current: Column, options?: ColumnScoreOptions) => EvidentlyColumnDrift;

/**
 * The drift tests of Evidently as they are published (commit a4aa4c2 of 2026-05-02, which its 0.7 calls), with its bins, thresholds and defaults, so that numbers can be compared while a team migrates. For
 * decisions take `compareData` of `modelkeep` or the functions of the same names outside of this object: these rules alarm too often on small samples, are blind to some changes, and change
 * with the number of rows, as each says.
 *
 * Bins, where a test has them: numbers with more than 20 different values in the reference in bins of equal width by Sturges' rule over both sides together; everything else by value. Empty bins, where a
 * test fills them: a share of 0.0001, or a millionth of the side's smallest share where that is at most 0.0001. Missing values (`null`, NaN) and ±Infinity are left out, as Evidently does. An empty side and whatever
 * makes Evidently fail gives the score NaN and no drift; nothing throws on data. P-values are those of our tests, exact where `1 - cdf` and scipy's Cramér–von Mises tail lose theirs, below about 1e-8: no verdict differs.
 * Left out are its tests of texts and embeddings. Each costs a sort or a pass.
 *
 * Throws `ValidationError` for a threshold that is not positive and an unknown kind.
 *
 * @example
 * ```ts
 * import { evidently } from 'modelkeep/stats';
 *
 * const before = ['card', 'card', 'cash', 'card', 'cash'];
 * const after = ['card', 'cash', 'cash', 'voucher', 'cash'];
 * const { score, threshold, drift } = evidently.psi(before, after);
 * console.log(score.toFixed(2), threshold, drift); // 2.04 0.1 true
 * console.log(evidently.columnDrift(before, after).test); // chisquare
 * ```
 */
export const evidently: Evidently = {
  psi: /* @__PURE__ */ binnedTest(({ reference, current }) => stabilityIndex(filledShares(reference), filledShares(current))),
  jensenShannon: /* @__PURE__ */ binnedTest(({ reference, current }) => jensenShannonDistance(reference, current)),
  klDivergence: /* @__PURE__ */ binnedTest(({ reference, current }) => klDivergence(filledShares(reference), filledShares(current))),
  hellinger: /* @__PURE__ */ binnedTest(({ reference, current }) => hellingerDistance(reference, current), binnedByDifferentValues),
  wasserstein: /* @__PURE__ */ numericTest(wassersteinScore, '>=', 0.1),
  energy: /* @__PURE__ */ numericTest(energyScore, '>', 0.1),
  ks: /* @__PURE__ */ numericTest(ksScore, '<=', 0.05),
  cramerVonMises: /* @__PURE__ */ numericTest(cramerVonMisesScore, '<=', 0.1),
  anderson: /* @__PURE__ */ numericTest(andersonScore, '<', 0.1),
  mannWhitney: /* @__PURE__ */ numericTest(mannWhitneyScore, '<', 0.05),
  studentT: /* @__PURE__ */ numericTest(studentScore, '<', 0.05),
  eppsSingleton: /* @__PURE__ */ numericTest(eppsSingletonScore, '<', 0.05),
  chiSquare: /* @__PURE__ */ categoryTest(chiSquareScore, 0.05),
  gTest: /* @__PURE__ */ categoryTest(gScore, 0.1),
  z: /* @__PURE__ */ categoryTest(zScore, 0.05),
  fisherExact: /* @__PURE__ */ categoryTest(fisherScore, 0.1),
  totalVariation: /* @__PURE__ */ categoryTest<PermutedScoreOptions>(variationScore, 0.1),
  defaultTest: evidentlyDefaultTest,
  columnDrift,
  datasetDrift,
};

function binnedTest(score: (bins: BinnedColumn) => number, bin: typeof binnedColumn = binnedColumn): ColumnTest<ColumnScoreOptions> {
  return (reference, current, options = {}) => {
    demandOptions(options);
    demandColumns(reference, current);
    const bins = bin(reference, current, options.kind);
    return verdictOn(bins === undefined ? NaN : score(bins), '>=', 0.1, options, bins);
  };
}

function stabilityIndex(reference: Float64Array, current: Float64Array): number {
  return reference.reduce((sum, share, i) => sum + (share - current[i]!) * Math.log(share / current[i]!), 0);
}

function columnDrift(reference: Column, current: Column, options: ColumnScoreOptions = {}): EvidentlyColumnDrift {
  demandOptions(options);
  demandColumns(reference, current);
  const kind = kindOf(reference, current, options.kind);
  const { test } = evidentlyDefaultTest({ kind, ...(kind === 'num' ? numericFacts(reference, current) : categoryFacts(reference, current)) });
  const run = { ks: evidently.ks, chisquare: evidently.chiSquare, z: evidently.z, wasserstein: evidently.wasserstein, jensenshannon: evidently.jensenShannon };
  const own = (column: Column): Column => (kind === 'num' ? numbersOf(column) : column);
  return { test, ...run[test as keyof typeof run](own(reference), own(current), { ...options, kind }) };
}

function numericFacts(reference: Column, current: Column): { rows: number; unique: number } {
  const before = numbersOf(reference);
  // The rule asks for no more than whether there are 2, 5 or more.
  return { rows: before.length, unique: distinctUpTo(6, joined(before, numbersOf(current))) };
}

function categoryFacts(reference: Column, current: Column): { rows: number; unique: number } {
  const { keys, n } = countCategories(reference, current);
  return { rows: n, unique: keys.length };
}

function datasetDrift(drifted: ArrayLike<boolean | number>, share = 0.5): EvidentlyDatasetDrift {
  demandList('drifted', drifted);
  demandProbability('share', share);
  let count = 0;
  for (let i = 0; i < drifted.length; i++) if (drifted[i]) count++;
  const driftedShare = count / drifted.length;
  return { driftedShare, drift: driftedShare >= share };
}
