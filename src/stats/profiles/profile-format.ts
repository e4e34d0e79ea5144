import type { ColumnProfile } from './column-profile.ts';

/** The forms of a profile that this version reads. The second came with columns of text and of vectors, the calendars of timestamps and the samples of numbers, so that a version that does not know them refuses it. */
export const profileFormats = ['modelkeep.profile/1', 'modelkeep.profile/2'] as const;

/** The form of a profile of these columns: the first that has them, so that what older versions can read stays theirs. */
export function formatOf(columns: readonly ColumnProfile[]): (typeof profileFormats)[number] {
  return profileFormats[columns.some(isNew) ? 1 : 0];
}

function isNew(column: ColumnProfile): boolean {
  if (column.kind === 'timestamp') return column.calendar !== undefined;
  return column.kind === 'text' || column.kind === 'embedding' || (column.kind === 'number' && column.sample !== undefined);
}
