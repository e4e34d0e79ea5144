import { systemClock, type Clock } from '../core/clock.ts';
import { ValidationError } from '../core/errors.ts';
import type { Page } from '../core/page.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { Row, TableSource } from '../core/table.ts';
import type { TriggerSource } from '../core/trigger-source.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { arrivalsOf, type Arrival, type ArrivalsOptions } from './arrivals.ts';
import type { AppliedDefinition } from './definitions/apply-definitions.ts';
import type { DatasetFacts } from './datasets/dataset-facts.ts';
import type { ListDatasetsQuery, SaveDatasetQuery } from './datasets/dataset-options.ts';
import type { SavedDataset } from './datasets/saved-dataset.ts';
import { datasetVersionsOf } from './datasets/version-source.ts';
import { checkDefinition, type Definition } from './definitions/definition.ts';
import { DefinitionCatalog } from './definitions/definition-catalog.ts';
import { definedView, isView, viewNameOf } from './definitions/defined-view.ts';
import { isOnDemand, viewsByEpoch, type CurrentView } from './definitions/definition-states.ts';
import type { FeatureView } from './definitions/feature-view.ts';
import type { FeatureRequest } from './definitions/query-plan.ts';
import { QueryPlanner } from './definitions/query-planner.ts';
import { schemaOf, type FeatureSchema } from './feature-schema.ts';
import {
  checkApplyOptions,
  checkDescribeOptions,
  checkHistoricalQuery,
  checkList,
  checkMaterializeOptions,
  checkOnlineQuery,
  checkOperationOptions,
  checkStoreOptions,
  type ApplyOptions,
  type DescribeOptions,
  type FeatureStoreOptions,
  type HistoricalFeatures,
  type HistoricalQuery,
  type MaterializeOptions,
  type OnlineQuery,
} from './feature-store-options.ts';
import type { ForgetResult } from './forgetting.ts';
import { answerHistorical } from './historical-query.ts';
import {
  checkIngestOptions,
  checkQuarantinedQuery,
  checkReleaseOptions,
  type CorrectedRow,
  type IngestOptions,
  type IngestResult,
  type QuarantinedQuery,
  type ReleaseOptions,
} from './ingest-options.ts';
import { Ingester } from './ingester.ts';
import { Materializer, type MaterializeResult } from './materialize.ts';
import { OfflineLogs } from './offline-log.ts';
import { OnlineReader } from './online-query.ts';
import { OnlineStore } from './online-store.ts';
import type { QuarantinedRow } from './quarantine.ts';
import type { AllFreshnessOptions, FreshnessOptions, FreshnessPage, FreshnessReader, ViewFreshness } from './quality/freshness.ts';
import type { CheckResult, CheckResultsQuery } from './quality/check-results.ts';
import { CheckPreparer } from './quality/prepare-checks.ts';
import type { ServedAnswer, ServedQuery } from './quality/served-answers.ts';
import { ServingLog } from './quality/serving-log.ts';
import { servingLogSettings, type ServingLogCounts } from './quality/serving-log-options.ts';
import { RowCache } from './row-cache.ts';
import { rowStores } from './row-stores.ts';
import type { SkewOptions } from './quality/skew-options.ts';
import type { SkewReport } from './quality/skew-report.ts';
import type { StalenessChange } from './quality/staleness.ts';
import { stalenessOf, stalenessOfAll } from './quality/staleness-source.ts';
import type { StoredCheckSuite } from './quality/stored-suites.ts';
import type { StatisticsQuery, ViewStatistics } from './quality/view-statistics.ts';
import { servedFeatures, type OnlineFeatures, type ServedFeatures } from './serve.ts';

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
export class FeatureStore implements AsyncDisposable {
  readonly #storage: StorageAdapter;
  readonly #clock: Clock;
  readonly #catalog: DefinitionCatalog;
  readonly #planner: QueryPlanner;
  readonly #reader: OnlineReader;
  readonly #logs: OfflineLogs;
  readonly #ingester: Ingester;
  readonly #rows: RowCache;
  readonly #log: ServingLog | undefined;
  #freshness: FreshnessReader | undefined;

