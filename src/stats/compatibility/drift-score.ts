import { demandPositive } from '../arguments.ts';

/** A verdict as Evidently gives it. */
export interface DriftScore {
  /** A p-value or a distance, as the test has it; NaN where it is not defined on the data, on an empty side above all. */
  readonly score: number;
  /** What the score was held against. */
  readonly threshold: number;
  /** Whether the score is on the side of the threshold that counts as drift; false for a score of NaN. */
  readonly drift: boolean;
}

/** What a score is held against. */
export interface DriftScoreOptions {
  /** Replaces the published threshold, a finite number above 0. @default the threshold that the test is listed with */
  threshold?: number | undefined;
}

/** When a score counts as drift: `below` and `atMost` for p-values, `above` and `atLeast` for distances. */
export const driftRules = {
  below: (score: number, threshold: number): boolean => score < threshold,
  atMost: (score: number, threshold: number): boolean => score <= threshold,
  above: (score: number, threshold: number): boolean => score > threshold,
  atLeast: (score: number, threshold: number): boolean => score >= threshold,
};

/** The verdict on a score. */
export function verdictOn(score: number, rule: keyof typeof driftRules, published: number, { threshold = published }: DriftScoreOptions): DriftScore {
  demandPositive('threshold', threshold);
  return { score, threshold, drift: driftRules[rule](score, threshold) };
}
