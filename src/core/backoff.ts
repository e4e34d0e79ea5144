import type { Random } from './random.ts';

/** How long to wait between attempts. */
export interface BackoffOptions {
  /** Wait before the second attempt, in milliseconds. */
  initialMs: number;
  /** Each further wait is this many times the last. @default 2 */
  factor?: number;
  /** No wait is longer than this, in milliseconds. @default 30_000 */
  maxMs?: number;
}

/**
 * Milliseconds to wait after attempt number `attempt` (1 is the first) failed: exponential, capped, and spread over the upper half by `random`, so that
 * callers that failed together do not come back together ("equal jitter", AWS Architecture Blog 2015).
 */
export function backoffMs(attempt: number, options: BackoffOptions, random: Random): number {
  const { initialMs, factor = 2, maxMs = 30_000 } = options;
  const wait = Math.min(maxMs, initialMs * factor ** Math.max(0, attempt - 1));
  return wait / 2 + (wait / 2) * random();
}
