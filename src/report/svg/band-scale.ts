import type { ScaleMaker } from './scale.ts';

/** A scale of names that stand side by side; values are their indices, each in the middle of its band. */
export function band(names: readonly string[]): ScaleMaker {
  const count = Math.max(1, names.length);
  return ({ range: [start, end], gap }) => {
    // Names on an upright axis need the height of a line; side by side they are cut to their band instead.
    const every = Math.max(1, Math.ceil((Math.min(gap, 16) * count) / Math.abs(end - start)));
    return {
      kind: 'band',
      domain: [-0.5, count - 0.5],
      range: [start, end],
      at: (value) => start + ((value + 0.5) / count) * (end - start),
      ticks: names.flatMap((label, value) => (value % every === 0 ? [{ value, label }] : [])),
    };
  };
}

/** Width of one band of a scale. */
export function bandWidth({ domain, range }: { readonly domain: readonly [number, number]; readonly range: readonly [number, number] }): number {
  return Math.abs((range[1] - range[0]) / (domain[1] - domain[0]));
}
