import type { PerformanceMetric } from '../performance/performance-options.ts';
import type { ConceptSettings } from './concept-options.ts';
import { mergeLosses, sumLosses } from './loss-sums.ts';
import { followLosses, newStream, type LossStream } from './loss-stream.ts';
import { versionsFollowed, type LossTimeline } from './loss-timeline.ts';

/** That the losses of a version of a model went to another level. */
export interface LossChange {
  /** When, epoch milliseconds: the first prediction of the first block of losses at another level. */
  readonly at: number;
  /** The mean loss before. */
  readonly before: number;
}

/** How the losses of a version of a model stand at the end of a period. */
export interface VersionConcept {
  /** `drift` from the period on in which its losses are found to be at another level than at first, until they are found to be back; `insufficient` before there are enough to compare. */
  readonly status: 'stable' | 'drift' | 'insufficient';
  /** Labelled predictions since the last change, or since the first. */
  readonly labelled: number;
  /** Their mean loss; `null` without any. */
  readonly loss: number | null;
  /** The change; absent while there is none. */
  readonly change?: LossChange | undefined;
}

/** Whether what the model learnt still holds, by its losses up to the end of a period. */
export interface PeriodConcept {
  /** `drift` when any version is that had labels in this period, `insufficient` when none could be judged. */
  readonly status: 'stable' | 'drift' | 'insufficient';
  /** Each version of the model that had labels in this period, those that named none as ''. */
  readonly versions: Readonly<Record<string, VersionConcept>>;
  /** Labelled predictions of further versions: at most 20 are followed at a time. */
  readonly unfollowed: number;
}

/** What a monitor remembers of the losses. */
export interface ConceptState {
  /** By which they were counted. */
  readonly metric: PerformanceMetric;
  /** The version that had labels last is the last. */
  readonly streams: readonly LossStream[];
}

/** By what a period's losses are looked at. */
export interface FollowOptions {
  readonly metric: PerformanceMetric;
  readonly settings: ConceptSettings;
}

/** The losses with those of the next period, and how they stand then. Pure. */
export function followConcept(before: ConceptState | undefined, losses: LossTimeline, { metric, settings }: FollowOptions): { state: ConceptState; report: PeriodConcept } {
  // Losses of another metric are in another unit.
  const streams = new Map(before?.metric === metric ? before.streams.map((stream) => [stream.version, stream]) : []);
  const versions: [string, VersionConcept][] = [];
  for (const [version, sums] of losses.versions) {
    const next = followLosses(streams.get(version) ?? newStream(version, settings), sums, settings);
    streams.delete(version);
    streams.set(version, next);
    versions.push([version, standing(next)]);
  }
  const statuses = versions.map(([, { status }]) => status);
  const status = statuses.includes('drift') ? 'drift' : statuses.includes('stable') ? 'stable' : 'insufficient';
  return { state: { metric, streams: [...streams.values()].slice(-versionsFollowed) }, report: { status, versions: Object.fromEntries(versions), unfollowed: losses.unfollowed } };
}

function standing({ blocks, partial, values, drift }: LossStream): VersionConcept {
  const [, labelled, mean] = mergeLosses(sumLosses(blocks), partial);
  const status = drift !== null ? 'drift' : values > 0 ? 'stable' : 'insufficient';
  return { status, labelled, loss: labelled === 0 ? null : mean, ...(drift && { change: { at: drift.at, before: drift.before[2] } }) };
}
