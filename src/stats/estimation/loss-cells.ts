import { normal } from '../distributions/normal.ts';
import type { StateReader } from '../state-reader.ts';
import { unknownMetric, type EstimatedMetric } from './estimated-metric.ts';
import { ScoreCells, type ScoreCellsState } from './score-cells.ts';

/** Losses of a reference by bins of what was expected of them, as plain JSON. */
export interface LossCellsState extends ScoreCellsState {
  /** Rows of the reference by bin of their score. */
  readonly rows: readonly number[];
  /** The mean of their absolute errors, and of their squared ones. */
  readonly means: readonly [absolute: readonly number[], squared: readonly number[]];
  /** The variance of their absolute errors (with n - 1), and of their squared ones. */
  readonly variances: readonly [absolute: readonly number[], squared: readonly number[]];
}

/** With fewer rows no bin of scores stands for itself. */
const leastRows = 20;

/** Losses of rows that trees were not grown with, by bins of the score that the trees give. */
export class LossCells {
  readonly scores: ScoreCells;
  readonly #state: LossCellsState;

  constructor(state: LossCellsState) {
    this.scores = new ScoreCells(state);
    this.#state = state;
  }

  /** Bins of about equal counts, of at least twenty rows each, unless there are fewer at all. */
  static of(scores: Float64Array, errors: Float64Array, bins: number): LossCells {
    const order = [...scores.keys()].sort((a, b) => scores[a]! - scores[b]!);
    const size = Math.max(leastRows, Math.ceil(order.length / bins));
    const starts = [0];
    for (let i = 1; i + leastRows <= order.length; i++) {
      if (i - starts.at(-1)! >= size && scores[order[i]!]! > scores[order[i - 1]!]!) starts.push(i);
    }
    const of = starts.map((start, bin) => momentsOf(order.slice(start, starts[bin + 1]).map((row) => Math.abs(errors[row]!))));
    return new LossCells({
      low: scores[order[0]!]! + 0,
      high: scores[order.at(-1)!]! + 0,
      edges: starts.slice(1).map((start) => scores[order[start]!]! + 0),
      rows: of.map(({ n }) => n),
      means: [of.map(({ means }) => means[0]), of.map(({ means }) => means[1])],
      variances: [of.map(({ variances }) => variances[0]), of.map(({ variances }) => variances[1])],
    });
  }

  static read(reader: StateReader): LossCells {
    const { low, high, edges } = ScoreCells.read(reader).toJSON();
    const size = edges.length + 1;
    const pair = (name: string): [number[], number[]] => {
      const list = reader.list(name, 2);
      if (list.length !== 2) reader.refuse(name, 'must be two lists', null);
      return [0, 1].map((i) => reader.numbersOf(`${name}[${i}]`, list[i], size, size, 0)) as [number[], number[]];
    };
    return new LossCells({ low, high, edges, rows: [...reader.counts('rows', size, size)], means: pair('means'), variances: pair('variances') });
  }

  /** How many bins there are. */
  get size(): number {
    return this.#state.rows.length;
  }

  /** The bin of a score; beyond the reference that of the nearest. */
  binOf(score: number): number {
    return Math.min(this.size, Math.max(1, this.scores.binOf(score))) - 1;
  }

  /**
   * The mean loss of so many rows in each bin, with an interval for what labels would show: the mean of independent rows varies by their own losses and by those of the reference's that it is estimated from; where the rows lie otherwise than the reference's, their place in a bin is not known.
   */
  estimate(counts: Float64Array, confidence: number): { mae: EstimatedMetric; mse: EstimatedMetric; rmse: EstimatedMetric } {
    const mse = this.#mean(1, counts, confidence);
    const root = (value: number | null): number | null => (value === null ? null : Math.sqrt(value));
    return { mae: this.#mean(0, counts, confidence), mse, rmse: { value: root(mse.value), low: root(mse.low), high: root(mse.high) } };
  }

  #mean(loss: 0 | 1, counts: Float64Array, confidence: number): EstimatedMetric {
    const { rows, means, variances } = this.#state;
    const n = counts.reduce((sum, count) => sum + count, 0);
    if (n === 0) return unknownMetric;
    let value = 0;
    let variance = 0;
    counts.forEach((count, bin) => {
      const share = count / n;
      value += share * means[loss][bin]!;
      variance += variances[loss][bin]! * (share / n + share ** 2 / Math.max(1, rows[bin]!));
    });
    const reach = normal.quantile((1 + confidence) / 2) * Math.sqrt(variance) + this.#shift(loss, counts, n);
    return { value, low: Math.max(0, value - reach), high: value + reach };
  }

  /** Where a bin has more of the rows than it had of the reference's, they may lie anywhere in it: the mean loss there may be off by half of the step to the next bin. */
  #shift(loss: 0 | 1, counts: Float64Array, n: number): number {
    const { rows, means } = this.#state;
    const all = rows.reduce((sum, count) => sum + count, 0);
    const of = means[loss];
    return counts.reduce((sum, count, bin) => {
      const steps = [bin - 1, bin + 1].filter((next) => next >= 0 && next < of.length).map((next) => Math.abs(of[bin]! - of[next]!));
      return sum + (Math.max(0, count / n - rows[bin]! / all) * Math.max(0, ...steps)) / 2;
    }, 0);
  }

  toJSON(): LossCellsState {
    return this.#state;
  }
}

function momentsOf(errors: readonly number[]): { n: number; means: [number, number]; variances: [number, number] } {
  const n = errors.length;
  const both = [errors, errors.map((error) => error ** 2)].map((losses) => {
    const mean = losses.reduce((sum, loss) => sum + loss / n, 0);
    return { mean, variance: n > 1 ? losses.reduce((sum, loss) => sum + (loss - mean) ** 2, 0) / (n - 1) : 0 };
  });
  return { n, means: [both[0]!.mean, both[1]!.mean], variances: [both[0]!.variance, both[1]!.variance] };
}
