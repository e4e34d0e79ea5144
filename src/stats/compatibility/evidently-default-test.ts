import { demandOneOf, demandOptions, demandWhole } from '../arguments.ts';

/** The tests that Evidently chooses by itself, by its names. */
export type EvidentlyDefaultTestName = 'ks' | 'chisquare' | 'z' | 'wasserstein' | 'jensenshannon' | 'perc_text_content_drift' | 'abs_text_content_drift';

/** What Evidently looks at to choose a test. */
export interface EvidentlyColumnFacts {
  /** What the column holds. */
  readonly kind: 'num' | 'cat' | 'text';
  /** Values of the reference, without missing and infinite ones. */
  readonly rows: number;
  /** Different values in the reference and the current data together. */
  readonly unique: number;
}

/** The test that Evidently chooses, and when it calls its score drift. */
export interface EvidentlyDefaultTest {
  /** Its name in Evidently. */
  readonly test: EvidentlyDefaultTestName;
  /** What the score is held against. */
  readonly threshold: number;
  /** What the score is: a p-value, a distance, or the AUC of a classifier that tells both sides apart (or its percentile among random ones). */
  readonly score: 'p' | 'distance' | 'roc_auc' | 'roc_auc percentile';
  /** How the score is to the threshold when it is drift. */
  readonly driftIf: '<' | '<=' | '>' | '>=';
}

/** The test that Evidently takes where none is named; its rule turns from p-values to distances at row 1001. */
export function evidentlyDefaultTest(facts: EvidentlyColumnFacts): EvidentlyDefaultTest {
  const { kind, rows, unique } = demandOptions(facts, 'facts');
  demandOneOf('kind', kind, ['num', 'cat', 'text']);
  demandWhole('rows', rows);
  demandWhole('unique', unique);
  const few = rows <= 1000;
  if (kind === 'text') {
    if (few) return { test: 'perc_text_content_drift', threshold: 0.95, score: 'roc_auc percentile', driftIf: '>' };
    return { test: 'abs_text_content_drift', threshold: 0.55, score: 'roc_auc', driftIf: '>' };
  }
  const many = kind === 'num' && unique > 5;
  if (!few) return { test: many ? 'wasserstein' : 'jensenshannon', threshold: 0.1, score: 'distance', driftIf: '>=' };
  if (many) return { test: 'ks', threshold: 0.05, score: 'p', driftIf: '<=' };
  return { test: unique > 2 ? 'chisquare' : 'z', threshold: 0.05, score: 'p', driftIf: '<' };
}
