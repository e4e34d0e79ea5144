import type { EstimatedRow } from './estimated-row.ts';

/** So many versions are told apart at a time. */
export const mostVersions = 10;

/** A version makes room for another when no row of it came for so long: what is counted over a long time must not grow by every version that was ever named. */
const idleMs = 3_600_000;

interface CountedVersion {
  readonly cells: Float64Array;
  usedAt: number;
}

/** What counts rows in its cells, one at a time. */
interface RowCounting {
  readonly cells: number;
  countRow(row: EstimatedRow, into: Float64Array): void;
}

/** Counts rows in the cells of an estimator, each once: in those of its version, or in those of all rows whose version is not told apart. */
export class VersionCells {
  readonly #estimator: RowCounting;
  readonly #others: Float64Array;
  readonly #versions = new Map<string, CountedVersion>();

  constructor(estimator: RowCounting) {
    this.#estimator = estimator;
    this.#others = new Float64Array(estimator.cells);
  }

  /** Counts a row that came at `now`, epoch milliseconds. */
  count(row: EstimatedRow, version: string | undefined, now: number): void {
    this.#estimator.countRow(row, version === undefined ? this.#others : this.#cellsOf(version, now));
  }

  #cellsOf(version: string, now: number): Float64Array {
    const known = this.#versions.get(version);
    if (known !== undefined) {
      known.usedAt = now;
      return known.cells;
    }
    if (this.#versions.size >= mostVersions && !this.#makeRoom(now)) return this.#others;
    const cells = new Float64Array(this.#estimator.cells);
    this.#versions.set(version, { cells, usedAt: now });
    return cells;
  }

  #makeRoom(now: number): boolean {
    for (const [version, { cells, usedAt }] of this.#versions) {
      if (now - usedAt < idleMs) continue;
      cells.forEach((count, cell) => (this.#others[cell]! += count));
      return this.#versions.delete(version);
    }
    return false;
  }

  /** What was counted since the last take, by cell and version, and starts anew. */
  take(): [key: string, count: number][] {
    const counts: [string, number][] = [];
    takeCells(this.#others, '', counts);
    for (const [version, { cells }] of this.#versions) takeCells(cells, `@${version}`, counts);
    return counts;
  }
}

function takeCells(cells: Float64Array, suffix: string, into: [string, number][]): void {
  cells.forEach((count, cell) => {
    if (count > 0) into.push([`${cell}${suffix}`, count]);
  });
  cells.fill(0);
}

/** The cells of each version and, by `undefined`, of the rows whose version was not told apart, from sums of what {@link VersionCells.take} gave. */
export function cellsByVersion(counts: Iterable<readonly [key: string, count: number]>, size: number): Map<string | undefined, Float64Array> {
  const found = new Map<string | undefined, Float64Array>();
  for (const [key, count] of counts) {
    const at = key.indexOf('@');
    const version = at < 0 ? undefined : key.slice(at + 1);
    let cells = found.get(version);
    if (cells === undefined) found.set(version, (cells = new Float64Array(size)));
    const cell = Number(at < 0 ? key : key.slice(0, at));
    if (cell < size) cells[cell] = count;
  }
  return found;
}
