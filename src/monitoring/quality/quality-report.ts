/** A share of rows that was held to what it may be. */
export interface QualityCheck {
  /**
   * Of what: rows without a value (`missing`), values that are NaN or infinite (`notFinite`) or not of the column's kind (`mistyped`), numbers out of their range (`range`), values of categories that are not known (`unseen`), or rows with columns that
   * the reference does not have (`unknown`).
   */
  readonly name: 'missing' | 'notFinite' | 'mistyped' | 'range' | 'unseen' | 'unknown';
  /** The column; absent of `unknown`. */
  readonly column?: string | undefined;
  /**
   * `violated` when the share is surely above `max`, or, without one, above that of the reference: significantly, and surely by `minIncrease`. `insufficient` with fewer than `minRows` rows on either side, or where there were too many categories to count.
   */
  readonly status: 'held' | 'violated' | 'insufficient';
  /** How many; of categories that were too many to count, at least so many. */
  readonly rows: number;
  /** Of how many rows, values or numbers. */
  readonly of: number;
  /** The share, 0 to 1. */
  readonly share: number;
  /** Lower end of its exact interval (Clopper and Pearson), at the level at which this check was judged. */
  readonly low: number;
  /** Upper end of that interval. */
  readonly high: number;
  /** The bound that it was held to; absent where the reference decided. */
  readonly max?: number | undefined;
  /** The share of the reference, where that decided. Of its own range and categories nothing is out. */
  readonly reference?: number | undefined;
  /** The chance of a share that is so large, were all rows like those of the reference, before it is held to `alpha` over the number of shares; only where the reference decided. */
  readonly pValue?: number | undefined;
  /** This in words. */
  readonly reason: string;
}

/** A column that is sent, and that the reference does not have. */
export interface UnknownColumn {
  /** Its name; of more than 200 characters the beginning. */
  readonly name: string;
  /** Rows that have it. */
  readonly rows: number;
}

/** What the data of a window was like, beside its distribution. */
export interface QualityReport {
  /** `violated` when any share is, `insufficient` when none could be judged. */
  readonly status: 'held' | 'violated' | 'insufficient';
  /** Rows with features. */
  readonly rows: number;
  /** How many shares could be judged: a few for each column. */
  readonly judged: number;
  /** Those that are not 0, in the order of the columns. */
  readonly checks: readonly QualityCheck[];
  /** Columns of the reference that no row had, be it as `null`. */
  readonly absent: readonly string[];
  /** Columns that came and that the reference does not have: at most ten, the most frequent first. Of each process twenty names are told apart. */
  readonly unknown: readonly UnknownColumn[];
}
