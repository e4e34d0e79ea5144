import { demandSameLength } from '../arguments.ts';
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
