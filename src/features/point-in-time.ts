import { takeRows, type Column } from '../core/column.ts';
import { windowStart, type AggregateDefinition } from './aggregate.ts';
import type { EventIndex } from './event-index.ts';
import type { FeatureDefinition } from './definitions/feature-view.ts';
import { missingColumn } from './missing-column.ts';
import { orderRows } from './row-order.ts';

/** At which moments, and for which keys, features are asked for. */
export interface Probes {
  /** Code of each probe's key in the index, -1 for none. */
  readonly codes: Int32Array;
  readonly times: Float64Array;
}

/** What became of a probe: the numbers of {@link JoinedFeatures.outcomes}. */
export const outcome = { matched: 0, missing: 1, expired: 2, future: 3, tooNew: 4 } as const;

/** How a join is done. */
export interface JoinOptions {
  readonly ttl: number | undefined;
  /** Whether only rows count that were known at the moment asked for. */
  readonly knownOnly: boolean;
}

/** Features at the probes, in the probes' order. */
export interface JoinedFeatures {
  readonly columns: readonly Column[];
  /** An {@link outcome} for each probe: what became of the search for the newest row. */
  readonly outcomes: Uint8Array;
  /** Timestamp of the newest row not later than the probe, too old or not; NaN when there is none. */
  readonly eventTimes: Float64Array;
}

interface WindowRows {
  /** First place that the window sees, for each probe. */
  readonly low: Int32Array;
  /** First place that it no longer sees. */
  readonly high: Int32Array;
}

/**
 * The point-in-time join, for training and for serving alike. For each probe, a column takes the newest row of the key with `timestamp <= t` (and `>= t - ttl`);
 * an aggregate takes the rows with `floor(t - window, hop) <= timestamp < t`. With `knownOnly`, rows created after `t` do not exist for it.
 */
export function joinFeatures(index: EventIndex, probes: Probes, features: readonly FeatureDefinition[], names: readonly string[], options: JoinOptions): JoinedFeatures {
  const keyCount = index.starts.length - 1;
  const { order, starts } = orderRows(probes.codes, keyCount, [probes.times]);
  const sweep = new Sweep(index, probes, order, starts);
  const knownOnly = options.knownOnly && index.late.length > 0;
  const { positions, outcomes, eventTimes } = newestRows(sweep, options.ttl, knownOnly);

  const heads = features.some((feature) => feature.kind === 'aggregate') ? sweep.bounds((t) => t, false) : undefined;
  const tails = new Map<string, Int32Array>();
  const columns = features.map((feature, i): Column => {
    if (feature.kind === 'column') {
      const column = index.column(names[i]!);
      return column ? takeRows(column, positions) : missingColumn(feature.type, positions.length);
    }
    const key = `${feature.window}/${feature.hop}`;
    let low = tails.get(key);
    if (low === undefined) tails.set(key, (low = sweep.bounds((t) => windowStart(t, feature.window, feature.hop), false)));
    return aggregateValues(index, feature, { low, high: heads! }, probes.times, knownOnly);
  });
  return { columns, outcomes, eventTimes };
}

/** Goes through the probes by key and time, so that places in the index are found by short steps forward. */
class Sweep {
  readonly index: EventIndex;
  readonly probes: Probes;
  readonly #order: Int32Array;
  readonly #starts: Int32Array;

  constructor(index: EventIndex, probes: Probes, order: Int32Array, starts: Int32Array) {
    this.index = index;
    this.probes = probes;
    this.#order = order;
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
        const probe = this.#order[i]!;
        place = firstFrom(index.times, place, end, boundOf(probes.times[probe]!), beyond);
        places[probe] = place;
      }
    }
    return places;
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

function newestRows(sweep: Sweep, ttl: number | undefined, knownOnly: boolean): { positions: Int32Array; outcomes: Uint8Array; eventTimes: Float64Array } {
  const { index, probes } = sweep;
  const ends = sweep.bounds((t) => t, true);
  const positions = new Int32Array(ends.length).fill(-1);
  const outcomes = new Uint8Array(ends.length);
  const eventTimes = new Float64Array(ends.length).fill(NaN);
  for (let probe = 0; probe < ends.length; probe++) {
    const key = probes.codes[probe]!;
    const first = key < 0 ? 0 : index.starts[key]!;
    if (key < 0 || first === index.starts[key + 1]) {
      outcomes[probe] = outcome.missing;
      continue;
    }
    const t = probes.times[probe]!;
    let place = ends[probe]! - 1;
    if (place < first) {
      outcomes[probe] = outcome.future;
      continue;
    }
    if (knownOnly) while (place >= first && index.created![place]! > t) place--;
    if (place < first) {
      outcomes[probe] = outcome.tooNew;
      continue;
    }
    eventTimes[probe] = index.times[place]!;
    if (ttl !== undefined && index.times[place]! < t - ttl) outcomes[probe] = outcome.expired;
    else positions[probe] = place;
  }
  return { positions, outcomes, eventTimes };
}

function aggregateValues(index: EventIndex, feature: AggregateDefinition, { low, high }: WindowRows, times: Float64Array, knownOnly: boolean): Column {
  const { counts, included, sums } = index.accumulation(feature);
  const size = low.length;
  const values = new Float64Array(size);
  let valid: Uint8Array | undefined;
  for (let probe = 0; probe < size; probe++) {
    const from = low[probe]!;
    const to = high[probe]!;
    let rows = to - from;
    let count = rows > 0 ? (counts ? counts[to]! - counts[from]! : rows) : 0;
    if (count > 0) sums?.start(from, to);
    if (knownOnly && rows > 0) {
      for (let i = lateBefore(index.late, to) - 1; i >= 0; i--) {
        const place = index.late[i]!;
        if (place < from || index.times[place]! + index.maxDelay <= times[probe]!) break;
        if (index.created![place]! <= times[probe]!) continue;
        rows--;
        if (included && included[place] === 0) continue;
        count--;
        sums?.leaveOut(place);
      }
    }
    if (rows <= 0 || (count === 0 && feature.function !== 'count')) {
      valid ??= new Uint8Array(size).fill(1);
      valid[probe] = 0;
      values[probe] = NaN;
    } else {
      values[probe] = feature.function === 'count' ? count : sums!.total(feature.function === 'mean' ? count : 1);
    }
  }
  return { type: 'float64', values, valid };
}

/** How many of the late places lie before `place`. */
function lateBefore(late: Int32Array, place: number): number {
  let low = 0;
  let high = late.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (late[middle]! < place) low = middle + 1;
    else high = middle;
  }
  return low;
}
