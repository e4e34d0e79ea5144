/** The value of an increasing function at a place, and its slope there. */
export type Rising = (z: number) => readonly [value: number, slope: number];

/**
 * Where an increasing function is 0: Newton's steps from a first guess, kept between a place below and a place above; when a step leaves them or halves nothing, the middle is taken. At most 200 steps.
 */
export function solveMonotone(rising: Rising, guess: number, low: number = -Infinity, high: number = Infinity): number {
  let z = guess;
  let below = low;
  let above = high;
  let reach = 1;
  for (let i = 0; i < 200; i++) {
    const [value, slope] = rising(z);
    if (value === 0) return z;
    if (value < 0) below = Math.max(below, z);
    else above = Math.min(above, z);
    let next = z - value / slope;
    if (!(next > below && next < above)) {
      if (below > -Infinity && above < Infinity) next = (below + above) / 2;
      else next = value < 0 ? z + reach : z - reach;
      reach *= 2;
    }
    if (Math.abs(next - z) <= 1e-15 * Math.max(1e-3, Math.abs(next)) || next === z) return next;
    z = next;
  }
  return z;
}
