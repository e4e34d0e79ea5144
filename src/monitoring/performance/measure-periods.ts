import type { OperationOptions } from '../../core/progress.ts';
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
  /** Epoch milliseconds. */
  readonly now: number;
}

/** The performance in each period, by the labels that have come. */
export async function measurePeriods(log: LabelLog, { periods, final, settings, now, signal }: MeasureRequest): Promise<PeriodPerformance[]> {
  const { everyMs, maxDelayMs } = settings;
  const tallies = new Map(periods.map((start) => [start, new PeriodTally(settings)]));
  await joinLabels(log, { periods, everyMs, maxDelayMs, now, signal }, (period, ...row) => tallies.get(period)!.add(...row));
  return [...tallies].map(([start, tally]) => tally.judge(start, final));
}
