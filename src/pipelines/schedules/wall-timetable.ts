import { momentsMeant, slackAt, type ClockChanges } from './clock-changes.ts';
import type { TimeZone, WallTime } from './time-zone.ts';
import type { Timetable } from './timetable.ts';

/** The wall times of a schedule, in order and without regard to changes of the clocks. */
export interface WallTimes {
  /** The first after one. */
  after(wall: WallTime): WallTime | undefined;
  /** The last before one. */
  before(wall: WallTime): WallTime | undefined;
}

// A pattern that the clocks of its zone pass over each time is one that never comes.
const mostTries = 10_000;

/** The ticks of wall times in a zone. Near a change of the clocks the order of wall times is not that of moments, so that all which could come first are looked at. */
export function wallTimetable(walls: WallTimes, zone: TimeZone, changes: ClockChanges): Timetable {
  return {
    next(after) {
      let best: number | undefined;
      let tried = 0;
      for (let wall = walls.after(zone.wallAt(after) - slackAt(zone, after)); wall !== undefined; wall = walls.after(wall)) {
        if (best !== undefined && wall > zone.wallAt(best) + slackAt(zone, best)) break;
        for (const at of momentsMeant(zone, wall, changes)) if (at > after && (best === undefined || at < best)) best = at;
        if (best !== undefined && slackAt(zone, best) === 0) break;
        if (best === undefined && ++tried > mostTries) break;
      }
      return best;
    },
    previous(at) {
      let best: number | undefined;
      let tried = 0;
      // The search backward leaves its reference out.
      for (let wall = walls.before(zone.wallAt(at) + slackAt(zone, at) + 1000); wall !== undefined; wall = walls.before(wall)) {
        if (best !== undefined && wall < zone.wallAt(best) - slackAt(zone, best)) break;
        for (const moment of momentsMeant(zone, wall, changes)) if (moment <= at && (best === undefined || moment > best)) best = moment;
        if (best !== undefined && slackAt(zone, best) === 0) break;
        if (best === undefined && ++tried > mostTries) break;
      }
      return best;
    },
  };
}
