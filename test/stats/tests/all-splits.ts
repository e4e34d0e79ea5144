/** Every way to choose which of the pooled values are the first sample. */
export function allSplits(pooled: readonly number[], size: number): [number[], number[]][] {
  const found: [number[], number[]][] = [];
  for (let mask = 0; mask < 2 ** pooled.length; mask++) {
    const first = pooled.filter((_, i) => (mask >> i) & 1);
    if (first.length === size) found.push([first, pooled.filter((_, i) => !((mask >> i) & 1))]);
  }
  return found;
}

/** Binomial coefficient, as a product. */
export function choose(n: number, k: number): number {
  let product = 1;
  for (let i = 1; i <= k; i++) product = (product * (n - k + i)) / i;
  return product;
}

/** Average rank of each value, by counting. */
export function midranks(pooled: readonly number[]): number[] {
  return pooled.map((value) => pooled.filter((other) => other < value).length + (pooled.filter((other) => other === value).length + 1) / 2);
}
