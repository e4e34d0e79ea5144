/** Wilson's (1927) interval for a share of `k` in `n`, `z` standard deviations wide to each side; from 0 to 1 when n is 0. */
export function wilsonInterval(k: number, n: number, z: number): { low: number; high: number } {
  if (n === 0) return { low: 0, high: 1 };
  return { low: lowerEnd(k, n, z), high: 1 - lowerEnd(n - k, n, z) };
}

/** As the product of both ends over the upper one, which does not cancel for a small share. */
function lowerEnd(k: number, n: number, z: number): number {
  const upper = k + (z * z) / 2 + z * Math.sqrt((k * (n - k)) / n + (z * z) / 4);
  return (k / n) * (k / upper);
}
