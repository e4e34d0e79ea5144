import { throwIfAborted } from '../../core/abort.ts';
import { columnValues, valueAt, type Column } from '../../core/column.ts';
import type { Row, TableInput } from '../../core/table.ts';
import { tableColumns } from '../../core/table.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import { compareTables } from '../../stats/profiles/compare-tables.ts';
import type { ColumnDrift, DataDrift } from '../../stats/profiles/data-drift.ts';
import { isProfile } from '../../stats/profiles/check-profile.ts';
import type { DataProfile } from '../../stats/profiles/data-profile.ts';
import type { TransformFailure } from '../compute-on-demand.ts';
import type { FeatureRequest, QueryPlan } from '../definitions/query-plan.ts';
import { joinPlan, rowsIn, type JoinedPlan } from '../historical-query.ts';
import { ownValue } from '../own-values.ts';
import type { RowCache } from '../row-cache.ts';
import { isSame } from './compare-values.ts';
import { FeatureTally } from './feature-tally.ts';
import { ingestedIndex } from './ingested-index.ts';
import { statusAt } from './served-answers.ts';
import { givenRows, joinedColumn, loggedRows, spineFor, takeTableRows, type ServedGroup } from './served-groups.ts';
import { shapeOf, type PlannedShape } from './served-shape.ts';
import { SkewCauses } from './skew-causes.ts';
import { skewSettings, type SkewOptions, type SkewSettings } from './skew-options.ts';
import type { SkewCause, SkewReport } from './skew-report.ts';
import { judgeFeature, summariseSkew, worstOf } from './skew-summary.ts';
import { skewedVersions } from './skewed-versions.ts';

/** What a check of skew works with. */
export interface SkewSource {
  readonly storage: StorageAdapter;
  readonly rows: RowCache;
  /** The query as it is planned now. */
  readonly plan: QueryPlan;
}

const maxFailures = 100;
/** What distributions are compared of. */
const comparable = new Set(['float64', 'int64', 'bool', 'string', 'timestamp']);

/** Replays what was served at the moments of serving, and says where it differs and why. */
export async function checkSkew({ storage, rows, plan }: SkewSource, features: FeatureRequest, options: SkewOptions): Promise<SkewReport> {
  const planned = shapeOf(plan);
  const asked = planned.shape.features.flatMap(({ column, ref, type }, f) => (column === undefined ? [] : [{ column, ref, type, f }]));
  const settings = skewSettings(options, asked.map(({ column }) => column));
  const { signal } = options;
  const { groups, truncated } = options.served === undefined ? await loggedRows(storage, features, settings, { signal }) : givenRows(options.served, plan, planned, settings);
  const total = groups.reduce((sum, { moments }) => sum + moments.length, 0);
  const tallies = asked.map(({ column, ref, type }) => new FeatureTally(column, ref, type, settings.toleranceOf(column), settings.examples));
  const sides = asked.map((): { served: Column[]; replayed: Column[] } => ({ served: [], replayed: [] }));
  const failures: TransformFailure[] = [];
  let done = 0;
  for (const group of groups) {
    throwIfAborted(signal, 'The check of skew');
    const spine = spineFor(group, plan);
    const replayed = await joinPlan(plan, spine, group.moments, rowsIn(rows, { signal }), { onTransformError: 'null', signal }, () => rows.trim());
    failures.push(...replayed.failures.slice(0, maxFailures - failures.length).map((failure) => ({ ...failure, row: failure.row + done })));
    const causeOf = await causesIn({ storage, rows, plan }, planned, group, replayed, settings, signal);
    for (const [a, { ref, f }] of asked.entries()) {
      const served = group.features.get(ref);
      if (served === undefined) continue;
      const values = replayed.values.get(planned.ids[f]!)!;
      tallies[a]!.add({
        served: served.values,
        replayed: values,
        at: group.moments,
        entityAt: (row) => entityAt(group, row),
        statusAt: (row) => (group.shape ? statusAt(served.statuses, row) : undefined),
        causeAt: (row) => causeOf(f, row),
      });
      sides[a]!.served.push(served.values);
      sides[a]!.replayed.push(values);
    }
    done += group.moments.length;
    options.onProgress?.({ phase: 'replay', done, total });
  }
  const served = tableOf(asked.map(({ column }, a) => [column, joinedColumn(sides[a]!.served)]));
  const again = tableOf(asked.map(({ column }, a) => [column, joinedColumn(sides[a]!.replayed)]));
  const distribution = total === 0 ? undefined : compareTables(again, served, options.drift);
  const reference = options.reference === undefined || total === 0 ? undefined : againstReference(options.reference, served, options);
  const judged = tallies.flatMap((tally) => (tally.rows === 0 && total > 0 ? [] : [judgeFeature(tally, settings, driftOf(distribution, tally.name), driftOf(reference, tally.name))]));
  const known = new Set(planned.shape.features.map(({ ref }) => ref));
  const report = {
    status: worstOf(judged.map(({ status }) => status)),
    rows: total,
    truncated,
    ...rangeOf(groups),
    features: judged,
    notServed: total === 0 ? [] : tallies.flatMap((tally) => (tally.rows === 0 ? [tally.name] : [])),
    notAsked: [...new Set(groups.flatMap(({ shape }) => shape?.features.flatMap(({ ref, column }) => (column === undefined || known.has(ref) ? [] : [column])) ?? []))],
    versions: skewedVersions(groups, planned.shape),
    failures,
    ...(reference && { reference }),
  };
  return { ...report, summary: summariseSkew(report, options.served !== undefined) };
}

