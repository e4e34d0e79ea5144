import * as z from 'zod/mini';
import { backoffMs, type BackoffOptions } from '../core/backoff.ts';
import { digestOf } from '../core/digest.ts';
import { durationMs, type Duration } from '../core/duration.ts';
import { callable } from '../core/option-schemas.ts';
import type { UnitName } from './units.ts';

/** How often and after which waits a failed step is tried again. */
export interface RetryOptions {
  /** Retries after the first attempt: a limit of 3 makes at most four attempts. */
  limit: number;
  /** Wait before the first retry. @default '1s' */
  backoff?: Duration | undefined;
  /** Each further wait is this many times the last; 1 makes all of them equal. @default 2 */
  factor?: number | undefined;
  /** No wait is longer than this. @default '5m' */
  maxBackoff?: Duration | undefined;
  /** Share of each wait that is left to chance, from 0 to 1. @default 0.5 */
  jitter?: number | undefined;
  /** Whether trying again can help after what an attempt threw; a timeout is a `TimeoutError`. When it throws itself, the step has failed. @default it always can */
  retryIf?: RetryCondition | undefined;
}

/** Whether a step is tried again after what was thrown in an attempt, which is counted from 1. */
export type RetryCondition = (error: unknown, attempt: number) => boolean;

/** Retry options checked and in milliseconds. */
export interface RetryPolicy {
  readonly limit: number;
  readonly waits: Required<BackoffOptions>;
}

/** What {@link RetryOptions} must look like. */
export const retryOptionsSchema: z.ZodMiniType<RetryOptions> = z.strictObject({
  limit: z.int().check(z.minimum(0)),
  backoff: z.optional(z.custom<Duration>()),
  factor: z.optional(z.number().check(z.minimum(1))),
  maxBackoff: z.optional(z.custom<Duration>()),
  jitter: z.optional(z.number().check(z.minimum(0), z.maximum(1))),
  retryIf: z.optional(callable<RetryCondition>()),
});

/** The policy of checked options; without any, a step is tried once. */
export function retryPolicy(options: RetryOptions | undefined, path: string): RetryPolicy {
  const { limit, backoff = '1s', factor = 2, maxBackoff = '5m', jitter = 0.5 } = options ?? { limit: 0 };
  return {
    limit,
    waits: { initialMs: durationMs(backoff, `${path}.backoff`), factor, maxMs: durationMs(maxBackoff, `${path}.maxBackoff`), jitter },
  };
}

/** Milliseconds to wait after failed attempt number `attempt`; `chance` in [0, 1) fixes the jitter. */
export function retryWaitMs(policy: RetryPolicy, attempt: number, chance: number): number {
  // No wait times infinitely many is NaN.
  return Math.round(backoffMs(attempt, policy.waits, () => chance)) || 0;
}

/** A number in [0, 1) that is the same for one attempt at a unit on every machine, so that the waits of a run can be replayed (as in Airflow). */
export function stableChance(run: string, { step, index }: UnitName, attempt: number): number {
  const digest = digestOf(JSON.stringify(index === undefined ? [run, step, attempt] : [run, step, attempt, index]));
  return parseInt(digest.slice('sha256:'.length, 'sha256:'.length + 8), 16) / 2 ** 32;
}
