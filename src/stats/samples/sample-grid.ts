import { littleEndian } from './double-words.ts';

/**
 * A map of doubles to cells that keeps their order. A cell is all doubles whose distance from the origin has one sign, one exponent and the same first bits; how many bits is decided for each exponent by how many values of a sample
 * have it. So it suits values that lie about zero at every scale as it suits smooth ones, and finding a cell takes no division and no rounding to a whole number.
 */
interface CellMap {
  /** Taken from every value first. */
  readonly origin: number;
  /** The first cell of each sign and exponent, ascending. */
  readonly bases: Uint16Array;
  /** How many bits of the upper word do not matter at each sign and exponent. */
  readonly shifts: Uint8Array;
}

/** The cells of a sorted sample: fine where it has many values. The first and the last hold nothing but NaN, the two beside them infinities (and what is as far from the origin as that). */
export interface SampleGrid extends CellMap {
  /** How many values of the sample come before each cell, and before the end. */
  readonly starts: Uint32Array;
}

/** The values of another sample by cell. */
export interface CellCounts {
  /** The cell of each value. */
  readonly cells: Uint16Array;
  /** How many values each cell has. */
  readonly counts: Uint32Array;
  /** How many values are NaN. */
  readonly dropped: number;
}

const exponents = 4096;
const mantissaBits = 20;
const sharedCells = 32_768;
const chunkSize = 1024;

/** Where fewer values are to be compared, they are sorted sooner than a grid is filled. */
const fewValues = 10_000;

/** The share of all values that a value shares its cell with, on average, from which on too little is told apart; and that which another grid could not better by much. */
const mostCompany = 1 / 256;
const goodCompany = 1 / 8192;

/** The grid of sorted values without NaN; `undefined` where they are too few, or so close together that no grid tells them apart. */
export function gridOf(sorted: Float64Array): SampleGrid | undefined {
  if (sorted.length < fewValues || !littleEndian()) return undefined;
  const aboutZero = gridAbout(sorted, 0);
  // Zero tells values apart that lie about it at every scale; the low end of the sample, those that lie far from it and close together.
  if (companyIn(aboutZero) <= goodCompany * sorted.length) return aboutZero;
  const low = sorted[Math.floor(sorted.length / 1000)]!;
  const grids = Number.isFinite(low) ? [aboutZero, gridAbout(sorted, low)] : [aboutZero];
  const company = grids.map(companyIn);
  const best = company.indexOf(Math.min(...company));
  return company[best]! <= mostCompany * sorted.length ? grids[best] : undefined;
}

function gridAbout(sorted: Float64Array, place: number): SampleGrid {
  // The distance from -0 is 0 for both zeros, which are equal and must share a cell.
  const origin = place === 0 ? -0 : place;
  const exponentCounts = exponentsOfSorted(sorted, origin);
  const bases = new Uint16Array(exponents);
  const shifts = new Uint8Array(exponents);
  for (let exponent = 0, cell = 0; exponent < exponents; exponent++) {
    const share = (exponentCounts[exponent]! / sorted.length) * sharedCells;
    let bits = 0;
    while (bits < mantissaBits && 2 << bits <= share) bits++;
    // The outermost exponents are those of the infinities and of NaN, which the first bit tells apart.
    if (exponent === 0 || exponent === exponents - 1) bits = 1;
    bases[exponent] = cell;
    shifts[exponent] = mantissaBits - bits;
    cell += 1 << bits;
  }
  const map = { origin, bases, shifts };
  return { ...map, starts: startsInCells(map, sorted) };
}

/** How many sorted values have each sign and exponent of their distance from the origin: they come in runs, whose ends are searched. */
function exponentsOfSorted(sorted: Float64Array, origin: number): Uint32Array {
  const counts = new Uint32Array(exponents);
  const distance = new Float64Array(1);
  const words = new Int32Array(distance.buffer);
  const exponentAt = (i: number): number => {
    distance[0] = sorted[i]! - origin;
    return keyOf(words[1]!) >>> mantissaBits;
  };
  for (let from = 0; from < sorted.length; ) {
    const exponent = exponentAt(from);
    let low = from + 1;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (exponentAt(middle) === exponent) low = middle + 1;
      else high = middle;
    }
    counts[exponent] = low - from;
    from = low;
  }
  return counts;
}