  constructor(options: FeatureStoreOptions) {
    checkStoreOptions(options);
    this.#storage = options.storage;
    this.#clock = options.clock ?? systemClock;
    const cacheBytes = options.cacheBytes ?? defaultCacheBytes;
    this.#catalog = new DefinitionCatalog(this.#storage, this.#clock);
    this.#planner = new QueryPlanner(this.#storage, this.#catalog, options.onDemand ?? []);
    const online = new OnlineStore(this.#storage, this.#clock, cacheBytes);
    this.#logs = new OfflineLogs(this.#storage, this.#clock);
    const materializer = new Materializer(this.#storage, this.#clock, online, this.#logs, this.#catalog);
    this.#rows = new RowCache(this.#logs, cacheBytes);
    const checks = new CheckPreparer(this.#storage, this.#clock, this.#rows);
    this.#ingester = new Ingester(rowStores({ storage: this.#storage, clock: this.#clock, logs: this.#logs, online }), materializer, checks);
    this.#log = options.servingLog && new ServingLog(this.#storage, this.#clock, servingLogSettings(options.servingLog));
    this.#reader = new OnlineReader({ storage: this.#storage, catalog: this.#catalog, online, clock: this.#clock, log: this.#log });
    Object.defineProperty(this, servedFeatures, { value: (query: OnlineQuery) => this.#serve(query) });
  }

  /**
   * Puts entities, views, services and suites of checks in force, whatever their order in the list. Every version is kept and stays readable as `name@version`. More features are welcome; a change that breaks what is
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
    if (!Array.isArray(given)) throw new ValidationError('definitions must be a list of entities, views, services and suites of checks, such as [airportDelays].', { path: 'definitions' });
    definitions.forEach((definition, i) => checkDefinition(definition, `definitions[${i}]`));
    const applied = await this.#catalog.apply(definitions, options.force ?? false, options);
    for (const definition of definitions) this.#planner.learn(definition);
    return applied;
  }

  /** Name of the storage, as its adapter gives it. */
  get storageName(): string {
    return this.#storage.name;
  }

  /** The definition of a feature view that is in force, or of the version that `name@version` names. Throws `NotFoundError` when there is none. */
  async getView(name: string, options: OperationOptions = {}): Promise<FeatureView> {
    checkOperationOptions(options);
    return (await this.#viewOf(name, options)).view;
  }

  /** The definitions of all feature views that are in force. */
  async listViews(options: OperationOptions = {}): Promise<FeatureView[]> {
    checkOperationOptions(options);
    const states = await this.#catalog.views(options);
    return states.flatMap((state) => (isOnDemand(state) ? [] : [state.versions.at(-1)!.view]));
  }

  /** A suite of checks with its version: `delay_rows` for the one in force, `delay_rows@2` for that one. Throws `NotFoundError` when there is none. */
  async getCheckSuite(ref: string, options: OperationOptions = {}): Promise<StoredCheckSuite> {
    checkOperationOptions(options);
    const { getSuite } = await import('./quality/stored-suites.ts');
    return getSuite(this.#storage, ref, 'ref', options);
  }

  /** The suites of checks that are in force, by name. */
  async listCheckSuites(options: OperationOptions = {}): Promise<StoredCheckSuite[]> {
    checkOperationOptions(options);
    const { listSuites } = await import('./quality/stored-suites.ts');
    return listSuites(this.#storage, options);
  }

  /**
   * What the checks of a view's ingestions came to, page by page and the newest first: one result for each call of `ingest` with `validate`, those that were refused included. They are kept without messages, since these may
   * show values of someone; the rows that were set aside are in quarantine with theirs.
   *
   * @example
   * ```ts
   * import { FeatureStore, featureView, MemoryStorage } from 'modelkeep';
   *
   * const delays = featureView({ name: 'delays', entity: ['origin'], timestamp: 'landed', features: { delay: 'float64' } });
   * const store = new FeatureStore({ storage: new MemoryStorage() });
   * await store.apply([delays]);
   * const rows = [{ origin: 'ATL', landed: '2024-05-01T10:00:00Z', delay: 12 }, { origin: 'JFK', landed: '2024-05-01T10:05:00Z', delay: 99_999 }];
   * await store.ingest(delays, rows, { onInvalid: 'quarantine', batchId: 'may-1', validate: { columns: { delay: { max: 3000 } } } });
   *
   * const [result] = (await store.checkResults(delays, { status: 'failed' })).items;
   * console.log(result?.batchId, result?.rows, result?.outcomes[0]); // may-1 2 { column: 'delay', check: 'max', severity: 'error', status: 'failed', rows: 1 }
   * ```
   */
  async checkResults(view: string | FeatureView, query: CheckResultsQuery = {}): Promise<Page<CheckResult>> {
    const { checkResults } = await import('./quality/check-results.ts');
    const { view: current } = await this.#viewOf(view, query);
    return checkResults(this.#storage, current.name, query);
  }

  /**
   * Says what a query would give and need, without asking for values: the columns with their types, the columns of the entities that it finds them by, and what on-demand views take from the request.
   * Throws as the query itself would for what is not there.
   */
  async describeFeatures(features: FeatureRequest, options: DescribeOptions = {}): Promise<FeatureSchema> {
    checkDescribeOptions(options);
    return schemaOf(await this.#planner.confirmed({ ...options, features }));
  }

  /**
   * Takes in rows of a view: an array of rows, columns, an Arrow table, or a stream of any of these. Columns that the view does not use are left out. Idempotent: a batch whose
   * contents were ingested before changes nothing. A table is checked whole before anything is written, and written in batches that are each all or nothing; after a
   * failure between two of them, ingest the same again. A stream is checked and written batch by batch.
   *
   * A row is invalid when it lacks its key or a timestamp, has a value of another type than the view says, writes times without a zone where those before it have one (or the other way
   * round), or fails what `validate` asks for. Throws `ValidationError` naming the first of them and their number, with nothing of their table written, unless they are to be set aside;
   * `ConflictError` when `batchId` names other rows already; `NotFoundError` when there is no such view, suite of checks, or reference of `maxDrift`. What becomes of a batch is decided when it first comes.
   */
  async ingest(view: string | FeatureView, rows: TableSource, options: IngestOptions = {}): Promise<IngestResult> {
    checkIngestOptions(options);
    const current = await this.#viewOf(view, options);
    return this.#ingester.ingest(current, rows, options);
  }

  /** Rows of a view that were set aside by `ingest` with `onInvalid: 'quarantine'`, page by page, those first that came first: each with its reasons, its place and its values. */
  async quarantined(view: string | FeatureView, options: QuarantinedQuery = {}): Promise<Page<QuarantinedRow>> {
    checkQuarantinedQuery(options);
    const { view: current } = await this.#viewOf(view, options);
    return this.#ingester.quarantined(current.name, options);
  }

  /**
   * Takes rows out of quarantine and ingests them, as they are or with corrected values; returns how many. Each counts once, however often it is tried and by however many: a release that
   * was cut off is finished by the next call for one of its rows, as it was asked for at first.
   *
   * Throws `ValidationError` when one of them is still invalid, and `NotFoundError` when one is not in quarantine; then none is ingested.
   */
  async releaseQuarantined(view: string | FeatureView, rows: readonly (string | CorrectedRow)[], options: ReleaseOptions = {}): Promise<number> {
    checkReleaseOptions(options);
    checkList(rows, 'rows', 'ids of rows in quarantine, or of { id, values }');
    const current = await this.#viewOf(view, options);
    return this.#ingester.release(current, rows, options);
  }

  /** Drops rows from quarantine for good; returns how many. Ingested again as they were, they do not come back. */
  async rejectQuarantined(view: string | FeatureView, ids: readonly string[], options: OperationOptions = {}): Promise<number> {
    checkOperationOptions(options);
    checkList(ids, 'ids', 'ids of rows in quarantine');
    const current = await this.#viewOf(view, options);
    return this.#ingester.reject(current, ids, options);
  }

  /**
   * The batches that come into a view, as a source that starts pipelines: one event per batch, or one for each `rows` new rows. Each is told at least once, under the id of its (last) batch, and its
   * moment is that of ingestion; those of several processes in the order of their clocks as far as one poll goes. Rows that are set aside count when they are released.
   */
  arrivals(view: string | FeatureView, options: ArrivalsOptions = {}): TriggerSource<Arrival> {
    return arrivalsOf(this.#storage, viewNameOf(view).name, options);
  }

  /**
   * Statistics of a view's rows by day of their event times in UTC (or by week, by month, or of all), the earliest first and page by page: for each column the view is made of, how many values there are, their mean,
   * spread, extremes, quantiles, most frequent ones and number of different ones. They are counted once per day and stored; days that rows came to since, late ones too, or were taken out of are counted anew, so
   * they are always those of the rows as they are. All rows of the view are in memory meanwhile.
   */
  async statistics(view: string | FeatureView, query: StatisticsQuery = {}): Promise<Page<ViewStatistics>> {
    const { checkStatisticsQuery, viewStatistics } = await import('./quality/view-statistics.ts');
    checkStatisticsQuery(query);
    const current = await this.#viewOf(view, query);
    const page = await viewStatistics(this.#storage, current, async () => (await this.#rows.load(current, query)).snapshot(), query);
    this.#rows.trim();
    return page;
  }

  /**
   * How fresh a view is: its newest event time and ingestion, what of it is online, and whether it is older than it may be by `maxAge` or by its own `freshness`. It reads notes of what arrived, and of the log only what
   * was not materialized yet: what was forgotten still counts, and a batch that was brought online after it came counts as online from the next materialization on.
   */
  async freshness(view: string | FeatureView, options?: FreshnessOptions): Promise<ViewFreshness>;
  /** How fresh all feature views are, by name and page by page. A view that cannot be read is told of beside them. */
  async freshness(options?: AllFreshnessOptions): Promise<FreshnessPage>;
  async freshness(asked: string | FeatureView | AllFreshnessOptions = {}, options: FreshnessOptions = {}): Promise<ViewFreshness | FreshnessPage> {
    const { checkAllFreshnessOptions, checkFreshnessOptions, FreshnessReader } = await import('./quality/freshness.ts');
    this.#freshness ??= new FreshnessReader(this.#storage, this.#clock, this.#logs);
    if (!isView(asked)) {
      checkAllFreshnessOptions(asked);
      return this.#freshness.readAll(asked);
    }
    checkFreshnessOptions(options);
    const { current, since } = await definedView(this.#catalog, asked, options);
    return this.#freshness.read(current, since, options);
  }

  /**
   * A source of events, for pipelines and webhooks: one when a view becomes stale (its newest row is older than `maxAge`, or than its own `freshness` says), and one when it is fresh again, each once and
   * under an id that stays the same. Who begins without a cursor is told when the view is stale by then. Polling throws `ValidationError` when nobody says how old the rows may be.
   */
  staleness(view: string | FeatureView, options?: Omit<FreshnessOptions, 'signal'>): TriggerSource<StalenessChange>;
  /**
   * One source for all feature views that are held to an age, by `maxAge` or by their own `freshness`, those included that are defined later: the events of each view are those that its own source would tell. A view that
   * cannot be read hides no other; what happened to it is told when it can be read again.
   */
  staleness(options?: Omit<FreshnessOptions, 'signal'>): TriggerSource<StalenessChange>;
  staleness(asked: string | FeatureView | Omit<FreshnessOptions, 'signal'> = {}, options: Omit<FreshnessOptions, 'signal'> = {}): TriggerSource<StalenessChange> {
    const context = { storage: this.#storage, clock: this.#clock };
    if (!isView(asked)) return stalenessOfAll(asked, context);
    return stalenessOf(viewNameOf(asked).name, options, { ...context, viewOf: (operation) => definedView(this.#catalog, asked, operation) });
  }

  /**
   * Forgets entities: takes their rows out of the view's log, out of quarantine, out of the online records, out of the log of what was served and out of the saved datasets that were joined by their keys, and returns how many there were. A batch of theirs that came before does not bring
   * them back when it is sent again or was on its way meanwhile; rows that come in new batches later count as ever. What stays is a digest of each key, and of each batch. Readers and writers may
   * go on meanwhile. What was cut off half-way is finished by the same call again. The log is written anew once: the cost is that of all its rows.
   *
   * A `FilesystemStorage` keeps the bytes of deleted records until `compact()`, and those of datasets until `collectGarbage`. Throws `ValidationError` when a key is not whole.
   */
  async forget(view: string | FeatureView, entities: readonly Row[], options: OperationOptions = {}): Promise<ForgetResult> {
    checkOperationOptions(options);
    checkList(entities, 'entities', "objects with the keys of entities, such as [{ origin: 'ATL' }]");
    const { current, state } = await definedView(this.#catalog, view, options);
    return this.#ingester.forget(current, viewsByEpoch(current.view.name, state), entities, options);
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
    return answerHistorical(await this.#planner.fresh(query), query, this.#rows);
  }

  /**
   * Saves the answer to a query of {@link FeatureStore.getHistoricalFeatures} as a version of a dataset that never changes, with all that it was made of: the query bound to versions, a digest of its contents, statistics of its
   * columns, and how it is divided. What is the same (contents, query and splits) is saved once, and stays the version that it is.
   *
   * The answer is joined part by part and never whole in memory. What is held besides the entities is a part, the rows of the views, and in the end some columns of numbers. Nothing is there to be read before
   * all is written; what was cut off is saved by the same call again, and `collectGarbage` removes what it had written.
   *
   * Throws as the query does, and `ValidationError` for splits that cannot be; then nothing is saved.
   */
  async saveDataset(name: string, query: SaveDatasetQuery): Promise<SavedDataset> {
    const { saveDataset } = await import('./datasets/save-dataset.ts');
    return saveDataset({ storage: this.#storage, clock: this.#clock, plan: (asked) => this.#planner.fresh(asked), load: (current, options) => this.#rows.load(current, options), trim: () => this.#rows.trim() }, name, query);
  }

  /** A saved dataset to be read: `flights` for its newest version, `flights@2` for that one. Throws `NotFoundError` when it is not there. */
  async getDataset(ref: string, options: OperationOptions = {}): Promise<SavedDataset> {
    checkOperationOptions(options);
    const { getDataset } = await import('./datasets/stored-datasets.ts');
    return getDataset(this.#storage, this.#clock, ref, options);
  }

  /** What is known of the saved datasets, page by page, by name and version. */
  async listDatasets(query: ListDatasetsQuery = {}): Promise<Page<DatasetFacts>> {
    const { listDatasets } = await import('./datasets/stored-datasets.ts');
    return listDatasets(this.#storage, this.#clock, query);
  }

  /**
   * The versions of a dataset that are saved from now on (or from the beginning), as a source that starts pipelines: one event each, in the order of their numbers, with what is known of the version. Contents that were saved
   * before under the same query and splits are no new version, and tell nothing; a version that was deleted before it was told is passed over. The name need not be saved yet.
   *
   * Throws `ValidationError` when there can be no dataset of that name.
   *
   * @example
   * ```ts
   * import { FeatureStore, MemoryStorage, Pipeline } from 'modelkeep';
   * import * as z from 'zod';
   *
   * const storage = new MemoryStorage();
   * const store = new FeatureStore({ storage });
   * const retrain = new Pipeline({ name: 'retrain', storage, params: z.object({ dataset: z.string() }) });
   * retrain.step('train', {}, async ({ params }) => (await store.getDataset(params.dataset)).rowCount);
   * await retrain.triggerOn(store.datasetVersions('churn'), { params: ({ id }) => ({ dataset: id }) });
   * ```
   */
  datasetVersions(name: string): TriggerSource<DatasetFacts> {
    return datasetVersionsOf(this.#storage, this.#clock, name);
  }

  /** Deletes a version of a dataset (`flights@2`), or all of them (`flights`). Their numbers are not given again; their bytes go with `collectGarbage`. Throws `NotFoundError` when there is none. */
  async deleteDataset(ref: string, options: OperationOptions = {}): Promise<void> {
    checkOperationOptions(options);
    const { deleteDataset } = await import('./datasets/stored-datasets.ts');
    await deleteDataset(this.#storage, this.#clock, ref, options);
  }

  /**
   * Brings a view's rows up to event time `end` online, late rows included: incremental, and idempotent. In time, never in the order of arrival, the newest row wins, so an older
   * one never replaces a newer. An entity's record keeps the rows that its longest window can need from the present (or from `end`, if that is earlier) on.
   *
   * The log is read in chunks of some 32 MB, and how far it is online is noted after each: what was cut off is gone on with by the next call, from whatever process; several may be at it at once. Only after
   * a change of the view that asks for more is the whole log read again.
   *
   * Throws `UnsupportedError` when an entity's record would be larger than the storage takes: it stays what it was, and its rows in the log.
   */
  async materialize(view: string | FeatureView, options: MaterializeOptions = {}): Promise<MaterializeResult> {
    const end = checkMaterializeOptions(options) ?? this.#clock.now();
    const current = await this.#viewOf(view, options);
    return this.#ingester.materialize(current, end, options);
  }

  /**
   * Features as they are now, by the clock: what {@link FeatureStore.getHistoricalFeatures} would give for this moment from the rows that are online, to the last bit.
   *
   * Throws `ValidationError` when an entity lacks a key, or when the clock is so far back that rows which would count then were let go; `ConflictError` when the view was changed and must be
   * materialized again before a new feature can be computed.
   */
  async getOnlineFeatures(query: OnlineQuery): Promise<OnlineFeatures> {
    return (await this.#serve(query)).toFeatures();
  }

  /**
   * What was served of a query by all stores that keep a `servingLog`, row by row as it was written: keys, values, statuses, event times and versions. Of all versions of a service, unless `name@version`
   * is asked for. Features that were asked for one by one are found under the same references, in any order.
   */
  async *served(features: FeatureRequest, query: ServedQuery = {}): AsyncGenerator<ServedAnswer, void, undefined> {
    const { servedAnswers } = await import('./quality/served-answers.ts');
    yield* servedAnswers(this.#storage, features, query);
  }

  /**
   * Compares what was served with what training computes for the same moments from the rows that are there by now: what `servingLog` kept of the query, or rows that are given. Says of each feature in how many rows it differs,
   * by how much and why, and whether its distribution moved; in which rows; and which definitions have other versions now.
   *
   * Rows that were ingested after they were served explain a difference without anyone's fault; the clocks of those who ingest and serve decide which these are. All rows of the views asked for are in memory, and at
   * most `maxRows` of those that were served. Throws `ValidationError` for wrong options, and `served` without moments, keys, or any feature of the query.
   *
   * @example
   * ```ts
   * import { FeatureStore, featureView, MemoryStorage } from 'modelkeep';
   *
   * const delays = featureView({ name: 'delays', entity: ['origin'], timestamp: 'landed', features: { delay: 'float64' } });
   * const store = new FeatureStore({ storage: new MemoryStorage() });
   * await store.apply([delays]);
   * await store.ingest(delays, [{ origin: 'ATL', landed: '2024-05-01T10:00:00Z', delay: 12 }]);
   *
   * const served = [{ origin: 'ATL', at: '2024-05-01T10:30:00Z', delay: 7 }];
   * const report = await store.checkSkew(['delays:delay'], { served });
   * console.log(report.status, report.summary, report.features[0]?.examples[0]);
   * ```
   */
  async checkSkew(features: FeatureRequest, options: SkewOptions = {}): Promise<SkewReport> {
    const [{ checkSkew }, { checkSkewOptions }] = await Promise.all([import('./quality/check-skew.ts'), import('./quality/skew-options.ts')]);
    checkSkewOptions(options);
    const plan = await this.#planner.fresh({ features, signal: options.signal });
    return checkSkew({ storage: this.#storage, rows: this.#rows, plan }, features, options);
  }

  /** What became of the rows that this instance served; nothing is counted without a `servingLog`. */
  get servingLogCounts(): ServingLogCounts {
    return this.#log?.counts ?? { served: 0, sampled: 0, written: 0, pending: 0, dropped: 0 };
  }

  /** Writes what waits for the serving log; rejects when it cannot, and then goes on trying in the background. */
  async flush(options: OperationOptions = {}): Promise<void> {
    checkOperationOptions(options);
    await this.#log?.flush(options.signal);
  }

  /** Writes what waits for the serving log and ends it: what is served later is dropped from it and counted. Everything else goes on working; a store without a serving log needs no closing. */
  async close(options: OperationOptions = {}): Promise<void> {
    checkOperationOptions(options);
    await this.#log?.close(options.signal);
  }

  /** The same as `close()`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #serve(query: OnlineQuery): Promise<ServedFeatures> {
    checkOnlineQuery(query);
    return this.#reader.read(query, (cached) => (cached ? this.#planner.known(query) : this.#planner.fresh(query)));
  }

  async #viewOf(view: string | FeatureView, options: OperationOptions): Promise<CurrentView> {
    return (await definedView(this.#catalog, view, options)).current;
  }
}
