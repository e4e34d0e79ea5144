import type { Column, ColumnKind } from '../../../src/stats/compatibility/column.ts';
import type { DriftScore } from '../../../src/stats/compatibility/drift-score.ts';
import { evidently } from '../../../src/stats/compatibility/evidently.ts';
import type { EvidentlyColumnFacts } from '../../../src/stats/compatibility/evidently-default-test.ts';
import { nannyml } from '../../../src/stats/compatibility/nannyml.ts';
import type { GoldenCheck } from './golden-check.ts';
import { sampleOf, type Sample } from './golden-file.ts';

interface Samples {
  readonly ref: Sample;
  readonly cur: Sample;
  readonly type: ColumnKind;
}

const evidentlyOf = (test: string, score: (reference: Column, current: Column, options: { kind: ColumnKind }) => DriftScore): GoldenCheck<Samples> => ({
  name: 'evidently',
  test,
  actual: ({ ref, cur, type }) => score(sampleOf(ref), sampleOf(cur), { kind: type }).score,
});

const nannymlOf = (test: string, distance: (reference: Column, chunk: Column, options: { kind: ColumnKind }) => number): GoldenCheck<Samples> => ({
  name: 'nannyml',
  test,
  actual: ({ ref, cur }) => distance(sampleOf(ref), sampleOf(cur), { kind: 'num' }),
});

interface Counts {
  readonly ref_counts: number[];
  readonly cur_counts: number[];
}

/** Values that are counted like that. */
const counted = (counts: readonly number[]): number[] => counts.flatMap((count, k) => new Array<number>(count).fill(k));

const psiOfCounts: GoldenCheck<Counts> = {
  name: 'evidently',
  test: 'psi_counts_evidently',
  actual: ({ ref_counts, cur_counts }) => evidently.psi(counted(ref_counts), counted(cur_counts), { kind: 'cat' }).score,
};

const fits: readonly GoldenCheck<Counts>[] = [
  {
    name: 'evidently',
    test: 'evidently_chisquare',
    actual: ({ ref_counts, cur_counts }) => ({ pvalue: evidently.chiSquare(counted(ref_counts), counted(cur_counts)).score }),
    without: { statistic: 'Evidently tells the p-value alone.' },
  },
  {
    name: 'evidently',
    test: 'evidently_g_test',
    actual: ({ ref_counts, cur_counts }) => ({ pvalue: evidently.gTest(counted(ref_counts), counted(cur_counts)).score }),
  },
];

const ownTests: GoldenCheck<{ test: string; ref: Column; cur: Column }> = {
  name: 'evidently, against the rounded values of its own tests',
  test: 'evidently_own_tests',
  actual: ({ test, ref, cur }) => {
    if (test === 'chisquare') return evidently.chiSquare(ref, cur).score;
    if (test === 'hellinger_cat') return evidently.hellinger(ref, cur, { kind: 'cat' }).score;
    if (test === 'g_test') return evidently.gTest(ref, cur).score;
    if (test === 'es') return evidently.eppsSingleton(ref, cur).score;
    return test === 'fisher_exact' ? evidently.fisherExact(ref, cur).score : undefined;
  },
};

const defaultTest: GoldenCheck<{ type: EvidentlyColumnFacts['kind']; n_ref: number; n_unique_ref_and_cur: number }> = {
  name: 'evidently',
  test: 'evidently_default_test',
  actual: ({ type, n_ref, n_unique_ref_and_cur }) => {
    const { driftIf, ...found } = evidently.defaultTest({ kind: type, rows: n_ref, unique: n_unique_ref_and_cur });
    return { ...found, drift_if: driftIf };
  },
};

const datasetDrift: GoldenCheck<{ flags: number[]; share: number }> = {
  name: 'evidently',
  test: 'evidently_dataset_drift',
  actual: ({ flags, share }) => {
    const { driftedShare, drift } = evidently.datasetDrift(flags, share);
    return { drifted_share: driftedShare, dataset_drift: drift };
  },
};

const threshold: GoldenCheck<{ values: number[]; mult: number }> = {
  name: 'nannyml',
  test: 'nannyml_std_threshold',
  actual: ({ values, mult }) => nannyml.standardDeviationThreshold(values, mult),
};

/** The rules of other systems. */
export const checks: readonly GoldenCheck[] = [
  evidentlyOf('evidently_psi', evidently.psi),
  evidentlyOf('evidently_js', evidently.jensenShannon),
  evidentlyOf('evidently_kl', evidently.klDivergence),
  evidentlyOf('evidently_hellinger', evidently.hellinger),
  psiOfCounts,
  ...fits,
  ownTests,
  defaultTest,
  datasetDrift,
  nannymlOf('nannyml_js', nannyml.jensenShannon),
  nannymlOf('nannyml_hellinger', nannyml.hellinger),
  threshold,
];
