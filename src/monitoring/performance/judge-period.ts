import type { PeriodAttribution } from '../attribution/attribute-loss.ts';
import type { PlaceGrid } from '../attribution/feature-places.ts';
import { PlaceSums } from '../attribution/place-sums.ts';
import type { PeriodConcept } from '../concept/follow-concept.ts';
import { LossTimeline } from '../concept/loss-timeline.ts';
import { lossOf, type LossFunction } from './losses.ts';
import type { PerformanceMetric, PerformanceSettings } from './performance-options.ts';
import { metricTally, type MetricTally } from './metric-tallies.ts';

/** A metric on the labelled predictions of a period. */
export interface MeasuredPerformance {
  /** `violated` when the whole interval is outside the bounds, `held` when it is not, `insufficient` with too few labels or where the metric is not defined. */
  readonly status: 'held' | 'violated' | 'insufficient';
  /** The metric; `null` where it is not defined. */
  readonly value: number | null;
  /** The lower end of its interval; `null` where there is none. */
  readonly low: number | null;
  /** The upper end of its interval; `null` where there is none. */
  readonly high: number | null;
  /** Predictions, each id once. */
  readonly predictions: number;
  /** Those of them that have a label. */
  readonly labelled: number;
  /** Labelled ones that the metric is not defined for, such as a probability of 1.2 or a prediction that is missing. */
  readonly unusable: number;
}

/** The performance of a model on the predictions of a period. */
export interface PeriodPerformance extends MeasuredPerformance {
  /** What was measured. */
  readonly metric: PerformanceMetric;
  /** When the period began, epoch milliseconds. */
  readonly start: number;
  /** When it ended, itself not in it. */
  readonly end: number;
  /** Whether labels could still come: only what is final raises an alert. */
  readonly final: boolean;
  /** The labelled share of the predictions, 0 to 1. */
  readonly coverage: number;
  /** The same for each version of the model, for predictions that named one. */
  readonly versions: Readonly<Record<string, MeasuredPerformance>>;
  /** Whether the losses have changed; only of final periods, of a monitor that looks for it. */
  readonly concept?: PeriodConcept | undefined;
  /** Which columns the loss goes with; only of final periods that are violated or whose losses have changed, of a monitor that is asked for it. */
  readonly attribution?: PeriodAttribution | undefined;
}

/** Counts the joined predictions of one period, all of them and by version. */
export class PeriodTally {
  readonly #settings: PerformanceSettings;
  readonly #all: Slice;
  readonly #versions = new Map<string, Slice>();
  readonly #lossOf: LossFunction | undefined;
  readonly #start: number;
  /** The losses in the order of time; absent when nothing looks at them. */
  readonly losses: LossTimeline | undefined;

  /** The losses by the bins of the columns; absent when nothing looks at them. */
  readonly places: PlaceSums | undefined;

  /** Of the period that begins at `start`; the losses are counted when it is judged for good. */
  constructor(settings: PerformanceSettings, start: number, final: boolean, grid: PlaceGrid | undefined) {
    this.#settings = settings;
    this.#start = start;
    this.#all = new Slice(metricTally(settings));
    if (!final) return;
    this.#lossOf = lossOf(settings.metric);
    if (settings.concept !== undefined) this.losses = new LossTimeline(start, settings.everyMs);
    if (grid !== undefined) this.places = new PlaceSums(grid, start);
  }

  add(version: string, prediction: number, label: number, labelled: boolean, at: number, bytes: Uint8Array, from: number): void {
    this.#all.add(prediction, label, labelled);
    if (labelled && this.#lossOf !== undefined) {
      const loss = this.#lossOf(label, prediction);
      this.losses?.add(version, at, loss);
      this.places?.add(bytes, from, loss);
    }
    if (version === '') return;
    let slice = this.#versions.get(version);
    if (slice === undefined) this.#versions.set(version, (slice = new Slice(metricTally(this.#settings))));
    slice.add(prediction, label, labelled);
  }

  judge(final: boolean): PeriodPerformance {
    const start = this.#start;
    const settings = this.#settings;
    const all = this.#all.judge(settings);
    const versions = [...this.#versions].sort(([a], [b]) => (a < b ? -1 : 1)).map(([version, slice]) => [version, slice.judge(settings)] as const);
    const coverage = all.predictions === 0 ? 0 : all.labelled / all.predictions;
    return { metric: settings.metric, start, end: start + settings.everyMs, final, coverage, ...all, versions: Object.fromEntries(versions) };
  }
}

class Slice {
  readonly #tally: MetricTally;
  #predictions = 0;
  #labelled = 0;
  #unusable = 0;

  constructor(tally: MetricTally) {
    this.#tally = tally;
  }

  add(prediction: number, label: number, labelled: boolean): void {
    this.#predictions++;
    if (!labelled) return;
    this.#labelled++;
    if (!this.#tally.add(label, prediction)) this.#unusable++;
  }

  judge({ confidence, min, max, minLabels }: PerformanceSettings): MeasuredPerformance {
    const { value, low, high } = this.#tally.measure(confidence);
    const enough = this.#labelled - this.#unusable >= minLabels && Number.isFinite(low) && Number.isFinite(high);
    const status = !enough ? 'insufficient' : high < min || low > max ? 'violated' : 'held';
    const orNull = (number: number): number | null => (Number.isFinite(number) ? number : null);
    return { status, value: orNull(value), low: orNull(low), high: orNull(high), predictions: this.#predictions, labelled: this.#labelled, unusable: this.#unusable };
  }
}
