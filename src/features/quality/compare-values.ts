import { canonicalJson } from '../../core/codec.ts';
import { embeddingSize, isPresent, valueAt, type Column } from '../../core/column.ts';

/** What was found of two values: whether they are the same, and how far apart they are where that can be said. */
export interface ValueGap {
  readonly same: boolean;
  readonly absolute: number | undefined;
  readonly relative: number | undefined;
  /** `|a - b|` over half of `|a| + |b|`. */
  readonly symmetric: number | undefined;
}

const identical: ValueGap = { same: true, absolute: 0, relative: 0, symmetric: 0 };
const equalWithoutDistance: ValueGap = { same: true, absolute: undefined, relative: undefined, symmetric: undefined };
const different: ValueGap = { ...equalWithoutDistance, same: false };

/**
 * Compares two values of one type that are both there. Numbers are the same when they are at most `tolerance · max(1, |a|, |b|)` apart, NaN is the same as NaN, -0 as 0; embeddings when each component is; timestamps,
 * texts, truth values, bytes and plain data when they are equal.
 */
export function compareValues(a: Column, b: Column, i: number, tolerance: number): ValueGap {
  const [x, y] = [valueAt(a, i), valueAt(b, i)];
  if (typeof x === 'number' && typeof y === 'number') return gapOf(x, y, a.type === 'timestamp' ? 0 : tolerance);
  if (typeof x === 'bigint' && typeof y === 'bigint') return x === y ? identical : { ...gapOf(Number(x), Number(y), tolerance), same: tolerance > 0 && gapOf(Number(x), Number(y), tolerance).same };
  // Of two versions, one may have whole numbers and the other one any.
  if (isNumeric(x) && isNumeric(y)) return gapOf(Number(x), Number(y), tolerance);
  if (embeddingSize(a.type) !== undefined) return vectorGap(x as ArrayLike<number>, y as ArrayLike<number>, tolerance);
  if (x instanceof Uint8Array && y instanceof Uint8Array) return x.length === y.length && x.every((byte, k) => byte === y[k]) ? equalWithoutDistance : different;
  const same = typeof x === 'object' || typeof y === 'object' ? canonicalJson(x) === canonicalJson(y) : x === y;
  return same ? equalWithoutDistance : different;
}

/** Whether two values are the same, both of them missing included. */
export function isSame(a: Column, b: Column, i: number, tolerance: number): boolean {
  const there = isPresent(a, i);
  return there === isPresent(b, i) && (!there || compareValues(a, b, i, tolerance).same);
}

function isNumeric(value: unknown): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

function gapOf(x: number, y: number, tolerance: number): ValueGap {
  if (x === y) return Number.isFinite(x) ? identical : equalWithoutDistance;
  if (Number.isNaN(x) && Number.isNaN(y)) return equalWithoutDistance;
  const absolute = Math.abs(x - y);
  // NaN and the infinite are at no distance from anything.
  if (!Number.isFinite(absolute)) return different;
  const larger = Math.max(Math.abs(x), Math.abs(y));
  return { same: absolute <= tolerance * Math.max(1, larger), absolute, relative: absolute / larger, symmetric: absolute / (Math.abs(x) / 2 + Math.abs(y) / 2) };
}

function vectorGap(x: ArrayLike<number>, y: ArrayLike<number>, tolerance: number): ValueGap {
  // Another version may have vectors of another length.
  if (x.length !== y.length) return different;
  let farthest = identical;
  let same = true;
  for (let k = 0; k < x.length; k++) {
    const gap = gapOf(x[k]!, y[k]!, tolerance);
    same &&= gap.same;
    if (gap.absolute! > farthest.absolute!) farthest = gap;
  }
  return { ...farthest, same };
}
