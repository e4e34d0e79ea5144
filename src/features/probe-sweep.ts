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
  readonly #bounds = new Map<string, Int32Array>();

  constructor(index: EventIndex, probes: Probes) {
    this.index = index;
    this.probes = probes;
    const { order, starts } = orderRows(probes.codes, index.starts.length - 1, [probes.times]);
    this.order = order;
    this.#starts = starts;
  }

  /** For each probe, the first place of its key whose time is at least (`beyond`: more than) `boundOf(t)`; -1 where it has no key. */
  bounds(boundOf: (t: number) => number, beyond: boolean): Int32Array {
    const { index, probes } = this;
    const places = new Int32Array(probes.codes.length).fill(-1);
    for (let key = 0; key < this.#starts.length - 1; key++) {
      let place = index.starts[key]!;
      const end = index.starts[key + 1]!;
      for (let i = this.#starts[key]!; i < this.#starts[key + 1]!; i++) {
        const probe = this.order[i]!;
        place = firstFrom(index.times, place, end, boundOf(probes.times[probe]!), beyond);
        places[probe] = place;
      }
    }
    return places;
  }

  /** The places of the first time at least `boundOf(t)`, kept under a name for whoever asks again. */
  namedBounds(name: string, boundOf: (t: number) => number): Int32Array {
    let found = this.#bounds.get(name);
    if (found === undefined) this.#bounds.set(name, (found = this.bounds(boundOf, false)));
    return found;
  }
}

/** The first place in `[from, end)` whose time is at least (`beyond`: more than) `bound`, by doubling steps and then halving. */
function firstFrom(times: Float64Array, from: number, end: number, bound: number, beyond: boolean): number {
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
