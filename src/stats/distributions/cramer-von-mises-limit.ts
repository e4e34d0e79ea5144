/** Below this the distribution function's series is the better one, above it the survival function's. */
const middle = 0.12;

/** Below this F(x), which is about exp(-1/(8x)), has no double. */
const lowest = 1.6e-4;

/** Above this 1 - F(x), which is about exp(-π²x/2), has none. */
const highest = 152;

/**
 * F(x) = 1/(π√x) Σ (-1)^j binom(-½, j) √(4j+1) e^-z K_¼(z) with z = (4j+1)²/(16x) (Anderson & Darling 1952, eq. 4.35). Every term is positive.
 */
function lowerSeries(x: number): number {
  let sum = 0;
  let binomial = 1;
  for (let j = 0; j < 30; j++) {
    const k = 4 * j + 1;
    const z = (k * k) / (16 * x);
    const term = binomial * Math.sqrt(k) * Math.exp(-2 * z) * scaledBesselK(z);
    sum += term;
    if (term <= sum * 1e-17) break;
    binomial *= (j + 0.5) / (j + 1);
  }
  return sum / (Math.PI * Math.sqrt(x));
}

/** e^z K_¼(z) = ∫₀^∞ exp(-z (cosh t - 1)) cosh(t/4) dt by the trapezoidal rule, whose error falls doubly exponentially here. */
function scaledBesselK(z: number): number {
  const step = Math.min(0.2, 0.5 / Math.sqrt(z));
  let sum = 0.5;
  for (let t = step; ; t += step) {
    const half = Math.sinh(t / 2);
    const term = Math.exp(-2 * z * half * half) * Math.cosh(t / 4);
    sum += term;
    if (term < 1e-18) return sum * step;
  }
}

/**
 * 1 - F(x) = 1/π Σ (-1)^(j+1) ∫ 2/t √(t / -sin t) exp(-x t²/2) dt over the intervals from (2j-1)π to 2jπ (Smirnov 1936). The first term leads everywhere above
 * {@link middle}, so its relative precision is that of the sum.
 */
function upperSeries(x: number): number {
  let sum = 0;
  for (let j = 1; j < 12; j++) {
    const term = arcIntegral(x, (2 * j - 1) * Math.PI);
    sum += j % 2 === 1 ? term : -term;
    if (!(term > sum * 1e-18)) break;
  }
  return sum / Math.PI;
}

/** The integral of one interval from `start`, by Gauss–Chebyshev quadrature, which takes up the roots at both ends. */
function arcIntegral(x: number, start: number): number {
  const nodes = Math.ceil(16 + 12 * Math.sqrt(x * Math.max(1, start / 4)));
  let sum = 0;
  for (let i = 0; i < nodes; i++) {
    const angle = ((i + 0.5) * Math.PI) / (2 * nodes);
    const below = Math.PI * Math.sin(angle) ** 2;
    const above = Math.PI * Math.cos(angle) ** 2;
    const t = start + below;
    // -sin t, from the nearer end of the interval.
    const sine = Math.sin(Math.min(below, above));
    sum += (2 / t) * Math.sqrt((t * below * above) / sine) * Math.exp((-x * t * t) / 2);
  }
  return (sum * Math.PI) / nodes;
}

/** The limiting law of the two-sample Cramér–von Mises statistic, ∫ B(t)² dt of a Brownian bridge (Smirnov 1936; Anderson & Darling 1952). */
export const cramerVonMisesLimit: {
  /** P(W² ≤ x), to about 1e-13 relative; 0 below 0, NaN for NaN. */
  readonly cdf: (x: number) => number;
  /** P(W² > x), to about 1e-13 relative down to 1e-300; 1 below 0, NaN for NaN. */
  readonly sf: (x: number) => number;
} = {
  cdf: (x) => {
    if (Number.isNaN(x)) return NaN;
    if (x < lowest) return 0;
    if (x > highest) return 1;
    return x < middle ? lowerSeries(x) : 1 - upperSeries(x);
  },
  sf: (x) => {
    if (Number.isNaN(x)) return NaN;
    if (x < lowest) return 1;
    if (x > highest) return 0;
    return x < middle ? 1 - lowerSeries(x) : upperSeries(x);
  },
};
