import type { AuditEvent } from '../core/audit.ts';
import { systemClock, type Clock, type Undo } from '../core/clock.ts';
import { decode, encode, storedCopy } from '../core/codec.ts';
import { collectBytes } from '../core/bytes.ts';
import { digestOf } from '../core/digest.ts';
import { durationMs } from '../core/duration.ts';
import { Emitter } from '../core/emitter.ts';
import { IntegrityError, ModelkeepError, NotFoundError, ValidationError } from '../core/errors.ts';
import { Flusher } from '../core/flusher.ts';
import { newId } from '../core/ids.ts';
import { escapeSegment } from '../core/key.ts';
import type { ErrorListener } from '../core/logger.ts';
import type { Page } from '../core/page.ts';
import type { OperationOptions } from '../core/progress.ts';
import { reportFailure } from '../core/report-failure.ts';
import { check } from '../core/schema.ts';
import { shown } from '../core/shown.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { readHead, type HeadLocation } from '../storage/head-record.ts';
import type { StoreListOptions } from '../storage/list-heads.ts';
import { checkProfile } from '../stats/profiles/check-profile.ts';
import { alertSettings } from './alerts/alert-options.ts';
import { logSink } from './alerts/log-sink.ts';
import type { AlertSilence, EndSilenceOptions, SilenceOptions } from './alerts/alert-silence.ts';
import { alertSource, type AlertEvent, type AlertSource, type AlertsOptions, type SilenceEvent } from './alerts/alert-source.ts';
import type { DriftAlert } from './alerts/alert-state.ts';
import type { MonitorPage } from './list-monitors.ts';
import type { MonitorHistory } from './monitor-history.ts';
import type { DriftVerdict, MonitorContext, MonitorState } from './monitor-state.ts';
import { estimateJudgement } from './estimates/estimate-options.ts';
import { openEstimate } from './estimates/open-estimate.ts';
import { healthJudgement } from './health/health-options.ts';
import { isFailure } from './health/health-tally.ts';
import type { PeriodPerformance } from './performance/judge-period.ts';
import { performanceSettings } from './performance/performance-options.ts';
import { PerformanceWatch } from './performance/performance-watch.ts';
import { qualityJudgement } from './quality/quality-options.ts';
import { windowPlan } from './windows/window-plan.ts';
import { monitorDriftSettings, optionsSchema, type AlertHistoryOptions, type CheckOptions, type DriftMonitorOptions, type Feedback, type MonitorEvents, type Observation, type OpenMonitorOptions, type PerformancesOptions, type VerdictsOptions } from './monitor-options.ts';
import { WaitingRows } from './windows/waiting-rows.ts';
import type { WindowKeeper, WindowKeeperParts } from './windows/window-keeper.ts';

/**
 * Watches a model in use: counts what it is asked and what it answers, and compares every window of rows with a reference.
 *
 * `observe` is synchronous and only counts: one step per column, memory that does not grow with the rows. When a window is full it is judged and stored in the
 * background; `check()` waits for that and returns the verdict. A verdict is that of {@link compareData} with its three meanings:
 *
 * - `drifted`: some column's change is both significant and large. The model meets data (or gives predictions) unlike those it was trained on; `summary` names the
 *   columns and where their rows went. Look for a broken feed first, then for a changed world, then think of retraining.
 * - `stable`: no such change was found in this many rows.
 * - `insufficient`: too few rows, or nothing to compare; neither good nor bad news.
 *
 * The chance of a false alarm is at most `alpha` over `drift.horizon` windows together, for independent rows.
 *
 * The reference and all verdicts are kept in the storage, and the open windows, which are stored every `flushInterval` while there are rows, and by `flush()`,
 * `check()` and `close()`: a monitor of the same name goes on there after a restart (rows observed since are lost), and several processes may feed one monitor:
 * their rows are added up. A window by rows then closes with at least `window.rows` rows; one by time closes `grace` after its end, by whichever process looks
 * first, and what is stored later goes into the window of now, where `window.late` counts it. A stretch of time without any row has no window. Windows may overlap: with `window.slide` the last rows, or the last stretch of time, are judged whenever so much more has come. {@link DriftMonitor.open} knows how full the stored window is; a monitor made by `new` learns it at its first
 * write, so its first window may be larger. Another reference under the same name starts a new window: counts in the bins of one say nothing in those of another, so that the rows of the window that was open get no verdict. To have one on them, call `check()` with the old reference before.
 *
 * @example
 * ```ts
 * import { DriftMonitor, MemoryStorage, profileData } from 'modelkeep';
 *
 * const training = { distance: Float64Array.from({ length: 1000 }, (_, i) => 100 + i), score: Float64Array.from({ length: 1000 }, (_, i) => i / 1000) };
 * const reference = profileData(training, { prediction: 'score' });
 * await using monitor = new DriftMonitor({ storage: new MemoryStorage(), name: 'flight-delay', reference, window: { rows: 500 } });
 *
 * monitor.on('verdict', (verdict) => console.log(verdict.summary));
 * for (let i = 0; i < 500; i++) monitor.observe({ version: 3, features: { distance: 900 + i }, prediction: i / 500 });
 * const verdict = await monitor.check();
 * console.log(verdict.status, verdict.driftedColumns); // 'drifted' ['distance']
 * ```
 */
