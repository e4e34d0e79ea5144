import { ValidationError } from '../../core/errors.ts';
import { demandOptions, demandShare, demandWhole } from '../arguments.ts';
import { StateReader } from '../state-reader.ts';
import { finiteRows, rowMajor, type RowMajor, type Rows } from './rows.ts';
import { symmetricEigen } from './symmetric-eigen.ts';

/** How many components {@link principalComponents} keeps; give at most one of the two. */
export interface PrincipalComponentsOptions {
  /** Keeps the fewest components that explain more than this share of the variance, above 0; 1 keeps all. @default 0.65 */
  explained?: number | undefined;
  /** Keeps this many components, at most as many as there are columns. @default undefined */
  components?: number | undefined;
}

/** {@link PrincipalComponents} as JSON. */
export interface PrincipalComponentsState {
  /** What the state is of. */
  readonly kind: 'principal-components';
  /** The version of its layout. */
  readonly version: 1;
  /** Rows that it was fitted on. */
  readonly n: number;
  /** Rows that were left out of the fit. */
  readonly dropped: number;
  /** Mean of each column. */
  readonly means: readonly number[];
  /** Standard deviation of each column, 1 for a constant one. */
  readonly scales: readonly number[];
  /** Variance along every direction, descending. */
  readonly variances: readonly number[];
  /** The unit vectors that were kept, in standardised columns. */
  readonly components: readonly (readonly number[])[];
}

/**
 * Fits principal components to the rows of a reference, to see later whether rows still keep to its correlations: {@link PrincipalComponents.reconstructionErrors}
 * (NannyML's multivariate drift).
 *
 * Columns are standardised by their mean and standard deviation over n; a constant column is only centred, so that any other value in it counts in full. The components
 * are the eigenvectors of the correlation matrix with the largest eigenvalues (Pearson 1901), each with its largest entry positive.
 *
 * Rows with a number that is NaN, infinite or missing are left out and counted. Where nothing varies, or there is no row, no component is kept and every row is reconstructed
 * as the mean. O(n·width² + width³). Throws `ValidationError` for rows of different widths and options out of range.
 *
 * @example
 * ```ts
 * import { principalComponents } from 'modelkeep/stats';
 *
 * const reference = [[1, 2.1], [2, 3.9], [3, 6.2], [4, 7.8], [5, 10.1]];
 * const fitted = principalComponents(reference);
 * const [usual, broken] = fitted.reconstructionErrors([[2.5, 5], [5, 2]]);
 * console.log(fitted.count, usual, broken); // 1 component; the second row's error is large
 * ```
 */
export function principalComponents(rows: Rows, options: PrincipalComponentsOptions = {}): PrincipalComponents {
  const { components } = demandOptions(options);
  if (components !== undefined && options.explained !== undefined) {
    throw new ValidationError('Both explained and components are given; give the one that shall decide how many components are kept.', { path: 'components' });
  }
  const { explained = 0.65 } = options;
  demandShare('explained', explained);
  if (components !== undefined) demandWhole('components', components, 1);
  const all = rowMajor('rows', rows);
  const kept = finiteRows(all);
  const width = all.width;
  const { means, scales } = columnScales(all, kept);
  const { values, vectors } = symmetricEigen(correlation(all, kept, means, scales), width);
  const variances = Array.from(values, (value) => Math.max(0, value));
  const count = components === undefined ? countExplaining(variances, explained) : Math.min(components, countExplaining(variances, 1));
  return PrincipalComponents.fromJSON({
    kind: 'principal-components',
    version: 1,
    n: kept.length,
    dropped: all.count - kept.length,
    means,
    scales,
    variances,
    components: Array.from({ length: count }, (_, i) => upright(vectors.subarray(i * width, (i + 1) * width))),
  });
}

/**
 * Principal components of a reference, made by {@link principalComponents}; can be stored as JSON and goes on as if never stored.
 *
 * @example
 * ```ts
 * import { PrincipalComponents, principalComponents } from 'modelkeep/stats';
 *
 * const fitted = principalComponents([[1, 2], [2, 4.1], [3, 5.9], [4, 8.2]]);
 * const restored = PrincipalComponents.fromJSON(JSON.parse(JSON.stringify(fitted)));
 * console.log(restored.reconstructionErrors([[2, 4], [2, -4]])); // small, then large
 * ```
 */
export class PrincipalComponents {
  readonly #state: PrincipalComponentsState;
  readonly #means: Float64Array;
  readonly #scales: Float64Array;
  readonly #vectors: Float64Array;

  private constructor(state: PrincipalComponentsState) {
    this.#state = state;
    this.#means = Float64Array.from(state.means);
    this.#scales = Float64Array.from(state.scales);
    this.#vectors = Float64Array.from(state.components.flat());
  }

  /** From what {@link PrincipalComponents.toJSON} gave; throws `ValidationError` that names the first field that cannot be. */
  static fromJSON(state: unknown): PrincipalComponents {
    return new PrincipalComponents(checkedState(state));
  }

