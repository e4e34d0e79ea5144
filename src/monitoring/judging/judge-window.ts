import { compareProfiles } from '../../stats/profiles/judge-columns.ts';
import { driftFindings, nextAlerts, type AlertState } from '../alerts/alert-state.ts';
import type { DriftVerdict, MonitorContext } from '../monitor-state.ts';
import { windowProfile, type WindowCounts } from '../windows/monitor-window.ts';

/** What a closed window comes to. */
export interface ConcludedWindow {
  /** The verdict, and the alerts that it makes. */
  readonly events: readonly { readonly type: 'verdict' | 'alert'; readonly data: unknown }[];
  /** Where the alerts stand then. */
  readonly states: readonly AlertState[];
}

/** Judges windows. It is loaded when the first one closes or is checked: who only observes never needs it. */
export interface WindowJudging {
  /** The verdict on a window, closed or not; on none at all, that there is nothing to judge. */
  readonly verdictOn: (window: WindowCounts | undefined, number: number, complete: boolean) => DriftVerdict;
  /** The verdict on a window that closes now, and what it does to the alerts. Pure. */
  readonly conclude: (window: WindowCounts, number: number, alerts: readonly AlertState[], now: number) => ConcludedWindow;
}

/** Makes what judges the windows of a monitor. */
export function windowJudging(context: MonitorContext): WindowJudging {
  const verdictOn: WindowJudging['verdictOn'] = (window, number, complete) => judgeWindow(window, number, complete, context);
  const { name, alerting } = context;
  return {
    verdictOn,
    conclude(window, number, before, now) {
      const verdict = verdictOn(window, number, true);
      const { states, alerts } = nextAlerts(before, driftFindings(verdict), { monitor: name, settings: alerting, now });
      return { states, events: [{ type: 'verdict', data: verdict }, ...alerts.map((data) => ({ type: 'alert', data }) as const)] };
    },
  };
}

function judgeWindow(window: WindowCounts | undefined, number: number, complete: boolean, { name, reference, digest, settings, plan }: MonitorContext): DriftVerdict {
  return {
    ...compareProfiles(reference, windowProfile(reference, window), settings),
    monitor: name,
    reference: digest,
    window: {
      number,
      rows: window?.rows ?? 0,
      ...(window && plan.by === 'time' && { start: window.start, end: window.start + plan.everyMs }),
      ...(window && window.late > 0 && { late: window.late }),
      ...(window && { from: window.from, to: window.to }),
      versions: Object.fromEntries(window?.versions ?? []),
      complete,
    },
  };
}
