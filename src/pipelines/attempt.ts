import { sleep, type Clock } from '../core/clock.ts';
import { isModelkeepError, type TimeoutError } from '../core/errors.ts';
import type { AttemptStop } from './attempt-stop.ts';
import { attemptTimeout } from './timeouts.ts';

/** How an attempt ended: with a value, with a failure, or stopped from outside. */
export type AttemptOutcome = { readonly value: unknown } | { readonly error: unknown } | { readonly stopped: unknown };

/** What bounds an attempt. */
export interface AttemptLimits {
  readonly step: string;
  readonly timeoutMs: number | undefined;
  /** How much of the timeout is over. @default nothing */
  readonly spentMs?: number | undefined;
  /** How long a work whose signal has fired may take to end. */
  readonly graceMs: number;
  readonly clock: Clock;
}

/**
 * Calls `work` and waits for it, for its timeout, or for its owner to `stop` it. In the latter two cases the signal has fired and the work is given
 * `graceMs` to end, so that a next attempt does not overlap with one that heeds its signal; one that does not is left behind, and what it returns later is not looked at. What it returns in that time counts when it was stopped, not when a time was over.
 */
export async function runAttempt(work: () => unknown, stop: AttemptStop, limits: AttemptLimits): Promise<AttemptOutcome> {
  if (stop.stopped) return { stopped: stop.reason };
  const settled = settle(work);
  const { timeoutMs, spentMs = 0, clock, step } = limits;
  let timedOut: TimeoutError | undefined;
  const expire = (): void => {
    timedOut = attemptTimeout(step, timeoutMs!);
    stop.abort(timedOut);
  };
  const undo = timeoutMs === undefined ? undefined : clock.setTimer(expire, Math.max(0, timeoutMs - spentMs), { keepAlive: true });
  const outcome = await new Promise<Settled | undefined>((resolve) => {
    stop.onStop(() => resolve(undefined));
    void settled.then(resolve);
  });
  undo?.();
  if (outcome) return outcome;
  const late = await withinGrace(settled, limits);
  if (timedOut) return { error: timedOut };
  return late && 'value' in late && !isModelkeepError(stop.reason, 'timeout') ? late : { stopped: stop.reason };
}

type Settled = Exclude<AttemptOutcome, { stopped: unknown }>;

async function settle(work: () => unknown): Promise<Settled> {
  try {
    return { value: await work() };
  } catch (error) {
    return { error };
  }
}

async function withinGrace<T>(settled: Promise<T>, { clock, graceMs }: AttemptLimits): Promise<T | undefined> {
  const enough = new AbortController();
  const waited = sleep(clock, graceMs, enough.signal).then(
    () => undefined,
    () => undefined,
  );
  const first = await Promise.race([settled, waited]);
  enough.abort();
  return first;
}
