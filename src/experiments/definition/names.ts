import * as z from 'zod/mini';
import { durationMs, type Duration } from '../../core/duration.ts';
import { ValidationError } from '../../core/errors.ts';
import { wellFormedCheck } from '../../core/option-schemas.ts';

/** Schema of the names of variants, metrics and attributes. */
export const nameSchema: z.ZodMiniType<string, string> = /* @__PURE__ */ z.string().check(z.minLength(1), z.maxLength(200), wellFormedCheck);

/** Refuses a name that stands twice. */
export function checkDistinct(names: readonly string[], path: string): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new ValidationError(`${path} has '${twice}' twice; each name may stand once.`, { path });
}

/** Milliseconds of a duration that is not 0. */
export function positiveMs(duration: Duration, path: string): number {
  const ms = durationMs(duration, path);
  if (ms > 0) return ms;
  throw new ValidationError(`${path} is 0; give a length of time.`, { path });
}
