import * as z from 'zod/mini';
import { durationMs, type Duration } from '../../core/duration.ts';
import { ValidationError } from '../../core/errors.ts';
import { check } from '../../core/schema.ts';

/** Windows of a number of rows. */
export interface RowWindowOptions {
  /** A window closes when it has this many rows. */
  readonly rows: number;
}

/** Windows of a length of time, one after the other, that begin at multiples of it since 1970 UTC: hours begin at the full hour, days at midnight UTC. */
export interface TimeWindowOptions {
  /** How long each is, at least a second. */
  readonly every: Duration;
  /** How long after its end a window waits for rows that another process observed in it and has not stored yet. @default '5s' */
  readonly grace?: Duration | undefined;
}

/** When the windows of a monitor close: by rows, or by time. */
export type WindowOptions = RowWindowOptions | TimeWindowOptions;

/** {@link WindowOptions} with the defaults filled in. */
export type WindowPlan = { readonly by: 'rows'; readonly rows: number } | { readonly by: 'time'; readonly everyMs: number; readonly graceMs: number };

const schema = /* @__PURE__ */ z.strictObject({
  rows: z.optional(z.int().check(z.minimum(1))),
  every: z.optional(z.custom<Duration>()),
  grace: z.optional(z.custom<Duration>()),
});

/** Checks when windows close. */
export function windowPlan(options: unknown, path: string): WindowPlan {
  const { rows, every, grace } = check(schema, options, path);
  if (every === undefined && rows !== undefined && grace === undefined) return { by: 'rows', rows };
  if (every === undefined || rows !== undefined) {
    throw new ValidationError(`${path} must have either rows, or every and perhaps grace; give { rows: 5000 } or { every: '1h' }.`, { path });
  }
  const everyMs = durationMs(every, `${path}.every`);
  if (everyMs < 1000) throw new ValidationError(`${path}.every is ${everyMs} ms; give at least a second.`, { path: `${path}.every` });
  return { by: 'time', everyMs, graceMs: durationMs(grace ?? '5s', `${path}.grace`) };
}

/** When the window that a moment lies in began; 0 for windows of rows, of which one is open at a time. */
export function windowStart(plan: WindowPlan, at: number): number {
  return plan.by === 'rows' ? 0 : Math.floor(at / plan.everyMs) * plan.everyMs;
}

/** When a window is closed for its time alone; never for one of rows. */
export function closingTime(plan: WindowPlan, start: number): number {
  return plan.by === 'rows' ? Infinity : start + plan.everyMs + plan.graceMs;
}
