import type { Digest } from '../core/digest.ts';
import type { DataDrift } from '../stats/profiles/data-drift.ts';
import type { DriftSettings } from '../stats/profiles/drift-settings.ts';
import type { DataProfile } from '../stats/profiles/data-profile.ts';
import type { AlertSettings } from './alerts/alert-options.ts';
import type { AlertSilence } from './alerts/alert-silence.ts';
import type { AlertState } from './alerts/alert-state.ts';
import type { StoredPlaceSums } from './attribution/place-sums.ts';
import type { ConceptState } from './concept/follow-concept.ts';
import type { StoredEstimator } from './estimates/estimate-options.ts';
import type { EstimateReport } from './estimates/judge-estimate.ts';
import type { HealthReport } from './health/judge-health.ts';
import type { AnyJudgement } from './judging/judgement.ts';
import type { PeriodPerformance } from './performance/judge-period.ts';
import type { PerformanceReport } from './performance/performance-watch.ts';
import type { QualityReport } from './quality/quality-report.ts';
import type { WindowCounts } from './windows/monitor-window.ts';
import type { PaneList } from './windows/panes.ts';
import type { WindowPlan } from './windows/window-plan.ts';

/** The rows that a verdict is about. */
export interface VerdictWindow {
  /** Position among the monitor's closed windows, from 1; the open one has the number it will get. */
  readonly number: number;
  /** Rows in it. */
  readonly rows: number;
  /** When the window itself began, epoch milliseconds; absent when windows go by rows. */
  readonly start?: number | undefined;
  /** When the window itself ended, itself not in it, epoch milliseconds; absent when windows go by rows. */
  readonly end?: number | undefined;
  /**
   * How many panes it has, of which one closes at each slide; absent when windows do not slide. Fewer than a window has, at the beginning only: until so many have closed, a window is shorter. Panes of time are counted without
   * rows too.
   */
  readonly panes?: number | undefined;
  /** Rows in it that were stored when their own window, or pane, was closed already; absent when there are none. */
  readonly late?: number | undefined;
  /** When its first row was observed, epoch milliseconds; absent when it has none. */
  readonly from?: number | undefined;
  /** When its last row was observed, epoch milliseconds; absent when it has none. */
  readonly to?: number | undefined;
  /** Rows per model version, for rows that named one. */
  readonly versions: Readonly<Record<string, number>>;
  /** Whether it is closed. The verdict on an open window is of the moment, and not stored. */
  readonly complete: boolean;
}

/** What a monitor found in one window beside drift, by the kind of judgement. */
export interface WindowFindings {
  /** How the system around the model did; only of a monitor that judges it. */
  readonly health?: HealthReport | undefined;
  /** What the data was like, beside its distribution; only of a monitor that judges it. */
  readonly quality?: QualityReport | undefined;
  /** How good the predictions should have been, without labels; only of a monitor that estimates it. */
  readonly estimate?: EstimateReport | undefined;
}

/** What a monitor found in one window. */
export interface DriftVerdict extends DataDrift, WindowFindings {
  /** Name of the monitor. */
  readonly monitor: string;
  /** Digest of the reference that it was compared with. */
  readonly reference: Digest;
  /** The rows that were judged. */
  readonly window: VerdictWindow;
  /** How good the predictions were, by the labels that have come; only in what `check()` gives, of a monitor that judges performance. */
  readonly performance?: PerformanceReport | undefined;
}

/** The head record of a monitor. */
export interface MonitorState {
  readonly reference: Digest;
  /** What estimates the performance; absent before there was one. */
  readonly estimator?: Digest | undefined;
  /** Windows closed so far. */
  readonly windows: number;
  /** Open windows; of sliding ones, open panes. */
  readonly open: readonly WindowCounts[];
  /** Closed panes; absent before windows slid. */
  readonly panes?: PaneList | undefined;
  /** The end of the latest window, or pane, that closed for its time; 0 before. */
  readonly closedTo: number;
  readonly alerts: readonly AlertState[];
  /** Alerts that nobody is told of; absent before the first. Those whose time is over may still be among them. */
  readonly silences?: readonly AlertSilence[] | undefined;
  /** Per writer the last batch that is in, so that a batch sent again after a lost answer is counted once. */
  readonly applied: readonly (readonly [writer: string, batch: number])[];
  /** The periods of predictions that were judged for good; absent before the first. */
  readonly performance?: JudgedState | undefined;
}

/** How far the performance was judged. */
interface JudgedState {
  /** No period that began before it is judged again. */
  readonly judgedTo: number;
  /** Periods judged so far. */
  readonly periods: number;
  readonly last: PeriodPerformance;
  /** The losses so far; absent while nothing looks at them. */
  readonly concept?: ConceptState | undefined;
  /** The losses of the last period in which all was well, by the bins of the columns; absent while there is none, or nobody asks. */
  readonly well?: StoredPlaceSums | undefined;
}

/** What does not change while a monitor lives. */
export interface MonitorContext {
  readonly name: string;
  readonly writer: string;
  readonly reference: DataProfile;
  readonly digest: Digest;
  /** What estimates the performance, when something does. */
  readonly estimator?: StoredEstimator | undefined;
  readonly plan: WindowPlan;
  readonly settings: DriftSettings;
  readonly alerting: AlertSettings;
  /** What is judged beside drift. */
  readonly judgements: readonly AnyJudgement[];
}
