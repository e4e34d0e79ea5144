/** How one of many series looks. Three things tell it from the others, so that no one has to tell colours apart. */
export interface SeriesStyle {
  /** Class that gives its colour on a dark ground: `s0` to `s7`. */
  readonly className: string;
  /** Colour on a light ground. */
  readonly color: string;
  /** `stroke-dasharray`; undefined for a solid line. */
  readonly dash: string | undefined;
  /** Shape of its points. */
  readonly marker: Marker;
}

/** The shape of a point. */
export type Marker = 'circle' | 'square' | 'triangle' | 'diamond' | 'cross' | 'plus' | 'wedge';

// Okabe & Ito 2008, in an order that keeps neighbours apart; orange, sky blue and yellow are darkened, since lines need a contrast of 3:1 with white.
const light = ['#0072b2', '#d55e00', '#00805d', '#b0558a', '#a87400', '#3387b8', '#333333', '#8a8000'];

const dashes = [undefined, '7 3', '2 3', '9 3 2 3', '14 4'];
const markers: readonly Marker[] = ['circle', 'square', 'triangle', 'diamond', 'cross', 'plus', 'wedge'];

/** The look of the series with this index. 8 colours, 5 dashes and 7 markers go round at their own pace: 280 series differ, and neighbours differ in all three. */
export function seriesStyle(index: number): SeriesStyle {
  return { className: `s${index % 8}`, color: light[index % 8]!, dash: dashes[index % 5], marker: markers[index % 7]! };
}
