import { durationMs, type Duration } from '../core/duration.ts';
import { TimeoutError, ValidationError } from '../core/errors.ts';

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

/** The error of an attempt that has given no sign of life for longer than it may. */
export function silenceTimeout(step: string, limitMs: number): TimeoutError {
  return new TimeoutError(`Step '${step}' gave no heartbeat for ${limitMs} ms; raise its heartbeatTimeout option or have it call heartbeat() more often.`, { step, limitMs });
}

/** The limit of a timeout; throws `ValidationError` for one that nothing could keep to. */
export function timeLimit(timeout: Duration | undefined, path: string): number | undefined {
  if (timeout === undefined) return undefined;
  const limitMs = durationMs(timeout, path);
  if (limitMs === 0) throw new ValidationError(`${path} is 0, so that everything would be too late; give the longest that it may take, or leave it out.`, { path });
  return limitMs;
}

/** How long the attempts of a step may be silent; throws `ValidationError` for what could never be kept to, or never be passed. */
export function silenceLimit(heartbeatTimeout: Duration | undefined, timeoutMs: number | undefined, path: string): number | undefined {
  const limitMs = timeLimit(heartbeatTimeout, `${path}.heartbeatTimeout`);
  if (limitMs !== undefined && timeoutMs !== undefined && limitMs >= timeoutMs) {
    throw new ValidationError(`${path}.heartbeatTimeout is ${limitMs} ms, but the timeout of the step ends an attempt after ${timeoutMs} ms in any case; give a shorter one, or leave it out.`, { path: `${path}.heartbeatTimeout` });
  }
  return limitMs;
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
