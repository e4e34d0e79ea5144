import { demandOptions, demandWhole } from '../arguments.ts';
import { chiSquareGoodnessOfFit } from '../tests/chi-square-goodness-of-fit.ts';
import { fisherExactTest } from '../tests/fisher-exact-test.ts';
import { gGoodnessOfFit } from '../tests/g-test.ts';
import { proportionsZTest } from '../tests/proportions-z-test.ts';
import { countCategories, demandColumns, type Category, type CategoryCounts, type Column } from './column.ts';
import { verdictOn, type DriftScore, type DriftScoreOptions } from './drift-score.ts';
import { permutedVariation } from './permuted-variation.ts';

/** A permuted score, with its chance. */
export interface PermutedScoreOptions extends DriftScoreOptions {
  /** Random splits. @default 1000 */
  resamples?: number | undefined;
  /** Seed of the splits, 0 to 2^32 - 1. @default 1 */
  seed?: number | undefined;
}

/** A test of categories whose p-value counts as drift below the threshold that it is published with. */
export function categoryTest<Options extends DriftScoreOptions>(
  score: (counts: CategoryCounts, options: Options) => number,
  published: number,
): (reference: Column, current: Column, options?: Options) => DriftScore {
  return (reference, current, options = {} as Options) => {
    demandOptions(options);
    demandColumns(reference, current);
    const counts = countCategories(reference, current);
    const empty = counts.n === 0 || counts.m === 0;
    return verdictOn(empty ? NaN : score(counts, options), '<', published, options, empty ? undefined : counts);
  };
}

export function chiSquareScore({ reference, current }: CategoryCounts): number {
  return reference.length < 2 ? NaN : chiSquareGoodnessOfFit(current, reference).pValue;
}

export function gScore({ reference, current, n, m }: CategoryCounts): number {
  return reference.length < 2 || n !== m ? NaN : gGoodnessOfFit(current, reference, { rescale: false }).pValue;
}

export function zScore({ keys, reference, current, n, m }: CategoryCounts): number {
  let first = 0;
  for (let i = 1; i < keys.length; i++) if (comesBefore(keys[i]!, keys[first]!)) first = i;
  return proportionsZTest({ successes: n - reference[first]!, trials: n }, { successes: m - current[first]!, trials: m }).pValue;
}

function comesBefore(a: Category, b: Category): boolean {
  return typeof a === typeof b ? a < b : typeof a < typeof b;
}

export function fisherScore({ keys, reference, current, n, m }: CategoryCounts): number {
  if (n !== m || keys.length > 2) return NaN;
  return fisherExactTest([
    [current[0]!, m - current[0]!],
    [reference[0]!, n - reference[0]!],
  ]).pValue;
}

export function variationScore(counts: CategoryCounts, { resamples = 1000, seed = 1 }: PermutedScoreOptions): number {
  demandWhole('resamples', resamples, 1);
  return permutedVariation(counts, resamples, seed);
}
