/** The register of a HyperLogLog that a hash goes to, times 64, and its rank there: the first bits choose the register, which keeps the longest run of zeros that the others began with. */
export function registerRank({ high, low }: { readonly high: number; readonly low: number }, precision: number): number {
  const register = high >>> (32 - precision);
  const rest = high << precision;
  const rank = rest !== 0 ? Math.clz32(rest) + 1 : 33 - precision + Math.clz32(low);
  return register * 64 + rank;
}

/** How many different values there are by how many registers are at each rank, from 0 to 65 - precision: algorithm 6 of Ertl (2017). */
export function estimateOf(histogram: ArrayLike<number>, precision: number): number {
  const m = 2 ** precision;
  const q = 64 - precision;
  if (histogram[0] === m) return 0;
  let z = m * tau(1 - histogram[q + 1]! / m);
  for (let k = q; k >= 1; k--) z = 0.5 * (z + histogram[k]!);
  z += m * sigma(histogram[0]! / m);
  return (m / (2 * Math.LN2)) * (m / z);
}

/** x + Σ x^(2^k) 2^(k-1), the part of the empty registers. */
function sigma(x: number): number {
  if (x === 1) return Infinity;
  let power = x;
  let factor = 1;
  let sum = x;
  for (let before = NaN; sum !== before; factor *= 2) {
    power *= power;
    before = sum;
    sum += power * factor;
  }
  return sum;
}

/** (1 - x - Σ (1 - x^(2^-k))² 2^-k) / 3, the part of the registers that are at their end. */
function tau(x: number): number {
  if (x === 0 || x === 1) return 0;
  let root = x;
  let factor = 1;
  let sum = 1 - x;
  for (let before = NaN; sum !== before; ) {
    root = Math.sqrt(root);
    before = sum;
    factor *= 0.5;
    sum -= (1 - root) ** 2 * factor;
  }
  return sum / 3;
}
