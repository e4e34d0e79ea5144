import type { Clock, Undo } from '../../core/clock.ts';
import { Flusher } from '../../core/flusher.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { DataProfile } from '../../stats/profiles/data-profile.ts';
import { changeHead, readHead, type HeadLocation } from '../../storage/head-record.ts';
import type { AlertSettings } from '../alerts/alert-options.ts';
import { FeaturePlaces } from '../attribution/feature-places.ts';
import { LabelLog } from '../labels/label-log.ts';
import { labelValue } from '../labels/label-values.ts';
import type { MonitorState } from '../monitor-state.ts';
import type { PeriodPerformance } from './judge-period.ts';
import type { MeasuredPeriod } from './measure-periods.ts';
import type { PerformanceMetric, PerformanceSettings } from './performance-options.ts';

/** What is known of a model's performance. */
export interface PerformanceReport {
  /** What is measured. */
  readonly metric: PerformanceMetric;
  /** No label counts any more for predictions before this moment, epoch milliseconds: what is said of them is final. */
  readonly finalTo: number;
  /** The last period that was judged for good; absent before the first. */
  readonly last?: PeriodPerformance | undefined;
  /** The periods that labels may still come for, oldest first, by the labels that have come. Early labels are often not like the others; act on what is final. */
  readonly open: readonly PeriodPerformance[];
}

/** What a watch works with. */
export interface PerformanceWatchParts {
  /** The head record of the monitor. */
  readonly at: HeadLocation;
  /** Its name. */
  readonly name: string;
  readonly reference: DataProfile;
  readonly settings: PerformanceSettings;
  readonly alerting: AlertSettings;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
  /** Is told of each event that was stored. */
  readonly announce: (type: string, data: unknown) => void;
}

// From so many rows on they are written at once, not within the interval.
const manyRows = 20_000;

