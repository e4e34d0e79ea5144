/** The size of a difference of two samples, and how sure it is. */
export interface EffectSize {
  /** The estimate; NaN where the data do not define it. */
  readonly value: number;
  /** Lower end of the interval; NaN where the value is. */
  readonly low: number;
  /** Upper end of the interval; NaN where the value is. */
  readonly high: number;
  /** How often the interval covers the effect in the population, above 0 and below 1. */
  readonly confidence: number;
  /** How the interval was found. */
  readonly method: string;
  /** Values of the first sample that took part. */
  readonly n: number;
  /** Values of the second sample that took part. */
  readonly m: number;
  /** How many values of each sample were left out. */
  readonly dropped: readonly [number, number];
}
