import type { ColumnProfile } from './column-profile.ts';
import type { GridCounts } from './grid-counts.ts';

/** The profile of a column without the bins that it has in common with its reference. */
export function packColumn(column: ColumnProfile): ColumnProfile {
  switch (column.kind) {
    case 'number':
      return withoutBins(column);
    case 'text':
      return { ...column, lengths: withoutBins(column.lengths) };
    case 'embedding':
      return { ...column, norms: withoutBins(column.norms), projections: column.projections.map(withoutBins) };
    default:
      return column;
  }
}

/** The profile that {@link packColumn} was given, by that of its reference. */
export function unpackColumn(column: ColumnProfile, reference: ColumnProfile): ColumnProfile {
  if (column.kind === 'number' && reference.kind === 'number') return withBins(column, reference);
  if (column.kind === 'text' && reference.kind === 'text') return { ...column, lengths: withBins(column.lengths, reference.lengths) };
  if (column.kind === 'embedding' && reference.kind === 'embedding') {
    return { ...column, norms: withBins(column.norms, reference.norms), projections: column.projections.map((grid, i) => withBins(grid, reference.projections[i]!)) };
  }
  return column;
}

function withoutBins<Grid extends GridCounts>(grid: Grid): Grid {
  return { ...grid, edges: [], cuts: [] };
}

function withBins<Grid extends GridCounts>(grid: Grid, { edges, cuts }: GridCounts): Grid {
  return { ...grid, edges, cuts };
}
