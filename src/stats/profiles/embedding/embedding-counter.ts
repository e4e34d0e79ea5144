import { embeddingSize, valueAt, type Column } from '../../../core/column.ts';
import { DistinctCounter } from '../distinct-values.ts';
import { freezeGrid, GridCounter } from '../grid-counts.ts';
import { RowTally } from '../row-tally.ts';
import type { EmbeddingProfile } from './embedding-profile.ts';
import { areEmbeddings, Projector, projectionCount, projectionSeed, vectorSize } from './projections.ts';

const fineBins = 50;
/** Vectors, in even steps, that the bins of a reference are frozen from; which bins they are does not matter to the test. */
const sampledVectors = 50_000;
/** The largest component of a reference comes to about this much in a sum; a hundred million vectors stay exact, and components 64 times as large. */
const largestBits = 20;
const largestSummand = 2 ** 26;

/** Counts vectors as they come, in the bins of their reference. */
export class EmbeddingCounter {
  readonly #reference: EmbeddingProfile;
  readonly #tally = new RowTally();
  readonly #projector: Projector;
  readonly #grids: readonly GridCounter[];
  readonly #sums: Float64Array;
  readonly #distinct = new DistinctCounter();

  constructor(reference: EmbeddingProfile) {
    this.#reference = reference;
    this.#projector = new Projector(reference.size, reference.seed);
    this.#grids = [reference.norms, ...reference.projections].map((grid) => new GridCounter(grid));
    this.#sums = new Float64Array(reference.size);
  }

  /** Counts one row. */
  observe(value: unknown): void {
    if (!this.#tally.sees(value, 1)) return;
    const kind = this.#projector.read(value);
    if (kind !== 'vector') {
      this.#tally[kind]++;
      return;
    }
    const { vector, places } = this.#projector;
    for (let i = 0; i < places.length; i++) this.#grids[i]!.add(places[i]!, 1);
    addScaled(vector, this.#reference.scale, places[0]!, this.#sums);
    // Vectors of one norm and one projection are as good as equal.
    this.#distinct.add(places[0]! * Math.PI + places[1]!);
  }

  /** What was counted since the last take, and starts anew. */
  take(): EmbeddingProfile {
    const [norms, ...projections] = this.#grids.map((grid) => grid.take());
    const taken = { ...this.#reference, ...this.#tally.take(), sums: Array.from(this.#sums, (sum) => sum + 0), norms: norms!, projections, ...this.#distinct.take() };
    this.#sums.fill(0);
    return taken;
  }
}

/** Adds each component times `scale`, rounded, to its sum. */
function addScaled(vector: Float32Array, scale: number, norm: number, sums: Float64Array): void {
  // No component is larger than the norm.
  if (norm * scale <= largestSummand) for (let k = 0; k < vector.length; k++) sums[k]! += Math.round(vector[k]! * scale);
  else for (let k = 0; k < vector.length; k++) sums[k]! += Math.max(-largestSummand, Math.min(largestSummand, Math.round(vector[k]! * scale)));
}

/** The profile of a reference: bins frozen from its norms and projections. */
export function embeddingReference(name: string, column: Column): EmbeddingProfile {
  const values = Array.from(column.values, (_, i) => valueAt(column, i));
  const size = embeddingSize(column.type) ?? vectorSize(values);
  const step = Math.ceil(values.length / sampledVectors) || 1;
  const projector = new Projector(size, projectionSeed);
  const sample = Array.from({ length: projectionCount + 1 }, () => new Float64Array(Math.ceil(values.length / step)));
  let vectors = 0;
  let largest = 0;
  for (let i = 0; i < values.length; i += step) {
    if (projector.read(values[i]) !== 'vector') continue;
    sample.forEach((places, p) => (places[vectors] = projector.places[p]!));
    for (const component of projector.vector) largest = Math.max(largest, Math.abs(component));
    vectors++;
  }
  const [norms, ...projections] = sample.map((places) => freezeGrid(places.subarray(0, vectors), fineBins));
  const none = { rows: 0, missing: 0, nan: 0, infinite: 0, mistyped: 0, distinct: 0, registers: [], sums: [] };
  return countEmbeddings({ name, kind: 'embedding', ...none, size, seed: projectionSeed, scale: scaleFor(largest), norms: norms!, projections }, column);
}

function scaleFor(largest: number): number {
  return largest === 0 ? 1 : 2 ** (largestBits - Math.ceil(Math.log2(largest)));
}

/** The vectors of a column in the bins of their reference. */
export function countEmbeddings(reference: EmbeddingProfile, column: Column): EmbeddingProfile {
  const counter = new EmbeddingCounter(reference);
  for (let i = 0; i < column.values.length; i++) counter.observe(valueAt(column, i));
  return counter.take();
}

/** Whether a column is of vectors, by its type, or by what is in it. */
export function isEmbedding(column: Column): boolean {
  return embeddingSize(column.type) !== undefined || (column.type === 'json' && areEmbeddings(column.values));
}
