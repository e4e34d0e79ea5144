import type { ColumnEvidence } from '../drift-evidence.ts';
import { presenceIn, viewOfGrid, weighViews } from '../weigh-views.ts';
import type { EmbeddingProfile } from './embedding-profile.ts';

/** How the vectors of two sides differ: in their norms, and in their projections on random directions. */
export function weighEmbeddings(before: EmbeddingProfile, after: EmbeddingProfile, minRows: number, designEffect: number): ColumnEvidence {
  const presence = presenceIn(before, after, ['missing', 'not a vector']);
  return weighViews(before, after, { minRows, designEffect, noun: 'vector', presence }, () => [
    viewOfGrid('norm', 'norm-deciles', 'norm', before.norms, after.norms),
    ...before.projections.map((grid, i) => viewOfGrid('projection', 'projection-deciles', `projection ${i + 1}`, grid, after.projections[i]!)),
  ]);
}
