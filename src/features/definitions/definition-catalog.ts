import type { Clock } from '../../core/clock.ts';
import { canonicalJson } from '../../core/codec.ts';
import type { ColumnType } from '../../core/column.ts';
import { digestOf, type Digest } from '../../core/digest.ts';
import { ConflictError, NotFoundError } from '../../core/errors.ts';
import { escapeSegment } from '../../core/key.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { StorageAdapter, Version } from '../../storage/contract.ts';
import { changeHead, readHead, readHeads } from '../../storage/head-record.ts';
import { listAll } from '../../storage/records.ts';
import { viewColumns, type FeatureDefinition, type FeatureView } from './feature-view.ts';

/** What became of a view that was applied. */
export interface AppliedView {
  /** Name of the view. */
  readonly name: string;
  /** Counted from 1. */
  readonly version: number;
  /** Content hash of the definition. */
  readonly digest: Digest;
  /** Whether the view is new, as it was, has more features, or was changed by force. */
  readonly change: 'created' | 'unchanged' | 'extended' | 'forced';
}

interface ViewVersion {
  readonly version: number;
  readonly digest: Digest;
  readonly view: FeatureView;
  readonly at: number;
}

interface ViewState {
  /** Counts how often rows became unreadable under the definition that followed; each has a log of its own. */
  readonly epoch: number;
  /** Type of every column that rows of this epoch may hold. */
  readonly columns: Readonly<Record<string, ColumnType>>;
  readonly versions: readonly ViewVersion[];
}

/** A view as it is in force. */
export interface CurrentView {
  readonly view: FeatureView;
  readonly digest: Digest;
  readonly epoch: number;
  /** Columns that the view's features are made of. */
  readonly columns: Readonly<Record<string, ColumnType>>;
}

/** Definitions of feature views, stored as data: every version is kept, and the history says who came when. */
export class ViewCatalog {
  readonly #storage: StorageAdapter;
  readonly #clock: Clock;
  readonly #known = new Map<string, { version: Version | undefined; current: CurrentView }>();

  constructor(storage: StorageAdapter, clock: Clock) {
    this.#storage = storage;
    this.#clock = clock;
  }

  /** Key of the record that holds a view. */
  keyOf(name: string): string {
    return `features/views/${escapeSegment(name)}`;
  }