export class DriftMonitor implements AsyncDisposable {
  /** Under which the monitor is stored. */
  readonly name: string;
  readonly #storage: StorageAdapter;
  readonly #clock: Clock;
  readonly #at: HeadLocation;
  readonly #context: MonitorContext;
  readonly #rows: WaitingRows;
  readonly #keeping: WindowKeeperParts;
  #keeper: WindowKeeper | undefined;
  readonly #performance: PerformanceWatch | undefined;
  readonly #onError: ErrorListener;
  readonly #events: Emitter<MonitorEvents>;
  readonly #flusher: Flusher;
  #history: MonitorHistory | undefined;
  #unchecked: DriftVerdict | undefined;
  #work: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: DriftMonitorOptions) {
    const { name, window, flushInterval = '1s' } = check(optionsSchema, options, 'options');
    const plan = windowPlan(window, 'options.window');
    const intervalMs = durationMs(flushInterval, 'options.flushInterval');
    const reference = storedCopy(checkProfile(options.reference, 'reference'), 'reference');
    if (reference.columns.length === 0) throw new ValidationError('The reference has no columns; profile some data.', { path: 'reference' });
    this.name = name;
    this.#storage = options.storage;
    this.#clock = options.clock ?? systemClock;
    const { onError } = options;
    this.#onError = (error) => reportFailure(error, { who: `Monitor '${name}'`, onError });
    this.#events = new Emitter(this.#onError);
    const alerting = alertSettings(options.alerts, 'options.alerts');
    if (alerting.log) this.#events.on('alert', logSink(alerting.log));
    this.#at = locationOf(options, this.#clock);
    const settings = monitorDriftSettings(options.drift, 'options.drift');
    const estimate = estimateJudgement(options.estimate, 'options.estimate');
    const judgements = [healthJudgement(options.health, 'options.health'), qualityJudgement(options.quality, options.drift, reference, 'options.quality'), estimate?.judgement];
    this.#context = {
      name,
      writer: newId(),
      reference,
      digest: digestOf(encode(reference, 'reference')),
      estimator: estimate?.stored,
      plan,
      settings,
      alerting,
      judgements: judgements.filter((each) => each !== undefined),
    };
    const performance = performanceSettings(options.performance, plan, 'options.performance');
    const announce = (type: string, data: unknown): void => this.#announce(type, data);
    const due = (): void => void this.#flusher.flush().catch(this.#onError);
    this.#rows = new WaitingRows(this.#context);
    this.#keeping = { at: this.#at, context: this.#context, rows: this.#rows, clock: this.#clock, announce, due };
    this.#performance = performance && new PerformanceWatch({ at: this.#at, name, reference, settings: performance, alerting, clock: this.#clock, onError: this.#onError, announce });
    this.#flusher = new Flusher({
      write: async () => void (await this.#settle(false)),
      pending: () => this.#rows.pending || this.#keeps('some') || this.#keeper?.overdue === true,
      clock: this.#clock,
      intervalMs,
      onFailure: this.#onError,
    });
  }

  /**
   * The monitor of that name as it was stored, with its reference, its estimator where it has `options.estimate` without one, and its open window. Throws `NotFoundError` when none was stored, which `new DriftMonitor` with a
   * reference and a first `flush()` does.
   *
   * @example
   * ```ts
   * import { DriftMonitor, MemoryStorage, profileData } from 'modelkeep';
   *
   * const options = { storage: new MemoryStorage(), name: 'flight-delay', window: { rows: 1000 } };
   * const before = new DriftMonitor({ ...options, reference: profileData({ x: Float64Array.from({ length: 100 }, (_, i) => i) }) });
   * for (let i = 0; i < 40; i++) before.observe({ features: { x: i } });
   * await before.close();
   * const after = await DriftMonitor.open(options);
   * console.log((await after.check()).window.rows); // 40
   * ```
   */
  static async open(options: OpenMonitorOptions & OperationOptions): Promise<DriftMonitor> {
    const { name } = check(optionsSchema, options, 'options');
    const at = locationOf(options, options.clock);
    const state = await readHead<MonitorState>(at, { signal: options.signal });
    if (state === undefined) {
      throw new NotFoundError(`Monitor '${name}' is not in ${options.storage.name}; make it with new DriftMonitor({ reference, … }) and flush() it once.`, {
        key: name,
      });
    }
    const bytes = await options.storage.readBlob(state.reference, { signal: options.signal });
    if (bytes === undefined) throw new IntegrityError(`The reference of monitor '${name}' is gone from the storage.`, { key: state.reference });
    const reference = checkProfile(decode(await collectBytes(bytes), state.reference), `The reference of monitor '${name}'`);
    const estimate = await openEstimate(options, state.estimator);
    const monitor = new DriftMonitor({ ...options, reference, estimate });
    (await monitor.#windows()).resume(state);
    return monitor;
  }

  /**
   * A page of the monitors of a store, in a fixed order, with what fires of each. One that cannot be read is in `damaged` and hides no other. Costs a read of each monitor's record, not of its history.
   *
   * Throws `ValidationError` when an option is not what it must be.
   *
   * @example
   * ```ts
   * import { DriftMonitor, MemoryStorage, profileData } from 'modelkeep';
   *
   * const storage = new MemoryStorage();
   * const reference = profileData({ distance: Float64Array.from({ length: 1000 }, (_, i) => i) });
   * for (const name of ['flight-delay', 'fraud']) await new DriftMonitor({ storage, name, reference, window: { every: '1h' } }).close();
   *
   * const { items, next } = await DriftMonitor.list({ storage, limit: 1 });
   * console.log(items.map(({ name, firing }) => [name, firing.length])); // [['flight-delay', 0]]
   * console.log((await DriftMonitor.list({ storage, after: next })).items[0]?.name); // fraud
   * ```
   */
  static async list(options: StoreListOptions): Promise<MonitorPage> {
    const { listMonitors } = await import('./list-monitors.ts');
    return listMonitors(options);
  }

  /**
   * Counts one request and its answer. Synchronous, and never throws for what is in the values; throws `ValidationError` when `features` is not an object, which only a request that failed may lack, or a
   * prediction comes that the reference has no column for, and `ModelkeepError` with code `closed` after `close()`.
   */
  observe(observation: Observation): void {
    this.#demandOpen();
    const { features, prediction, version, id, error } = observation ?? {};
    const failed = isFailure(error);
    if ((typeof features !== 'object' || features === null) && !(failed && features === undefined)) throw new ValidationError(`features are ${shown(features, 80)}; give an object of values by column.`, { path: 'features' });
    if (prediction !== undefined && !this.#rows.takesPredictions) {
      throw new ValidationError("The reference has no prediction column; name it with profileData(columns, { prediction: '…' }).", { path: 'prediction' });
    }
    const key = id === undefined ? undefined : idText(id);
    const now = this.#clock.now();
    const versionText = version === undefined ? undefined : String(version);
    const full = this.#rows.observe(observation, versionText, now);
    // Who failed to answer cannot have answered wrongly.
    if (key !== undefined && !(failed && prediction === undefined)) this.#performance?.predict(key, now, prediction, versionText ?? '', features ?? {});
    this.#flusher.request(full || this.#keeps('much'));
  }

  /**
   * Says what the right answer to an observed request would have been: whenever that is known, in whichever process, as often as it changes. The newest label of an id counts, from one period
   * (`performance.every`) before its prediction until `performance.maxLabelDelay` after it. Synchronous; it is stored like what is observed.
   *
   * Throws `ValidationError` when the monitor judges no performance, or for a label that its metric could not take.
   *
   * @example
   * ```ts
   * import { DriftMonitor, MemoryStorage, profileData } from 'modelkeep';
   *
   * const reference = profileData({ distance: [500, 900, 700], score: [0.2, 0.8, 0.4] }, { prediction: 'score' });
   * const performance = { metric: 'auc', min: 0.7, maxLabelDelay: '30d' } as const;
   * await using monitor = new DriftMonitor({ storage: new MemoryStorage(), name: 'flight-delay', reference, window: { rows: 5000 }, performance });
   * for (let i = 0; i < 100; i++) monitor.observe({ id: i, version: 3, features: { distance: 10 * i }, prediction: (i % 10) / 10 });
   * for (let i = 0; i < 80; i++) monitor.feedback({ id: i, label: i % 10 > 4 });
   * const { performance: { open } = { open: [] } } = await monitor.check();
   * console.log(open[0]?.value, open[0]?.coverage); // 1 0.8
   * ```
   */
  feedback(feedback: Feedback): void {
    this.#demandOpen();
    const { id, label } = (feedback ?? {}) as Partial<Feedback>;
    if (this.#performance === undefined) {
      throw new ValidationError(`Monitor '${this.name}' judges no performance, so that a label has no use; give it options.performance.`, { path: 'options.performance' });
    }
    if (!this.#performance.label(idText(id), this.#clock.now(), label)) {
      throw new ValidationError(`label is ${shown(label, 80)}, which the metric of monitor '${this.name}' cannot take; auc, logLoss and brier take 0 and 1, mae and rmse numbers, the others a class.`, { path: 'label' });
    }
    this.#flusher.request(this.#keeps('much'));
  }

  /** Stores what was observed. Rejects when the storage fails; nothing is lost then, and the next call tries again. */
  async flush(options: OperationOptions = {}): Promise<void> {
    await this.#settle(false, options);
  }

  /**
   * The verdict on the newest window that was closed since the last check; when none was, on the open window as it stands, which is then `complete: false` and not
   * stored. Looking often at an open window makes false alarms likelier; act on closed ones. Stores what was observed, as `flush()` does.
   */
  async check(options: CheckOptions = {}): Promise<DriftVerdict> {
    const state = await this.#settle(options.close ?? false, options);
    const performance = await this.#performance?.report(options);
    const closed = this.#unchecked;
    this.#unchecked = undefined;
    const verdict = closed ?? (await (await this.#windows()).verdictNow(state, options));
    return { ...verdict, ...(performance && { performance }) };
  }

  /** The stored verdicts of this monitor, oldest first. A page that follows one of this monitor is read from there on. */
  async verdicts(options: VerdictsOptions = {}): Promise<Page<DriftVerdict>> {
    return this.#page(['verdict'], ({ data }) => data as DriftVerdict, options);
  }

  /** The periods whose performance was judged for good, oldest first, read as `verdicts()` is. */
  async performances(options: PerformancesOptions = {}): Promise<Page<PeriodPerformance>> {
    return this.#page(['performance'], ({ data }) => data as PeriodPerformance, options);
  }

  /**
   * The alerts of this monitor, whichever process decided them, for who must hear of each: a pipeline starts by them (`pipeline.triggerOn`), and `startWebhook` sends
   * them, signed, until they are taken. Neither holds up `observe`. Each alert comes twice, when it begins to fire and when it is resolved, unless `status` says which: what retrains a model wants `{ status: 'firing' }`.
   *
   * Throws `ValidationError` for a kind or a status that there is none of.
   */
  alerts(options: AlertsOptions = {}): AlertSource {
    return alertSource(this.#at, this.name, options);
  }

  /** Every alert, also those that nobody was told of, and every silence with who wanted it and why, oldest first, read as `verdicts()` is. */
  async alertHistory(options: AlertHistoryOptions = {}): Promise<Page<AlertEvent | SilenceEvent>> {
    return this.#page(['alert', 'silenced', 'silence-ended'], (event) => event as AlertEvent | SilenceEvent, options);
  }

  /**
   * Lets nobody be told of alerts that begin to fire before `until`: for planned work, or for what is known and being mended. They are decided and kept in `alertHistory()` all the same, and marked `silenced`. One that still has reason to when the silence is
   * over is told at its next window. One that somebody was told of already is told to be resolved. Who silences and why is recorded. Stores what was observed, as `flush()` does.
   *
   * @example
   * ```ts
   * import { DriftMonitor, MemoryStorage, profileData } from 'modelkeep';
   *
   * const reference = profileData({ distance: Float64Array.from({ length: 1000 }, (_, i) => i) });
   * await using monitor = new DriftMonitor({ storage: new MemoryStorage(), name: 'flight-delay', reference, window: { rows: 500 } });
   * const { id } = await monitor.silence({ match: { kind: 'data-drift' }, until: Date.now() + 3_600_000, by: 'oncall', reason: 'the feed is being moved' });
   * for (let i = 0; i < 500; i++) monitor.observe({ features: { distance: 900 + i } });
   * await monitor.flush();
   * console.log((await monitor.alertHistory()).items.map(({ type }) => type)); // [ 'silenced', 'alert' ]
   * console.log((await monitor.alerts().poll(undefined)).events.length); // 0
   * await monitor.endSilence(id, { by: 'oncall', reason: 'done' });
   * ```
   */
  async silence(options: SilenceOptions & OperationOptions): Promise<AlertSilence> {
    const { addSilence } = await import('./alerts/change-silences.ts');
    await this.flush({ signal: options.signal });
    return addSilence(this.#at, this.name, this.#clock.now(), options);
  }

  /** Ends a silence before its time. Throws `NotFoundError` when none of that id is in force. */
  async endSilence(id: string, options: EndSilenceOptions): Promise<void> {
    const { endSilence } = await import('./alerts/change-silences.ts');
    await endSilence(this.#at, this.name, this.#clock.now(), id, options);
  }

  /** The silences in force, the first made first. */
  async silences(options: OperationOptions = {}): Promise<readonly AlertSilence[]> {
    const { inForce } = await import('./alerts/change-silences.ts');
    return inForce(await readHead<MonitorState>(this.#at, options), this.#clock.now());
  }

  /** Calls `listener` with each verdict that this process stores, and with each alert that it decides, until undone. */
  on<K extends keyof MonitorEvents>(name: K, listener: (event: MonitorEvents[K]) => void): Undo {
    return this.#events.on(name, listener);
  }

  /** Stores what was observed and ends the monitor; the storage stays open. A second call is harmless; when storing fails, call it again. */
  async close(options: OperationOptions = {}): Promise<void> {
    this.#closed = true;
    this.#keeper?.close();
    try {
      await this.#settle(false, options);
    } finally {
      this.#flusher.stop();
      await this.#performance?.close();
    }
  }

  /** Closes the monitor, as `close()` does. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #demandOpen(): void {
    if (this.#closed) throw new ModelkeepError('closed', `Monitor '${this.name}' was closed; open another one.`, { key: this.name });
  }

  /** Whether predictions or labels wait to be written, or even many. */
  #keeps(amount: 'some' | 'much'): boolean {
    const waiting = this.#performance?.waiting;
    return waiting === 'much' || (waiting === 'some' && amount === 'some');
  }

  async #page<T>(types: readonly string[], itemOf: (event: AuditEvent) => T, options: VerdictsOptions): Promise<Page<T>> {
    if (this.#history === undefined) {
      const { MonitorHistory } = await import('./monitor-history.ts');
      this.#history ??= new MonitorHistory(this.#at);
    }
    const { items, ...more } = await this.#history.page(types, options);
    return { items: items.map(itemOf), ...more };
  }

  /** What stores rows and closes windows, loaded when it is not. */
  async #windows(): Promise<WindowKeeper> {
    if (this.#keeper === undefined) {
      const { WindowKeeper } = await import('./windows/window-keeper.ts');
      this.#keeper ??= new WindowKeeper(this.#keeping);
      if (this.#closed) this.#keeper.close();
    }
    return this.#keeper;
  }

  /** Writes all that waits, one call after the other; gives the state as stored. */
  #settle(close: boolean, options: OperationOptions = {}): Promise<MonitorState> {
    const run = this.#work.then(async () => {
      await this.#performance?.write(options);
      return (await this.#windows()).store(close, options);
    });
    this.#work = run.catch(() => undefined);
    return run;
  }

  #announce(type: string, data: unknown): void {
    if (type === 'alert' && (data as DriftAlert).silenced === undefined) this.#events.emit('alert', data as DriftAlert);
    if (type !== 'verdict') return;
    this.#unchecked = data as DriftVerdict;
    this.#events.emit('verdict', this.#unchecked);
  }
}

function locationOf({ storage, name }: Pick<OpenMonitorOptions, 'storage' | 'name'>, clock: Clock | undefined): HeadLocation {
  return { storage, key: `monitors/${escapeSegment(name)}`, clock, blobs: ({ reference, estimator }: MonitorState) => (estimator === undefined ? [reference] : [reference, estimator]) };
}

/** An id as it is looked up by. */
function idText(id: unknown): string {
  if ((typeof id === 'string' && id !== '') || (typeof id === 'number' && Number.isFinite(id))) return String(id);
  throw new ValidationError(`id is ${shown(id, 80)}; give a text that is not empty, or a number.`, { path: 'id' });
}
