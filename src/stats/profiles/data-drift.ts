import type { MethodScore } from '../compatibility/comparison-method.ts';
import type { BinShift, DriftEffect, DriftTest, UnseenCategories } from './drift-evidence.ts';
import type { MultivariateDrift } from './multivariate-tests.ts';
import type { ColumnKind, RowCounts } from './column-profile.ts';

/**
 * What became of a column or a data set: `drifted` when the change is both significant and large, `stable` when it is not, `insufficient` when there was not enough to
 * judge by. `stable` does not prove that nothing changed: no more was found than the rows can show.
 */
export type DriftStatus = 'drifted' | 'stable' | 'insufficient';

/** The verdict on one column. */
export interface ColumnDrift {
  /** The column. */
  readonly name: string;
  /** Whether it holds the prediction, as the reference says. */
  readonly role: 'feature' | 'prediction';
  /** How it was compared; `unknown` when the reference lacks it. */
  readonly kind: ColumnKind | 'unknown';
  /** The verdict. */
  readonly status: DriftStatus;
  /** The verdict in words. */
  readonly reason: string;
  /** Of this column alone, all its tests taken together; absent when nothing was tested, or the rule of another system decides. */
  readonly pValue?: number | undefined;
  /** Adjusted for the number of columns (Benjamini–Hochberg); compared with alpha. */
  readonly adjustedPValue?: number | undefined;
  /** The rule of another system, where `methods` gave this column to one: its verdict is the column's, and what stands beside it is told only. */
  readonly score?: MethodScore | undefined;
  /** How far the column moved; absent when nothing was compared. */
  readonly effect?: DriftEffect | undefined;
  /** The tests of this column; none when nothing was tested. */
  readonly tests: readonly DriftTest[];
  /** The bins that add most to the effect, at most five. */
  readonly moved: readonly BinShift[];
  /** Categories that the reference does not have. */
  readonly unseen?: UnseenCategories | undefined;
  /** What the reference's rows of the column held; absent when it lacks the column. */
  readonly reference?: RowCounts | undefined;
  /** What the current rows of the column held; absent when they lack it. */
  readonly current?: RowCounts | undefined;
}

/** The verdict on a data set. */
export interface DataDrift {
  /** `drifted` when any column is, `insufficient` when no column could be judged. */
  readonly status: DriftStatus;
  /** Whether any column drifted. */
  readonly drifted: boolean;
  /** The columns that drifted, the most changed first. */
  readonly driftedColumns: readonly string[];
  /** The verdict in words. */
  readonly summary: string;
  /** Rows of the reference. */
  readonly referenceRows: number;
  /** Rows that were compared with it. */
  readonly currentRows: number;
  /** The `alpha` that it was judged by. */
  readonly alpha: number;
  /** The `minEffect` that it was judged by. */
  readonly minEffect: number;
  /** The `minRows` that it was judged by. */
  readonly minRows: number;
  /** What tests of all columns at once say, by their names, where `multivariate` asked for them. They are told beside the columns, and have no part in `status`. */
  readonly multivariate?: Readonly<Record<string, MultivariateDrift>> | undefined;
  /** Every column, in the order of the reference; then those that it does not have. */
  readonly columns: readonly ColumnDrift[];
}
