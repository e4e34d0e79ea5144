import { demandPositive } from '../arguments.ts';
import type { BinnedColumn, BinRule } from './column.ts';

/** A verdict on two columns as another system gives it. */
export interface DriftScore {
  /** A p-value or a distance, as the test has it; NaN where it is not defined on the data, on an empty side above all. */
  readonly score: number;
  /** What the score was held against. */
  readonly threshold: number;
  /** Whether the score is on the side of the threshold that counts as drift; false for a score of NaN. */
  readonly drift: boolean;
  /** How the score is to the threshold when it is drift. */
  readonly driftIf: DriftRule;
  /** Bins or categories that both sides were counted in; absent where the test has none, or has nothing to count. */
  readonly bins?: number | undefined;
  /** How these were cut: one per value, or of equal width by the rule of Sturges over both sides, over their different values, or of Doane over the reference. */
  readonly binRule?: BinRule | undefined;
}

/** How a score is to its threshold when it is drift: `<` and `<=` for p-values, `>` and `>=` for distances. */
export type DriftRule = '<' | '<=' | '>' | '>=';

/** What a score is held against. */
export interface DriftScoreOptions {
  /** Replaces the published threshold, a finite number above 0. @default the threshold that the test is listed with */
  threshold?: number | undefined;
}

const holds: Readonly<Record<DriftRule, (score: number, threshold: number) => boolean>> = {
  '<': (score, threshold) => score < threshold,
  '<=': (score, threshold) => score <= threshold,
  '>': (score, threshold) => score > threshold,
  '>=': (score, threshold) => score >= threshold,
};

/** The verdict on a score. */
export function verdictOn(score: number, driftIf: DriftRule, published: number, { threshold = published }: DriftScoreOptions, binned?: BinnedColumn): DriftScore {
  demandPositive('threshold', threshold);
  return { score, threshold, drift: holds[driftIf](score, threshold), driftIf, ...(binned && { bins: binned.reference.length, binRule: binned.rule }) };
}
