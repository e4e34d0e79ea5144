import type { Duration } from '../core/duration.ts';

/** A variant that units are assigned to. */
export interface VariantOptions {
  /** Its name, once in a test. */
  readonly name: string;
  /** Its share of those who take part, relative to the other variants. @default 1 */
  readonly weight?: number | undefined;
  /** The version of a model that serves it, where the test chooses between versions. @default none */
  readonly version?: number | undefined;
}

/** What a metric is for: a `primary` one decides, a `guardrail` must not get worse, a `secondary` one is told. */
export type MetricRole = 'primary' | 'guardrail' | 'secondary';

/** What every metric has. */
export interface MetricBase {
  /** Its name, once in a test. */
  readonly name: string;
  /** What it is for. @default 'secondary' */
  readonly role?: MetricRole | undefined;
  /** Which way is better. @default 'increase' */
  readonly goal?: 'increase' | 'decrease' | undefined;
  /** How long after a unit was first exposed its events count; a unit is analysed once that time has passed. @default without end */
  readonly window?: Duration | undefined;
  /** A guardrail holds when it is no worse than the control by more than this relative margin, such as 0.02. @default 0 */
  readonly margin?: number | undefined;
}

/** Takes the extremes in: values beyond are set to the bound, the same for all variants. */
export interface Winsorizing {
  /** The bound from below: a value, or the quantile of the values that are not 0. @default none */
  readonly lower?: { readonly value: number } | { readonly quantile: number } | undefined;
  /** The bound from above: a value, or the quantile of the values that are not 0. @default none */
  readonly upper?: { readonly value: number } | { readonly quantile: number } | undefined;
}

/** One number per unit: whether anything was recorded that is not 0 (`proportion`), the sum of what was recorded (`mean`), or how often (`count`). */
export interface UnitMetricOptions extends MetricBase {
  /** What is measured. */
  readonly kind: 'proportion' | 'mean' | 'count';
  /** The name that is recorded. @default the name of the metric */
  readonly of?: string | undefined;
  /** Takes the extremes of units in. @default not at all */
  readonly winsorize?: Winsorizing | undefined;
  /** How long before its exposure a unit's events tell what it would have done anyway (CUPED). @default not at all */
  readonly before?: Duration | undefined;
}

/** A sum for each of another, over units that have several, such as revenue per order; its variance is by the delta method. */
export interface RatioMetricOptions extends MetricBase {
  /** Says that it is a ratio. */
  readonly kind: 'ratio';
  /** The name that is summed up above the line. */
  readonly numerator: string;
  /** The name that is summed up below the line. */
  readonly denominator: string;
  /** Takes the extremes of units in, on either side of the line. @default not at all */
  readonly winsorize?: Winsorizing | undefined;
  /** How long before its exposure a unit's events tell what it would have done anyway (CUPED). @default not at all */
  readonly before?: Duration | undefined;
}

/** A quantile of all that was recorded, such as the 99th percentile of a latency; the events of a unit depend on each other, and the interval takes that in. */
export interface QuantileMetricOptions extends MetricBase {
  /** Says that it is a quantile. */
  readonly kind: 'quantile';
  /** The name that is recorded. @default the name of the metric */
  readonly of?: string | undefined;
  /** Which share of the values lies below it, such as 0.99. */
  readonly probability: number;
}

/** A metric of a test. */
export type MetricOptions = UnitMetricOptions | RatioMetricOptions | QuantileMetricOptions;
