/** The smallest whole number from `low` to `high` at which an increasing function reaches `p`: doubling steps from a guess, then halving. */
export function smallestCount(p: number, cdf: (k: number) => number, guess: number, high: number): number {
  let above = Math.min(high, Math.max(0, Math.round(guess)));
  let below = -1;
  for (let step = 1; above < high && cdf(above) < p; step *= 2) {
    below = above;
    above = Math.min(high, above + step);
  }
  for (let step = 1; above - step > below; step *= 2) {
    const candidate = above - step;
    if (cdf(candidate) < p) {
      below = candidate;
      break;
    }
    above = candidate;
  }
  while (above - below > 1) {
    const middle = below + Math.floor((above - below) / 2);
    if (cdf(middle) < p) below = middle;
    else above = middle;
  }
  return above;
}
