import type { VegaLiteSpec } from './chart.ts';
import type { LineSeries } from './line.ts';

interface LineSpecOptions {
  readonly xName: string;
  readonly yName: string;
  readonly x: 'linear' | 'log' | 'time';
  readonly y: 'linear' | 'log';
  /** The indices of the points to give, for each series; below 0 where the line is parted. */
  readonly visible: readonly (readonly number[])[];
}

/** Lines for Vega-Lite, in the points that are drawn. */
export function lineSpec(series: readonly LineSeries[], { xName, yName, x, y, visible }: LineSpecOptions): VegaLiteSpec {
  const values = series.flatMap((one, s) =>
    // A null parts the line, as here.
    visible[s]!.map((i, at) => (i < 0 ? { series: one.name, x: one.x[visible[s]![at - 1]!]!, y: null } : { series: one.name, x: one.x[i]!, y: one.y[i]! })),
  );
  const scale = (kind: 'linear' | 'log' | 'time'): VegaLiteSpec => (kind === 'log' ? { type: 'log' } : { zero: false });
  return {
    data: { values },
    mark: { type: 'line', tooltip: true, invalid: 'break-paths-show-domains' },
    encoding: {
      x: { field: 'x', type: x === 'time' ? 'temporal' : 'quantitative', title: xName, ...(x === 'time' ? {} : { scale: scale(x) }) },
      y: { field: 'y', type: 'quantitative', title: yName, scale: scale(y) },
      color: { field: 'series', type: 'nominal', title: null },
      strokeDash: { field: 'series', type: 'nominal', title: null },
    },
  };
}
