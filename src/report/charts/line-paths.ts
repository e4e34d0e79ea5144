import type { Plot } from '../svg/axes.ts';
import { isThinned, visiblePoints } from '../svg/decimate.ts';
import type { Scale } from '../svg/scale.ts';
import { linePath } from '../svg/shapes.ts';
import { straightened } from '../svg/straighten.ts';

/** What a path is drawn in. */
export interface PathPlace {
  readonly plot: Plot;
  /** The scale of values that a page may change to: the path keeps what it takes to be right there too. */
  readonly other: Scale | undefined;
  readonly columnWidth: number;
  /** Whether it stands behind another, in whole pixels. */
  readonly faint: boolean;
}

/** So far, in pixels, a line may be from a point that it passes. */
const unseen = 0.75;
/** And there, where the page changes the scale, so many times as far. */
const coarser = 2.5;
/** Of one pixel, what a coordinate may be off where the page changes the scale. */
const off = { fine: 0.5, faint: 2 };

/** The indices of the points of a line that are seen in a plot. */
export function visibleOf(x: ArrayLike<number>, values: ArrayLike<number>, plot: Plot, columnWidth: number): number[] {
  return visiblePoints(x.length, (i) => plot.x.at(x[i]!), (i) => plot.y.at(values[i]!), columnWidth);
}

/** Path data of a line. */
export function pathOf(x: ArrayLike<number>, values: ArrayLike<number>, { plot, other, columnWidth, faint }: PathPlace): string {
  const thinned = isThinned(x.length, columnWidth);
  // The points of one column share a place: their lines are upright, which is shorter to write. A line that is to be seen is put to whole pixels, where it goes straight for longer.
  const grid = faint ? columnWidth : 1;
  const points = visibleOf(x, values, plot, columnWidth).map((i): [number, number, number] => {
    if (i < 0) return [NaN, NaN, NaN];
    const left = plot.x.at(x[i]!);
    const value = values[i]!;
    const digits = Math.max(faint ? 0 : 1, other === undefined ? 0 : digitsFor(value, plot.y, other, faint));
    // What has no place on the other scale lies below it.
    return [thinned ? Math.round(left / grid) * grid : rounded(left, 1), rounded(plot.y.at(value), digits), other === undefined ? 0 : nonNaN(other.at(value), 1e4) / coarser];
  });
  return linePath(thinned ? straightened(points, unseen) : points, true);
}

/** How many digits behind the point a coordinate needs so that its value can be told on the other scale. */
function digitsFor(value: number, own: Scale, other: Scale, faint: boolean): number {
  const span = (scale: Scale): number => (scale.kind === 'log' ? Math.abs(value) * Math.log(scale.domain[1] / scale.domain[0]) : scale.domain[1] - scale.domain[0]);
  const stretch = span(own) / span(other);
  const digits = Math.ceil(Math.log10((0.5 * stretch) / (faint ? off.faint : off.fine)));
  return Number.isFinite(digits) ? Math.max(0, Math.min(6, digits)) : 0;
}

function rounded(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}

function nonNaN(value: number, otherwise: number): number {
  return value === value ? value : otherwise;
}
