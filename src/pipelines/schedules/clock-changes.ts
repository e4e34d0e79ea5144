import type { TimeZone, WallTime } from './time-zone.ts';

/**
 * What becomes of a wall time that the clocks pass over when they are put forward. `shift`: it is made up for as much later, 02:30 at 03:30; where several hours are passed over, in the first that there
 * is. `first-valid`: it is made up for at the moment of the change. `skip`: it is left out. A date that a zone passes over whole is left out in any case.
 */
export type GapPolicy = 'shift' | 'first-valid' | 'skip';

/** Which moment is meant by a wall time that comes twice because the clocks are put back. */
export type FoldPolicy = 'first' | 'last' | 'both';

/** How changes of the clocks are dealt with. */
export interface ClockChanges {
  readonly gap: GapPolicy;
  readonly fold: FoldPolicy;
}

/** For what goes by every hour that there is: nothing is made up for, and what comes twice counts twice. */
export const asClocksGo: ClockChanges = { gap: 'skip', fold: 'both' };

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** The moments that a wall time of a schedule stands for, in order. */
export function momentsMeant(zone: TimeZone, wall: WallTime, { gap: policy, fold }: ClockChanges): readonly number[] {
  const moments = zone.momentsOf(wall);
  if (moments.length > 1) return fold === 'both' ? moments : [fold === 'first' ? moments[0]! : moments.at(-1)!];
  if (moments.length === 1 || policy === 'skip') return moments;
  const gap = zone.gapAround(wall);
  if (gap === undefined || gap.to - gap.from >= dayMs) return [];
  return [policy === 'first-valid' ? gap.at : gap.at + ((wall - gap.from) % hourMs)];
}

/** By how much the wall time of a moment may lie behind that of an earlier one, or of what is made up for, on account of a change of the clocks near it. */
export function slackAt(zone: TimeZone, at: number): number {
  const offsets = zone.offsetsAround(at);
  const change = Math.max(...offsets) - Math.min(...offsets);
  return change === 0 ? 0 : change + hourMs;
}
