import * as z from 'zod/mini';
import { durationMs, type Duration } from '../../core/duration.ts';
import { ValidationError } from '../../core/errors.ts';
import { check } from '../../core/schema.ts';
import { shown } from '../../core/shown.ts';

/** Windows of a number of rows. */
export interface RowWindowOptions {
  /** A window closes when it has this many rows. */
  readonly rows: number;
  /** How many rows after one window the next closes: windows overlap, and each has the last `rows` rows. Must divide `rows`, at most 200 times. @default rows: one window after the other */
  readonly slide?: number | undefined;
}

/** Windows of a length of time, one after the other, that begin at multiples of it since 1970 UTC: hours begin at the full hour, days at midnight UTC. */
export interface TimeWindowOptions {
  /** How long each is, at least a second. */
  readonly every: Duration;
  /**
   * How long after one window the next closes, at least a second: windows overlap, end at multiples of it since 1970 UTC, and each has what came in the last `every`. Must divide `every`, at most 200 times.
   * @default every: one window after the other
   */
  readonly slide?: Duration | undefined;
  /** How long after its end a window waits for rows that another process observed in it and has not stored yet. @default '5s' */
  readonly grace?: Duration | undefined;
}

/** When the windows of a monitor close: by rows, or by time. */
export type WindowOptions = RowWindowOptions | TimeWindowOptions;

/** {@link WindowOptions} with the defaults filled in. Rows are counted by panes, as many to a window as `panes` says; without it a window is one. */
export type WindowPlan = { readonly panes?: number | undefined } & ({ readonly by: 'rows'; readonly rows: number } | { readonly by: 'time'; readonly everyMs: number; readonly graceMs: number });

/** The most panes that a window has. Each is a record, and all are merged whenever one closes. */
const mostPanes = 200;

const schema = /* @__PURE__ */ z.strictObject({
  rows: z.optional(z.int().check(z.minimum(1))),
  every: z.optional(z.custom<Duration>()),
  slide: z.optional(z.custom<Duration>()),
  grace: z.optional(z.custom<Duration>()),
});

/** Checks when windows close. */
export function windowPlan(options: unknown, path: string): WindowPlan {
  const { rows, every, slide, grace } = check(schema, options, path);
  if (every === undefined && rows !== undefined && grace === undefined) return { by: 'rows', rows, ...paneCount(rows, slideRows(slide, rows, path), 'rows', path) };
  if (every === undefined || rows !== undefined) {
    throw new ValidationError(`${path} must have either rows, or every and perhaps grace; give { rows: 5000 } or { every: '1h' }.`, { path });
  }
  const everyMs = durationMs(every, `${path}.every`);
  if (everyMs < 1000) throw new ValidationError(`${path}.every is ${everyMs} ms; give at least a second.`, { path: `${path}.every` });
  const slideMs = slide === undefined ? everyMs : durationMs(slide, `${path}.slide`);
  if (slideMs < 1000) throw new ValidationError(`${path}.slide is ${slideMs} ms; give at least a second.`, { path: `${path}.slide` });
  return { by: 'time', everyMs, graceMs: durationMs(grace ?? '5s', `${path}.grace`), ...paneCount(everyMs, slideMs, 'ms', path) };
}

function slideRows(slide: Duration | undefined, rows: number, path: string): number {
  if (slide === undefined) return rows;
  if (typeof slide === 'number' && Number.isSafeInteger(slide) && slide >= 1) return slide;
  throw new ValidationError(`${path}.slide is ${shown(slide, 80)}; give a whole number of rows, at least 1.`, { path: `${path}.slide` });
}

function paneCount(length: number, slide: number, unit: 'rows' | 'ms', path: string): { panes?: number } {
  const panes = length / slide;
  const where = { path: `${path}.slide` };
  if (!Number.isInteger(panes)) throw new ValidationError(`${path}.slide is ${slide} ${unit}, which does not divide the window of ${length} ${unit}; choose both so that the window is a multiple of the slide.`, where);
  if (panes > mostPanes) throw new ValidationError(`${path}.slide divides the window into ${panes} parts, of which ${mostPanes} may be; slide by at least ${Math.ceil(length / mostPanes)} ${unit}.`, where);
  return panes === 1 ? {} : { panes };
}

/** How many panes a window has. */
export function panesOf({ panes = 1 }: WindowPlan): number {
  return panes;
}

/** What a pane is full of: rows, or milliseconds. */
export function paneSize(plan: WindowPlan): number {
  return (plan.by === 'rows' ? plan.rows : plan.everyMs) / panesOf(plan);
}

/** When the pane that a moment lies in began; 0 for panes of rows, of which one is open at a time. */
export function paneStart(plan: WindowPlan, at: number): number {
  if (plan.by === 'rows') return 0;
  const size = paneSize(plan);
  return Math.floor(at / size) * size;
}

/** When a pane is closed for its time alone; never for one of rows. */
export function closingTime(plan: WindowPlan, start: number): number {
  return plan.by === 'rows' ? Infinity : start + paneSize(plan) + plan.graceMs;
}
