import { backoffMs } from '../../core/backoff.ts';
import { isModelkeepError } from '../../core/errors.ts';
import { retryAfterMs } from '../../core/retry-after.ts';
import type { HttpSettings } from './http-storage-options.ts';
import { CallFailure } from './call-failure.ts';

/** Which failures of a request it may be sent again after: `always` where a server recognises a repeated one, `refused` where only what was surely not done may be. */
export type Repeat = 'always' | 'refused';

// Too early, too many requests: said before anything is done.
const refusals: readonly (number | undefined)[] = [425, 429];

/** Whether a further attempt may mend what failed. Frames that end too early are a connection that was cut. */
export function mayRepeat(error: unknown, repeat: Repeat = 'always'): boolean {
  if (error instanceof CallFailure) return error.passing && (repeat === 'always' || refusals.includes(error.status));
  return repeat === 'always' && isModelkeepError(error, 'unavailable') && error.details['cut'] === true;
}

/** How long to wait after attempt number `attempt` failed: as the server asks, within bounds, or longer each time. */
export function waitMs(error: unknown, attempt: number, { initialMs, maxMs, random, clock }: HttpSettings): number {
  const backoff = backoffMs(attempt, { initialMs, maxMs }, random);
  const asked = error instanceof CallFailure ? retryAfterMs(error.retryAfter, clock.now()) : undefined;
  return asked === undefined ? backoff : Math.min(maxMs, Math.max(asked, backoff));
}
