import { SeededGenerator } from '../../seeded-generator.ts';

/** How many random directions vectors are projected on, a multiple of four. */
export const projectionCount = 8;

/** Frozen: profiles of one seed are counted along the same directions, wherever they are made. */
export const projectionSeed = 20_010_101;

/** Shorter vectors are not taken for embeddings without being asked. */
const shortestInferred = 8;

/**
 * The length of a vector and its projections on random directions, whose components are ±1 / √size (Achlioptas 2003): a shift of the mean by d keeps on each, on average over directions, its size beside the spread of the components,
 * however many these are.
 */
export class Projector {
  readonly size: number;
  /** Of the last vector: its Euclidean norm, then its projections. */
  readonly places: Float64Array = new Float64Array(projectionCount + 1);
  /** The last vector in 32 bits, as columns of embeddings store it. */
  readonly vector: Float32Array;
  readonly #signs: Float64Array;

  constructor(size: number, seed: number) {
    this.size = size;
    this.vector = new Float32Array(size);
    const generator = new SeededGenerator(seed);
    const unit = 1 / Math.sqrt(Math.max(1, size));
    this.#signs = Float64Array.from({ length: size * projectionCount }, () => (generator.bits() >= 2 ** 31 ? unit : -unit));
  }

  /** Reads a value; says what it is: a vector of this size with finite numbers, one with NaN, or none. */
  read(value: unknown): 'vector' | 'nan' | 'mistyped' {
    if (!isVector(value) || value.length !== this.size || this.size === 0) return 'mistyped';
    if (!Array.isArray(value)) {
      this.vector.set(value as Float32Array | Float64Array);
      this.#project();
      // No square of a number of 32 bits is too large for a double, nor is their sum.
      if (Number.isFinite(this.places[0])) return 'vector';
    }
    let nan = false;
    for (let k = 0; k < this.size; k++) {
      const number: unknown = value[k];
      if (typeof number !== 'number') return 'mistyped';
      if (number !== number) nan = true;
      else if (!Number.isFinite(Math.fround(number))) return 'mistyped';
      this.vector[k] = number;
    }
    if (nan) return 'nan';
    this.#project();
    return 'vector';
  }

  #project(): void {
    const { vector, size, places } = this;
    let square = 0;
    for (let k = 0; k < size; k++) square += vector[k]! * vector[k]!;
    places[0] = Math.sqrt(square);
    for (let p = 0; p < projectionCount; p += 4) this.#projectOnFour(p);
  }

  /** Four sums at a time, for each has to wait for its own last addition. */
  #projectOnFour(p: number): void {
    const { vector, size, places } = this;
    const signs = this.#signs;
    const from = p * size;
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let k = 0; k < size; k++) {
      const component = vector[k]!;
      a += component * signs[from + k]!;
      b += component * signs[from + size + k]!;
      c += component * signs[from + 2 * size + k]!;
      d += component * signs[from + 3 * size + k]!;
    }
    places[p + 1] = a;
    places[p + 2] = b;
    places[p + 3] = c;
    places[p + 4] = d;
  }
}

/** Whether a value is a list of numbers by its form. */
function isVector(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || value instanceof Float32Array || value instanceof Float64Array;
}

/** The length of the vectors of a column: of the first one that is there; 0 when there is none. */
export function vectorSize(values: Iterable<unknown>): number {
  for (const value of values) if (isVector(value)) return value.length;
  return 0;
}

/** Whether values that are plain data are all vectors of one length, of 8 numbers or more. */
export function areEmbeddings(values: readonly unknown[]): boolean {
  const size = vectorSize(values);
  if (size < shortestInferred) return false;
  for (const value of values) {
    if (value === null) continue;
    if (!isVector(value) || value.length !== size) return false;
    for (let k = 0; k < size; k++) if (typeof value[k] !== 'number') return false;
  }
  return true;
}
