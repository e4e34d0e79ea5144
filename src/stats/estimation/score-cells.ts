import { binOf } from '../samples/count-in-bins.ts';
import { finitePart } from '../samples/finite-part.ts';
import { edgesOfSorted } from '../samples/quantile-edges.ts';
import { sortDoubles } from '../samples/sort-doubles.ts';
import type { StateReader } from '../state-reader.ts';

/** Bins of scores as plain JSON. */
export interface ScoreCellsState {
  /** The least score of the reference. */
  readonly low: number;
  /** The largest. */
  readonly high: number;
  /** Where one bin ends and the next begins, ascending. */
  readonly edges: readonly number[];
}

/**
 * Bins of about equal counts of a reference's scores, or one for each of few different ones, with one below and one above all of them for scores that the reference has not.
 */
export class ScoreCells {
  readonly low: number;
  readonly high: number;
  readonly edges: Float64Array;
  /** How many bins there are, the two outer ones included. */
  readonly size: number;

  constructor({ low, high, edges }: ScoreCellsState) {
    this.low = low;
    this.high = high;
    this.edges = Float64Array.from(edges);
    this.size = edges.length + 3;
  }

  /** Bins for finite scores of which there is at least one. */
  static of(scores: Float64Array, bins: number): ScoreCells {
    const sorted = finitePart(sortDoubles(Float64Array.from(scores)));
    const distinct: number[] = [];
    for (let i = 0; i < sorted.length && distinct.length <= bins; i++) if (i === 0 || sorted[i] !== sorted[i - 1]) distinct.push(sorted[i]! + 0);
    const edges = distinct.length <= bins ? distinct.slice(1) : [...edgesOfSorted(sorted, bins)];
    return new ScoreCells({ low: sorted[0]! + 0, high: sorted[sorted.length - 1]! + 0, edges });
  }

  static read(state: StateReader): ScoreCells {
    const [low, high, edges] = [state.number('low'), state.number('high'), state.numbers('edges', 0, 60_000)];
    edges.forEach((edge, i) => i > 0 && edge <= edges[i - 1]! && state.refuse(`edges[${i}]`, 'must be above the one before', edge));
    return new ScoreCells({ low, high, edges });
  }

  /** The bin of a score that is a number. */
  binOf(score: number): number {
    if (score < this.low) return 0;
    return score > this.high ? this.size - 1 : 1 + binOf(this.edges, score);
  }

  toJSON(): ScoreCellsState {
    return { low: this.low, high: this.high, edges: [...this.edges] };
  }
}
