import type { ProbeSweep } from '../probe-sweep.ts';
import type { EventIndex } from '../event-index.ts';
import type { Window } from './window.ts';

const none: readonly number[] = [];

/** The rows of the index that a window sees, for each probe. */
export class WindowRows {
  readonly index: EventIndex;
  /** Moments of the probes. */
  readonly times: Float64Array;
  /** Code of each probe's key, -1 for none. */
  readonly codes: Int32Array;
  /** Numbers of the probes that have a key, by key and then by time, in which neither `low` nor `high` ever falls. */
  readonly order: Int32Array;
  /** First place that the window sees; -1 where a probe has no key. */
  readonly low: Int32Array;
  /** First place that it no longer sees; -1 where a probe has no key. */
  readonly high: Int32Array;
  readonly #knownOnly: boolean;

  constructor(sweep: ProbeSweep, window: Window, knownOnly: boolean) {
    this.index = sweep.index;
    this.times = sweep.probes.times;
    this.codes = sweep.probes.codes;
    this.order = sweep.order;
    this.low = sweep.windowStarts(window);
    this.high = sweep.windowEnds(window);
    this.#knownOnly = knownOnly && (sweep.index.late.length > 0 || sweep.index.superseded.length > 0);
  }

  /** Places among those that the probe's window sees whose rows became known only later or had been superseded by then, ascending: for this probe they do not exist. */
  hidden(probe: number): readonly number[] {
    if (!this.#knownOnly) return none;
    const unknown = this.#unknown(probe);
    if (this.index.superseded.length === 0) return unknown;
    const replaced = this.#replaced(probe);
    if (replaced.length === 0 || unknown.length === 0) return replaced.length === 0 ? unknown : replaced;
    // No row is in both: what is superseded was known.
    return [...unknown, ...replaced].sort((a, b) => a - b);
  }

  #replaced(probe: number): readonly number[] {
    const { superseded, supersededAt } = this.index;
    const end = firstAtLeast(superseded, this.high[probe]!);
    const t = this.times[probe]!;
    let places: number[] | undefined;
    for (let i = firstAtLeast(superseded, this.low[probe]!); i < end; i++) {
      const place = superseded[i]!;
      if (supersededAt![place]! <= t) (places ??= []).push(place);
    }
    return places ?? none;
  }

  #unknown(probe: number): readonly number[] {
    const { late, created, times, maxDelay } = this.index;
    const low = this.low[probe]!;
    const t = this.times[probe]!;
    let places: number[] | undefined;
    for (let i = firstAtLeast(late, this.high[probe]!) - 1; i >= 0; i--) {
      const place = late[i]!;
      if (place < low || times[place]! + maxDelay <= t) break;
      if (created![place]! > t) (places ??= []).push(place);
    }
    return places?.reverse() ?? none;
  }
}

/** How many of ascending numbers lie below `bound`. */
function firstAtLeast(numbers: Int32Array, bound: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (numbers[middle]! < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}
