import type { ColumnProfile } from './column-profile.ts';

/** The forms of a profile that this version reads. The second came with columns of text, so that a version that does not know them refuses it. */
export const profileFormats = ['modelkeep.profile/1', 'modelkeep.profile/2'] as const;

/** The form of a profile of these columns: the first that has them, so that what older versions can read stays theirs. */
export function formatOf(columns: readonly ColumnProfile[]): (typeof profileFormats)[number] {
  return profileFormats[columns.some(({ kind }) => kind === 'text') ? 1 : 0];
}
