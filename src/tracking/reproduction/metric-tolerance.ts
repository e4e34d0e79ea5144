import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';

/** How far a metric may be off: relative to the original value, absolutely, or whichever of both allows more. A number is relative. */
export type MetricTolerance =
  | number
  | {
      /** As a share of the original value, at least 0. @default 0 */
      relative?: number | undefined;
      /** In the metric's own unit, at least 0. @default 0 */
      absolute?: number | undefined;
    };

/** Whether a repeated value is near enough. NaN is near NaN, and an infinity near itself only. Throws `ValidationError`, naming `path`, for a tolerance that is none. */
export function isWithin(original: number, repeated: number, tolerance: MetricTolerance, path: string): boolean {
  const { relative = 0, absolute = 0 } = typeof tolerance === 'number' ? { relative: tolerance } : tolerance;
  for (const part of [relative, absolute]) {
    if (!(typeof part === 'number' && part >= 0 && part < Infinity)) throw new ValidationError(`${path} is ${shown(tolerance, 80)}; give a finite number of at least 0, or { relative, absolute }.`, { path });
  }
  if (original === repeated || (Number.isNaN(original) && Number.isNaN(repeated))) return true;
  if (!Number.isFinite(original) || !Number.isFinite(repeated)) return false;
  return Math.abs(original - repeated) <= Math.max(absolute, relative * Math.abs(original));
}
