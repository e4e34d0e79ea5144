/** One test of significance. */
export interface DriftTest {
  /** What was compared: the values, whether there is one (present, missing, not of the column's kind), or one view of them: of texts the length and the words, of times the hour, the day of the week and the unit that they are whole in, of vectors the norm and each random projection. */
  readonly of: 'values' | 'presence' | 'length' | 'words' | 'hours' | 'weekdays' | 'precision' | 'norm' | 'projection';
  /**
   * `ks-exact` and `ks-asymptotic` compare the numbers themselves, `ks-binned` the exact counts in the reference's bins (conservative); the chi-squared tests
   * compare counts: with Yates' correction when a 2×2 table is nearly empty, with the exact mean and variance of the statistic (`-moments`) when any other is. Their p-values are never smaller than that of Fisher's exact test of a
   * 2×2 table, or that of the likelihood ratio with mean, variance and skewness of its own for any other, so that they are true at levels of 1e-6 too.
   * `block-permutation` compares the same counts with those of blocks of rows that change sides at random.
   */
  readonly method: 'ks-exact' | 'ks-asymptotic' | 'ks-binned' | 'chi-square' | 'chi-square-yates' | 'chi-square-moments' | 'block-permutation';
  /** The largest difference of the distribution functions, or chi-squared. */
  readonly statistic: number;
  /** Of this test alone. */
  readonly pValue: number;
  /** Rows of the reference that took part. */
  readonly referenceRows: number;
  /** Current rows that took part. */
  readonly currentRows: number;
  /** Of blocks of rows only. */
  readonly blocks?: TestedBlocks | undefined;
}

/** The blocks of rows that a test took for independent. */
export interface TestedBlocks {
  /** Blocks of the reference. */
  readonly reference: number;
  /** Current blocks. */
  readonly current: number;
  /** How many times as much the shares vary as those of as many independent rows would: about 1 when blocks are as good as independent rows, the length of a block when its rows are all equal. */
  readonly designEffect: number;
}

/** What a test found, whatever it is a test of. */
export type Finding = Omit<DriftTest, 'of'>;

/** How far a column moved: the population stability index, with all that its value depends on. */
export interface DriftEffect {
  /** The population stability index, natural logarithm. */
  readonly method: 'psi';
  /** The index as counted, chance included. */
  readonly value: number;
  /** Lower end of an approximate 95 % interval, after what chance alone gives was taken off: what `minEffect` is compared with. */
  readonly low: number;
  /** Upper end of that interval. */
  readonly high: number;
  /** What `value` would be expected to be by chance, had nothing changed. */
  readonly expectedByChance: number;
  /** Bins that either side has rows in. */
  readonly bins: number;
  /** The reference's deciles, every category, or only whether there is a value; of texts the deciles of their length, or groups of words; of times as their tests; of vectors the deciles of the norm or of a projection: of several views, the one whose interval begins highest. */
  readonly binRule: 'reference-deciles' | 'categories' | 'presence' | 'length-deciles' | 'words' | 'hours' | 'weekdays' | 'precision' | 'norm-deciles' | 'projection-deciles';
  /** Half a row is added to every bin of both sides, so that empty bins stay finite. */
  readonly zeroRule: 'add-half';
}

/** How the rows of one bin moved. */
export interface BinShift {
  /** `[from, to)` for numbers, the category, `missing` or `not a number`. */
  readonly bin: string;
  /** Share of the reference's rows, 0 to 1. */
  readonly reference: number;
  /** Share of the current rows, 0 to 1. */
  readonly current: number;
  /** What the bin adds to the index. */
  readonly contribution: number;
}

/** Categories that the reference does not have. */
export interface UnseenCategories {
  /** Rows that hold one. */
  readonly rows: number;
  /** How many different ones. */
  readonly categories: number;
  /** The most frequent of them, at most ten. */
  readonly examples: readonly string[];
}

/** What the comparison of one column gave, before the other columns are known. */
export interface ColumnEvidence {
  readonly tests: readonly DriftTest[];
  /** Of the whole column; absent when nothing could be tested. */
  readonly pValue: number | undefined;
  readonly effect: DriftEffect | undefined;
  /** The bins that add most to the index, at most five. */
  readonly moved: readonly BinShift[];
  readonly unseen: UnseenCategories | undefined;
  /** Why the values were not compared. */
  readonly unjudged: string | undefined;
}

/** One way to look at the values of a column. */
export interface View {
  readonly of: DriftTest['of'];
  readonly test: Finding;
  /** Rows of both sides in common bins. */
  readonly counts: readonly [reference: readonly number[], current: readonly number[]];
  readonly labels: readonly string[];
  readonly binRule: DriftEffect['binRule'];
}

/** Of a column of which nothing can be said. */
export const nothing: ColumnEvidence = { tests: [], pValue: undefined, effect: undefined, moved: [], unseen: undefined, unjudged: undefined };
