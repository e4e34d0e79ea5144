import type { Scale } from '../svg/scale.ts';
import { extent } from '../svg/scale.ts';
import { straightened } from '../svg/straighten.ts';
import { areWhole } from './line-scale.ts';

/** Something else that lines may go along. */
export interface Alternative {
  /** In a word or two, for a button. */
  readonly name: string;
  /** Of the axis. */
  readonly label: string;
  readonly kind: 'linear' | 'time';
  /** For each line where its points are, as many as it has; undefined for what the lines are drawn along. */
  readonly x: readonly ArrayLike<number>[] | undefined;
}

/** What lines may go along, as a page knows it. */
export interface LineWay {
  readonly name: string;
  readonly label: string;
  readonly kind: 'linear' | 'log' | 'time';
  readonly whole: boolean;
  /** For each line pairs of where it is drawn and where it is along this, in one list: straight between. Undefined for what it is drawn along. */
  readonly maps?: readonly (readonly number[])[] | undefined;
}

/** What a page needs to draw lines in other ways than they are. */
export interface LineRedraw {
  /** Height of the picture without its legend. */
  readonly height: number;
  readonly y: { readonly kind: 'linear' | 'log'; readonly label?: string | undefined; /** Whether the other scale is offered. */ readonly both: boolean };
  readonly ways: readonly LineWay[];
  /** Which of the ways is drawn. */
  readonly way: number;
  /** The least and the greatest value of each line, which its path tells to a pixel; nothing of one without values. */
  readonly ranges: readonly (readonly number[])[];
  readonly isSmoothed: boolean;
  /** Path data of smoothed lines where raw ones are drawn; undefined where none are offered. */
  readonly smooth?: readonly string[] | undefined;
}

const mostKnots = 60;
// Of the width of a picture, what a point may be off.
const tolerance = 1 / 1_200;

/** What lines may go along. Of the alternatives one may be what they are drawn along; without any there is only that. */
export function waysOf(lines: readonly { readonly x: ArrayLike<number> }[], own: { readonly kind: LineWay['kind']; readonly label: string }, alternatives: readonly Alternative[], along: Scale): Pick<LineRedraw, 'ways' | 'way'> {
  const whole = areWhole(lines.map(({ x }) => x));
  if (alternatives.length === 0) return { ways: [{ name: own.label, ...own, whole }], way: 0 };
  const ways = alternatives.map(({ name, label, kind, x }): LineWay => (x === undefined ? { name, ...own, whole } : { name, label, kind, whole: areWhole(x), maps: mapsOf(lines, x, along) }));
  return { ways, way: alternatives.findIndex(({ x }) => x === undefined) };
}

function mapsOf(lines: readonly { readonly x: ArrayLike<number> }[], others: readonly ArrayLike<number>[], along: Scale): number[][] {
  const [low, high] = extent(others) ?? [0, 1];
  const span = high - low || 1;
  const digits = Math.max(0, Math.min(15, 6 - Math.floor(Math.log10(span))));
  return lines.map(({ x }, i) => {
    const knots = new Map<Place, number>();
    let reached = -Infinity;
    let before: Place | undefined;
    for (let at = 0; at < x.length; at++) {
      // What came later counts as later, which times of steps may not.
      reached = Math.max(reached, others[i]![at]!);
      const left = along.at(x[at]!) / (along.range[1] - along.range[0]);
      if (left !== left || reached - reached !== 0) continue;
      // What lies before a place that was told already, as where steps are no numbers and have no order, tells nothing of what lies between.
      if (before !== undefined && left < before[0]) continue;
      // Of points in one place the last one tells.
      if (before?.[0] === left) knots.delete(before);
      before = [left, (reached - low) / span];
      knots.set(before, at);
    }
    return fewOf([...knots.keys()]).flatMap((place) => [x[knots.get(place)!]!, Number((low + place[1] * span).toFixed(digits))]);
  });
}

type Place = readonly [along: number, share: number];

/** So many places that a straight line between them is right, to what can be seen, or nearly where that would take too many. */
function fewOf(places: readonly Place[]): readonly Place[] {
  let few = places;
  for (let allowed = tolerance; few.length > mostKnots || few === places; allowed *= 2) few = straightened(places, allowed).slice();
  return few;
}
