import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { demandLevel, demandNotNegative, demandNumber, demandOneOf, demandOptions, demandWhole } from '../arguments.ts';

/** Units of which each converted or did not. */
export interface ProportionSums {
  /** Says that these are sums of zeros and ones. */
  readonly kind: 'proportion';
  /** Those that converted. */
  readonly successes: number;
}

/** Units of which each has a number. */
export interface MeanSums {
  /** Says that these are sums of numbers. */
  readonly kind: 'mean';
  /** The sum of the numbers. */
  readonly sum: number;
  /** The sum of their squares. Its rounding hides a variance where the mean is more than some 1e7 standard deviations from 0: take a constant off all values then, and compare by absolute effects. */
  readonly sumSquares: number;
}

/** What the same units did before the experiment, by which CUPED takes out what has nothing to do with it. */
export interface MeanBefore {
  /** The same measure before, of the same units; 0 for a unit that was not there. */
  readonly sums: ProportionSums | MeanSums;
  /** The sum over units of their value times their value before. */
  readonly sumOfProducts: number;
}

/** An arm in which each unit converted or did not. */
export interface ProportionArm extends ProportionSums {
  /** Units in the arm. */
  readonly n: number;
  /** What they did before. @default nothing is known of it */
  readonly before?: MeanBefore | undefined;
}

/** An arm in which each unit has a number, such as its revenue. */
export interface MeanArm extends MeanSums {
  /** Units in the arm. */
  readonly n: number;
  /** What they did before. @default nothing is known of it */
  readonly before?: MeanBefore | undefined;
}

/** A sum of one thing for each of another, such as revenue per order, of units that have several of them. */
export interface RatioSums {
  /** What is summed up above the line. */
  readonly numerator: ProportionSums | MeanSums;
  /** What is summed up below the line. */
  readonly denominator: ProportionSums | MeanSums;
  /** The sum over units of numerator times denominator. */
  readonly sumOfProducts: number;
}

/** A ratio before the experiment, and how it goes with that of the experiment. */
export interface RatioBefore extends RatioSums {
  /** Sums over units of the numerator times each of those before. */
  readonly withNumerator: RatioProducts;
  /** Sums over units of the denominator times each of those before. */
  readonly withDenominator: RatioProducts;
}

/** Sums of products of one thing with the two parts of a ratio. */
export interface RatioProducts {
  /** With the numerator. */
  readonly numerator: number;
  /** With the denominator. */
  readonly denominator: number;
}

/** An arm whose measure is a ratio of two sums; units are what was assigned, not what is counted below the line. */
export interface RatioArm extends RatioSums {
  /** Says that this is a ratio. */
  readonly kind: 'ratio';
  /** Units in the arm. */
  readonly n: number;
  /** What they did before. @default nothing is known of it */
  readonly before?: RatioBefore | undefined;
}

/** An arm whose measure is a quantile, such as the 99th percentile of a latency, with an interval of it. */
export interface QuantileArm {
  /** Says that this is a quantile. */
  readonly kind: 'quantile';
  /** Values in the arm. */
  readonly n: number;
  /** Which share of the values lies below it, above 0 and below 1. */
  readonly probability: number;
  /** The quantile. */
  readonly value: number;
  /** The order statistic at the lower end of its 95 % interval. */
  readonly low: number;
  /** The order statistic at its upper end. */
  readonly high: number;
  /** The number of values that the interval was computed for, when it was taken from a sample. @default n */
  readonly sampled?: number | undefined;
}

/** What an arm of an experiment comes to: sums that add up over processes, and never its rows. */
export type ArmSummary = ProportionArm | MeanArm | RatioArm | QuantileArm;

/** Two arms of means or proportions with what was before, as one. */
export function together(a: ProportionArm | MeanArm, b: ProportionArm | MeanArm): ProportionArm | MeanArm {
  const before = a.before && b.before && { sums: addSums(a.before.sums, b.before.sums), sumOfProducts: a.before.sumOfProducts + b.before.sumOfProducts };
  return { ...addSums(a, b), n: a.n + b.n, before };
}

function addSums(a: ProportionSums | MeanSums, b: ProportionSums | MeanSums): ProportionSums | MeanSums {
  if (a.kind === 'proportion' && b.kind === 'proportion') return { kind: 'proportion', successes: a.successes + b.successes };
  const [left, right] = [asMean(a), asMean(b)];
  return { kind: 'mean', sum: left.sum + right.sum, sumSquares: left.sumSquares + right.sumSquares };
}

function asMean(sums: ProportionSums | MeanSums): MeanSums {
  return sums.kind === 'mean' ? sums : { kind: 'mean', sum: sums.successes, sumSquares: sums.successes };
}

/** Throws `ValidationError` for what is no summary. */
export function demandArm(name: string, arm: ArmSummary): void {
  demandOptions(arm, name);
  demandOneOf(`${name}.kind`, arm.kind, ['proportion', 'mean', 'ratio', 'quantile']);
  demandWhole(`${name}.n`, arm.n);
  if (arm.kind === 'quantile') {
    demandQuantile(name, arm);
  } else if (arm.kind === 'ratio') {
    demandRatio(name, arm, arm.n);
    if (arm.before !== undefined) demandRatioBefore(`${name}.before`, arm.before, arm.n);
  } else {
    demandSums(name, arm, arm.n);
    if (arm.before === undefined) return;
    demandOptions(arm.before, `${name}.before`);
    demandSums(`${name}.before.sums`, arm.before.sums, arm.n);
    demandFinite(`${name}.before.sumOfProducts`, arm.before.sumOfProducts);
  }
}

function demandQuantile(name: string, { probability, value, low, high, sampled }: QuantileArm): void {
  demandLevel(`${name}.probability`, probability);
  for (const [part, number] of Object.entries({ value, low, high })) demandFinite(`${name}.${part}`, number);
  if (!(low <= value && value <= high)) throw new ValidationError(`${name}.value is ${shown(value)}, which is not between low (${shown(low)}) and high (${shown(high)}).`, { path: `${name}.value` });
  if (sampled !== undefined) demandWhole(`${name}.sampled`, sampled, 1);
}

function demandRatio(name: string, ratio: RatioSums, n: number): void {
  demandSums(`${name}.numerator`, ratio.numerator, n);
  demandSums(`${name}.denominator`, ratio.denominator, n);
  demandFinite(`${name}.sumOfProducts`, ratio.sumOfProducts);
}

function demandRatioBefore(name: string, before: RatioBefore, n: number): void {
  demandOptions(before, name);
  demandRatio(name, before, n);
  for (const part of ['withNumerator', 'withDenominator'] as const) {
    demandOptions(before[part], `${name}.${part}`);
    demandFinite(`${name}.${part}.numerator`, before[part].numerator);
    demandFinite(`${name}.${part}.denominator`, before[part].denominator);
  }
}

function demandSums(name: string, sums: ProportionSums | MeanSums, n: number): void {
  demandOptions(sums, name);
  demandOneOf(`${name}.kind`, sums.kind, ['proportion', 'mean']);
  if (sums.kind === 'proportion') {
    demandWhole(`${name}.successes`, sums.successes, 0, n);
  } else {
    demandFinite(`${name}.sum`, sums.sum);
    demandNotNegative(`${name}.sumSquares`, sums.sumSquares);
  }
}

function demandFinite(name: string, value: number): void {
  demandNumber(name, value);
  if (!Number.isFinite(value)) throw new ValidationError(`${name} is ${shown(value)}; it must be a finite number.`, { path: name });
}