/** How many sorted values come before each cell, and before the end. */
function startsInCells({ origin, bases, shifts }: CellMap, sorted: Float64Array): Uint32Array {
  const starts = new Uint32Array(bases[exponents - 1]! + 3);
  let begun = 0;
  eachChunk(sorted, origin, (upper, length, from) => {
    begun = beginCells(upper, length, from, bases, shifts, starts, begun);
  });
  starts.fill(sorted.length, begun + 1);
  return starts;
}

/** Writes where cells begin that were not begun before; gives the last that is. */
function beginCells(upper: Int32Array, length: number, from: number, bases: Uint16Array, shifts: Uint8Array, starts: Uint32Array, begun: number): number {
  let last = begun;
  for (let i = 0; i < length; i++) {
    const cell = cellOf(upper[2 * i + 1]!, bases, shifts);
    while (last < cell) starts[++last] = from + i;
  }
  return last;
}

/** The upper word of a distance as a whole number that sorts as the distances do. */
function keyOf(word: number): number {
  return word ^ ((word >> 31) | 0x80000000);
}

function cellOf(word: number, bases: Uint16Array, shifts: Uint8Array): number {
  const key = keyOf(word);
  const exponent = key >>> mantissaBits;
  return bases[exponent]! + ((key & 0xfffff) >>> shifts[exponent]!);
}

/** With how many others a value shares its cell, on average. */
function companyIn({ starts }: SampleGrid): number {
  let total = 0;
  for (let cell = 1; cell < starts.length; cell++) total += (starts[cell]! - starts[cell - 1]!) ** 2;
  return total / starts[starts.length - 1]!;
}

/** Finds the cell of each value, and counts. */
export function countInCells(map: CellMap, values: Float64Array): CellCounts {
  const { origin, bases, shifts } = map;
  const cells = new Uint16Array(values.length);
  const counts = new Uint32Array(bases[exponents - 1]! + 2);
  eachChunk(values, origin, (upper, length, from) => findCells(upper, length, bases, shifts, cells.subarray(from, from + length), counts));
  return { cells, counts, dropped: counts[0]! + counts[counts.length - 1]! };
}

/** The values of the cells that are marked with 1, in the order they came; `size` says how many there are. */
export function valuesOfCells(values: Float64Array, cells: Uint16Array, marks: Uint8Array, size: number): Float64Array {
  const found = new Float64Array(size + 1);
  let at = 0;
  for (let i = 0; i < values.length; i++) {
    found[at] = values[i]!;
    at += marks[cells[i]!]!;
  }
  return found.subarray(0, size);
}

/** The least distance from the origin that each cell has, ascending; -Infinity and NaN for what lies outside of all numbers. */
export function cellEdges({ bases, shifts }: CellMap): Float64Array {
  const edges = new Float64Array(bases[exponents - 1]! + 2);
  const words = new Uint32Array(edges.buffer);
  for (let exponent = 0; exponent < exponents; exponent++) {
    const end = exponent + 1 < exponents ? bases[exponent + 1]! : edges.length;
    for (let cell = bases[exponent]!; cell < end; cell++) {
      const key = ((exponent << mantissaBits) | ((cell - bases[exponent]!) << shifts[exponent]!)) >>> 0;
      const negative = key < 0x80000000;
      words[2 * cell + 1] = negative ? ~key : key ^ 0x80000000;
      // Of the negative doubles with one upper word the least has the largest lower word.
      words[2 * cell] = negative ? 0xffffffff : 0;
    }
  }
  return edges;
}

/** Calls `use` with the distances from the origin, as words of which every second is an upper one; a chunk at a time, so that they stay in the cache. */
function eachChunk(values: Float64Array, origin: number, use: (upper: Int32Array, length: number, from: number) => void): void {
  const distances = new Float64Array(chunkSize);
  const words = new Int32Array(distances.buffer);
  for (let from = 0; from < values.length; from += chunkSize) {
    const length = Math.min(chunkSize, values.length - from);
    subtract(values, from, length, origin, distances);
    use(words, length, from);
  }
}

function subtract(values: Float64Array, from: number, length: number, origin: number, distances: Float64Array): void {
  for (let i = 0; i < length; i++) distances[i] = values[from + i]! - origin;
}

function findCells(upper: Int32Array, length: number, bases: Uint16Array, shifts: Uint8Array, cells: Uint16Array, counts: Uint32Array): void {
  for (let i = 0; i < length; i++) {
    const cell = cellOf(upper[2 * i + 1]!, bases, shifts);
    cells[i] = cell;
    counts[cell]!++;
  }
}
