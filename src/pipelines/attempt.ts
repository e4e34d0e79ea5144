import { sleep, type Clock, type Undo } from '../core/clock.ts';
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
  /** Has the attempt ended when it is silent for too long; absent when it need not speak. */
  readonly watch?: ((onSilence: (error: TimeoutError) => void) => Undo) | undefined;
  /** How long a work whose signal has fired may take to end. */
  readonly graceMs: number;
  readonly clock: Clock;
}

/**
 * Calls `work` and waits for it, for its timeout, for its silence, or for its owner to `stop` it. In all but the first case the signal has fired and the work is given
 * `graceMs` to end, so that a next attempt does not overlap with one that heeds its signal; one that does not is left behind, and what it returns later is not looked at. What it returns in that time counts when it was stopped, not when a time was over.
 */
export async function runAttempt(work: () => unknown, stop: AttemptStop, limits: AttemptLimits): Promise<AttemptOutcome> {
  if (stop.stopped) return { stopped: stop.reason };
  const settled = settle(work);
  const { timeoutMs, spentMs = 0, watch, clock, step } = limits;
  let timedOut: TimeoutError | undefined;
  const expire = (error: TimeoutError): void => {
    timedOut ??= error;
    stop.abort(timedOut);
  };
  const undo = timeoutMs === undefined ? undefined : clock.setTimer(() => expire(attemptTimeout(step, timeoutMs)), Math.max(0, timeoutMs - spentMs), { keepAlive: true });
  const unwatch = watch?.(expire);
  const outcome = await new Promise<Settled | undefined>((resolve) => {
    stop.onStop(() => resolve(undefined));
    void settled.then(resolve);
  });
  undo?.();
  unwatch?.();
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
