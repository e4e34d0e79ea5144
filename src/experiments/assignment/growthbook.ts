import type { BucketRange } from './variant-ranges.ts';

/**
 * Where GrowthBook's SDKs put a value for a seed, in [0, 1): version 1 in thousandths, version 2 in ten-thousandths, `undefined` for a version that there is not. FNV-1a over UTF-16 code units, as in its JavaScript SDK. Version 1 makes
 * two tests depend on each other, which is why version 2 came.
 */
export function growthbookHash(seed: string, value: string, version: number): number | undefined {
  if (version === 1) return (fnv1a(value + seed) % 1_000) / 1_000;
  if (version === 2) return (fnv1a(`${fnv1a(seed + value)}`) % 10_000) / 10_000;
  return undefined;
}

/** Whether a unit is in a slice of a namespace, which is what GrowthBook calls a layer. */
export function growthbookNamespace(unit: string, { name, from, to }: { readonly name: string; readonly from: number; readonly to: number }): boolean {
  const bucket = growthbookHash(`__${name}`, unit, 1)!;
  return bucket >= from && bucket < to;
}

/** GrowthBook's stretches of the variants: weights of the wrong number, or whose sum is not about 1, count as equal ones. */
export function growthbookRanges(variants: number, coverage: number, weights?: readonly number[]): BucketRange[] {
  const covered = Math.min(1, Math.max(0, coverage));
  const sum = weights?.reduce((total, weight) => total + weight, 0) ?? 0;
  const shares = weights?.length === variants && isGrowthbookSum(sum) ? weights : equalWeights(variants);
  let start = 0;
  return shares.map((share) => {
    const from = start;
    start += share;
    return [from, from + covered * share];
  });
}

/** Whether GrowthBook takes weights with this sum as they are. */
export function isGrowthbookSum(sum: number): boolean {
  return sum >= 0.99 && sum <= 1.01;
}

/** Equal shares of so many variants. */
function equalWeights(variants: number): number[] {
  return Array.from({ length: Math.max(0, variants) }, () => 1 / variants);
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
