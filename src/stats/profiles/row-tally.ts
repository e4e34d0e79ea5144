import type { RowCounts } from './column-profile.ts';

/** Counts of rows by what they hold, as they come. */
export class RowTally {
  rows = 0;
  missing = 0;
  nan = 0;
  infinite = 0;
  mistyped = 0;

  /** Counts `rows` rows of a value, and says whether it is one that a kind of column may know. */
  sees(value: unknown, rows: number): boolean {
    this.rows += rows;
    if (value === null || value === undefined) this.missing += rows;
    else if (value !== value) this.nan += rows;
    else return true;
    return false;
  }

  /** What was counted since the last take, and starts anew. */
  take(): RowCounts {
    const { rows, missing, nan, infinite, mistyped } = this;
    this.rows = this.missing = this.nan = this.infinite = this.mistyped = 0;
    return { rows, missing, nan, infinite, mistyped };
  }
}
