import type { RowCounts } from '../column-profile.ts';
import { isDistinct, mergeDistinct, type DistinctValues } from '../distinct-values.ts';
import { addCounts, isCount, isGrid, mergeGrids, type GridCounts } from '../grid-counts.ts';
import { projectionCount } from './projections.ts';

/** A column of vectors of one length: their mean, their norms, and their projections on random directions, all of which are summed or counted exactly. */
export interface EmbeddingProfile extends RowCounts, DistinctValues {
  /** The column. */
  readonly name: string;
  /** How the column is compared. */
  readonly kind: 'embedding';
  /** How many numbers each vector has; 0 where the reference has none. */
  readonly size: number;
  /** What the directions are drawn by. */
  readonly seed: number;
  /** The components are multiplied by this power of two and rounded before they are summed, so that sums do not depend on the order. */
  readonly scale: number;
  /** For each component the sum over all vectors: divided by `scale` and the number of vectors, it is the mean. */
  readonly sums: readonly number[];
  /** Euclidean norms. */
  readonly norms: GridCounts;
  /** Projections on eight random directions. */
  readonly projections: readonly GridCounts[];
}

/** The sum of two; `undefined` when they were counted in different bins or along different directions. */
export function mergeEmbeddings(a: EmbeddingProfile, b: EmbeddingProfile, counts: RowCounts): EmbeddingProfile | undefined {
  if (a.size !== b.size || a.seed !== b.seed || a.scale !== b.scale) return undefined;
  const norms = mergeGrids(a.norms, b.norms);
  const projections = a.projections.map((grid, i) => mergeGrids(grid, b.projections[i]!));
  if (norms === undefined || !projections.every((grid) => grid !== undefined)) return undefined;
  return { ...a, ...counts, sums: addCounts(a.sums, b.sums), norms, projections, ...mergeDistinct(a, b) };
}

/** Whether a column that came from outside has what comparing and merging reads. */
export function isEmbeddingProfile(column: EmbeddingProfile): boolean {
  const { size, seed, scale, sums, norms, projections } = column;
  if (!isCount(size) || !isCount(seed) || seed >= 2 ** 32 || !(scale > 0 && scale < Infinity)) return false;
  if (!Array.isArray(sums) || sums.length !== size || !sums.every(Number.isSafeInteger)) return false;
  return isGrid(norms) && Array.isArray(projections) && projections.length === projectionCount && projections.every(isGrid) && isDistinct(column);
}
