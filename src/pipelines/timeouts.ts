import { TimeoutError } from '../core/errors.ts';

/** What bounds a run as a whole. */
export interface RunTimeout {
  readonly limitMs: number;
  /** When it began to count, epoch milliseconds. */
  readonly since: number;
}

/** The error of an attempt that took longer than it may. */
export function attemptTimeout(step: string, limitMs: number): TimeoutError {
  return new TimeoutError(`Step '${step}' passed its timeout of ${limitMs} ms; raise its timeout option or make it faster.`, { step, limitMs });
}

/** The error of a step whose attempts and waits took longer together than they may. */
export function stepTimeout(step: string, limitMs: number): TimeoutError {
  return new TimeoutError(`Step '${step}' passed its total timeout of ${limitMs} ms, over all its attempts and the waits between them; raise its totalTimeout option or make it faster.`, { step, limitMs });
}

/** The error of a run that took longer than it may. */
export function runTimeout(limitMs: number): TimeoutError {
  return new TimeoutError(`The run passed its timeout of ${limitMs} ms; raise the runTimeout of its pipeline, or resume it to go on with what is left.`, { limitMs });
}

/**
 * What is left of a limit that began to count at `since`, by the wall clock of whoever goes on with it. A clock that was set back meanwhile does not make it longer than it was. Within
 * a process timers measure, which no setting of a clock moves.
 */
export function leftOf(limitMs: number, since: number, now: number): number {
  return Math.min(limitMs, Math.max(0, since + limitMs - now));
}
