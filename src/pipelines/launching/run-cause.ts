import type { RecordRef } from '../../core/record-ref.ts';

/** What a run was started by. */
export type RunCause = CallCause | ScheduleCause | TriggerCause | PipelineCause;

/** A call of `run`. */
export interface CallCause {
  /** Tells this cause from the others. */
  readonly kind: 'call';
  /** Who started it; absent when that was not said. */
  readonly by?: string | undefined;
  /** Why; absent when that was not said. */
  readonly reason?: string | undefined;
}

/** A schedule, when an interval had ended or was asked for afterwards. */
export interface ScheduleCause {
  /** Tells this cause from the others; a `backfill` was asked for. */
  readonly kind: 'schedule' | 'backfill';
  /** Name of the schedule. */
  readonly name: string;
}

/** A step of another pipeline that runs this one. */
export interface PipelineCause {
  /** Tells this cause from the others. */
  readonly kind: 'pipeline';
  /** Name of that pipeline. */
  readonly pipeline: string;
  /** Id of its run. */
  readonly run: string;
  /** Name of the step. */
  readonly step: string;
}

/** Something that happened at a source. */
export interface TriggerCause {
  /** Tells this cause from the others. */
  readonly kind: 'trigger';
  /** Name of the trigger. */
  readonly name: string;
  /** Id of the source. */
  readonly source: string;
  /** Id of the event; of several that were taken together, the last. */
  readonly event: string;
  /** When that happened, epoch milliseconds. */
  readonly at: number;
  /** What it happened to. */
  readonly ref: RecordRef;
  /** How many events were taken together. */
  readonly events: number;
}
