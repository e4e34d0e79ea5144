import { timestampOf } from '../../core/column.ts';
import { StorageError } from '../../core/errors.ts';
import { fromBase64 } from '../../core/bytes.ts';

/** What a Feast server knows of a value; an entity's own columns are always `PRESENT`. */
export type FeastStatus = 'PRESENT' | 'NULL_VALUE' | 'NOT_FOUND' | 'OUTSIDE_MAX_AGE';

/** How values of a feature are to be read, since JSON does not say. */
export type FeastType = 'int64' | 'float64' | 'timestamp' | 'bytes';

/** Features as `FeatureStore.getOnlineFeatures` gives them; a server does not tell of what failed. */
export interface FeastFeatures {
  /** The entities' own columns, then the features. */
  readonly columns: Readonly<Record<string, readonly unknown[]>>;
  /** By feature column. */
  readonly statuses: Readonly<Record<string, readonly FeastStatus[]>>;
  /** By feature column: event time in epoch milliseconds, `null` when there is none. */
  readonly timestamps: Readonly<Record<string, readonly (number | null)[]>>;
}

const statuses: readonly unknown[] = ['PRESENT', 'NULL_VALUE', 'NOT_FOUND', 'OUTSIDE_MAX_AGE'];

/** The columns of an answer, found by their names. Throws `StorageError` for an answer of another form. */
export function readAnswer(body: unknown, entities: readonly string[], rowCount: number, types: Readonly<Record<string, FeastType>>): FeastFeatures {
  const { metadata, results } = (body ?? {}) as { metadata?: { feature_names?: unknown }; results?: unknown };
  const listed = metadata?.feature_names;
  // Go's server has them one level deeper.
  const names: unknown = Array.isArray(listed) ? listed : (listed as { val?: unknown } | undefined)?.val;
  if (!Array.isArray(names) || !Array.isArray(results) || names.length !== results.length) throw malformed('metadata.feature_names and results do not fit');
  const columns: Record<string, readonly unknown[]> = {};
  const found: Record<string, FeastStatus[]> = {};
  const timestamps: Record<string, (number | null)[]> = {};
  for (const [i, name] of (names as unknown[]).entries()) {
    if (typeof name !== 'string' || name === '__proto__') throw malformed('a name is no text that can name a column');
    const result = (results as unknown[])[i] as { values?: unknown; statuses?: unknown; event_timestamps?: unknown } | null;
    const values = listOf(result?.values, rowCount, name);
    columns[name] = values.map((value) => valueOf(value, Object.hasOwn(types, name) ? types[name] : undefined));
    if (entities.includes(name)) continue;
    found[name] = listOf(result?.statuses, rowCount, name).map((status, row) => statusOf(status, values[row], name));
    timestamps[name] = listOf(result?.event_timestamps, rowCount, name).map((time, row) => (found[name]![row] === 'NOT_FOUND' ? null : timeOf(time, name)));
  }
  return { columns, statuses: found, timestamps };
}

function listOf(value: unknown, length: number, name: string): unknown[] {
  if (Array.isArray(value) && value.length === length) return value;
  throw malformed(`'${name}' does not have ${length} values, statuses and timestamps`);
}

/** Feast's Python server calls a missing value `PRESENT`. */
function statusOf(status: unknown, value: unknown, name: string): FeastStatus {
  if (!statuses.includes(status)) throw malformed(`a status of '${name}' is unknown`);
  return status === 'PRESENT' && value === null ? 'NULL_VALUE' : (status as FeastStatus);
}

function timeOf(time: unknown, name: string): number {
  const found = typeof time === 'string' ? timestampOf(time) : undefined;
  if (found === undefined) throw malformed(`a timestamp of '${name}' is none`);
  return found;
}

function valueOf(value: unknown, type: FeastType | undefined): unknown {
  if (type === 'int64' && typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  if (type === 'float64' && (typeof value === 'bigint' || value === 'NaN' || value === 'Infinity' || value === '-Infinity')) return Number(value);
  if (type === 'timestamp' && typeof value === 'number') return value * 1000;
  if (type === 'bytes' && typeof value === 'string') return fromBase64(value);
  return value;
}

function malformed(what: string): StorageError {
  return new StorageError('storage', `The answer of the Feast server cannot be read: ${what}.`);
}
