import type { UnitName } from '../units.ts';

/** An attempt that waits to be made: names only, which can be sent as JSON. What it works on, and what it comes to, lie in the store of the pipeline. */
export interface StepTask extends UnitName {
  /** Name of the pipeline. */
  readonly pipeline: string;
  /** Id of the run. */
  readonly run: string;
  /** Which round of the run it belongs to, counted from 1. */
  readonly round: number;
  /** Name of the step. */
  readonly step: string;
  /** The number of the item of the step that it is at, counted from 0; absent when it is at the step itself. */
  readonly index?: number | undefined;
  /** Number of the attempt, counted from 1. */
  readonly attempt: number;
}

/** Brings attempts to other processes: what stands between a pipeline and a queue. */
export interface StepExecutor {
  /**
   * Brings a task to a process that gives it to {@link Pipeline.perform}, and resolves when that has returned. It may be delivered several times, or to several: one of them makes the attempt. When this resolves or rejects and the attempt
   * was not made, the run asks again, after a growing time; so a queue may lose what it was given.
   *
   * @param signal - Fires when the run waits for the task no longer.
   */
  execute(task: StepTask, signal: AbortSignal): Promise<void>;
}
