import { presentValues } from './present-values.ts';
import type { PartialStates } from './time-tree.ts';

/** How many numbers there are, their mean, and the sum of the squares of what they differ from it. */
export interface Spread {
  readonly count: number;
  readonly mean: number;
  readonly m2: number;
}

/** Whether all numbers are finite, and neither so large nor so small that their squares need another scale. */
export function isOrdinary(values: Float64Array): boolean {
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i]!);
    if (!(size === 0 || (size > 1e-60 && size < 1e60))) return false;
  }
  return true;
}

/** Spreads of ordinary numbers, to the last bit what `Moments` of modelkeep/stats has of them; without what only higher moments need. */
export function spreadStates(values: Float64Array): PartialStates<Spread> {
  return {
    blockRows: 64,
    fold: (from, to, hidden) => (hidden.length === 0 ? spreadOf(values, from, to) : spreadOf(presentValues(values, from, to, hidden), 0, to - from - hidden.length)),
    merge(earlier, later) {
      const count = earlier.count + later.count;
      const delta = later.mean - earlier.mean;
      return { count, mean: earlier.mean + delta * (later.count / count), m2: earlier.m2 + (later.m2 + delta * delta * (earlier.count / count) * later.count) };
    },
  };
}

/** In two passes: around a first mean, and then what rounding left in it taken off again. */
function spreadOf(values: ArrayLike<number>, from: number, to: number): Spread {
  const count = to - from;
  const origin = values[from]!;
  let shift = 0;
  for (let i = from; i < to; i++) shift += values[i]! - origin;
  const centre = origin + shift / count;
  let s1 = 0;
  let s2 = 0;
  for (let i = from; i < to; i++) {
    const d = values[i]! - centre;
    s1 += d;
    s2 += d * d;
  }
  const off = s1 / count;
  return { count, mean: centre + off, m2: Math.max(0, s2 - off * s1) };
}
