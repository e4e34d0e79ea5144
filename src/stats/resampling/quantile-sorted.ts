/** The `q`-quantile of sorted values by linear interpolation between order statistics (type 7 of Hyndman & Fan 1996); NaN of none. */
export function quantileSorted(sorted: Float64Array, q: number): number {
  if (sorted.length === 0) return NaN;
  const position = (sorted.length - 1) * Math.max(0, Math.min(1, q));
  const below = Math.floor(position);
  const a = sorted[below]!;
  const b = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return a === b || position === below ? a : a + (b - a) * (position - below);
}
