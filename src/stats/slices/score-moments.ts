import type { SampleMoments } from '../samples/sample-moments.ts';

/** Count, sum and sum of squares of scores about their common mean, which can be added up and taken off. */
export interface ScoreMoments {
  readonly n: number;
  readonly sum: number;
  readonly squares: number;
}

/** The rows that are in `all` and not in its part. */
export function without(all: ScoreMoments, part: ScoreMoments): ScoreMoments {
  return { n: all.n - part.n, sum: all.sum - part.sum, squares: all.squares - part.squares };
}

/** As a test of means takes them. */
export function sampleOf({ n, sum, squares }: ScoreMoments): SampleMoments {
  const mean = sum / n;
  return { n, origin: 0, offset: mean, mean, squares: Math.max(0, squares - mean * sum) };
}

/** Sums by place, one after the other, of rows that are in several slices at once. */
export class MomentsByPlace {
  readonly #n: Float64Array;
  readonly #sums: Float64Array;
  readonly #squares: Float64Array;

  constructor(places: number) {
    this.#n = new Float64Array(places);
    this.#sums = new Float64Array(places);
    this.#squares = new Float64Array(places);
  }

  add(place: number, score: number): void {
    this.#n[place]!++;
    this.#sums[place]! += score;
    this.#squares[place]! += score * score;
  }

  at(place: number): ScoreMoments {
    return { n: this.#n[place]!, sum: this.#sums[place]!, squares: this.#squares[place]! };
  }
}
