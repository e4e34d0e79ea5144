import { throwIfAborted } from '../core/abort.ts';
import { systemClock, type Clock } from '../core/clock.ts';
import { ConflictError, ValidationError } from '../core/errors.ts';
import type { OperationOptions } from '../core/progress.ts';
import { shown } from '../core/shown.ts';
import type { Row, TableSource } from '../core/table.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { askedFeatures, assertDistinct, parseRefs, type AskedView, type ViewRequest } from './definitions/query-plan.ts';
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
  type ViewReport,
} from './feature-store-options.ts';
import { checkView, definitionOf, type FeatureView } from './definitions/feature-view.ts';
import { batchesOf } from './ingest-input.ts';
import { IngestTimes } from './ingest-times.ts';
import { keyTexts } from './key-dictionary.ts';
import { LoadedRows, refreshRows } from './loaded-rows.ts';
import { Materializer, type MaterializeResult } from './materialize.ts';
import { appendBatch, logKeyOf, OfflineLogs } from './offline-log.ts';
import { OnlineStore, type LoadedRecord } from './online-store.ts';
import { joinFeatures, outcome } from './point-in-time.ts';
import { serve, type OnlineAnswer, type OnlineFeatures } from './serve.ts';
import { ownValues } from './own-values.ts';
import { entityColumn, momentsOf, spineOf } from './spine.ts';
import { ViewCatalog, type AppliedView, type CurrentView } from './definitions/definition-catalog.ts';

const defaultCacheBytes = 512 * 1024 * 1024;

