/** A continuous distribution; each function takes the distribution's parameters behind its argument. */
export interface ContinuousDistribution<Parameters extends readonly unknown[]> {
  /** The density at x; 0 outside of the support, Infinity at a pole. */
  pdf(x: number, ...parameters: Parameters): number;
  /** P(X ≤ x). */
  cdf(x: number, ...parameters: Parameters): number;
  /** P(X > x), computed as such and never as 1 - cdf: it keeps its relative precision down to the smallest numbers. */
  sf(x: number, ...parameters: Parameters): number;
  /** The x with P(X ≤ x) = p; `p` from 0 to 1. */
  quantile(p: number, ...parameters: Parameters): number;
}

/** A distribution of counts; each function takes the distribution's parameters behind its argument. */
export interface DiscreteDistribution<Parameters extends readonly unknown[]> {
  /** P(X = k); 0 for what is no whole number of the support. */
  pmf(k: number, ...parameters: Parameters): number;
  /** P(X ≤ k); a fraction counts as the whole number below it. */
  cdf(k: number, ...parameters: Parameters): number;
  /** P(X > k), computed as such and never as 1 - cdf. */
  sf(k: number, ...parameters: Parameters): number;
  /**
   * The smallest k with P(X ≤ k) ≥ p, both as the nearest doubles, so that the quantile of cdf(k) is k; `p` from 0 to 1. Doubles below 1 are 1.1e-16 apart, so a `p` that
   * near to 1 stands for all that it may have been rounded from: the k is the smallest with P(X > k) ≤ 1 - p + 5.6e-17.
   */
  quantile(p: number, ...parameters: Parameters): number;
}