/** Why rows of a group differ; it is looked into where any do. */
async function causesIn(
  { rows, plan }: SkewSource,
  planned: PlannedShape,
  group: ServedGroup,
  replayed: JoinedPlan,
  { toleranceOf }: SkewSettings,
  signal: AbortSignal | undefined,
): Promise<(f: number, row: number) => SkewCause> {
  const different: number[] = [];
  const compared = planned.shape.features.flatMap(({ ref, column }, f) => {
    const served = group.features.get(ref);
    return served && column !== undefined ? [{ served: served.values, replayed: replayed.values.get(planned.ids[f]!)!, tolerance: toleranceOf(column) }] : [];
  });
  for (let row = 0; row < group.moments.length; row++) if (compared.some((each) => !isSame(each.served, each.replayed, row, each.tolerance))) different.push(row);
  if (different.length === 0) return () => 'unknown';
  const spine = takeTableRows(spineFor(group, plan), different);
  const times = Float64Array.from(different, (row) => group.moments[row]!);
  const thenWith = (inclusive: boolean): Promise<JoinedPlan> => joinPlan(plan, spine, times, rowsIn(rows, { signal }, (snapshot) => ingestedIndex(snapshot, inclusive)), { onTransformError: 'null', signal }, () => rows.trim());
  const causes = new SkewCauses(group, plan, planned, toleranceOf, { before: await thenWith(false), upTo: await thenWith(true) }, different);
  return (f, row) => causes.of(f, row);
}

function entityAt({ spine }: ServedGroup, row: number): Row {
  return Object.fromEntries(Object.entries(spine.columns).map(([name, column]) => [name, ownValue(valueAt(column, row))]));
}

function tableOf(columns: readonly (readonly [string, Column | undefined])[]): Readonly<Record<string, ArrayLike<unknown>>> {
  return Object.fromEntries(columns.flatMap(([name, column]) => (column && comparable.has(column.type) ? [[name, column.type === 'timestamp' ? Array.from(column.values, (_, i) => dateAt(column, i)) : columnValues(column)] as const] : [])));
}

/** So that a column of times is known for one. */
function dateAt(column: Column, i: number): Date | null {
  const time = valueAt(column, i) as number | null;
  return time === null || Number.isNaN(new Date(time).getTime()) ? null : new Date(time);
}

/** The reference against what was served, over the columns that both have. */
function againstReference(reference: TableInput | DataProfile, served: Readonly<Record<string, ArrayLike<unknown>>>, { drift }: SkewOptions): DataDrift {
  if (isProfile(reference)) return compareTables({ ...reference, columns: reference.columns.filter(({ name }) => Object.hasOwn(served, name)) }, served, drift);
  const columns = [...tableColumns(reference, undefined, 'options.reference')].filter(([name]) => Object.hasOwn(served, name));
  return compareTables(Object.fromEntries(columns), served, drift);
}

function driftOf(drift: DataDrift | undefined, name: string): ColumnDrift | undefined {
  return drift?.columns.find((column) => column.name === name);
}

function rangeOf(groups: readonly ServedGroup[]): { readonly from: number | null; readonly to: number | null } {
  let [from, to] = [Infinity, -Infinity];
  for (const { moments } of groups) {
    for (const at of moments) {
      if (at < from) from = at;
      if (at > to) to = at;
    }
  }
  return from <= to ? { from, to } : { from: null, to: null };
}
