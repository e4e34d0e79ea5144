import { ValidationError } from '../../core/errors.ts';
import type { TableInput } from '../../core/table.ts';
import type { ColumnProfile } from './column-profile.ts';
import type { DataProfile } from './data-profile.ts';
import { isEmbeddingProfile } from './embedding/embedding-profile.ts';
import { isAscending, isCount, sumOf } from './grid-counts.ts';
import { profileFormats } from './profile-format.ts';
import { isCalendar } from './timestamp/calendar-counts.ts';
import { isTextProfile } from './text/text-profile.ts';
import { isSample } from './value-sample.ts';

/** Whether the input is a profile rather than a table. */
export function isProfile(input: TableInput | DataProfile): input is DataProfile {
  return typeof input === 'object' && input !== null && typeof (input as Partial<DataProfile>).format === 'string';
}

/** Returns a profile that came from outside when it is one this version can read; otherwise throws `ValidationError`. */
export function checkProfile(profile: unknown, path: string): DataProfile {
  const { format: found, columns, rows } = (typeof profile === 'object' && profile !== null ? profile : {}) as { readonly [Name in keyof DataProfile]?: unknown };
  if (isFormat(found) && Array.isArray(columns) && isCount(rows)) {
    const odd = columns.findIndex((column) => !isColumnProfile(column, rows));
    if (odd < 0) return profile as DataProfile;
    throw new ValidationError(`${path}.columns[${odd}] is not the profile of a column, or is damaged; make the profile anew with profileData().`, { path: `${path}.columns[${odd}]` });
  }
  if (typeof found === 'string' && !isFormat(found)) throw new ValidationError(`${path} has the format ${JSON.stringify(found)}; this version reads ${profileFormats.join(' and ')}.`, { path });
  throw new ValidationError(`${path} is not a profile; make one with profileData().`, { path });
}

function isFormat(found: unknown): boolean {
  return profileFormats.some((format) => format === found);
}

/** Whether a column that came from outside has what comparing and merging reads, so that a damaged one is refused and not judged. */
function isColumnProfile(value: unknown, rows: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const column = value as ColumnProfile;
  const counts = [column.missing, column.nan, column.infinite, column.mistyped];
  if (typeof column.name !== 'string' || column.rows !== rows || !counts.every(isCount)) return false;
  switch (column.kind) {
    case 'timestamp':
      return column.calendar === undefined || isCalendar(column.calendar);
    case 'text':
      return isTextProfile(column);
    case 'embedding':
      return isEmbeddingProfile(column);
    case 'category':
      return Array.isArray(column.categories) && column.categories.every(isCategoryCount) && isCount(column.maxCategories);
    case 'number':
      return [column.edges, column.cuts].every(isAscending) && column.counts?.length === column.edges.length + 1 && column.counts.every(isCount) && isCount(column.negativeInfinite) && isSample(column.sample, sumOf(column.counts));
    default:
      return false;
  }
}

function isCategoryCount(pair: unknown): boolean {
  return Array.isArray(pair) && typeof pair[0] === 'string' && isCount(pair[1]);
}
