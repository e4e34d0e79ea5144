import type { ColumnDrift } from 'modelkeep';
import { expect } from 'vitest';

/** The lower end of the two-sided 99 % interval of Clopper and Pearson (1934) for `hits` out of `trials`. */
function clopperPearsonLow(hits: number, trials: number): number {
  if (hits === 0) return 0;
  let low = 0;
  let high = hits / trials;
  for (let i = 0; i < 60; i++) {
    const p = (low + high) / 2;
    let term = Math.exp(trials * Math.log1p(-p));
    let below = 0;
    for (let k = 0; k < hits; k++) {
      below += term;
      term *= ((trials - k) / (k + 1)) * (p / (1 - p));
    }
    if (1 - below < 0.005) low = p;
    else high = p;
  }
  return low;
}

interface Level {
  readonly alpha: number;
  readonly seed: number;
}

/** Fails when so many alarms would be rare, were their rate `alpha`. */
export function expectAtMostAlpha(hits: number, trials: number, what: string, { alpha, seed }: Level): void {
  expect(clopperPearsonLow(hits, trials), `${what}: ${hits} of ${trials} (seed ${seed})`).toBeLessThanOrEqual(alpha);
}

/** Fails when columns that have not changed are significant more often than `alpha` allows; gives how often. */
export function expectFewAlarms(trials: number, draw: () => ColumnDrift, { alpha, seed }: Level): number {
  let significant = 0;
  for (let trial = 0; trial < trials; trial++) if (draw().pValue! <= alpha) significant++;
  expectAtMostAlpha(significant, trials, 'significant', { alpha, seed });
  return significant;
}

/** Of rows that repeat each other: fails unless single ones cry wolf, and blocks of them do not. */
export function expectBlocksToHold(trials: number, draw: () => { readonly single: ColumnDrift; readonly blocks: ColumnDrift }, { alpha, seed }: Level): void {
  let naive = 0;
  let blocked = 0;
  for (let trial = 0; trial < trials; trial++) {
    const { single, blocks } = draw();
    if (single.pValue! <= alpha) naive++;
    expect(blocks.tests).toMatchObject([{ method: 'block-permutation' }]);
    if (blocks.pValue! <= alpha) blocked++;
  }
  expect(naive).toBeGreaterThan(trials / 2);
  expectAtMostAlpha(blocked, trials, 'blocks', { alpha, seed });
}
