import { labelKey, type Label } from '../../stats/metrics/label.ts';
import { ValueHasher } from '../../stats/sketches/hash-value.ts';

/** How predictions and labels are kept: as the numbers that they are, or as classes of which only the sameness counts. */
export type LabelEncoding = 'number' | 'class';

const hasher = /* @__PURE__ */ new ValueHasher();

/** A prediction or label as one number; NaN for what is none of its kind. Of a class it is 53 bits of a hash: equal where the classes are, and for no others that anybody will meet. */
export function labelValue(value: unknown, encoding: LabelEncoding): number {
  if (encoding === 'number') return typeof value === 'boolean' ? Number(value) : typeof value === 'number' ? value : NaN;
  const key = labelKey(value as Label | null | undefined);
  if (key === undefined) return NaN;
  hasher.hash(key);
  return (hasher.high & 0x1fffff) * 2 ** 32 + (hasher.low >>> 0);
}
