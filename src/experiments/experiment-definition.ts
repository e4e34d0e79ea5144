import type { Duration } from '../core/duration.ts';
import type { Targeting } from './assignment/targeting.ts';

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

/** A bound for extremes that is known beforehand. */
export interface WinsorValue {
  /** The bound, in the unit of what is summed up. */
  readonly value: number;
}

/** A bound for extremes that the data give, of all variants together. */
export interface WinsorQuantile {
  /** Which share of the values that are not 0 lies below the bound. */
  readonly quantile: number;
}

/** Takes the extremes in: values beyond are set to the bound, the same for all variants. */
export interface Winsorizing {
  /** The bound from below: a value, or the quantile of the values that are not 0. @default none */
  readonly lower?: WinsorValue | WinsorQuantile | undefined;
  /** The bound from above: a value, or the quantile of the values that are not 0. @default none */
  readonly upper?: WinsorValue | WinsorQuantile | undefined;
}

/** One number per unit: whether anything was recorded that is not 0 (`proportion`), the sum of what was recorded (`mean`), or how often (`count`). */
export interface UnitMetricOptions extends MetricBase {
  /** What is measured. */
  readonly kind: 'proportion' | 'mean' | 'count';
  /** The name that is recorded. @default the name of the metric */
  readonly of?: string | undefined;
  /** Takes the extremes of units in; refused of a `proportion`, which has none. @default not at all */
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

/** A slice of a layer: tests with slices that do not overlap share no unit. Layers of different names are independent of each other. */
export interface LayerSlice {
  /** The name of the layer, the same for all tests in it. */
  readonly name: string;
  /** Where the slice begins, from 0. */
  readonly from: number;
  /** Where it ends, up to 1; that itself is outside. */
  readonly to: number;
}

/** Units that take part in no test, so that what all tests together do can be told. */
export interface Holdout {
  /** Which share of all units, from 0 to below 1. A higher one keeps those that were in it. */
  readonly share: number;
  /** Tests with the same salt hold out the same units. @default 'holdout' */
  readonly salt?: string | undefined;
}

/**
 * Which hash divides the units. `murmur3` is 53 bits of MurmurHash3 x86 128 over UTF-8. `growthbook-v1` and `growthbook-v2` give the variants that GrowthBook's SDKs give with the salt as `seed` (or the key of its experiment) and the
 * layer as `namespace`, for tests that began there; version 1 makes tests depend on each other.
 */
export type ExperimentHash = 'murmur3' | 'growthbook-v1' | 'growthbook-v2';

/** What a test is, as it is stored and as all processes agree on it. */
export interface ExperimentDefinition {
  /** The variants, in their order. */
  readonly variants: readonly VariantOptions[];
  /** The name of the variant that the others are compared with. */
  readonly control: string;
  /** What is measured. */
  readonly metrics: readonly MetricOptions[];
  /** What its hash is salted with. */
  readonly salt: string;
  /** Which hash it is. */
  readonly hash: ExperimentHash;
  /** Which share of the units that could take part does, from 0 to 1. */
  readonly coverage: number;
  /** Its slice of a layer; absent where it is in none. */
  readonly layer?: LayerSlice | undefined;
  /** The units that take part in no test; absent where there are none. */
  readonly holdout?: Holdout | undefined;
  /** Which units it is for; absent where it is for all. */
  readonly targeting?: Targeting | undefined;
  /** The attributes that are kept of each exposed unit. */
  readonly segments: readonly string[];
  /** Whether its weights may change while it runs, and how it changes them by itself. */
  readonly adaptive: boolean | AdaptivePlan;
}

/** How a test gives more units to the variants that do better, as it is stored. */
export interface AdaptivePlan {
  /** How long it keeps to its weights before it looks at them again. */
  readonly every: Duration;
  /** How it chooses them. */
  readonly method: 'thompson' | 'ucb';
  /** The least share of any variant. */
  readonly floor: number;
}
