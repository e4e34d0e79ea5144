/** The columns that a model sees, in their order: what the feature store gives, and what is known of the request itself. */
export const modelColumns = ['delay_mean_1h', 'delay_mean_6h', 'delay_mean_1d', 'flights_1h', 'late_1d', 'flights_1d', 'log_distance', 'hour_sin', 'hour_cos'] as const;

/** Inputs as one flat row-major matrix. */
export interface Matrix {
  values: Float32Array;
  rows: number;
}

/** What is known when a flight is asked about: its request, and the features of its origin. */
export interface RequestColumns {
  departure: ArrayLike<number>;
  distance: ArrayLike<number>;
  features: Readonly<Record<string, ArrayLike<unknown>>>;
}

/** The matrix of `modelColumns` for each request; an origin without recent flights counts as one without delays. The same code for training and serving. */
export function modelInputs({ departure, distance, features }: RequestColumns): Matrix {
  const rows = departure.length;
  const width = modelColumns.length;
  const values = new Float32Array(rows * width);
  const known = modelColumns.slice(0, 6).map((name) => features[name]!);
  for (let row = 0; row < rows; row++) {
    const at = row * width;
    known.forEach((column, i) => (values[at + i] = (column[row] as number | null) ?? 0));
    const angle = (hourOf(departure[row]!) / 24) * 2 * Math.PI;
    values[at + 6] = Math.log1p(distance[row]!);
    values[at + 7] = Math.sin(angle);
    values[at + 8] = Math.cos(angle);
  }
  return { values, rows };
}

/** Hour of the day with its fraction, 0 to 24. */
export function hourOf(time: number): number {
  return (time % 86_400_000) / 3_600_000;
}

/** Mean and standard deviation of each column, learnt on the training data and kept with the model. */
export interface Scaling {
  mean: number[];
  deviation: number[];
}

/** Learns the scaling of a matrix. */
export function learnScaling({ values, rows }: Matrix): Scaling {
  const width = modelColumns.length;
  const mean = modelColumns.map((_, column) => average(rows, (row) => values[row * width + column]!));
  const deviation = mean.map((center, column) => Math.sqrt(average(rows, (row) => (values[row * width + column]! - center) ** 2)) || 1);
  return { mean, deviation };
}

/** The matrix with every column brought to mean 0 and deviation 1. */
export function scale({ values, rows }: Matrix, { mean, deviation }: Scaling): Matrix {
  const width = modelColumns.length;
  return { rows, values: values.map((value, i) => (value - mean[i % width]!) / deviation[i % width]!) };
}

function average(count: number, valueOf: (row: number) => number): number {
  let sum = 0;
  for (let row = 0; row < count; row++) sum += valueOf(row);
  return sum / count;
}
