import type { BinRule, Column, ColumnKind } from './column.ts';
import type { DriftRule } from './drift-score.ts';

/** Evidently's tests by its names; `default` is the one that it chooses by type and size. */
export type EvidentlyMethod =
  | 'default' | 'psi' | 'jensenshannon' | 'kl_div' | 'hellinger' | 'wasserstein' | 'ed' | 'ks' | 'cramer_von_mises'
  | 'anderson' | 'mannw' | 't_test' | 'es' | 'chisquare' | 'g_test' | 'z' | 'fisher_exact' | 'TVD';

/** NannyML's metrics by its names. */
export type NannymlMethod = 'jensen_shannon' | 'hellinger' | 'l_infinity';

/**
 * A rule of another system by that system's names: a test of Evidently with its published threshold (`evidently:default` is the one that it chooses by type and size), or a metric of NannyML with the threshold
 * that it takes from ten chunks of the reference.
 */
export type ComparisonMethod = `evidently:${EvidentlyMethod}` | `nannyml:${NannymlMethod}`;

/** What another system says of a column, with all that its score depends on. */
export interface MethodScore {
  /** Whose rule it is. */
  readonly system: 'evidently' | 'nannyml';
  /** The test by that system's name; of `evidently:default` the one that was chosen. */
  readonly method: string;
  /** A p-value or a distance, as the method has it; `null` where it is not defined on the data, which is no drift. */
  readonly score: number | null;
  /** What the score was held against; `null` where there was nothing to take it from. */
  readonly threshold: number | null;
  /** How the score is to the threshold when it is drift: `<` and `<=` for p-values, `>` and `>=` for distances. */
  readonly driftIf: DriftRule;
  /** Whether that system calls it drift. */
  readonly drift: boolean;
  /** Bins or categories that were counted in; absent where the method has none. */
  readonly bins?: number | undefined;
  /** How they were cut: one per value, or of equal width by the rule of Sturges over both sides, over their different values, or of Doane over the reference. */
  readonly binRule?: BinRule | undefined;
  /** What becomes of an empty bin: a share of 0.0001, or a millionth of the side's smallest share where that is at most 0.0001; or nothing. */
  readonly zeroRule: 'fill' | 'none';
  /** Values of the reference that took part. */
  readonly referenceValues: number;
  /** Values of the current side that took part. */
  readonly currentValues: number;
}

/** The rules of another system, which `compareData` is given to judge columns by them: `evidentlyRules` and `nannymlRules` of `modelkeep/stats`. */
export interface MethodRules {
  /** Whose rules they are; names of methods begin with it. */
  readonly system: MethodScore['system'];
  /** The names of its methods, without the system. */
  readonly methods: readonly string[];
  /** That system's verdict on both sides of a column: `num` reads the finite numbers, `cat` every value that is there. Throws `ValidationError` for a method that it does not have. */
  score(method: string, reference: Column, current: Column, kind: ColumnKind): MethodScore;
}
