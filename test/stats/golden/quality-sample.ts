import { lcg } from './golden-file.ts';

/** The recipe of a fixture for the labels and scores of a binary classifier. */
export interface QualityRecipe {
  readonly gen: 'quality';
  readonly seed: number;
  readonly n: number;
  readonly pos: number;
}

/** Draws them as the fixture's note says: two draws a row, and a third where the label is 1. */
export function qualitySample({ seed, n, pos }: QualityRecipe): { labels: Uint8Array; scores: Float64Array } {
  const draw = lcg(seed);
  const labels = new Uint8Array(n);
  const scores = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const label = draw() < pos;
    const base = draw();
    labels[i] = label ? 1 : 0;
    scores[i] = Math.floor((0.5 * base + (label ? 0.35 * draw() : 0)) * 1000) / 1000;
  }
  return { labels, scores };
}
