import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { demandSameLength } from '../arguments.ts';

/** How much each row counts. */
export interface WeightOptions {
  /** What each row counts, finite and not negative. @default 1 each */
  weights?: ArrayLike<number> | undefined;
}

/** Throws `ValidationError` unless there is one finite weight of at least 0 for each row. */
export function demandWeights(weights: ArrayLike<number> | undefined, name: string, rows: ArrayLike<unknown>): void {
  if (weights === undefined) return;
  demandSameLength(name, rows, 'weights', weights);
  for (let i = 0; i < weights.length; i++) {
    const weight = weights[i]!;
    if (!(typeof weight === 'number' && weight >= 0 && weight < Infinity)) throw new ValidationError(`weights[${i}] is ${shown(weight, 60)}; a weight is finite and not negative.`, { path: `weights[${i}]` });
  }
}
