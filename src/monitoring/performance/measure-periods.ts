import type { OperationOptions } from '../../core/progress.ts';
import type { PlaceGrid } from '../attribution/feature-places.ts';
import type { PlaceSums } from '../attribution/place-sums.ts';
import type { LossTimeline } from '../concept/loss-timeline.ts';
import { joinLabels } from '../labels/join-labels.ts';
import type { LabelLog } from '../labels/label-log.ts';
import { PeriodTally, type PeriodPerformance } from './judge-period.ts';
import type { PerformanceSettings } from './performance-options.ts';

/** Which periods are measured, and how. */
export interface MeasureRequest extends OperationOptions {
  /** The beginnings of the periods, ascending. */
  readonly periods: readonly number[];
  /** Whether no label can come for them any more. */
  readonly final: boolean;
  readonly settings: PerformanceSettings;
  /** The bins that are kept with each prediction; absent when none are. */
  readonly grid: PlaceGrid | undefined;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** A period as it was measured. */
export interface MeasuredPeriod {
  readonly performance: PeriodPerformance;
  /** Its losses in the order of time, when it is final and something looks at them. */
  readonly losses?: LossTimeline | undefined;
  /** Its losses by the bins of the columns, when it is final and something looks at them. */
  readonly places?: PlaceSums | undefined;
}

/** The performance in each period, by the labels that have come. */
export async function measurePeriods(log: LabelLog, { periods, final, settings, grid, now, signal }: MeasureRequest): Promise<MeasuredPeriod[]> {
  const { everyMs, maxDelayMs } = settings;
  const tallies = new Map(periods.map((start) => [start, new PeriodTally(settings, start, final, grid)]));
  await joinLabels(log, { periods, everyMs, maxDelayMs, now, signal }, (period, ...row) => tallies.get(period)!.add(...row));
  return [...tallies.values()].map((tally) => ({ performance: tally.judge(final), losses: tally.losses, places: tally.places }));
}
