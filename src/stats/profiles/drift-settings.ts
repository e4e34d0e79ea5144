import * as z from 'zod/mini';
import { check } from '../../core/schema.ts';

/** When a column counts as drifted. */
export interface DriftOptions {
  /** Chance of a false alarm over all columns when nothing has changed. @default 0.05 */
  alpha?: number | undefined;
  /**
   * The stability index that a change must surely exceed to matter: the lower end of its interval is compared. About 0.1 is a moderate and 0.25 a large
   * change. @default 0.1
   */
  minEffect?: number | undefined;
  /** With fewer rows than this on either side a column is not judged. @default 30 */
  minRows?: number | undefined;
}

/** {@link DriftOptions} with the defaults filled in. */
export interface DriftSettings {
  readonly alpha: number;
  readonly minEffect: number;
  readonly minRows: number;
}

const settingsSchema = /* @__PURE__ */ z.strictObject({
  alpha: z.optional(z.number().check(z.gt(0), z.lt(1))),
  minEffect: z.optional(z.number().check(z.minimum(0))),
  minRows: z.optional(z.int().check(z.minimum(1))),
});

/** Checks the options and fills in the defaults. */
export function driftSettings(options: DriftOptions | undefined, path: string): DriftSettings {
  const { alpha = 0.05, minEffect = 0.1, minRows = 30 } = check(settingsSchema, options ?? {}, path);
  return { alpha, minEffect, minRows };
}
