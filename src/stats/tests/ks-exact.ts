/** Which differences count: both, the first sample's distribution function above the second's (`greater`), or below it (`less`). */
export type KsAlternative = 'two-sided' | 'greater' | 'less';

/**
 * The exact probability, when `n` and `m` values are one pooled sample split at random, that the distribution functions come apart by at least
 * `reach` / (n·m). By the recursion q(i, j) = (i q(i-1, j) + j q(i, j-1)) / (i + j) with q = 1 where they are apart: all terms are positive, so the relative
 * precision (about 1e-12) holds in any tail.
 *
 * Without `groupEnds` all pooled values are different and only the cells between the boundaries are computed. With it (1 at each i + j at which a group of equal values
 * ends) the distribution functions are compared only there, which is the exact conditional law given the ties; all n·m cells are computed.
 */
export function exactKsSurvival(n: number, m: number, reach: number, alternative: KsAlternative, groupEnds?: Uint8Array): number {
  if (reach <= 0) return 1;
  const above = alternative === 'less' ? Infinity : reach;
  const below = alternative === 'greater' ? Infinity : reach;
  return groupEnds ? withTies(n, m, above, below, groupEnds) : withoutTies(n, m, above, below);
}

function withoutTies(n: number, m: number, above: number, below: number): number {
  // Cells outside the boundaries hold 1; a row's range only moves right, so what was never written must already be 1.
  const q = new Float64Array(m + 1).fill(1);
  for (let i = 0; i <= n; i++) {
    // Inside: i·m - j·n < above and j·n - i·m < below.
    const from = Math.max(0, Math.floor((i * m - above) / n) + 1);
    const to = Math.min(m, Math.ceil((i * m + below) / n) - 1);
    if (from > to) return 1;
    let left = 1;
    for (let j = from; j <= to; j++) {
      const value: number = i === 0 && j === 0 ? 0 : (i * q[j]! + (j === 0 ? 0 : j * left)) / (i + j);
      q[j] = value;
      left = value;
    }
  }
  return q[m]!;
}

function withTies(n: number, m: number, above: number, below: number, groupEnds: Uint8Array): number {
  const q = new Float64Array(m + 1);
  for (let i = 0; i <= n; i++) {
    let left = 0;
    for (let j = 0; j <= m; j++) {
      let value = i + j === 0 ? 0 : (i * q[j]! + j * left) / (i + j);
      if (groupEnds[i + j] === 1) {
        const difference = i * m - j * n;
        if (difference >= above || -difference >= below) value = 1;
      }
      q[j] = value;
      left = value;
    }
  }
  return q[m]!;
}
