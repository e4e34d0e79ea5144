import { takeRows, type Column } from '../core/column.ts';
import { aggregateColumn } from './aggregates/aggregate-column.ts';
import type { EventIndex } from './event-index.ts';
import type { FeatureDefinition } from './definitions/feature-view.ts';
import { missingColumn } from './missing-column.ts';
import { ProbeSweep, type Probes } from './probe-sweep.ts';

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
  const sweep = new ProbeSweep(index, probes);
  const knownOnly = options.knownOnly && index.late.length > 0;
  const { positions, outcomes, eventTimes } = newestRows(sweep, options.ttl, knownOnly);
  const columns = features.map((feature, i): Column => {
    if (feature.kind === 'aggregate') return aggregateColumn(sweep, feature, options.knownOnly);
    const column = index.column(feature.from ?? names[i]!);
    return column ? takeRows(column, positions) : missingColumn(feature.type, positions.length);
  });
  return { columns, outcomes, eventTimes };
}

function newestRows(sweep: ProbeSweep, ttl: number | undefined, knownOnly: boolean): { positions: Int32Array; outcomes: Uint8Array; eventTimes: Float64Array } {
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
    // A row that was superseded by then has its successor behind it, which is met first.
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

/** The newest row of the only entity of an index at a moment, as {@link joinFeatures} finds it among others: only rows count that were known by then. */
export function newestRow(index: EventIndex, t: number, ttl: number | undefined): { place: number; outcome: number } {
  const { times, created } = index;
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle]! <= t) low = middle + 1;
    else high = middle;
  }
  let place = low - 1;
  if (place < 0) return { place, outcome: times.length === 0 ? outcome.missing : outcome.future };
  if (index.late.length > 0) while (place >= 0 && created![place]! > t) place--;
  if (place < 0) return { place, outcome: outcome.tooNew };
  return { place, outcome: ttl !== undefined && times[place]! < t - ttl ? outcome.expired : outcome.matched };
}
