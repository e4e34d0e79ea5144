import type { MetricValues } from '../../tracking/metric-buffer.ts';

/** Where a fit is recorded: a `Run`, or anything else with these methods. */
export interface TfjsRun {
  /** Takes the values of one step. It is called in the midst of training, so it should only put them in a queue; what it throws, or rejects with, goes to `onError`. */
  logMetrics(values: MetricValues, at: { step: number }): void;
  /** Takes what a fit was called with; needed for `params`. */
  logParams?(values: Readonly<Record<string, number | boolean>>): unknown;
  /** Takes texts; needed for `shuffle`. */
  setTags?(values: Readonly<Record<string, string>>): unknown;
}