/**
 * The same features for training and for serving: defined once, computed by one join from the same rows, equal to the last bit.
 *
 * Rows are ingested as they come, late and out of order too, into a log that is the truth. {@link FeatureStore.getHistoricalFeatures} joins it to the moments of training
 * examples without looking into their future; {@link FeatureStore.materialize} brings what serving needs of it into one small record per entity, from which
 * {@link FeatureStore.getOnlineFeatures} computes features at the moment of the request.
 *
 * All rows of a view are in memory while they are joined. Any number of stores, in any processes that share a storage, may work on one view at once.
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
  readonly #cacheBytes: number;
  readonly #catalog: ViewCatalog;
  readonly #online: OnlineStore;
  readonly #logs: OfflineLogs;
  readonly #materializer: Materializer;
  readonly #times: IngestTimes;
  /** Rows by log, least recently used first. */
  readonly #rows = new Map<string, { loaded: LoadedRows; reading: Promise<void> }>();

  constructor(options: FeatureStoreOptions) {
    checkStoreOptions(options);
    this.#storage = options.storage;
    this.#clock = options.clock ?? systemClock;
    this.#cacheBytes = options.cacheBytes ?? defaultCacheBytes;
    this.#catalog = new ViewCatalog(this.#storage, this.#clock);
    this.#online = new OnlineStore(this.#storage, this.#clock, this.#cacheBytes);
    this.#times = new IngestTimes(this.#clock);
    this.#logs = new OfflineLogs(this.#storage, this.#clock);
    this.#materializer = new Materializer(this.#storage, this.#clock, this.#online, this.#logs);
  }

  /**
   * Puts views in force, one after the other. Every version is kept. More features are welcome; a change that breaks what is made from a view (a feature gone or
   * different, another entity, timestamp or `ttl`) throws `ConflictError` with the differences unless `force` is set. After a forced change of the entity, the timestamps or the type of
   * a column, the view begins without rows, since the old ones do not fit it.
   */
  async apply(views: readonly FeatureView[], options: ApplyOptions = {}): Promise<AppliedView[]> {
    checkApplyOptions(options);
    const given: unknown = views;
    if (!Array.isArray(given)) throw new ValidationError('views must be a list of feature views, such as [airportDelays].', { path: 'views' });
    views.forEach((view, i) => checkView(view, `views[${i}]`));
    const applied: AppliedView[] = [];
    for (const view of views) applied.push(await this.#catalog.apply(view, options.force ?? false, options));
    return applied;
  }

  /** Name of the storage, as its adapter gives it. */
  get storageName(): string {
    return this.#storage.name;
  }

  /** The definition of a view that is in force. Throws `NotFoundError` when there is none of that name. */
  async getView(name: string, options: OperationOptions = {}): Promise<FeatureView> {
    return (await this.#catalog.fresh(nameOf(name), options)).view;
  }

  /** The definitions of all views that are in force. */
  async listViews(options: OperationOptions = {}): Promise<FeatureView[]> {
    return this.#catalog.list(options);
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
    const current = await this.#catalog.fresh(nameOf(view), options);
    const total = { rows: 0, known: 0, batches: 0 };
    for await (const table of batchesOf(current, rows, options.signal)) {
      const id = options.batchId === undefined || total.batches === 0 ? options.batchId : `${options.batchId} ${total.batches + 1}`;
      const appended = await appendBatch(this.#storage, this.#logs.of(current), current, table, id, this.#times.next(), options);
      if (options.online) await this.#materializer.push(current, appended.batch, () => this.#load(current, options), options);
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
    const asked = await this.#asked(parseRefs(query.features), query.fullFeatureNames ?? false, query);
    const spine = spineOf(query.entities, query.timestamp, asked.map(({ current }) => current.view));
    const times = momentsOf(spine, query.timestamp);
    assertDistinct(Object.keys(spine.columns), asked);
    for (const { current } of asked) for (const name of current.view.entity) entityColumn(spine, name, current.view);
    const columns: Record<string, ArrayLike<unknown>> = {};
    for (const [name, column] of Object.entries(spine.columns)) columns[name] = ownValues(column);
    const report: Record<string, ViewReport> = {};
    for (const { current, features } of asked) {
      const { view } = current;
      throwIfAborted(query.signal, 'The join');
      const loaded = await this.#load(current, query);
      const codes = loaded.keys.find(view.entity.map((name) => spine.columns[name]!), spine.rowCount);
      const definitions = features.map(({ feature }) => definitionOf(view, feature));
      const knownOnly = query.asOf !== 'event';
      const joined = joinFeatures(loaded.snapshot().index, { codes, times }, definitions, features.map(({ feature }) => feature), { ttl: view.ttl, knownOnly });
      features.forEach(({ column }, i) => (columns[column] = ownValues(joined.columns[i]!)));
      report[view.name] = countOutcomes(joined.outcomes);
      this.#trim();
    }
    return { columns, rowCount: spine.rowCount, report };
  }

  /**
   * Brings a view's rows up to event time `end` online, late rows included: incremental, and idempotent. In time, never in the order of arrival, the newest row wins, so an older
   * one never replaces a newer. An entity's record keeps the rows that its longest window can need from the present (or from `end`, if that is earlier) on.
   */
  async materialize(view: string | FeatureView, options: MaterializeOptions = {}): Promise<MaterializeResult> {
    const end = checkMaterializeOptions(options) ?? this.#clock.now();
    const current = await this.#catalog.fresh(nameOf(view), options);
    const result = await this.#materializer.materialize(current, end, () => this.#load(current, options), options);
    this.#trim();
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
    const { entities } = query;
    const requests = parseRefs(query.features);
    let asked = await this.#asked(requests, query.fullFeatureNames ?? false, query, true);
    let found = await this.#readOnline(asked, entities, query);
    // A definition that changed since this instance last saw it is read anew, and the records under it.
    for (let attempt = 0; found === undefined && attempt < 10; attempt++) {
      asked = await this.#asked(requests, query.fullFeatureNames ?? false, query);
      found = await this.#readOnline(asked, entities, query);
    }
    if (found === undefined) throw new ConflictError('The views asked for are being changed again and again; try later.', { path: 'features' });
    const now = this.#clock.now();
    const names = [...new Set(entities.flatMap((entity) => Object.keys(entity)))];
    assertDistinct(names, asked);
    const columns: Record<string, unknown[]> = {};
    for (const name of names) columns[name] = entities.map((entity) => (Object.hasOwn(entity, name) ? (entity[name] ?? null) : null));
    const answer: OnlineAnswer = { columns, statuses: {}, timestamps: {} };
    asked.forEach((each, v) => serve(each, found[v]!, now, answer));
    return answer;
  }

  async #asked(requests: readonly ViewRequest[], fullNames: boolean, options: OperationOptions, cached = false): Promise<AskedView[]> {
    const asked: AskedView[] = [];
    for (const request of requests) {
      let current = await (cached ? this.#catalog.get(request.view, options) : this.#catalog.fresh(request.view, options));
      const { features } = current.view;
      if (cached && request.features.some((name) => name !== '*' && !Object.hasOwn(features, name))) current = await this.#catalog.fresh(request.view, options);
      asked.push({ current, features: askedFeatures(current.view, request, fullNames) });
    }
    return asked;
  }

  /** For each view and entity its record, if any, by one read; `undefined` when a view is no longer what was assumed. */
  async #readOnline(asked: readonly AskedView[], entities: readonly Row[], options: OperationOptions): Promise<(LoadedRecord | undefined)[][] | undefined> {
    const keys = asked.map(({ current }) => this.#catalog.keyOf(current.view.name));
    const places: (number | undefined)[][] = asked.map(({ current }) =>
      entities.map((entity, i) => {
        const { view } = current;
        const lacking = view.entity.find((name) => !Object.hasOwn(entity, name) || entity[name] === undefined);
        if (lacking !== undefined) throw new ValidationError(`entities[${i}].${lacking} is missing; the view '${view.name}' finds its entities by it.`, { path: `entities[${i}].${lacking}` });
        const odd = view.entity.find((name) => !isKeyPart(entity[name]));
        if (odd !== undefined) throw new ValidationError(`entities[${i}].${odd} is ${shown(entity[odd], 80)}, which is no entity key; give a text, number, bigint or boolean.`, { path: `entities[${i}].${odd}` });
        const texts = keyTexts(view.entity.map((name) => entity[name]));
        return texts && keys.push(this.#online.keyOf(current, texts)) - 1;
      }),
    );
    const stored = await this.#storage.read(keys, { signal: options.signal });
    if (asked.some(({ current }, v) => this.#catalog.confirm(current.view.name, stored[v]?.version) === undefined)) return undefined;
    return places.map((each) =>
      each.map((place) => {
        const record = place === undefined ? undefined : stored[place];
        return record && this.#online.load(keys[place!]!, record);
      }),
    );
  }

  /** All rows of a view, those included that others have ingested by now. */
  async #load(current: CurrentView, options: OperationOptions): Promise<LoadedRows> {
    const key = logKeyOf(current);
    const id = `${key} ${current.digest}`;
    const entry = this.#rows.get(id) ?? { loaded: new LoadedRows(current), reading: Promise.resolve() };
    this.#rows.delete(id);
    this.#rows.set(id, entry);
    // One reader at a time; whoever comes second continues where the first ended, or failed.
    const refresh = async (): Promise<void> => {
      entry.loaded = await refreshRows(entry.loaded, current, this.#logs.of(current), options);
    };
    entry.reading = entry.reading.then(refresh, refresh);
    await entry.reading;
    return entry.loaded;
  }

  #trim(): void {
    let held = [...this.#rows.values()].reduce((sum, { loaded }) => sum + loaded.byteLength, 0);
    for (const [id, { loaded }] of this.#rows) {
      if (held <= this.#cacheBytes) return;
      this.#rows.delete(id);
      held -= loaded.byteLength;
    }
  }
}

function isKeyPart(value: unknown): boolean {
  return value === null || value instanceof Date || ['string', 'number', 'bigint', 'boolean'].includes(typeof value);
}

function nameOf(view: string | FeatureView): string {
  if (typeof view === 'string') return view;
  if (typeof view?.name === 'string') return view.name;
  throw new ValidationError('view must be the name of a feature view or the view itself.', { path: 'view' });
}

function countOutcomes(outcomes: Uint8Array): ViewReport {
  const counts = new Uint32Array(5);
  for (const each of outcomes) counts[each]! += 1;
  const of = (name: keyof typeof outcome): number => counts[outcome[name]]!;
  return { matched: of('matched'), missing: of('missing'), expired: of('expired'), future: of('future'), tooNew: of('tooNew') };
}
