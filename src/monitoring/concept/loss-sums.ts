/** A stretch of losses in the order of time: when its first prediction was made, how many there are, their mean, and the sums of the second and third powers of their deviations from it. */
export type LossSums = readonly [from: number, n: number, mean: number, m2: number, m3: number];

/** No losses. */
export const noLosses: LossSums = [Infinity, 0, 0, 0, 0];

/** Both stretches together, by the pairwise formulas of Chan, Golub & LeVeque (1979) and Pébay (2008). */
export function mergeLosses(a: LossSums, b: LossSums): LossSums {
  const [fromA, nA, meanA, a2, a3] = a;
  const [fromB, nB, meanB, b2, b3] = b;
  if (nA === 0) return b;
  if (nB === 0) return a;
  const n = nA + nB;
  const delta = meanB - meanA;
  const m2 = a2 + b2 + (delta * delta * nA * nB) / n;
  const m3 = a3 + b3 + (delta ** 3 * nA * nB * (nA - nB)) / (n * n) + (3 * delta * (nA * b2 - nB * a2)) / n;
  return [Math.min(fromA, fromB), n, meanA + (delta * nB) / n, m2, m3];
}

/** All of them together. */
export function sumLosses(stretches: readonly LossSums[]): LossSums {
  return stretches.reduce(mergeLosses, noLosses);
}

/** The skewness of the losses; 0 where all are alike. */
export function skewnessOf([, n, , m2, m3]: LossSums): number {
  return m2 > 0 ? (Math.sqrt(n) * m3) / m2 ** 1.5 : 0;
}

/** How far apart the means of two stretches are, in standard errors of what is between them, by the variance of both together; 0 where all losses are alike. */
export function distanceOf(a: LossSums, b: LossSums): number {
  const [, n, , m2] = mergeLosses(a, b);
  return m2 > 0 ? (b[2] - a[2]) / Math.sqrt((m2 / (n - 1)) * (1 / a[1] + 1 / b[1])) : 0;
}

/** How far apart the means of two stretches are, in standard deviations of the losses within them. */
export function effectOf(a: LossSums, b: LossSums): number {
  const within = a[3] + b[3];
  const apart = Math.abs(b[2] - a[2]);
  if (apart === 0) return 0;
  return within > 0 ? apart / Math.sqrt(within / (a[1] + b[1])) : Infinity;
}