/** Keeps predictions until their labels have come, and judges a period once no more can. */
export class PerformanceWatch {
  readonly #parts: PerformanceWatchParts;
  readonly #places: FeaturePlaces | undefined;
  readonly #log: LabelLog;
  readonly #judging: Flusher;
  /** The beginnings of periods that are known to have predictions, and are not judged. */
  readonly #unjudged = new Set<number>();
  /** Whether the logs have been looked at since the process began. */
  #looked = false;
  /** Whether a period is to be judged, and could not be yet. */
  #due = false;
  #undoTimer: Undo | undefined;
  #work: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(parts: PerformanceWatchParts) {
    const { at, reference, settings, clock, onError } = parts;
    this.#parts = parts;
    this.#places = settings.attribution && new FeaturePlaces(reference, settings.attribution, 'options.performance.attribution');
    const grid = this.#places?.grid;
    this.#log = new LabelLog({ storage: at.storage, key: at.key, encoding: settings.encoding, everyMs: settings.everyMs, kept: grid && { id: grid.id, count: grid.names.length }, onError });
    this.#judging = new Flusher({ write: async () => void (await this.#judge({})), pending: () => this.#due && !this.#closed, clock, intervalMs: 1000, onFailure: onError });
  }

  /** Whether anything waits to be written, and whether it is so much that it should be soon. */
  get waiting(): 'nothing' | 'some' | 'much' {
    const { waiting } = this.#log;
    return waiting === 0 ? 'nothing' : waiting < manyRows ? 'some' : 'much';
  }

  /** Keeps a prediction. */
  predict(id: string, at: number, prediction: unknown, version: string, features: Readonly<Record<string, unknown>>): void {
    this.#log.add('predictions', id, at, labelValue(prediction, this.#parts.settings.encoding), version, this.#places?.of(features));
    this.#unjudged.add(this.#log.startOf(at));
  }

  /** Keeps a label; false when it is none that the metric could take. */
  label(id: string, at: number, label: unknown): boolean {
    const { encoding, binary } = this.#parts.settings;
    const value = labelValue(label, encoding);
    if (!Number.isFinite(value) || (binary && value !== 0 && value !== 1)) return false;
    this.#log.add('labels', id, at, value, '');
    return true;
  }

  /** Writes what waits. What could not be written is still there at the next call. */
  async write(options: OperationOptions): Promise<void> {
    await this.#log.write(options);
    if (!this.#looked) {
      this.#due = true;
      this.#judging.request(true);
    }
    this.#looked = true;
    this.#arm();
  }

  /** Judges what is final, and measures what is not yet. Reads all predictions that wait, and their labels. */
  async report(options: OperationOptions): Promise<PerformanceReport> {
    const { settings, clock } = this.#parts;
    const state = await this.#judge(options);
    const open = (await this.#measure(await this.#periodsFrom(state?.performance?.judgedTo ?? 0, options), false, options)).map(({ performance }) => performance);
    return { metric: settings.metric, finalTo: this.#finalTo(clock.now()), ...(state?.performance && { last: state.performance.last }), open };
  }

  /** Ends the background work, once that under way is done. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#judging.stop();
    this.#undoTimer?.();
    await this.#work;
  }

  #judge(options: OperationOptions): Promise<MonitorState | undefined> {
    const run = this.#work.then(() => this.#judgeFinal(options));
    this.#work = run.catch(() => undefined);
    return run;
  }

  async #judgeFinal(options: OperationOptions): Promise<MonitorState | undefined> {
    const { at, name, alerting, clock, announce, settings } = this.#parts;
    const before = await readHead<MonitorState>(at, options);
    const now = clock.now();
    const judgedTo = this.#finalTo(now);
    const periods = await this.#periodsFrom(before?.performance?.judgedTo ?? 0, options);
    const final = periods.filter((start) => start < judgedTo);
    if (before === undefined && final.length > 0) {
      // Predictions are written in front of the record of the monitor, which may not be there yet: they are judged once it is.
      this.#due = true;
      return before;
    }
    const measured = await this.#measure(final, true, options);
    this.#unjudged.clear();
    for (const start of periods) if (start >= judgedTo) this.#unjudged.add(start);
    this.#due = false;
    this.#arm();
    if (measured.length === 0) return before;
    const { addPerformance } = await import('./add-performance.ts');
    const { state, events } = await changeHead<MonitorState>(at, (current) => addPerformance(current, { name, measured, judgedTo, now, alerting, settings, grid: this.#places?.grid }), options);
    for (const { type, data } of events) announce(type, data);
    await this.#log.clean(state!.performance!.judgedTo, options);
    return state;
  }

  async #periodsFrom(start: number, options: OperationOptions): Promise<number[]> {
    return (await this.#log.periods(options)).filter((each) => each >= start);
  }

  /** What measures is loaded when the first period is measured: who only observes never needs it. */
  async #measure(periods: readonly number[], final: boolean, { signal }: OperationOptions): Promise<MeasuredPeriod[]> {
    if (periods.length === 0) return [];
    const { settings, clock } = this.#parts;
    const { measurePeriods } = await import('./measure-periods.ts');
    return measurePeriods(this.#log, { periods, final, settings, grid: this.#places?.grid, now: clock.now(), signal });
  }

  /** The beginning of the first period that labels may still come for. */
  #finalTo(now: number): number {
    const { maxDelayMs, graceMs } = this.#parts.settings;
    return this.#log.startOf(now - maxDelayMs - graceMs);
  }

  #arm(): void {
    this.#undoTimer?.();
    this.#undoTimer = undefined;
    if (this.#closed || this.#unjudged.size === 0) return;
    const { clock, settings, onError } = this.#parts;
    const due = Math.min(...this.#unjudged) + settings.everyMs + settings.maxDelayMs + settings.graceMs;
    const now = clock.now();
    // What is overdue is being judged, or was tried and will be again.
    if (due <= now) return;
    this.#undoTimer = clock.setTimer(() => {
      this.#due = true;
      this.#judging.flush().catch(onError);
    }, due - now);
  }
}
