import { Adwin } from '../../stats/detectors/adwin.ts';
import { PageHinkley } from '../../stats/detectors/page-hinkley.ts';
import type { DetectorState, StreamDetector } from '../../stats/detectors/stream-detector.ts';
import type { ConceptSettings } from './concept-options.ts';

/** A period gives a detector at most so many values. */
export const valuesPerPeriod = 24;

// The level before is known by its estimate alone, and blocks of losses are not quite normal: simulated, values give up to 1.3 times as many alarms as if they were.
const margin = 1.5;

/** The detector of a monitor, for values that are standard normal while nothing changes, going on from `state` when it is one of the same detector with the same options. */
export function lossDetector({ detector, periodsPerFalseAlarm }: ConceptSettings, state: DetectorState | undefined): StreamDetector {
  const run = margin * periodsPerFalseAlarm * valuesPerPeriod;
  const fresh = detector === 'adwin' ? new Adwin({ delta: adwinDelta(run), clock: 1 }) : new PageHinkley({ warmUp: 1, delta: slack, threshold: thresholdOf(run), alpha: 1 });
  const { kind, options } = fresh.toJSON();
  if (state?.kind !== kind || Object.entries(options).some(([name, value]) => state.options[name] !== value)) return fresh;
  return detector === 'adwin' ? Adwin.fromJSON(state) : PageHinkley.fromJSON(state);
}

// Half of the shift, in standard deviations of a value, that is found the soonest.
const slack = 0.5;

/** The threshold at which a two-sided chart of standard normal values alarms once in `run` of them on average (Siegmund 1985). */
function thresholdOf(run: number): number {
  const runOf = (threshold: number): number => {
    const reach = 2 * slack * (threshold + 1.166);
    return (Math.exp(reach) - reach - 1) / (4 * slack * slack);
  };
  let [low, high] = [0, 100];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (runOf(middle) < run) low = middle;
    else high = middle;
  }
  return high;
}

/** Simulated, ADWIN alarms once in 680 / delta standard normal values at delta = 0.3, and less often than that for smaller ones. */
function adwinDelta(run: number): number {
  return Math.min(0.3, 600 / run);
}
