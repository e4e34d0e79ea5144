import { ValidationError } from '../../core/errors.ts';
import { demandList } from '../arguments.ts';

/** A class: what was observed or predicted. `true` and 1 are the same class, and so are `false` and 0; NaN, `null`, `undefined` and whatever else there is are no class. */
export type Label = number | string | boolean;

/** What a class is looked up by; `undefined` for what is no class. */
export function labelKey(label: Label | null | undefined): number | string | undefined {
  if (typeof label === 'boolean') return label ? 1 : 0;
  return typeof label === 'string' || (typeof label === 'number' && !Number.isNaN(label)) ? label : undefined;
}

/** Numbers ascending, then texts by their code units. */
export function compareLabels(a: Label, b: Label): number {
  if (typeof a === 'string') return typeof b === 'string' ? (a < b ? -1 : a > b ? 1 : 0) : 1;
  return typeof b === 'string' ? -1 : Number(a) - Number(b);
}

/**
 * 1 for the positive class, 0 for any other, -1 for what is no class. Without a `positive` the class is 1 or `true` and the others may only be 0, `false` or
 * -1: counting the classes of another alphabet against a 1 that it need not have would give numbers that look right.
 */
export function positiveFlags(name: string, labels: ArrayLike<Label>, positive: Label | undefined): Int8Array {
  const wanted = positive === undefined ? 1 : labelKey(positive);
  if (wanted === undefined) throw new ValidationError('positive is no class; name the label that counts as positive.', { path: 'positive' });
  demandList(name, labels);
  const flags = new Int8Array(labels.length);
  for (let i = 0; i < flags.length; i++) {
    const key = labelKey(labels[i]);
    if (key === wanted) flags[i] = 1;
    else if (key === undefined) flags[i] = -1;
    else if (positive === undefined && key !== 0 && key !== -1) {
      throw new ValidationError(
        `${name}[${i}] is ${JSON.stringify(key)}, and only 0, 1, -1 and booleans are known to be binary; ` +
          'say which label is `positive` (or choose an average over the classes, where there is one).',
        { path: `${name}[${i}]` },
      );
    }
  }
  return flags;
}
