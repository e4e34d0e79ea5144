import { demandSameLength } from '../arguments.ts';
import { scaleFor } from '../samples/sample-moments.ts';
import { demandWeights } from './weights.ts';

/**
 * The weighted mean of what each pair of finite numbers costs; pairs with a NaN, `null` or ±Infinity are left out. NaN when none is left or all weigh nothing.
 * A pair that weighs nothing has no say.
 */
export function meanLoss(
  labels: ArrayLike<number>,
  predictions: ArrayLike<number>,
  weights: ArrayLike<number> | undefined,
  loss: (label: number, prediction: number) => number,
): number {
  demandSameLength('labels', labels, 'predictions', predictions);
  demandWeights(weights, 'labels', labels);
  let sum = 0;
  let total = 0;
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!;
    const prediction = predictions[i]!;
    const weight = weights === undefined ? 1 : weights[i]!;
    if (weight === 0 || !Number.isFinite(label) || !Number.isFinite(prediction)) continue;
    sum += weight * loss(label, prediction);
    total += weight;
  }
  return sum / total;
}

/**
 * {@link meanLoss} of a loss of the errors, label less `other`, each times a power of two that keeps the squares of the largest in the range of doubles; 1 where they are.
 */
export function scaledLoss(
  labels: ArrayLike<number>,
  predictions: ArrayLike<number>,
  weights: ArrayLike<number> | undefined,
  other: (prediction: number) => number,
  loss: (error: number) => number,
): { mean: number; scale: number } {
  let largest = 0;
  // Halves, whose difference cannot overflow.
  meanLoss(labels, predictions, weights, (label, prediction) => (largest = Math.max(largest, Math.abs(label / 2 - other(prediction) / 2))));
  const scale = scaleFor(largest);
  const error = scale < 1 ? (label: number, prediction: number): number => label * scale - other(prediction) * scale : (label: number, prediction: number): number => (label - other(prediction)) * scale;
  return { mean: meanLoss(labels, predictions, weights, (label, prediction) => loss(error(label, prediction))), scale };
}

/** The absolute errors of the pairs of finite numbers, and where they are weighted what each weighs. */
export function absoluteErrors(
  labels: ArrayLike<number>,
  predictions: ArrayLike<number>,
  weights?: ArrayLike<number>,
): { errors: Float64Array; masses: Float64Array | undefined } {
  demandSameLength('labels', labels, 'predictions', predictions);
  demandWeights(weights, 'labels', labels);
  const errors = new Float64Array(labels.length);
  const masses = weights === undefined ? undefined : new Float64Array(labels.length);
  let n = 0;
  for (let i = 0; i < labels.length; i++) {
    if (weights?.[i] === 0 || !Number.isFinite(labels[i]) || !Number.isFinite(predictions[i])) continue;
    if (masses !== undefined) masses[n] = weights![i]!;
    errors[n++] = Math.abs(labels[i]! - predictions[i]!);
  }
  return { errors: errors.subarray(0, n), masses: masses?.subarray(0, n) };
}