  /** The whole state as plain JSON. */
  toJSON(): PrincipalComponentsState {
    return structuredClone(this.#state);
  }

  /** How many components are kept. */
  get count(): number {
    return this.#state.components.length;
  }

  /** How many numbers a row has. */
  get width(): number {
    return this.#means.length;
  }

  /** How many rows of the reference were fitted. */
  get n(): number {
    return this.#state.n;
  }

  /** How many rows of the reference were left out. */
  get dropped(): number {
    return this.#state.dropped;
  }

  /** The share of the variance that the components explain, 0 to 1; 0 where nothing varies. */
  get explained(): number {
    const total = this.#state.variances.reduce((sum, value) => sum + value, 0);
    if (total === 0) return 0;
    const kept = this.#state.variances.slice(0, this.count).reduce((sum, value) => sum + value, 0);
    return Math.min(1, kept / total);
  }

  /**
   * ‖z - ẑ‖₂ for each row: how far the standardised row z is from its projection ẑ on the components. NaN for a row with a number that is NaN, infinite or missing.
   * O(rows·width·components). Throws `ValidationError` for rows of another width.
   */
  reconstructionErrors(rows: Rows): Float64Array {
    const all = this.#checkedRows(rows);
    const errors = new Float64Array(all.count).fill(NaN);
    const rest = new Float64Array(this.width);
    for (const r of finiteRows(all)) {
      this.#standardise(all.values, r, rest);
      for (let c = 0; c < this.count; c++) {
        const score = this.#along(rest, c);
        for (let k = 0; k < rest.length; k++) rest[k]! -= score * this.#vectors[c * rest.length + k]!;
      }
      errors[r] = norm(rest);
    }
    return errors;
  }

  /** The coordinates of each row along the components, `count` numbers for each row, one row after the other; NaN for a row that is not all finite. */
  scores(rows: Rows): Float64Array {
    const all = this.#checkedRows(rows);
    const scores = new Float64Array(all.count * this.count).fill(NaN);
    const z = new Float64Array(this.width);
    for (const r of finiteRows(all)) {
      this.#standardise(all.values, r, z);
      for (let c = 0; c < this.count; c++) scores[r * this.count + c] = this.#along(z, c);
    }
    return scores;
  }

  #checkedRows(rows: Rows): RowMajor {
    const all = rowMajor('rows', rows);
    if (all.count > 0 && all.width !== this.width) {
      throw new ValidationError(`rows have ${all.width} numbers each and the components were fitted on ${this.width}; give the same columns.`, { path: 'rows' });
    }
    return all;
  }

  #standardise(values: Float64Array, row: number, into: Float64Array): void {
    for (let k = 0; k < into.length; k++) into[k] = (values[row * into.length + k]! - this.#means[k]!) / this.#scales[k]!;
  }

  #along(z: Float64Array, component: number): number {
    let sum = 0;
    for (let k = 0; k < z.length; k++) sum += z[k]! * this.#vectors[component * z.length + k]!;
    return sum;
  }
}

/** Euclidean length; Infinity where the numbers have run out of range. */
function norm(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return Number.isNaN(sum) ? Infinity : Math.sqrt(sum);
}

/** Mean and standard deviation per column, taken in units of the largest value so that no square leaves the range of doubles. */
function columnScales({ values, width }: RowMajor, rows: Uint32Array): { means: number[]; scales: number[] } {
  const means = new Array<number>(width).fill(0);
  const scales = new Array<number>(width).fill(1);
  for (let k = 0; k < width && rows.length > 0; k++) {
    let low = Infinity;
    let high = -Infinity;
    for (const r of rows) {
      const value = values[r * width + k]!;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    // Adding 0 makes -0 the 0 that JSON would make of it.
    means[k] = low + 0;
    if (low === high) continue;
    const unit = Math.max(-low, high);
    let sum = 0;
    for (const r of rows) sum += values[r * width + k]! / unit;
    const mean = sum / rows.length;
    let squares = 0;
    for (const r of rows) squares += (values[r * width + k]! / unit - mean) ** 2;
    means[k] = mean * unit;
    // A spread below the smallest double is none.
    scales[k] = Math.sqrt(squares / rows.length) * unit || 1;
  }
  return { means, scales };
}

function correlation({ values, width }: RowMajor, rows: Uint32Array, means: readonly number[], scales: readonly number[]): Float64Array {
  const matrix = new Float64Array(width * width);
  const z = new Float64Array(width);
  for (const r of rows) {
    for (let k = 0; k < width; k++) {
      const scale = scales[k]!;
      z[k] = values[r * width + k]! / scale - means[k]! / scale;
    }
    for (let k = 0; k < width; k++) {
      const own = z[k]!;
      for (let l = 0, at = k * width; l <= k; l++, at++) matrix[at]! += own * z[l]!;
    }
  }
  for (let k = 0; k < width; k++) {
    for (let l = 0; l <= k; l++) {
      matrix[k * width + l]! /= rows.length;
      matrix[l * width + k] = matrix[k * width + l]!;
    }
  }
  return matrix.map((value) => (Number.isFinite(value) ? value : 0));
}

/** The fewest leading variances that explain more than a share of their sum; all that are above rounding errors where none do. */
function countExplaining(variances: readonly number[], share: number): number {
  const total = variances.reduce((sum, value) => sum + value, 0);
  let sum = 0;
  let count = 0;
  while (count < variances.length && variances[count]! > variances[0]! * 1e-14 && sum <= share * total) sum += variances[count++]!;
  return count;
}

/** With its largest entry positive. */
function upright(vector: Float64Array): number[] {
  let largest = 0;
  for (const value of vector) if (Math.abs(value) > Math.abs(largest)) largest = value;
  return Array.from(vector, (value) => (largest < 0 ? -value : value) + 0);
}

function checkedState(state: unknown): PrincipalComponentsState {
  const reader = new StateReader(state, 'principal-components');
  const n = reader.whole('n');
  const dropped = reader.whole('dropped');
  const means = reader.numbers('means', 0, Infinity);
  const width = means.length;
  const scales = reader.numbers('scales', width, width, Number.MIN_VALUE);
  const variances = reader.numbers('variances', width, width, 0);
  const components = reader.list('components', width).map((row, i) => reader.numbersOf(`components[${i}]`, row, width, width));
  return { kind: 'principal-components', version: 1, n, dropped, means, scales, variances, components };
}
