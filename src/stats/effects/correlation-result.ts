import { demandLevel, demandOneOf, demandOptions } from '../arguments.ts';
import { normal } from '../distributions/normal.ts';
import type { Alternative, TestResult } from '../tests/test-result.ts';

/** How a correlation is tested and how sure its interval is. */
export interface CorrelationOptions {
  /** `greater` asks whether the coefficient is above 0, `less` whether it is below. The interval has two sides whatever is asked. @default 'two-sided' */
  alternative?: Alternative | undefined;
  /** How often the interval covers the coefficient of the population, above 0 and below 1. @default 0.95 */
  confidence?: number | undefined;
}

/** A coefficient of correlation, its interval, and the test that it is 0. */
export interface CorrelationResult extends TestResult {
  /** The coefficient, -1 to 1; 0 when a side is constant or there are fewer than two pairs. */
  readonly statistic: number;
  /** Lower end of the interval for the coefficient, at least -1. */
  readonly low: number;
  /** Upper end of the interval, at most 1. */
  readonly high: number;
  /** Pairs that took part. */
  readonly n: number;
  /** Pairs that were left out. */
  readonly dropped: number;
}

/** Throws `ValidationError` for an unknown word or a confidence that is none; fills in the defaults. */
export function checkedCorrelation(options: CorrelationOptions): Required<{ [K in keyof CorrelationOptions]: NonNullable<CorrelationOptions[K]> }> {
  const { alternative = 'two-sided', confidence = 0.95 } = demandOptions(options);
  demandOneOf('alternative', alternative, ['two-sided', 'greater', 'less']);
  demandLevel('confidence', confidence);
  return { alternative, confidence };
}

/** tanh(artanh(r) ± z · error), Fisher's interval on the scale on which the spread hardly depends on r; from -1 to 1 where the error is not known. */
export function fisherInterval(r: number, error: number, confidence: number): { low: number; high: number } {
  if (!(error < Infinity)) return { low: -1, high: 1 };
  if (Math.abs(r) >= 1) return { low: r, high: r };
  const reach = normal.quantile((1 + confidence) / 2) * error;
  const centre = Math.atanh(r);
  return { low: Math.tanh(centre - reach), high: Math.tanh(centre + reach) };
}

/** The p-value of a statistic whose law under the null hypothesis is continuous and symmetric about 0, from its survival function. */
export function symmetricP(statistic: number, alternative: Alternative, survival: (statistic: number) => number): number {
  if (alternative === 'two-sided') return Math.min(1, 2 * survival(Math.abs(statistic)));
  return survival(alternative === 'greater' ? statistic : -statistic);
}
