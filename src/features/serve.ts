import { valueAt, type Column } from '../core/column.ts';
import { ConflictError, ValidationError } from '../core/errors.ts';
import { aggregateColumn } from './aggregates/aggregate-column.ts';
import type { AggregateDefinition } from './aggregates/aggregate-definition.ts';
import type { AskedView } from './definitions/query-plan.ts';
import type { TransformFailure } from './compute-on-demand.ts';
import { definitionOf, type FeatureView } from './definitions/feature-view.ts';
import { shortcoming } from './online-record.ts';
import type { LoadedRecord } from './online-store.ts';
import { TiledTotals } from './online-tiles/tiled-totals.ts';
import { isTotal } from './online-tiles/tile-spec.ts';
import { ownValue } from './own-values.ts';
import { newestRow, outcome } from './point-in-time.ts';
import { ProbeSweep } from './probe-sweep.ts';
import { defaultOf } from './with-default.ts';

/** What is known of a value: there is one, it is missing, nothing is known of the entity, or what is known is older than the view's `ttl`. */
export type FeatureStatus = 'PRESENT' | 'NULL_VALUE' | 'NOT_FOUND' | 'OUTSIDE_MAX_AGE';

/** Features for serving, in the order of the entities. */
export interface OnlineFeatures {
  /** The entities' own columns, then the features; a value whose status is not `PRESENT` is the feature's default, or `null`. */
  readonly columns: Readonly<Record<string, readonly unknown[]>>;
  /** By feature column; what is computed on demand is `PRESENT` or `NULL_VALUE`. */
  readonly statuses: Readonly<Record<string, readonly FeatureStatus[]>>;
  /** By feature column: event time of the entity's newest row, epoch milliseconds, `null` when there is none; of what is computed on demand, the oldest of those that went into it. */
  readonly timestamps: Readonly<Record<string, readonly (number | null)[]>>;
  /** Rows for which an on-demand view failed, where the query lets them be `null`. */
  readonly failures: readonly TransformFailure[];
}

/** A feature's values for the entities asked for. */
export interface ServedValues {
  readonly values: unknown[];
  readonly statuses: FeatureStatus[];
  readonly timestamps: (number | null)[];
}

/** A view's features at the moment `now`, from one entity's record after the other. */
export function serveView(asked: AskedView, records: readonly (LoadedRecord | undefined)[], now: number): ServedValues[] {
  const { view } = asked.current;
  const size = records.length;
  // Features of a view are of the same moments, so they share one list of them.
  const timestamps = new Array<number | null>(size);
  const served = asked.features.map(({ feature }) => {
    const standIn = defaultOf(view, feature);
    const definition = definitionOf(view, feature);
    return { definition, standIn: standIn && valueAt(standIn, 0), values: new Array<unknown>(size), statuses: new Array<FeatureStatus>(size), timestamps };
  });
  const probes = { codes: new Int32Array(1), times: Float64Array.of(now) };
  for (let i = 0; i < size; i++) {
    const loaded = records[i];
    const index = loaded?.index;
    const columns = loaded && columnsFor(loaded, asked, now);
    const found = index && newestRow(index, now, view.ttl);
    const isThere = found !== undefined && (found.outcome === outcome.matched || found.outcome === outcome.expired);
    timestamps[i] = isThere ? index!.times[found.place]! : null;
    let sweep: ProbeSweep | undefined;
    for (let f = 0; f < served.length; f++) {
      const { definition, standIn, values, statuses } = served[f]!;
      let value: unknown = null;
      let status: FeatureStatus = 'NOT_FOUND';
      if (isThere && definition.kind === 'column' && found.outcome === outcome.expired) status = 'OUTSIDE_MAX_AGE';
      else if (isThere) {
        if (definition.kind === 'aggregate') {
          const tiled = tiledTotals(loaded!, definition);
          value = tiled ? tiled.at(now) : valueAt(aggregateColumn((sweep ??= new ProbeSweep(index!, probes)), definition, true), 0);
        }
        else if (columns![f]) value = valueAt(columns![f]!, index!.order[found.place]!);
        status = value === null ? 'NULL_VALUE' : 'PRESENT';
      }
      values[i] = ownValue(value ?? standIn ?? null);
      statuses[i] = status;
    }
  }
  return served;
}

/** The columns of a record that features are, in the order of the features. Throws when the record cannot answer. */
function columnsFor({ record, index }: LoadedRecord, asked: AskedView, now: number): readonly (Column | undefined)[] {
  const { current, features } = asked;
  const { name } = current.view;
  const names = (): string[] => features.map(({ feature }) => feature);
  // A query that is asked again and again is planned once, and looked at once for each record.
  const { reason, columns } = index.planFor(asked, () => ({ reason: shortcoming(record, current.view, names(), current.columns), columns: names().map((each) => index.unsorted(sourceOf(current.view, each))) }));
  if (reason !== undefined) throw new ConflictError(`The online values of '${name}' cannot give ${names().join(', ')}: ${reason}. Call materialize('${name}').`, { key: name });
  if (record.from !== null && now < record.from) {
    const [from, at] = [record.from, now].map((time) => new Date(time).toISOString());
    throw new ValidationError(
      `The online values of '${name}' are kept for requests from ${from} on, and it is ${at} by the clock; ask getHistoricalFeatures() for the past, or materialize with the clock of the requests.`,
      { path: 'clock' },
    );
  }
  return columns;
}

/** Counts and sums of a record whose old rows are in tiles; `undefined` for other records, and for what is computed from rows. */
function tiledTotals({ record, index }: LoadedRecord, definition: AggregateDefinition): TiledTotals | undefined {
  if (record.folded === undefined || !isTotal(definition)) return undefined;
  return index.planFor(definition, () => new TiledTotals(record, index, definition));
}

/** Under what name an index has what a feature is. */
function sourceOf(view: FeatureView, feature: string): string {
  const definition = definitionOf(view, feature);
  return definition.kind === 'column' ? (definition.from ?? feature) : feature;
}
