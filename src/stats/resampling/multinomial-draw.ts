import type { SeededGenerator } from '../seeded-generator.ts';
import { binomialPmf } from '../special/saddle-point.ts';

/** Draws `n` rows with replacement from rows that are counted by category, straight as counts: one binomial draw per category. */
export function drawCounts(from: Float64Array, n: number, into: Float64Array, generator: SeededGenerator): void {
  let rest = 0;
  let last = -1;
  for (let k = 0; k < from.length; k++) {
    rest += from[k]!;
    if (from[k]! > 0) last = k;
  }
  let left = n;
  into.fill(0);
  for (let k = 0; k <= last && left > 0; k++) {
    const drawn = k === last ? left : binomialDraw(left, Math.min(1, from[k]! / rest), generator);
    into[k] = drawn;
    left -= drawn;
    rest -= from[k]!;
  }
}

/** A binomial number by inversion, searched outwards from the most likely one: about √(n p (1 - p)) steps. */
export function binomialDraw(n: number, p: number, generator: SeededGenerator): number {
  if (p <= 0) return 0;
  if (p > 0.5) return n - binomialDraw(n, 1 - p, generator);
  const mode = Math.min(n, Math.floor((n + 1) * p));
  const odds = p / (1 - p);
  let u = generator.uniform();
  let up = mode;
  let down = mode;
  let upMass = binomialPmf(mode, n, p, 1 - p);
  let downMass = upMass;
  u -= upMass;
  while (u >= 0 && (up < n || down > 0)) {
    if (up < n) {
      upMass *= ((n - up) / (up + 1)) * odds;
      up++;
      if ((u -= upMass) < 0) return up;
    }
    if (down > 0) {
      downMass *= down / (n - down + 1) / odds;
      down--;
      if ((u -= downMass) < 0) return down;
    }
    // What rounding left of the unit mass.
    if (upMass === 0 && downMass === 0) break;
  }
  return mode;
}
