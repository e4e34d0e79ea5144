import { systemClock, type Clock } from '../core/clock.ts';
import { ValidationError } from '../core/errors.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { TableSource } from '../core/table.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import type { AppliedDefinition } from './definitions/apply-definitions.ts';
import { checkDefinition, type Definition } from './definitions/definition.ts';
import { DefinitionCatalog } from './definitions/definition-catalog.ts';
import { currentView, isOnDemand, type CurrentView } from './definitions/definition-states.ts';
import { parseVersionedName } from './definitions/feature-ref.ts';
import type { FeatureView } from './definitions/feature-view.ts';
import { OnDemandFunctions } from './definitions/on-demand-functions.ts';
import { planQuery, type FeatureRequest, type QueryPlan } from './definitions/query-plan.ts';
import {
  checkApplyOptions,
  checkHistoricalQuery,
  checkIngestOptions,
  checkMaterializeOptions,
  checkOnlineQuery,
  checkStoreOptions,
  type ApplyOptions,
  type FeatureStoreOptions,
  type HistoricalFeatures,
  type HistoricalQuery,
  type IngestOptions,
  type IngestResult,
  type MaterializeOptions,
  type OnlineQuery,
} from './feature-store-options.ts';
import { answerHistorical } from './historical-query.ts';
import { batchesOf } from './ingest-input.ts';
import { IngestTimes } from './ingest-times.ts';
import { Materializer, type MaterializeResult } from './materialize.ts';
import { appendBatch, OfflineLogs } from './offline-log.ts';
import { answerOnline } from './online-query.ts';
import { OnlineStore } from './online-store.ts';
import { RowCache } from './row-cache.ts';
import type { OnlineFeatures } from './serve.ts';

const defaultCacheBytes = 512 * 1024 * 1024;

/**
 * The same features for training and for serving: defined once, computed by one join from the same rows, equal to the last bit.
 *
 * Rows are ingested as they come, late and out of order too, into a log that is the truth. {@link FeatureStore.getHistoricalFeatures} joins it to the moments of training
 * examples without looking into their future; {@link FeatureStore.materialize} brings what serving needs of it into one small record per entity, from which
 * {@link FeatureStore.getOnlineFeatures} computes features at the moment of the request.
 *
 * What a program needs to compute when it is asked is an `onDemandView`, and what a model takes is a `featureService`: one name for training and serving. All rows of a view are in memory while they are joined. Any number of stores, in any processes that share a storage, may work on one view at once.
 *
 * @example
 * ```ts
 * import { aggregate, FeatureStore, featureView, MemoryStorage } from 'modelkeep';
 *
 * const store = new FeatureStore({ storage: new MemoryStorage() });
 * await store.apply([featureView({
 *   name: 'airport_delays', entity: ['origin'], timestamp: 'landed',
 *   features: { delay: 'float64', delay_mean_1h: aggregate.mean('delay', { window: '1h' }) },
 * })]);
 * const now = Date.now();
 * await store.ingest('airport_delays', [{ origin: 'ATL', landed: now - 60_000, delay: 12 }, { origin: 'ATL', landed: now - 30_000, delay: 20 }]);
 *
 * const features = ['airport_delays:delay_mean_1h'];
 * const training = await store.getHistoricalFeatures({ entities: [{ origin: 'ATL', departure: now, late: true }], timestamp: 'departure', features });
 * await store.materialize('airport_delays', { end: now });
 * const serving = await store.getOnlineFeatures({ entities: [{ origin: 'ATL' }], features });
 * console.log(training.columns['delay_mean_1h'], serving.columns['delay_mean_1h']); // 16 both
 * ```
 */
export class FeatureStore {
  readonly #storage: StorageAdapter;
  readonly #clock: Clock;
  readonly #catalog: DefinitionCatalog;
  readonly #functions: OnDemandFunctions;
  readonly #online: OnlineStore;
  readonly #logs: OfflineLogs;
  readonly #materializer: Materializer;
  readonly #times: IngestTimes;
  readonly #rows: RowCache;

  constructor(options: FeatureStoreOptions) {
    checkStoreOptions(options);
    this.#storage = options.storage;
    this.#clock = options.clock ?? systemClock;
    const cacheBytes = options.cacheBytes ?? defaultCacheBytes;
    this.#catalog = new DefinitionCatalog(this.#storage, this.#clock);
    this.#functions = new OnDemandFunctions(options.onDemand ?? []);
    this.#online = new OnlineStore(this.#storage, this.#clock, cacheBytes);
    this.#times = new IngestTimes(this.#clock);
    this.#logs = new OfflineLogs(this.#storage, this.#clock);
    this.#materializer = new Materializer(this.#storage, this.#clock, this.#online, this.#logs);
    this.#rows = new RowCache(this.#logs, cacheBytes);
  }

