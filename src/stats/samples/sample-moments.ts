/** Mean and variance of numbers. */
export interface SampleMoments {
  readonly n: number;
  /** The first number. */
  readonly origin: number;
  /** What the mean is above the first number, with all its digits. */
  readonly offset: number;
  /** NaN of no numbers. */
  readonly mean: number;
  /** Σ (x - mean)²; exactly 0 where all numbers are equal. */
  readonly squares: number;
}

/**
 * The moments of finite numbers, each times `scale`. In two passes about the first value, so that a large common part costs no digits and equal numbers have no variance;
 * the second pass takes off what rounding left in the mean (Chan, Golub & LeVeque 1983).
 */
export function sampleMoments(values: Float64Array, scale = 1): SampleMoments {
  const n = values.length;
  if (n === 0) return { n, origin: NaN, offset: NaN, mean: NaN, squares: 0 };
  const origin = values[0]! * scale;
  let sum = 0;
  for (let i = 0; i < n; i++) sum += values[i]! * scale - origin;
  const shift = sum / n;
  let rest = 0;
  let squares = 0;
  for (let i = 0; i < n; i++) {
    const difference = values[i]! * scale - origin - shift;
    rest += difference;
    squares += difference * difference;
  }
  const offset = shift + rest / n;
  return { n, origin, offset, mean: origin + offset, squares: Math.max(0, squares - (rest / n) * rest) };
}

/** The first mean less the second; a large part that both share costs no digits. */
export function differenceOfMeans(a: SampleMoments, b: SampleMoments): number {
  return a.origin - b.origin + (a.offset - b.offset);
}

/** A power of two that brings numbers so large or small that their squares leave the range of doubles to about 1; 1 for all others. */
export function safeScale(...samples: readonly Float64Array[]): number {
  let largest = 0;
  for (const values of samples) {
    for (let i = 0; i < values.length; i++) {
      const size = Math.abs(values[i]!);
      if (size > largest) largest = size;
    }
  }
  return scaleFor(largest);
}

/** {@link safeScale} of numbers of which the largest is known. */
export function scaleFor(largest: number): number {
  if (largest === 0 || (largest > 1e-120 && largest < 1e120)) return 1;
  // A power beyond 2^1023 is none, and half of that is enough for the smallest numbers.
  return 2 ** -Math.max(-1000, Math.floor(Math.log2(largest)));
}
