import { normal } from '../distributions/normal.ts';

/** A part of a change with its interval, in the unit of the score. */
export interface AttributedPart {
  /** How much of the change. */
  readonly value: number;
  /** The lower end of the interval. */
  readonly low: number;
  /** The upper end of the interval. */
  readonly high: number;
}

/** What a column has to say about a change. */
export interface AttributedColumn {
  /** The column. */
  readonly name: string;
  /** The part that comes with its values having moved. */
  readonly composition: AttributedPart;
  /** The rest: the change of rows that have the same value. Both add up to the change of the mean. */
  readonly rate: AttributedPart;
}

/** The scores of the rows of one side that are in one bin of a column. */
export interface ScoreCell {
  readonly n: number;
  /** Anything without a row. */
  readonly mean: number;
  /** The sum of squares about the mean. */
  readonly squares: number;
}

/** A column with the bins of both sides, in the same order. */
export interface CelledColumn {
  readonly name: string;
  readonly before: readonly ScoreCell[];
  readonly after: readonly ScoreCell[];
}

/** The change of the mean with both parts of it for each column, that first with whose values most of it came. The intervals cover with `confidence`, those of the columns all together. */
export function attributeCells(columns: readonly CelledColumn[], whole: Omit<CelledColumn, 'name'>, confidence: number): { change: AttributedPart; columns: AttributedColumn[] } {
  const z = normal.quantile(1 - (1 - confidence) / 2);
  const each = normal.quantile(1 - (1 - confidence) / 2 / Math.max(1, columns.length));
  const attributed = columns.map(({ name, before, after }): AttributedColumn => {
    const { composition, rate } = decompose(sharesOf(before), sharesOf(after));
    return { name, composition: partOf(composition, each), rate: partOf(rate, each) };
  });
  attributed.sort((a, b) => Math.abs(b.composition.value) - Math.abs(a.composition.value));
  return { change: partOf(decompose(sharesOf(whole.before), sharesOf(whole.after)).rate, z), columns: attributed };
}

/** Rows of one side in one bin. */
interface Cell extends ScoreCell {
  readonly share: number;
}

function sharesOf(cells: readonly ScoreCell[]): Cell[] {
  const rows = cells.reduce((sum, { n }) => sum + n, 0);
  return cells.map(({ n, mean, squares }) => ({ n, share: n / rows, mean: n === 0 ? NaN : mean, squares }));
}

interface Estimated {
  readonly value: number;
  readonly variance: number;
}

/** Both parts of the difference with their variances: those of the mean of what each row contributes to them. */
function decompose(before: readonly Cell[], after: readonly Cell[]): { composition: Estimated; rate: Estimated } {
  const middle = before.map(({ mean }, bin) => {
    const other = after[bin]!.mean;
    return Number.isNaN(mean) ? (Number.isNaN(other) ? 0 : other) : Number.isNaN(other) ? mean : (mean + other) / 2;
  });
  const composition = middle.reduce((sum, mean, bin) => sum + (after[bin]!.share - before[bin]!.share) * mean, 0);
  const meanOf = (cells: readonly Cell[]): number => cells.reduce((sum, { n, share, mean }) => sum + (n === 0 ? 0 : share * mean), 0);
  const change = meanOf(after) - meanOf(before);
  let [ofComposition, ofRate] = [0, 0];
  for (const [cells, others, sign] of [[before, after, -1], [after, before, 1]] as const) {
    const rows = cells.reduce((sum, { n }) => sum + n, 0);
    const [mean, level] = [meanOf(cells), cells.reduce((sum, { share }, bin) => sum + share * middle[bin]!, 0)];
    cells.forEach((cell, bin) => {
      if (cell.n === 0) return;
      const moved = (after[bin]!.share - before[bin]!.share) / cell.share / (others[bin]!.n === 0 ? 1 : 2);
      const shift = sign * (middle[bin]! - level);
      ofComposition += (cell.n * shift ** 2 + moved ** 2 * cell.squares) / rows ** 2;
      ofRate += (cell.n * (sign * (cell.mean - mean) - shift) ** 2 + (sign - moved) ** 2 * cell.squares) / rows ** 2;
    });
  }
  return { composition: { value: composition, variance: ofComposition }, rate: { value: change - composition, variance: ofRate } };
}

function partOf({ value, variance }: Estimated, z: number): AttributedPart {
  const reach = z * Math.sqrt(variance);
  return { value, low: value - reach, high: value + reach };
}
