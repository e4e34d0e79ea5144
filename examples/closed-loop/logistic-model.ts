import type { ModelSignature } from 'modelkeep';

/** What is known of a flight when it is asked about: the plan, and the state of its airport. A missing feature is null. */
export interface FlightRow {
  readonly [column: string]: number | null;
  readonly distance: number;
  readonly hour: number;
  readonly delay_mean_1h: number | null;
  readonly delay_mean_6h: number | null;
  readonly delay_mean_1d: number | null;
  readonly flights_1d: number | null;
  readonly late_1d: number | null;
}

/** What the model says: the chance that the flight arrives more than 15 minutes late. */
export interface Forecast {
  readonly score: number;
}

/** The columns of a request, in the order in which reports show them. */
export const requestColumns = ['distance', 'hour', 'delay_mean_1h', 'delay_mean_6h', 'delay_mean_1d', 'flights_1d', 'late_1d'] as const;

/** What every version takes and gives. */
export const signature: ModelSignature = {
  input: { type: 'row', columns: requestColumns.map((name) => ({ name, type: 'float64', nullable: name !== 'distance' && name !== 'hour' })) },
  output: { type: 'row', columns: [{ name: 'score', type: 'float64', minimum: 0, maximum: 1 }] },
};

/** Which inputs a model looks at: the state of its airport over the last day, or that and how the last hours went. */
export type ModelKind = 'daily' | 'recent';

/** A logistic regression, as its file keeps it. */
export interface LogisticModel {
  readonly kind: ModelKind;
  /** The intercept, and one weight per input. */
  readonly weights: readonly number[];
}

/** The inputs of a row: an intercept, and numbers of a size near one. */
function inputsOf(kind: ModelKind, row: FlightRow): number[] {
  const angle = (row.hour / 24) * 2 * Math.PI;
  const lateShare = ((row.late_1d ?? 0) + 1) / ((row.flights_1d ?? 0) + 5);
  const daily = [1, Math.sin(angle), Math.cos(angle), Math.log1p(row.distance) - 6, bounded(row.delay_mean_1d), 4 * lateShare - 0.8];
  return kind === 'daily' ? daily : [...daily, bounded(row.delay_mean_1h), bounded(row.delay_mean_6h)];
}

/** The chance of a delay. */
export function forecast({ kind, weights }: LogisticModel, row: FlightRow): number {
  const inputs = inputsOf(kind, row);
  let sum = 0;
  for (let i = 0; i < weights.length; i++) sum += weights[i]! * inputs[i]!;
  return 1 / (1 + Math.exp(-sum));
}

const rounds = 12;
const ridge = 1;

/** The weights that make the labels likeliest, by Newton's method; `onRound` is told of the mean negative log-likelihood before each round. The same data give the same weights. */
export function fitLogistic(kind: ModelKind, rows: readonly FlightRow[], labels: ArrayLike<number>, onRound: (round: number, logLoss: number) => void): LogisticModel {
  const inputs = rows.map((row) => inputsOf(kind, row));
  const width = inputs[0]!.length;
  let weights = new Array<number>(width).fill(0);
  for (let round = 0; round < rounds; round++) {
    const gradient = weights.map((weight) => -ridge * weight);
    const curvature = weights.map((_, i) => weights.map((_, j) => (i === j ? ridge : 0)));
    let loss = 0;
    inputs.forEach((input, row) => {
      const p = 1 / (1 + Math.exp(-dot(weights, input)));
      const label = labels[row]!;
      loss -= Math.log(label === 1 ? p : 1 - p);
      for (let i = 0; i < width; i++) {
        gradient[i]! += (label - p) * input[i]!;
        for (let j = 0; j <= i; j++) curvature[i]![j]! += p * (1 - p) * input[i]! * input[j]!;
      }
    });
    onRound(round, loss / inputs.length);
    const step = solveSymmetric(curvature, gradient);
    weights = weights.map((weight, i) => weight + step[i]!);
    if (Math.max(...step.map(Math.abs)) < 1e-9) break;
  }
  return { kind, weights };
}

/** Minutes of delay as about -1 to 4: a mean over few flights may be anything. */
function bounded(minutes: number | null): number {
  return Math.min(60, Math.max(-15, minutes ?? 0)) / 15;
}

function dot(a: readonly number[], b: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** Solves `lower x = right` for a symmetric positive definite matrix of which the lower half is given, by Cholesky's decomposition. */
function solveSymmetric(lower: readonly number[][], right: readonly number[]): number[] {
  const size = right.length;
  const root = lower.map((row) => [...row]);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = lower[i]![j]!;
      for (let k = 0; k < j; k++) sum -= root[i]![k]! * root[j]![k]!;
      root[i]![j] = i === j ? Math.sqrt(sum) : sum / root[j]![j]!;
    }
  }
  const half: number[] = [];
  for (let i = 0; i < size; i++) half.push((right[i]! - dot(root[i]!.slice(0, i), half)) / root[i]![i]!);
  const solution = new Array<number>(size).fill(0);
  for (let i = size - 1; i >= 0; i--) {
    let sum = half[i]!;
    for (let k = i + 1; k < size; k++) sum -= root[k]![i]! * solution[k]!;
    solution[i] = sum / root[i]![i]!;
  }
  return solution;
}
