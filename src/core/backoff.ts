import type { Random } from './random.ts';

/** How long to wait between attempts. */
export interface BackoffOptions {
  /** Wait before the second attempt, in milliseconds. */
  initialMs: number;
  /** Each further wait is this many times the last. @default 2 */
  factor?: number;
  /** No wait is longer than this, in milliseconds. @default 30_000 */
  maxMs?: number;
  /** Share of the wait that is left to chance, from 0 (none of it) to 1 (all of it). @default 0.5 */
  jitter?: number;
}

/**
 * Milliseconds to wait after attempt number `attempt` (1 is the first) failed: exponential, capped, and by default spread over the upper half by `random`, so
 * that callers that failed together do not come back together ("equal jitter", AWS Architecture Blog 2015).
 */
export function backoffMs(attempt: number, options: BackoffOptions, random: Random): number {
  const { initialMs, factor = 2, maxMs = 30_000, jitter = 0.5 } = options;
  const wait = Math.min(maxMs, initialMs * factor ** Math.max(0, attempt - 1));
  return wait * (1 - jitter) + wait * jitter * random();
}
