import { binomialDraw } from '../resampling/multinomial-draw.ts';
import type { SeededGenerator } from '../seeded-generator.ts';

/** Of so many rows one draw each costs less than the law of their number. */
const fewRows = 24;

/** How many of `n` rows are positive, each with chance `p`. */
export function drawHits(n: number, p: number, generator: SeededGenerator): number {
  if (n > fewRows) return binomialDraw(n, p, generator);
  let hits = 0;
  for (let i = 0; i < n; i++) if (generator.uniform() < p) hits++;
  return hits;
}