  /**
   * Puts entities, views and services in force, whatever their order in the list. Every version is kept and stays readable as `name@version`. More features are welcome; a change that breaks what is
   * made from a definition (a feature gone or different, another key, timestamp or `ttl`) throws `ConflictError` with the differences unless `force` is set, which makes a new version beside the old one.
   * What is refused leaves nothing behind: all are checked before the first is stored. After a forced change of the key, the timestamps or the type of a column, the view begins without rows, since the
   * old ones do not fit it.
   *
   * Throws `ValidationError` or `NotFoundError`, naming both sides, for what is made of something that is not there, of itself, or has another's name. The functions of on-demand views stay in this
   * program.
   */
  async apply(definitions: readonly Definition[], options: ApplyOptions = {}): Promise<AppliedDefinition[]> {
    checkApplyOptions(options);
    const given: unknown = definitions;
    if (!Array.isArray(given)) throw new ValidationError('definitions must be a list of entities, views and services, such as [airportDelays].', { path: 'definitions' });
    definitions.forEach((definition, i) => checkDefinition(definition, `definitions[${i}]`));
    const applied = await this.#catalog.apply(definitions, options.force ?? false, options);
    for (const definition of definitions) this.#functions.add(definition);
    return applied;
  }

  /**
   * Takes in rows of a view: an array of rows, columns, an Arrow table, or a stream of any of these. Columns that the view does not use are left out. Idempotent: a batch whose
   * contents were ingested before changes nothing. A table is checked whole before anything is written, and written in batches that are each all or nothing; after a
   * failure between two of them, ingest the same again. A stream is checked and written batch by batch.
   *
   * Throws `ValidationError` naming the row that lacks its key or a timestamp, or has a value of another type than the view says; `ConflictError` when `batchId` names
   * other rows already; `NotFoundError` when there is no such view.
   */
  async ingest(view: string | FeatureView, rows: TableSource, options: IngestOptions = {}): Promise<IngestResult> {
    checkIngestOptions(options);
    const current = await this.#viewOf(view, options);
    const total = { rows: 0, known: 0, batches: 0 };
    for await (const table of batchesOf(current, rows, options.signal)) {
      const id = options.batchId === undefined || total.batches === 0 ? options.batchId : `${options.batchId} ${total.batches + 1}`;
      const appended = await appendBatch(this.#storage, this.#logs.of(current), current, table, id, this.#times.next(), options);
      if (options.online) await this.#materializer.push(current, appended.batch, () => this.#rows.load(current, options), options);
      await appended.finish();
      total[appended.known ? 'known' : 'rows'] += table.rowCount;
      total.batches++;
      options.onProgress?.({ phase: 'ingest', done: total.rows + total.known });
    }
    return total;
  }

  /**
   * Features as they were at the moment of each row: for a column, the newest row with `timestamp <= moment` and, where the view has a `ttl`,
   * `timestamp >= moment - ttl`; for an aggregate, the rows before the moment that its window sees. Where a view has a created time, rows that were
   * created after the moment do not count, unless `asOf` is `'event'`. Ties go to the latest created, then to the row that was ingested last;
   * among rows of several processes the hosts' clocks say which that is.
   *
   * Rows keep their number and order, and all their columns. What is not known is `null`. A key with a missing part matches nothing.
   */
  async getHistoricalFeatures(query: HistoricalQuery): Promise<HistoricalFeatures> {
    checkHistoricalQuery(query);
    return answerHistorical(await this.#plan(query, false), query, this.#rows);
  }

  /**
   * Brings a view's rows up to event time `end` online, late rows included: incremental, and idempotent. In time, never in the order of arrival, the newest row wins, so an older
   * one never replaces a newer. An entity's record keeps the rows that its longest window can need from the present (or from `end`, if that is earlier) on.
   */
  async materialize(view: string | FeatureView, options: MaterializeOptions = {}): Promise<MaterializeResult> {
    const end = checkMaterializeOptions(options) ?? this.#clock.now();
    const current = await this.#viewOf(view, options);
    const result = await this.#materializer.materialize(current, end, () => this.#rows.load(current, options), options);
    this.#rows.trim();
    return result;
  }

  /**
   * Features as they are now, by the clock: what {@link FeatureStore.getHistoricalFeatures} would give for this moment from the rows that are online, to the last bit.
   *
   * Throws `ValidationError` when an entity lacks a key, or when the clock is so far back that rows which would count then were let go; `ConflictError` when the view was changed and must be
   * materialized again before a new feature can be computed.
   */
  async getOnlineFeatures(query: OnlineQuery): Promise<OnlineFeatures> {
    checkOnlineQuery(query);
    const source = { storage: this.#storage, catalog: this.#catalog, online: this.#online, plan: (cached: boolean) => this.#plan(query, cached), now: () => this.#clock.now() };
    return answerOnline(source, query);
  }

  async #plan({ features, fullFeatureNames = false, signal }: { features: FeatureRequest; fullFeatureNames?: boolean | undefined; signal?: AbortSignal | undefined }, cached: boolean): Promise<QueryPlan> {
    return planQuery({ catalog: this.#catalog, functionOf: (name, version) => this.#functions.of(name, version), cached }, features, fullFeatureNames, { signal });
  }

  /** A feature view by name, by name and version, or as it was defined. */
  async #viewOf(view: string | FeatureView, options: OperationOptions): Promise<CurrentView> {
    const given: unknown = typeof view === 'string' ? view : (view as Partial<FeatureView> | undefined)?.name;
    if (typeof given !== 'string') throw new ValidationError('view must be the name of a feature view or the view itself.', { path: 'view' });
    const { name, version } = parseVersionedName(given, 'view');
    const state = await this.#catalog.view(name, false, options);
    if (isOnDemand(state)) throw new ValidationError(`'${name}' is an on-demand view: it is computed when it is asked for, and has no rows.`, { path: 'view' });
    return currentView(name, state, version);
  }
}
