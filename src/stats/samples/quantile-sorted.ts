/** The `q`-quantile of sorted values by linear interpolation between order statistics (type 7 of Hyndman & Fan 1996, the default of R and numpy); NaN of none. */
export function quantileSorted(sorted: Float64Array, q: number): number {
  if (sorted.length === 0) return NaN;
  const position = (sorted.length - 1) * Math.max(0, Math.min(1, q));
  const below = Math.floor(position);
  const t = position - below;
  const a = sorted[below]!;
  const b = sorted[Math.min(below + 1, sorted.length - 1)]!;
  if (a === b || t === 0) return a;
  const step = b - a;
  return Number.isFinite(step) ? a + step * t : a * (1 - t) + b * t;
}
