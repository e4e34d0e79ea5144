import * as z from 'zod/mini';
import { ValidationError } from '../../core/errors.ts';
import { check } from '../../core/schema.ts';
import type { Judgement } from '../judging/judgement.ts';
import { HealthTally } from './health-tally.ts';

/** What a monitor holds the system around a model to, by `latencyMs` and `error` of what is observed. */
export interface MonitorHealthOptions {
  /** The most milliseconds that a share of the requests may take, by that share: `{ 0.5: 20, 0.99: 250 }` wants half of them within 20 ms and 99 % within 250 ms. @default no bound */
  readonly latencyMs?: Readonly<Record<number, number>> | undefined;
  /** The largest share of requests that may fail. @default no bound */
  readonly maxErrorRate?: number | undefined;
  /** The fewest requests per second. @default no bound */
  readonly minThroughput?: number | undefined;
  /** The most requests per second. @default no bound */
  readonly maxThroughput?: number | undefined;
  /** How sure it must be that a latency or error rate is beyond its bound: what holds exactly is called violated with at most the probability that is left. @default 0.99 */
  readonly confidence?: number | undefined;
}

/** {@link MonitorHealthOptions} with the defaults filled in. */
export interface HealthSettings {
  /** Ascending by the share. */
  readonly latencies: readonly { readonly quantile: number; readonly max: number }[];
  readonly maxErrorRate: number | undefined;
  readonly minThroughput: number | undefined;
  readonly maxThroughput: number | undefined;
  readonly confidence: number;
}

const rate = /* @__PURE__ */ z.optional(/* @__PURE__ */ z.number().check(/* @__PURE__ */ z.minimum(0)));

const schema = /* @__PURE__ */ z.strictObject({
  latencyMs: z.optional(z.record(z.string(), z.number().check(z.minimum(0)))),
  maxErrorRate: z.optional(z.number().check(z.minimum(0), z.maximum(1))),
  minThroughput: rate,
  maxThroughput: rate,
  confidence: z.optional(z.number().check(z.gt(0), z.lt(1))),
});

/** Checks what the system is held to; `undefined` when it is not judged. */
export function healthJudgement(options: unknown, path: string): Judgement<'health'> | undefined {
  if (options === undefined) return undefined;
  const { latencyMs = {}, maxErrorRate, minThroughput, maxThroughput, confidence = 0.99 } = check(schema, options, path);
  const latencies = Object.entries(latencyMs).map(([share, max]) => ({ quantile: Number(share), max })).sort((a, b) => a.quantile - b.quantile);
  for (const { quantile } of latencies) {
    if (!(quantile > 0 && quantile < 1)) throw new ValidationError(`${path}.latencyMs has a bound for ${quantile}; give shares between 0 and 1, such as 0.99.`, { path: `${path}.latencyMs` });
  }
  if (minThroughput !== undefined && maxThroughput !== undefined && minThroughput > maxThroughput) {
    throw new ValidationError(`${path}.minThroughput is above ${path}.maxThroughput; no traffic could be between.`, { path });
  }
  const settings: HealthSettings = { latencies, maxErrorRate, minThroughput, maxThroughput, confidence };
  return { name: 'health', tally: new HealthTally(), load: async () => (await import('./judge-health.ts')).healthJudge(settings) };
}
