import { ValidationError } from '../../core/errors.ts';
import type { Table, TableInput } from '../../core/table.ts';
import type { DataDrift } from './data-drift.ts';
import { checkProfile, isProfile } from './check-profile.ts';
import { prepareReference, readOnBins, type DataProfile, type ProfileOptions } from './data-profile.ts';
import { driftSettings, type DriftOptions } from './drift-settings.ts';
import { judge, profileSide, sidesOf, type Comparison, type CurrentSide } from './judge-columns.ts';
import { sideTable } from './side-table.ts';

/** What decides besides the columns on bins, from the rows of both sides. */
export type ReadTables = (before: Table, after: Table, profile: DataProfile) => Pick<Comparison, 'scores' | 'blockTest'>;

/** Compares by the rules of this library, and, where both sides are rows, by what `read` finds in them. */
export function compareTables(
  reference: TableInput | DataProfile,
  current: TableInput | DataProfile,
  options: DriftOptions & ProfileOptions = {},
  read?: ReadTables,
): DataDrift {
  const { alpha, minEffect, minRows, ...reading } = options;
  const settings = driftSettings({ alpha, minEffect, minRows }, 'options');
  if (!isProfile(reference)) {
    const before = sideTable(reference, 'reference');
    const { profile, sides } = prepareReference(before, reading);
    if (isProfile(current)) return judge({ profile, sides, current: profileSide(checkProfile(current, 'current'), profile), settings });
    const after = sideTable(current, 'current');
    return judge({ profile, sides, current: readOnBins(after, profile, sides), settings, ...read?.(before, after, profile) });
  }
  if (Object.values(reading).some((value) => value !== undefined)) {
    throw new ValidationError('With a profile as reference, how columns are read was decided by profileData(); give prediction, kinds, maxCategories and sample there.', {
      path: 'options',
    });
  }
  const profile = checkProfile(reference, 'reference');
  return judge({ profile, sides: sidesOf(profile), current: currentSide(current, profile), settings });
}

function currentSide(current: TableInput | DataProfile, reference: DataProfile): CurrentSide {
  if (isProfile(current)) return profileSide(checkProfile(current, 'current'), reference);
  return readOnBins(sideTable(current, 'current'), reference, undefined);
}
