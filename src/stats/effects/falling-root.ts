/**
 * Where a falling function of a number crosses a level, to about twelve digits: a bracket that grows from `near` by doubling steps of `step`, then regula falsi in
 * its Illinois form. Not below `least`: given back when the function is at or under the level there.
 */
export function fallingRoot(f: (at: number) => number, level: number, near: number, step: number, least: number): number {
  let low = Math.max(least, near - step);
  let high = Math.max(least, near) + step;
  let below = f(low) - level;
  for (let reach = step; below < 0; reach *= 2) {
    if (low <= least) return least;
    low = Math.max(least, low - reach);
    below = f(low) - level;
  }
  let above = f(high) - level;
  for (let reach = step; above > 0 && high < Number.MAX_VALUE / 4; reach *= 2) {
    high += reach;
    above = f(high) - level;
  }
  let side = 0;
  for (let turn = 0; turn < 200 && high - low > 1e-12 * Math.max(Math.abs(low), Math.abs(high), 1e-3 * step); turn++) {
    const middle = turn % 8 === 7 ? (low + high) / 2 : low + ((high - low) * below) / (below - above);
    const value = f(middle) - level;
    if (value === 0) return middle;
    if (value > 0) {
      low = middle;
      below = value;
      if (side === 1) above /= 2;
      side = 1;
    } else {
      high = middle;
      above = value;
      if (side === -1) below /= 2;
      side = -1;
    }
  }
  return (low + high) / 2;
}
