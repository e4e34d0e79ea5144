import { compareProfiles } from '../../stats/profiles/judge-columns.ts';
import type { AlertSilence } from '../alerts/alert-silence.ts';
import { driftFindings, nextAlerts, type AlertFinding, type AlertState } from '../alerts/alert-state.ts';
import type { DataProfile } from '../../stats/profiles/data-profile.ts';
import type { DriftVerdict, MonitorContext, WindowFindings } from '../monitor-state.ts';
import { windowProfile, type WindowCounts, type WindowRows } from '../windows/monitor-window.ts';
import type { WindowJudge } from './judgement.ts';

/** What a closed window comes to. */
export interface ConcludedWindow {
  /** The verdict, and the alerts that it makes. */
  readonly events: readonly { readonly type: 'verdict' | 'alert'; readonly data: unknown }[];
  /** Where the alerts stand then. */
  readonly states: readonly AlertState[];
}

/** Where the alerts of a monitor stood before a window. */
export interface AlertsBefore {
  readonly alerts: readonly AlertState[];
  readonly silences: readonly AlertSilence[];
  /** Epoch milliseconds. */
  readonly now: number;
}

/** Judges windows. It is loaded when the first one closes or is checked: who only observes never needs it. */
export interface WindowJudging {
  /** The verdict on a window, closed or not; on none at all, that there is nothing to judge. */
  readonly verdictOn: (window: WindowRows | undefined, number: number, complete: boolean) => DriftVerdict;
  /** The verdict on a window that closes now, and what it does to the alerts. Pure. */
  readonly conclude: (window: WindowRows, number: number, before: AlertsBefore) => ConcludedWindow;
}

/** A window as it is judged. */
export interface JudgedWindow {
  readonly reference: DataProfile;
  /** What was counted; absent when no row came. */
  readonly counts: WindowCounts | undefined;
  /** When the window itself began and ended, epoch milliseconds; absent when windows go by rows. */
  readonly start?: number | undefined;
  readonly end?: number | undefined;
  readonly complete: boolean;
}

/** What was found in a window beside drift, and what that has to say to the alerts. */
type Judge = (window: JudgedWindow) => { readonly found: WindowFindings; readonly findings: readonly Omit<AlertFinding, 'number'>[] };

/** Makes what judges the windows of a monitor, once all of its kinds of judgement are loaded. */
export async function windowJudging(context: MonitorContext): Promise<WindowJudging> {
  const { name, alerting, judgements } = context;
  const judges = await Promise.all(judgements.map(async ({ name: kind, load }): Promise<Judge> => judgeOf(kind, await load())));
  const judged = (window: WindowRows | undefined, number: number, complete: boolean): { verdict: DriftVerdict; findings: AlertFinding[] } => {
    const verdict = driftVerdict(window, number, complete, context);
    const { start, end } = verdict.window;
    const found = judges.map((judge) => judge({ reference: context.reference, counts: window, start, end, complete }));
    const findings = found.flatMap((each) => each.findings.map((finding) => ({ ...finding, number })));
    return { verdict: Object.assign(verdict, ...found.map((each) => each.found)) as DriftVerdict, findings: [...driftFindings(verdict), ...findings] };
  };
  return {
    verdictOn: (window, number, complete) => judged(window, number, complete).verdict,
    conclude(window, number, { alerts: before, silences, now }) {
      const { verdict, findings } = judged(window, number, true);
      const { states, alerts } = nextAlerts(before, findings, { monitor: name, settings: alerting, silences, now });
      return { states, events: [{ type: 'verdict', data: verdict }, ...alerts.map((data) => ({ type: 'alert', data }) as const)] };
    },
  };
}

function judgeOf(name: keyof WindowFindings, judge: WindowJudge<NonNullable<WindowFindings[keyof WindowFindings]>>): Judge {
  return (window) => {
    const found = judge.judge(window);
    return { found: { [name]: found }, findings: judge.findings(found) };
  };
}

function driftVerdict(window: WindowRows | undefined, number: number, complete: boolean, { name, reference, digest, settings, plan }: MonitorContext): DriftVerdict {
  return {
    ...compareProfiles(reference, windowProfile(reference, window), settings),
    monitor: name,
    reference: digest,
    window: {
      number,
      rows: window?.rows ?? 0,
      ...(window && plan.by === 'time' && { start: window.start, end: window.end ?? window.start + plan.everyMs }),
      ...(window?.panes !== undefined && { panes: window.panes }),
      ...(window && window.late > 0 && { late: window.late }),
      ...(window && { from: window.from, to: window.to }),
      versions: Object.fromEntries(window?.versions ?? []),
      complete,
    },
  };
}
