import * as z from 'zod/mini';
import { durationMs, type Duration } from '../../core/duration.ts';
import { callable } from '../../core/option-schemas.ts';
import { check } from '../../core/schema.ts';
import type { PredictionUse } from './version-cost.ts';

/** What is measured of a deployment, and how finely. */
export interface ServingMetricsOptions {
  /** Upper bounds of the histograms of durations, in seconds and ascending. @default 0.5 ms to 10 s in fourteen steps */
  readonly buckets?: readonly number[] | undefined;
  /** What a prediction costs, in a unit of your own; summed per version. It is called within every prediction, so it must be quick. @default nothing has a price */
  readonly price?: ((use: PredictionUse) => number) | undefined;
  /** How many versions are told apart at most; the one that was asked the longest ago and is not in memory leaves. @default 50 */
  readonly maxVersions?: number | undefined;
  /** How long a version that is not in memory any more is told after its last request. @default '1h' */
  readonly keep?: Duration | undefined;
}

/** The options with their defaults. */
export interface MetricsSettings {
  readonly seconds: readonly number[];
  readonly price: ServingMetricsOptions['price'];
  readonly maxVersions: number;
  readonly keepMs: number;
}

const defaultSeconds: readonly number[] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const schema = /* @__PURE__ */ z.strictObject({
  buckets: /* @__PURE__ */ z.optional(
    /* @__PURE__ */ z.custom<readonly number[]>(
      (value) => Array.isArray(value) && value.length > 0 && value.length <= 100 && value.every((bound, b) => Number.isFinite(bound) && bound > (b === 0 ? 0 : value[b - 1])),
      'must be 1 to 100 positive numbers of seconds, ascending',
    ),
  ),
  price: /* @__PURE__ */ z.optional(/* @__PURE__ */ callable<NonNullable<ServingMetricsOptions['price']>>()),
  maxVersions: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.int().check(/* @__PURE__ */ z.minimum(1), /* @__PURE__ */ z.maximum(1000))),
  keep: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.custom<Duration>()),
});

/** Checks what is measured. Throws `ValidationError`, naming `path`. */
export function checkMetrics(options: ServingMetricsOptions, path: string): MetricsSettings {
  const { buckets = defaultSeconds, price, maxVersions = 50, keep = '1h' } = check(schema, options, path);
  return { seconds: [...buckets], price, maxVersions, keepMs: durationMs(keep, `${path}.keep`) };
}
