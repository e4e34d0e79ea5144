import { demandSameLength } from '../arguments.ts';
import { type Label, positiveFlags } from './label.ts';

/** The scores of the positive rows and of the others, each ascending. */
export interface ScoredLabels {
  readonly positives: Float64Array;
  readonly negatives: Float64Array;
  readonly dropped: number;
}

/** Sorts the scores by class: rows with no label or no number are left out, ±Infinity are the extremes. O(n log n). */
export function sortScores(labels: ArrayLike<Label>, scores: ArrayLike<number>, positive: Label | undefined): ScoredLabels {
  demandSameLength('labels', labels, 'scores', scores);
  const flags = positiveFlags('labels', labels, positive);
  const sides = [new Float64Array(flags.length), new Float64Array(flags.length)];
  const counts = [0, 0];
  for (let i = 0; i < flags.length; i++) {
    const score = scores[i];
    const flag = flags[i]!;
    if (flag < 0 || typeof score !== 'number' || Number.isNaN(score)) continue;
    sides[flag]![counts[flag]!++] = score;
  }
  const [negatives, positives] = sides.map((side, flag) => side.subarray(0, counts[flag]).sort());
  return { positives: positives!, negatives: negatives!, dropped: flags.length - counts[0]! - counts[1]! };
}

/** Every distinct score, descending, and how many of each class score at least as much. */
export interface ScoreSteps {
  readonly thresholds: Float64Array;
  readonly truePositives: Float64Array;
  readonly falsePositives: Float64Array;
}

/** Walks both classes from the highest score down. O(n). */
export function scoreSteps({ positives, negatives }: ScoredLabels): ScoreSteps {
  const size = positives.length + negatives.length;
  const thresholds = new Float64Array(size);
  const truePositives = new Float64Array(size);
  const falsePositives = new Float64Array(size);
  let i = positives.length;
  let j = negatives.length;
  let steps = 0;
  while (i > 0 || j > 0) {
    const score = j === 0 || (i > 0 && positives[i - 1]! > negatives[j - 1]!) ? positives[i - 1]! : negatives[j - 1]!;
    while (i > 0 && positives[i - 1] === score) i--;
    while (j > 0 && negatives[j - 1] === score) j--;
    thresholds[steps] = score;
    truePositives[steps] = positives.length - i;
    falsePositives[steps++] = negatives.length - j;
  }
  return { thresholds: thresholds.subarray(0, steps), truePositives: truePositives.subarray(0, steps), falsePositives: falsePositives.subarray(0, steps) };
}
