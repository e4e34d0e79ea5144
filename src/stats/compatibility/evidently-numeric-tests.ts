import { demandOptions } from '../arguments.ts';
import { energyDistance } from '../distances/energy-distance.ts';
import { wassersteinDistance } from '../distances/wasserstein-distance.ts';
import { SortedSample } from '../samples/sorted-sample.ts';
import { andersonDarlingKSampleTest } from '../tests/anderson-darling-test.ts';
import { cramerVonMisesTest } from '../tests/cramer-von-mises-test.ts';
import { eppsSingletonTest } from '../tests/epps-singleton-test.ts';
import { ksTest } from '../tests/ks-test.ts';
import { mannWhitneyTest } from '../tests/mann-whitney-test.ts';
import { studentTTest } from '../tests/student-t-test.ts';
import { demandColumns, numbersOf, type Column } from './column.ts';
import { verdictOn, type DriftScore, type DriftScoreOptions, type DriftRule } from './drift-score.ts';

/** A test of numbers, with the rule and the threshold that it is published with. */
export function numericTest(
  score: (reference: SortedSample, current: SortedSample) => number,
  rule: DriftRule,
  published: number,
): (reference: Column, current: Column, options?: DriftScoreOptions) => DriftScore {
  return (reference, current, options = {}) => {
    demandOptions(options);
    demandColumns(reference, current);
    const before = SortedSample.of(numbersOf(reference));
    const after = SortedSample.of(numbersOf(current));
    const empty = before.sorted.length === 0 || after.sorted.length === 0;
    return verdictOn(empty ? NaN : score(before, after), rule, published, options);
  };
}

export function ksScore(reference: SortedSample, current: SortedSample): number {
  const exact = Math.max(reference.sorted.length, current.sorted.length) <= 10_000;
  return ksTest(reference, current, { method: exact ? 'exact' : 'asymptotic', ties: 'ignore' }).pValue;
}

export function cramerVonMisesScore(reference: SortedSample, current: SortedSample): number {
  const exact = Math.max(reference.sorted.length, current.sorted.length) <= 20;
  return cramerVonMisesTest(reference, current, { method: exact ? 'exact' : 'asymptotic', ties: 'ignore' }).pValue;
}

export function mannWhitneyScore(reference: SortedSample, current: SortedSample): number {
  const asymptotic = mannWhitneyTest(reference, current, { alternative: 'less', method: 'asymptotic' });
  if (asymptotic.ties || Math.min(asymptotic.n, asymptotic.m) > 8) return asymptotic.pValue;
  return mannWhitneyTest(reference, current, { alternative: 'less', method: 'exact' }).pValue;
}

export function andersonScore(reference: SortedSample, current: SortedSample): number {
  const { pValue, criticalValues } = andersonDarlingKSampleTest([reference, current]);
  return criticalValues.length === 0 ? NaN : pValue;
}

export function eppsSingletonScore(reference: SortedSample, current: SortedSample): number {
  const { pValue, method } = eppsSingletonTest(reference, current);
  return method === 'none' ? NaN : pValue;
}

export function studentScore(reference: SortedSample, current: SortedSample): number {
  // Without variance scipy divides by 0: NaN where the means are equal, p 0 where they are not.
  const constant = isConstant(reference) && isConstant(current) && reference.sorted[0] === current.sorted[0];
  return constant || reference.sorted.length + current.sorted.length < 3 ? NaN : studentTTest(reference.sorted, current.sorted).pValue;
}

function isConstant({ sorted }: SortedSample): boolean {
  return sorted[0] === sorted[sorted.length - 1];
}

export function wassersteinScore(reference: SortedSample, current: SortedSample): number {
  return wassersteinDistance(reference, current, { scale: 'reference-sd' });
}

export function energyScore(reference: SortedSample, current: SortedSample): number {
  return energyDistance(reference, current);
}
