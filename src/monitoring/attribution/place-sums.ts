import type { ScoreCell } from '../../stats/estimation/attribute-cells.ts';
import type { PlaceGrid } from './feature-places.ts';

/** The losses of a period by the bin of each column, as plain data. */
export interface StoredPlaceSums {
  /** Which bins these are. */
  readonly grid: string;
  /** When the period began. */
  readonly start: number;
  /** Of all losses, and then of each bin of each column: how many there are, their mean, and the sum of squares about it. */
  readonly cells: readonly number[];
}

/** Adds up the losses of a period by the bin of each column, in memory that does not grow with the predictions. */
export class PlaceSums {
  readonly #grid: PlaceGrid;
  readonly #start: number;
  readonly #offsets: readonly number[];
  readonly #cells: Float64Array;

  /** Of the period that begins at `start`. */
  constructor(grid: PlaceGrid, start: number) {
    this.#grid = grid;
    this.#start = start;
    let size = 1;
    this.#offsets = grid.sizes.map((own) => (size += own) - own);
    this.#cells = new Float64Array(3 * size);
  }

  /** Adds the loss of a prediction whose features are in the `places` from `from` on. */
  add(places: Uint8Array, from: number, loss: number): void {
    if (!Number.isFinite(loss)) return;
    const { sizes } = this.#grid;
    // What was kept by other bins is in none of these.
    if (sizes.some((size, c) => places[from + c]! >= size)) return;
    this.#addTo(0, loss);
    for (let c = 0; c < sizes.length; c++) this.#addTo(this.#offsets[c]! + places[from + c]!, loss);
  }

  /** The sums as they are stored. */
  stored(): StoredPlaceSums {
    return { grid: this.#grid.id, start: this.#start, cells: [...this.#cells] };
  }

  #addTo(cell: number, loss: number): void {
    const cells = this.#cells;
    const n = ++cells[3 * cell]!;
    const before = loss - cells[3 * cell + 1]!;
    const mean = (cells[3 * cell + 1]! += before / n);
    cells[3 * cell + 2]! += before * (loss - mean);
  }
}

/** All losses, and those of each column by bin. */
export function cellsOf({ cells }: StoredPlaceSums, { names, sizes }: PlaceGrid): { readonly whole: ScoreCell; readonly columns: readonly { readonly name: string; readonly cells: readonly ScoreCell[] }[] } {
  const cellAt = (i: number): ScoreCell => ({ n: cells[3 * i]!, mean: cells[3 * i + 1]!, squares: cells[3 * i + 2]! });
  let next = 1;
  const columns = names.map((name, c) => ({ name, cells: Array.from({ length: sizes[c]! }, () => cellAt(next++)) }));
  return { whole: cellAt(0), columns };
}
