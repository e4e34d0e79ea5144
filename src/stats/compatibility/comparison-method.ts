import { isThere, numbersOf, type BinRule, type Column, type ColumnKind } from './column.ts';
import type { DriftRule, DriftScore } from './drift-score.ts';
import { evidently } from './evidently.ts';
import { nannymlAlert, nannymlMetricNames, type NannymlMetricName } from './nannyml-alert.ts';

type Score = (reference: Column, current: Column, kind: ColumnKind) => DriftScore & { readonly test?: string };

type NamesIn<System extends string, Method extends string = ComparisonMethod> = Method extends `${System}:${infer Name}` ? Name : never;
type EvidentlyMethod = NamesIn<'evidently'>;

/** Evidently's tests. What takes numbers only reads the finite ones of any column, what counts categories takes every value that is there for one. */
const evidentlyTests: Readonly<Record<EvidentlyMethod, Score>> = {
  default: (reference, current, kind) => evidently.columnDrift(reference, current, { kind }),
  psi: (reference, current, kind) => evidently.psi(reference, current, { kind }),
  jensenshannon: (reference, current, kind) => evidently.jensenShannon(reference, current, { kind }),
  kl_div: (reference, current, kind) => evidently.klDivergence(reference, current, { kind }),
  hellinger: (reference, current, kind) => evidently.hellinger(reference, current, { kind }),
  wasserstein: (reference, current) => evidently.wasserstein(reference, current),
  ed: (reference, current) => evidently.energy(reference, current),
  ks: (reference, current) => evidently.ks(reference, current),
  cramer_von_mises: (reference, current) => evidently.cramerVonMises(reference, current),
  anderson: (reference, current) => evidently.anderson(reference, current),
  mannw: (reference, current) => evidently.mannWhitney(reference, current),
  t_test: (reference, current) => evidently.studentT(reference, current),
  es: (reference, current) => evidently.eppsSingleton(reference, current),
  chisquare: (reference, current) => evidently.chiSquare(reference, current),
  g_test: (reference, current) => evidently.gTest(reference, current),
  z: (reference, current) => evidently.z(reference, current),
  fisher_exact: (reference, current) => evidently.fisherExact(reference, current),
  TVD: (reference, current) => evidently.totalVariation(reference, current),
};

const numericTests: readonly string[] = ['wasserstein', 'ed', 'ks', 'cramer_von_mises', 'anderson', 'mannw', 't_test', 'es'];
const filledTests: readonly string[] = ['psi', 'kl_div'];

/**
 * A rule of another system by that system's names: a test of Evidently with its published threshold (`evidently:default` is the one that it chooses by type and size), or a metric of NannyML with the threshold
 * that it takes from ten chunks of the reference.
 */
export type ComparisonMethod =
  | `evidently:${'default' | 'psi' | 'jensenshannon' | 'kl_div' | 'hellinger' | 'wasserstein' | 'ed' | 'ks' | 'cramer_von_mises'}`
  | `evidently:${'anderson' | 'mannw' | 't_test' | 'es' | 'chisquare' | 'g_test' | 'z' | 'fisher_exact' | 'TVD'}`
  | `nannyml:${'jensen_shannon' | 'hellinger' | 'l_infinity'}`;

/** The names of all {@link ComparisonMethod}s. */
export const comparisonMethods: readonly ComparisonMethod[] = [
  ...(Object.keys(evidentlyTests) as EvidentlyMethod[]).map((name) => `evidently:${name}` as const),
  ...nannymlMetricNames.map((name) => `nannyml:${name}` as const),
];

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

/** The verdict of another system on a column. */
export function scoreByMethod(name: ComparisonMethod, reference: Column, current: Column, kind: ColumnKind): MethodScore {
  const [system, test] = name.split(':') as [MethodScore['system'], string];
  const score: Score = system === 'evidently' ? evidentlyTests[test as EvidentlyMethod] : (...sides) => nannymlAlert(test as NannymlMetricName, ...sides);
  const { test: method = test, ...found } = score(reference, current, kind);
  const count = kind === 'num' || numericTests.includes(method) ? (side: Column): number => numbersOf(side).length : valuesIn;
  return {
    system,
    method,
    ...found,
    score: finite(found.score),
    threshold: finite(found.threshold),
    zeroRule: filledTests.includes(method) && system === 'evidently' ? 'fill' : 'none',
    referenceValues: count(reference),
    currentValues: count(current),
  };
}

function valuesIn(side: Column): number {
  let count = 0;
  for (let i = 0; i < side.length; i++) if (isThere(side[i])) count++;
  return count;
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
