import type { AlertFinding } from '../alerts/alert-state.ts';
import type { Observation } from '../monitor-options.ts';
import type { WindowFindings } from '../monitor-state.ts';
import type { Sums } from '../windows/window-sums.ts';
import type { JudgedWindow } from './judge-window.ts';

/** Counts what a kind of judgement asks of each observed row, as sums by key. */
export interface RowTally {
  /** Counts one row. It may come without features, when the request failed. */
  observe(observation: Observation, version: string | undefined, now: number): void;
  /** The sums since the last take, and starts anew. */
  take(): Sums;
}

/** Judges one aspect of a window, by the sums that the window keeps for it or by the columns that it has anyway. */
export interface WindowJudge<Found> {
  judge(window: JudgedWindow): Found;
  /** What that has to say to the alerts. */
  findings(found: Found): readonly Omit<AlertFinding, 'number'>[];
}

/**
 * A kind of judgement that a monitor makes of each window, beside that of drift. What a window keeps for it are named sums, which the window merges and stores without knowing what they are of: processes add up each other's, also
 * those of kinds that they do not judge.
 */
export interface Judgement<Name extends keyof WindowFindings> {
  /** Under which a verdict has what was found, and a window keeps the sums. */
  readonly name: Name;
  /** Under which a window keeps its sums, when that is not the name: what is counted in another way must not be added to them. */
  readonly sums?: string | undefined;
  /** Counts the rows of this process; absent when the columns are all that is judged. */
  readonly tally?: RowTally | undefined;
  /** Loads what judges; called when the first window is judged. */
  readonly load: () => Promise<WindowJudge<NonNullable<WindowFindings[Name]>>>;
}

/** One kind of judgement or another. */
export type AnyJudgement = { readonly [Name in keyof WindowFindings]-?: Judgement<Name> }[keyof WindowFindings];
