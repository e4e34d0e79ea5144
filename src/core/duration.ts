import { ValidationError } from './errors.ts';
import { shown } from './shown.ts';

/** A length of time: milliseconds, or a number with a unit such as `'250ms'`, `'30s'`, `'5m'`, `'2h'` or `'7d'`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const pattern = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;

/** Milliseconds of a duration. Throws `ValidationError`, naming `path`, unless it is finite, not negative and of a known unit. */
export function durationMs(duration: Duration, path = 'duration'): number {
  let ms: unknown = duration;
  if (typeof duration === 'string') {
    const match = pattern.exec(duration);
    ms = match && Number(match[1]) * unitMs[match[2] as keyof typeof unitMs];
  }
  if (typeof ms === 'number' && Number.isFinite(ms) && ms >= 0) return ms;
  throw new ValidationError(
    `${path} is ${shown(duration)}; give milliseconds, or a number with one of the units ms, s, m, h, d, such as '30s'.`,
    { path },
  );
}
