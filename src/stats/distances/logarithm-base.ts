import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import type { SharesOptions } from './shares.ts';

/** How an information distance reads its arguments and in which unit it answers. */
export interface LogarithmOptions extends SharesOptions {
  /** The base of the logarithm: `'e'` for nats, 2 for bits, or any number above 1. @default 'e' */
  base?: number | 'e' | undefined;
}

/** The natural logarithm of a base; dividing by it changes the unit. */
export function logarithmOf(base: number | 'e' = 'e'): number {
  if (base === 'e') return 1;
  if (typeof base === 'number' && base > 1 && base < Infinity) return Math.log(base);
  throw new ValidationError(`base is ${shown(base, 60)}; it must be 'e' or a number above 1.`, { path: 'base' });
}
