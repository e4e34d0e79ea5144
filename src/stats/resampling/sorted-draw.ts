import type { SeededGenerator } from '../seeded-generator.ts';

/**
 * Fills a buffer with draws from a sorted sample, ascending, in time O(buffer + sample): ordered uniform numbers by their spacings, which are exponential (Pyke 1965).
 * A `smooth` draw lies between two neighbours, as values of a continuous law without ties do; otherwise the sample's own values are drawn.
 */
export function drawSorted(sorted: Float64Array, into: Float64Array, smooth: boolean, generator: SeededGenerator): void {
  let total = 0;
  for (let i = 0; i < into.length; i++) {
    total -= Math.log(1 - generator.uniform());
    into[i] = total;
  }
  total -= Math.log(1 - generator.uniform());
  const n = sorted.length;
  for (let i = 0; i < into.length; i++) {
    const u = into[i]! / total;
    if (!smooth) {
      into[i] = sorted[Math.min(n - 1, Math.floor(u * n))]!;
      continue;
    }
    const position = u * (n - 1);
    const below = Math.min(n - 1, Math.floor(position));
    const a = sorted[below]!;
    const step = sorted[Math.min(n - 1, below + 1)]! - a;
    into[i] = step < Infinity ? a + step * (position - below) : a;
  }
}
