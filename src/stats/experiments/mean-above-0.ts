import { normal } from '../distributions/normal.ts';

/** E[max(0, X)] of a normal X. */
export function meanAbove0(mean: number, sd: number): number {
  const z = mean / sd;
  if (z === -Infinity) return 0;
  return z > 0 ? mean * normal.cdf(z) + sd * normal.pdf(z) : Math.max(0, sd * (normal.pdf(z) + z * normal.sf(-z)));
}
