import { windowEnd, windowStart, type Window } from './aggregates/window.ts';
import type { EventIndex } from './event-index.ts';
import { orderRows } from './row-order.ts';

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

  constructor(index: EventIndex, probes: Probes) {
    this.index = index;
    this.probes = probes;
    const { order, starts, times } = orderRows(probes.codes, index.starts.length - 1, [probes.times]);
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
