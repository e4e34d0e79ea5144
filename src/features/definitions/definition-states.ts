import type { ColumnType } from '../../core/column.ts';
import type { Digest } from '../../core/digest.ts';
import { NotFoundError } from '../../core/errors.ts';
import { escapeSegment, type Key } from '../../core/key.ts';
import type { CheckSuite } from './check-suite.ts';
import type { Definition } from './definition.ts';
import type { Entity } from './entity.ts';
import type { FeatureService } from './feature-service.ts';
import { viewColumns, type FeatureView } from './feature-view.ts';
import type { OnDemandViewData } from './on-demand-view.ts';

/** Which sort of definition. */
export type DefinitionKind = Definition['kind'];

/** One version of a definition; it never changes. */
export interface StoredVersion<D extends Definition = Definition> {
  /** Counted from 1; of an on-demand view the one that it names. */
  readonly version: number | string;
  /** Content hash of the definition. */
  readonly digest: Digest;
  /** When it was applied, epoch milliseconds. */
  readonly at: number;
  readonly definition: D;
}

/** What is stored of a feature view. */
export interface FeatureViewState {
  readonly kind?: 'feature-view' | undefined;
  /** Counts how often rows became unreadable under the definition that followed; each has a log of its own. */
  readonly epoch: number;
  /** Type of every column that rows of this epoch may hold. */
  readonly columns: Readonly<Record<string, ColumnType>>;
  readonly versions: readonly {
    readonly version: number;
    readonly digest: Digest;
    readonly view: FeatureView;
    readonly at: number;
    /** The epoch whose rows it reads; absent in what was stored before views kept it, all of which is of the present one. */
    readonly epoch?: number | undefined;
  }[];
}

/** What is stored of an on-demand view. */
export interface OnDemandViewState {
  readonly kind: 'on-demand-view';
  readonly versions: readonly StoredVersion<OnDemandViewData>[];
}

/** What is stored under the name of a view, of either sort: no two views have one name. */
export type ViewState = FeatureViewState | OnDemandViewState;

/** Features of one view at one version that belong to a service. */
export interface ServiceMember {
  readonly view: string;
  readonly version: number | string;
  readonly features: readonly string[];
  readonly as?: string | undefined;
  readonly keys?: Readonly<Record<string, string>> | undefined;
}

/** One version of a service, bound to versions of its views. */
export interface ServiceVersion extends StoredVersion<FeatureService> {
  readonly version: number;
  readonly members: readonly ServiceMember[];
  /** Versions of the views that go into its on-demand views, by name. */
  readonly pins: Readonly<Record<string, number | string>>;
  /** What each feature is, as a digest, by what it is called. */
  readonly outputs: Readonly<Record<string, Digest>>;
}

/** What is stored of a service. */
export interface ServiceState {
  readonly versions: readonly ServiceVersion[];
}

/** What is stored of an entity. */
export interface EntityState {
  readonly versions: readonly StoredVersion<Entity>[];
}

/** What is stored of a suite of checks. */
export interface SuiteState {
  readonly versions: readonly StoredVersion<CheckSuite>[];
}

/** A version of a feature view, and where its rows are. */
export interface CurrentView {
  readonly view: FeatureView;
  readonly version: number;
  readonly digest: Digest;
  readonly epoch: number;
  /** Columns that the view's features are made of. */
  readonly columns: Readonly<Record<string, ColumnType>>;
  /** Every version that reads the same rows, this one included: what is online serves them all. */
  readonly kept: readonly FeatureView[];
}

/** Where the records of views of either sort are. */
export const viewsPrefix = 'features/views/';

/** The record of a view, of either sort. */
export function viewKey(name: string): Key {
  return viewsPrefix + escapeSegment(name);
}

/** The record of a service. */
export function serviceKey(name: string): Key {
  return `features/services/${escapeSegment(name)}`;
}

/** The record of an entity. */
export function entityKey(name: string): Key {
  return `features/entities/${escapeSegment(name)}`;
}

/** Where the records of suites of checks are. */
export const suitesPrefix = 'features/suites/';

/** The record of a suite of checks. */
export function suiteKey(name: string): Key {
  return suitesPrefix + escapeSegment(name);
}

/** Whether a state is that of an on-demand view. */
export function isOnDemand(state: ViewState): state is OnDemandViewState {
  return state.kind === 'on-demand-view';
}

/** A version of a feature view; the newest when none is named. Throws `NotFoundError` when there is no such version. */
export function currentView(name: string, state: FeatureViewState, version?: number | string): CurrentView {
  const found = versionOf(`feature view '${name}'`, state.versions, version);
  const epoch = found.epoch ?? state.epoch;
  const kept = state.versions.flatMap((each) => ((each.epoch ?? state.epoch) === epoch ? [each.view] : []));
  return { view: found.view, version: found.version, digest: found.digest, epoch, columns: viewColumns(found.view), kept };
}

/** The newest version of each epoch of a feature view: where all rows are that it has, or had. */
export function viewsByEpoch(name: string, state: FeatureViewState): CurrentView[] {
  const newest = new Map(state.versions.map(({ epoch = state.epoch, version }) => [epoch, version]));
  return [...newest.values()].map((version) => currentView(name, state, version));
}

/** What the version of a view is called that is asked for, or is the newest when none is. Throws `NotFoundError` when there is no such version. */
export function versionIn(name: string, state: ViewState, version: number | string | undefined): number | string {
  return versionOf<{ readonly version: number | string }>(`view '${name}'`, state.versions, version).version;
}

/** The version that is asked for among others, the last when none is. Throws `NotFoundError` when there is no such version. */
export function versionOf<V extends { readonly version: number | string }>(what: string, versions: readonly V[], version: number | string | undefined): V {
  const found = version === undefined ? versions.at(-1) : versions.find((each) => String(each.version) === String(version));
  if (found !== undefined) return found;
  throw new NotFoundError(`The ${what} has no version ${String(version)}; it has ${versions.map((each) => each.version).join(', ')}.`, { key: what });
}
