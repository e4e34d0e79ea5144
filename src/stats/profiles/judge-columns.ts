import type { MethodScore } from '../compatibility/comparison-method.ts';
import { benjaminiHochberg } from '../tests/benjamini-hochberg.ts';
import { rowCountsOf, weighColumn } from './column-evidence.ts';
import type { ColumnEvidence, DriftTest } from './drift-evidence.ts';
import { mergeColumns } from './column-profile.ts';
import type { ColumnDrift, DataDrift, DriftStatus } from './data-drift.ts';
import type { ColumnSide, CurrentColumn, DataProfile } from './data-profile.ts';
import type { DriftSettings } from './drift-settings.ts';
import { explainColumn, explainScore, summarise } from './drift-summary.ts';

/** Both sides of a comparison on the bins of the reference, and what else decides. */
export interface Comparison {
  readonly profile: DataProfile;
  /** The columns of the reference. */
  readonly sides: readonly ColumnSide[];
  readonly current: CurrentSide;
  readonly settings: DriftSettings;
  /** What another system says of columns that are judged by its rule. */
  readonly scores?: ReadonlyMap<string, MethodScore> | undefined;
  /** The test of a column by blocks of rows, in the place of those of single rows. */
  readonly blockTest?: ((column: string) => DriftTest) | undefined;
}

/** The current columns by those of the reference, and the names of those that the reference does not have. */
export interface CurrentSide {
  readonly columns: readonly CurrentColumn[];
  readonly unknown: readonly string[];
  readonly rows: number;
}

/** Compares two profiles that were counted in the same bins. */
export function compareProfiles(reference: DataProfile, current: DataProfile, settings: DriftSettings): DataDrift {
  return judge({ profile: reference, sides: sidesOf(reference), current: profileSide(current, reference), settings });
}

/** The columns of a reference that is a profile. */
export function sidesOf(profile: DataProfile): ColumnSide[] {
  return profile.columns.map((column) => ({ profile: column }));
}

/** The columns of a current profile, which must have been counted in the bins of the reference. */
export function profileSide(current: DataProfile, reference: DataProfile): CurrentSide {
  const byName = new Map(current.columns.map((column) => [column.name, column]));
  const columns = reference.columns.map((column) => {
    const other = byName.get(column.name);
    byName.delete(column.name);
    // Merging checks that both were counted in the same bins.
    if (other !== undefined) mergeColumns(column, other);
    return { name: column.name, side: other && { profile: other } };
  });
  return { columns, unknown: [...byName.keys()], rows: current.rows };
}

/** What is known of a column once all are weighed. */
interface Judged extends ColumnEvidence {
  readonly adjustedPValue: number | undefined;
  readonly score: MethodScore | undefined;
}

/** The verdict on every column and on all of them. */
export function judge({ profile, sides, current, settings, scores, blockTest }: Comparison): DataDrift {
  const evidence = sides.map((side, i) => {
    const { name } = side.profile;
    return { ...weighColumn(side, current.columns[i]!.side, settings.minRows, blockTest && (() => blockTest(name))), score: scores?.get(name) };
  });
  const columns = adjusted(evidence).map(
    (found, i): ColumnDrift => {
      const side = sides[i]!;
      const { name, kind } = side.profile;
      const status = statusOf(found, settings);
      return {
        name,
        role: name === profile.prediction ? 'prediction' : 'feature',
        kind,
        status,
        reason: found.score === undefined ? explainColumn(found, status, found.adjustedPValue, settings) : explainScore(found.score),
        ...(found.adjustedPValue === undefined ? {} : { pValue: found.pValue, adjustedPValue: found.adjustedPValue }),
        ...(found.score && { score: found.score }),
        ...(found.effect && { effect: found.effect }),
        tests: found.tests,
        moved: found.moved,
        ...(found.unseen && { unseen: found.unseen }),
        reference: rowCountsOf(side.profile),
        ...(current.columns[i]!.side && { current: rowCountsOf(current.columns[i]!.side.profile) }),
      };
    },
  );
  for (const name of current.unknown) {
    columns.push({ name, role: 'feature', kind: 'unknown', status: 'insufficient', reason: 'the reference has no such column', tests: [], moved: [] });
  }
  return verdictOf(columns, profile.rows, current.rows, settings);
}

/** With p-values adjusted over the columns that are judged by them. */
function adjusted(evidence: readonly Omit<Judged, 'adjustedPValue'>[]): Judged[] {
  const tested = evidence.filter(({ pValue, score }) => pValue !== undefined && score === undefined);
  const pValues = benjaminiHochberg(tested.map(({ pValue }) => pValue!));
  const byEvidence = new Map(tested.map((found, i) => [found, pValues[i]!]));
  return evidence.map((found) => ({ ...found, adjustedPValue: byEvidence.get(found) }));
}

function statusOf({ score, adjustedPValue, ...evidence }: Judged, { alpha, minEffect }: DriftSettings): DriftStatus {
  if (score !== undefined) return score.drift ? 'drifted' : score.score === null || score.threshold === null ? 'insufficient' : 'stable';
  if (adjustedPValue !== undefined && adjustedPValue <= alpha && evidence.effect!.low >= minEffect) return 'drifted';
  return evidence.unjudged === undefined ? 'stable' : 'insufficient';
}

function verdictOf(columns: readonly ColumnDrift[], referenceRows: number, currentRows: number, settings: DriftSettings): DataDrift {
  const drifted = columns.filter(({ status }) => status === 'drifted').sort((a, b) => (b.effect?.value ?? 0) - (a.effect?.value ?? 0));
  const status = drifted.length > 0 ? 'drifted' : columns.some((column) => column.status === 'stable') ? 'stable' : 'insufficient';
  return {
    status,
    drifted: drifted.length > 0,
    driftedColumns: drifted.map(({ name }) => name),
    summary: summarise(columns, drifted),
    referenceRows,
    currentRows,
    ...settings,
    columns,
  };
}
