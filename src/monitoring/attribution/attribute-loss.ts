import { attributeCells } from '../../stats/estimation/attribute-cells.ts';
import type { ChangeAttribution } from '../../stats/estimation/attribute-change.ts';
import type { PlaceGrid } from './feature-places.ts';
import { cellsOf, type StoredPlaceSums } from './place-sums.ts';

/** What a loss goes with, in the columns of a model. */
export interface PeriodAttribution extends ChangeAttribution {
  /** When the period began that it is compared with, the last one in which all was well; `null` when there is none, and then it is `insufficient`. */
  readonly against: number | null;
}

// With fewer labelled predictions on either side nothing is attributed.
const leastRows = 100;

/** What the mean loss of a period goes with, beside that of an earlier one. */
export function attributeLoss(before: StoredPlaceSums | undefined, after: StoredPlaceSums, grid: PlaceGrid, confidence: number): PeriodAttribution {
  const now = cellsOf(after, grid);
  const old = before?.grid === grid.id ? cellsOf(before, grid) : undefined;
  const counts = { referenceRows: old?.whole.n ?? 0, currentRows: now.whole.n };
  const against = old === undefined ? null : before!.start;
  if (old === undefined || Math.min(counts.referenceRows, counts.currentRows) < leastRows) return { status: 'insufficient', against, change: null, columns: [], ...counts };
  const columns = now.columns.map(({ name, cells }, c) => ({ name, before: old.columns[c]!.cells, after: cells }));
  return { status: 'attributed', against, ...attributeCells(columns, { before: [old.whole], after: [now.whole] }, confidence), ...counts };
}

/** Whether a period has labels enough to be compared with. */
export function canBeCompared({ cells }: StoredPlaceSums): boolean {
  return cells[0]! >= leastRows;
}