  /** Puts a definition in force. Throws `ConflictError` naming the differences when it breaks the one in force and `force` is not set. */
  async apply(view: FeatureView, force: boolean, options: OperationOptions): Promise<AppliedView> {
    const digest = digestOf(canonicalJson(view));
    const columns = viewColumns(view);
    let applied: AppliedView | undefined;
    await changeHead<ViewState>(
      { storage: this.#storage, key: this.keyOf(view.name), clock: this.#clock },
      (state) => {
        const last = state?.versions.at(-1);
        if (last?.digest === digest) {
          applied = { name: view.name, version: last.version, digest, change: 'unchanged' };
          return undefined;
        }
        const breaks = last ? breakingChanges(last.view, view) : [];
        const conflicts = state ? conflictingColumns(state.columns, columns) : [];
        if (!force && breaks.length + conflicts.length > 0) throw refused(view.name, [...breaks, ...conflicts]);
        const rows = last === undefined || rowsStayReadable(last.view, view, conflicts);
        applied = { name: view.name, version: (last?.version ?? 0) + 1, digest, change: last === undefined ? 'created' : breaks.length + conflicts.length > 0 ? 'forced' : 'extended' };
        const entry: ViewVersion = { version: applied.version, digest, view, at: this.#clock.now() };
        return {
          state: { epoch: (state?.epoch ?? 1) + (rows ? 0 : 1), columns: rows ? { ...state?.columns, ...columns } : columns, versions: [...(state?.versions ?? []), entry] },
          events: [
            {
              type: 'feature-view-applied',
              subject: { kind: 'feature-view', id: view.name, version: applied.version, digest },
              data: { change: applied.change, differences: [...breaks, ...conflicts] },
            },
          ],
        };
      },
      options,
    );
    this.#known.delete(view.name);
    return applied!;
  }

  /** The view in force, as far as this instance knows; {@link confirm} tells whether it still is. Throws `NotFoundError` when there is none. */
  async get(name: string, options: OperationOptions): Promise<CurrentView> {
    return this.#known.get(name)?.current ?? this.reload(name, options);
  }

  /** The view in force, read afresh when its record changed. */
  async fresh(name: string, options: OperationOptions): Promise<CurrentView> {
    const [record] = await this.#storage.read([this.keyOf(name)], options);
    return this.confirm(name, record?.version) ?? this.reload(name, options);
  }

  /** The view when its record is still at `version`, otherwise `undefined`. */
  confirm(name: string, version: Version | undefined): CurrentView | undefined {
    const known = this.#known.get(name);
    return known !== undefined && known.version === version ? known.current : undefined;
  }

  /** Every view in force, in the order of the keys. */
  async list(options: OperationOptions): Promise<FeatureView[]> {
    const keys: string[] = [];
    for await (const { key } of listAll(this.#storage, { kind: 'record', prefix: 'features/views/' }, options)) keys.push(key);
    const states = await readHeads<ViewState>(this.#storage, keys, options);
    return states.flatMap((state) => state?.versions.at(-1)?.view ?? []);
  }

  async reload(name: string, options: OperationOptions): Promise<CurrentView> {
    const key = this.keyOf(name);
    // The version is read first: a change in between only makes the next look read again.
    const [record] = await this.#storage.read([key], options);
    const state = await readHead<ViewState>({ storage: this.#storage, key }, options);
    const last = state?.versions.at(-1);
    if (state === undefined || last === undefined) {
      throw new NotFoundError(`There is no feature view '${name}'; define it with featureView() and store it with apply().`, { key: name });
    }
    const current: CurrentView = { view: last.view, digest: last.digest, epoch: state.epoch, columns: viewColumns(last.view) };
    this.#known.set(name, { version: record?.version, current });
    return current;
  }
}

function refused(name: string, differences: readonly string[]): ConflictError {
  return new ConflictError(
    `The feature view '${name}' cannot be changed so, since what is made from it would break: ${differences.join('; ')}. Give the changed features new names, or apply with { force: true }.`,
    { key: name, differences },
  );
}

/** What a reader of the old definition would miss or find changed under the new one. New features break nothing. */
function breakingChanges(before: FeatureView, after: FeatureView): string[] {
  const changes: string[] = [];
  const compare = (what: string, from: unknown, to: unknown): void => {
    const [old, now] = [show(from), show(to)];
    if (old !== now) changes.push(`${what} was ${old} and would be ${now}`);
  };
  compare('entity', before.entity, after.entity);
  compare('timestamp', before.timestamp, after.timestamp);
  compare('createdTimestamp', before.createdTimestamp, after.createdTimestamp);
  compare('ttl', before.ttl, after.ttl);
  const features = after.features as Readonly<Record<string, FeatureDefinition | undefined>>;
  for (const [name, definition] of Object.entries(before.features)) {
    if (Object.hasOwn(features, name)) compare(`feature '${name}'`, definition, features[name]);
    else changes.push(`feature '${name}' would be gone`);
  }
  return changes;
}

function show(value: unknown): string {
  return value === undefined ? 'absent' : canonicalJson(value);
}

function conflictingColumns(before: Readonly<Record<string, ColumnType>>, after: Readonly<Record<string, ColumnType>>): string[] {
  return Object.entries(after).flatMap(([name, type]) =>
    Object.hasOwn(before, name) && before[name] !== type ? [`column '${name}' holds ${before[name]} and would hold ${type}`] : [],
  );
}

function rowsStayReadable(before: FeatureView, after: FeatureView, conflicts: readonly string[]): boolean {
  const shape = (view: FeatureView): string => canonicalJson([view.entity, view.timestamp, view.createdTimestamp ?? null]);
  return conflicts.length === 0 && shape(before) === shape(after);
}
