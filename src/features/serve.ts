import { isPresent, valueAt } from '../core/column.ts';
import { ConflictError, ValidationError } from '../core/errors.ts';
import type { AskedView } from './definitions/query-plan.ts';
import type { TransformFailure } from './compute-on-demand.ts';
import { definitionOf, type FeatureDefinition } from './definitions/feature-view.ts';
import { shortcoming } from './online-record.ts';
import type { LoadedRecord } from './online-store.ts';
import { ownValue } from './own-values.ts';
import { joinFeatures, outcome, type JoinedFeatures } from './point-in-time.ts';
import type { CurrentView } from './definitions/definition-states.ts';
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
export function serveView({ current, features }: AskedView, records: readonly (LoadedRecord | undefined)[], now: number): ServedValues[] {
  const { view } = current;
  const names = features.map(({ feature }) => feature);
  const definitions = names.map((name) => definitionOf(view, name));
  const served: ServedValues[] = features.map(() => ({ values: [], statuses: [], timestamps: [] }));
  const defaults = names.map((name) => defaultOf(view, name));
  const probes = { codes: new Int32Array(1), times: Float64Array.of(now) };
  for (const loaded of records) {
    if (loaded) assertAnswerable(loaded, current, names, now);
    const joined = loaded && joinFeatures(loaded.index, probes, definitions, names, { ttl: view.ttl, knownOnly: true });
    served.forEach(({ values, statuses, timestamps }, f) => {
      const { value, status } = statusOf(joined, f, definitions[f]!);
      const standIn = value === null ? defaults[f] : undefined;
      values.push(standIn ? ownValue(valueAt(standIn, 0)) : value);
      statuses.push(status);
      const time = joined?.eventTimes[0] ?? NaN;
      timestamps.push(Number.isNaN(time) ? null : time);
    });
  }
  return served;
}

function assertAnswerable({ record }: LoadedRecord, current: CurrentView, names: readonly string[], now: number): void {
  const { name } = current.view;
  const reason = shortcoming(record, current.view, names, current.columns);
  if (reason !== undefined) throw new ConflictError(`The online values of '${name}' cannot give ${names.join(', ')}: ${reason}. Call materialize('${name}').`, { key: name });
  if (record.from !== null && now < record.from) {
    const [from, at] = [record.from, now].map((time) => new Date(time).toISOString());
    throw new ValidationError(
      `The online values of '${name}' are kept for requests from ${from} on, and it is ${at} by the clock; ask getHistoricalFeatures() for the past, or materialize with the clock of the requests.`,
      { path: 'clock' },
    );
  }
}

function statusOf(joined: JoinedFeatures | undefined, f: number, definition: FeatureDefinition): { value: unknown; status: FeatureStatus } {
  const found = joined?.outcomes[0] ?? outcome.missing;
  if (joined === undefined || !(found === outcome.matched || found === outcome.expired)) return { value: null, status: 'NOT_FOUND' };
  if (found === outcome.expired && definition.kind === 'column') return { value: null, status: 'OUTSIDE_MAX_AGE' };
  const column = joined.columns[f]!;
  return isPresent(column, 0) ? { value: ownValue(valueAt(column, 0)), status: 'PRESENT' } : { value: null, status: 'NULL_VALUE' };
}
