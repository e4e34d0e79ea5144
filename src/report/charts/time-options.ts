import * as z from 'zod/mini';
import { check } from '../../core/schema.ts';
import { wallClock, type WallClock } from '../svg/wall-time.ts';

/** How times are shown. */
export interface TimeChartOptions {
  /** Name of the time zone as IANA has it. @default 'UTC' */
  readonly timeZone?: string | undefined;
}

const schema = /* @__PURE__ */ z.strictObject({ timeZone: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.string()) });

/** The clock by which a chart shows times. Throws `ValidationError` for options that there are not, and for a zone that the host does not know. */
export function clockOf(options: TimeChartOptions): WallClock {
  return wallClock(check(schema, options, 'options').timeZone ?? 'UTC');
}
