import { takeRows, type Column } from '../core/column.ts';
import { aggregateColumn } from './aggregates/aggregate-column.ts';
import type { EventIndex } from './event-index.ts';
import type { FeatureDefinition } from './definitions/feature-view.ts';
import { missingColumn } from './missing-column.ts';
import { firstFrom, inOrderOfSweep, ProbeSweep, type OrderedProbes, type Probes } from './probe-sweep.ts';

/** What is found for so many probes no longer lies together in a cache. */
const manyProbes = 4096;

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

/**
 * The point-in-time join, for training and for serving alike. For each probe, a column takes the newest row of the key with `timestamp <= t` (and `>= t - ttl`);
 * an aggregate takes the rows that its window sees, which are before `t`. With `knownOnly`, rows created after `t` do not exist for it, and rows that were superseded do until then; otherwise rows are
 * as they finally came to be.
 */
export function joinFeatures(rows: EventIndex, probes: Probes, features: readonly FeatureDefinition[], names: readonly string[], options: JoinOptions): JoinedFeatures {
  const index = options.knownOnly ? rows : rows.settled();
  const isWorthOrder = probes.codes.length >= manyProbes && features.some(({ kind }) => kind === 'aggregate');
  const ordered = isWorthOrder ? inOrderOfSweep(index, probes) : undefined;
  const sweep = ordered?.sweep ?? new ProbeSweep(index, probes);
  const knownOnly = options.knownOnly && index.late.length > 0;
  const { positions, outcomes, eventTimes } = newestRows(sweep, options.ttl, knownOnly);
  const columns = features.map((feature, i): Column => {
    const column = feature.kind === 'aggregate' ? aggregateColumn(sweep, feature, options.knownOnly) : (index.at(feature.from ?? names[i]!, positions) ?? missingColumn(feature.type, positions.length));
    return ordered ? takeRows(column, ordered.places) : column;
  });
  return ordered ? { columns, ...asGiven(ordered, outcomes, eventTimes) } : { columns, outcomes, eventTimes };
}

/** What became of probes, in the order in which they were given. */
function asGiven({ places }: OrderedProbes, outcomes: Uint8Array, eventTimes: Float64Array): Pick<JoinedFeatures, 'outcomes' | 'eventTimes'> {
  const given = { outcomes: new Uint8Array(places.length).fill(outcome.missing), eventTimes: new Float64Array(places.length).fill(NaN) };
  for (let probe = 0; probe < places.length; probe++) {
    const place = places[probe]!;
    if (place < 0) continue;
    given.outcomes[probe] = outcomes[place]!;
    given.eventTimes[probe] = eventTimes[place]!;
  }
  return given;
}

function newestRows(sweep: ProbeSweep, ttl: number | undefined, knownOnly: boolean): { positions: Int32Array; outcomes: Uint8Array; eventTimes: Float64Array } {
  const { index, probes } = sweep;
  const size = probes.codes.length;
  const positions = new Int32Array(size).fill(-1);
  const outcomes = new Uint8Array(size).fill(outcome.missing);
  const eventTimes = new Float64Array(size).fill(NaN);
  const found: NewestRow = { place: -1, outcome: outcome.missing };
  sweep.walk((t) => t, true, (probe, key, t, after) => {
    findNewest(found, index, index.starts[key]!, index.starts[key + 1]!, after, t, ttl, knownOnly);
    outcomes[probe] = found.outcome;
    if (found.place >= 0) eventTimes[probe] = index.times[found.place]!;
    if (found.outcome === outcome.matched) positions[probe] = found.place;
  });
  return { positions, outcomes, eventTimes };
}

/** What became of the search for the newest row. */
export interface NewestRow {
  /** Where it is, too old or not; -1 when there is none. */
  place: number;
  /** An {@link outcome}. */
  outcome: number;
}

/** The newest row of the only entity of an index at a moment, as {@link joinFeatures} finds it among others: only rows count that were known by then. */
export function newestRow(index: EventIndex, t: number, ttl: number | undefined): NewestRow {
  const found: NewestRow = { place: -1, outcome: outcome.missing };
  const { length } = index.times;
  findNewest(found, index, 0, length, firstFrom(index.times, 0, length, t, true), t, ttl, index.late.length > 0);
  return found;
}

/** Finds the newest row among those from `first` to `end` (excluded), of which those from `after` on are later than `t`. */
function findNewest(found: NewestRow, { times, created }: EventIndex, first: number, end: number, after: number, t: number, ttl: number | undefined, knownOnly: boolean): void {
  found.place = -1;
  if (first === end) {
    found.outcome = outcome.missing;
    return;
  }
  let place = after - 1;
  if (place < first) {
    found.outcome = outcome.future;
    return;
  }
  // A row that was superseded by then has its successor behind it, which is met first.
  if (knownOnly) while (place >= first && created![place]! > t) place--;
  if (place < first) {
    found.outcome = outcome.tooNew;
    return;
  }
  found.place = place;
  found.outcome = ttl !== undefined && times[place]! < t - ttl ? outcome.expired : outcome.matched;
}
