import { windowEnd, windowStart, type Window } from './aggregates/window.ts';
import type { EventIndex } from './event-index.ts';
import { orderRows, type RowOrder } from './row-order.ts';

/** At which moments, and for which keys, features are asked for. */
export interface Probes {
  /** Code of each probe's key in the index, -1 for none. */
  readonly codes: Int32Array;
  readonly times: Float64Array;
}

/** Goes through the probes by key and time, so that places in the index are found by short steps forward. */
export class ProbeSweep {
  readonly index: EventIndex;
  readonly probes: Probes;
  /** Numbers of the probes that have a key, by key and then by time. */
  readonly order: Int32Array;
  readonly #starts: Int32Array;
  /** Moments in that order. */
  readonly #times: Float64Array;
  readonly #lows: { readonly window: Window; readonly places: Int32Array }[] = [];
  readonly #highs: { readonly hop: number; readonly places: Int32Array }[] = [];

  /** @param known - The order of the probes by key and time, where that is known. */
  constructor(index: EventIndex, probes: Probes, known?: RowOrder) {
    this.index = index;
    this.probes = probes;
    const { order, starts, times } = known ?? orderProbes(index, probes);
    this.order = order;
    this.#starts = starts;
    this.#times = times;
  }

  /** Calls `take` for each probe that has a key, by key and time, with the first place of the key whose time is at least (`beyond`: more than) `boundOf(t)`. */
  walk(boundOf: (t: number) => number, beyond: boolean, take: (probe: number, key: number, t: number, place: number) => void): void {
    const { index, order } = this;
    for (let key = 0; key < this.#starts.length - 1; key++) {
      let place = index.starts[key]!;
      const end = index.starts[key + 1]!;
      for (let i = this.#starts[key]!; i < this.#starts[key + 1]!; i++) {
        const t = this.#times[i]!;
        place = firstFrom(index.times, place, end, boundOf(t), beyond);
        take(order[i]!, key, t, place);
      }
    }
  }

  /** For each probe, the first place that a window at its moment sees; -1 where it has no key. */
  windowStarts(window: Window): Int32Array {
    for (const known of this.#lows) if (known.window.window === window.window && known.window.hop === window.hop) return known.places;
    const places = this.#bounds((t) => windowStart(t, window));
    this.#lows.push({ window, places });
    return places;
  }

  /** For each probe, the first place that a window at its moment no longer sees; -1 where it has no key. */
  windowEnds(window: Window): Int32Array {
    const hop = window.tumbling ? window.hop : 0;
    for (const known of this.#highs) if (known.hop === hop) return known.places;
    const places = this.#bounds((t) => windowEnd(t, window));
    this.#highs.push({ hop, places });
    return places;
  }

  #bounds(boundOf: (t: number) => number): Int32Array {
    const places = new Int32Array(this.probes.codes.length).fill(-1);
    this.walk(boundOf, false, (probe, _key, _t, place) => (places[probe] = place));
    return places;
  }
}

/** Probes that have a key, put in the order in which a sweep goes through them, and where each came to be. */
export interface OrderedProbes {
  readonly sweep: ProbeSweep;
  /** Of each probe as it was given, its place in that order; -1 where it has no key. */
  readonly places: Int32Array;
}

/**
 * Puts probes in the order of a sweep: where there are many, what is looked up and set for each then lies side by side, and going far away for it would take longer than all else. `undefined` when they are in order as they are.
 */
export function inOrderOfSweep(index: EventIndex, probes: Probes): OrderedProbes | undefined {
  const { order, starts, times } = orderProbes(index, probes);
  if (order.length === probes.codes.length && order.every((probe, i) => probe === i)) return undefined;
  const places = new Int32Array(probes.codes.length).fill(-1);
  for (let i = 0; i < order.length; i++) places[order[i]!] = i;
  const codes = new Int32Array(order.length);
  for (let key = 0; key < starts.length - 1; key++) codes.fill(key, starts[key], starts[key + 1]);
  return { sweep: new ProbeSweep(index, { codes, times }, { order: order.map((_, i) => i), starts, times }), places };
}

function orderProbes(index: EventIndex, { codes, times }: Probes): RowOrder {
  return orderRows(codes, index.starts.length - 1, [times]);
}

/** The first place in `[from, end)` whose time is at least (`beyond`: more than) `bound`, by doubling steps and then halving. */
export function firstFrom(times: Float64Array, from: number, end: number, bound: number, beyond: boolean): number {
  let low = from;
  let step = 1;
  while (low + step <= end && isBefore(times[low + step - 1]!, bound, beyond)) {
    low += step;
    step *= 2;
  }
  let high = Math.min(end, low + step - 1);
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBefore(times[middle]!, bound, beyond)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isBefore(time: number, bound: number, beyond: boolean): boolean {
  return beyond ? time <= bound : time < bound;
}
