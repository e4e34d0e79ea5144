import type { FailureRecord } from '../core/failure.ts';
import type { ErrorListener } from '../core/logger.ts';
import type { RunOutcome } from './reducer.ts';

interface EventBase {
  /** Id of the run. */
  readonly run: string;
  readonly pipeline: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

interface AttemptEvent extends EventBase {
  readonly step: string;
  /** Counted from 1. */
  readonly attempt: number;
}

/** What a run tells while it goes on. What an event tells of is durable by then. */
export type PipelineEvent =
  | (EventBase & {
      readonly type: 'run-started';
      /** Whether it goes on with what an earlier process or call had begun. */
      readonly resumed: boolean;
      /** How many steps there are, and how many have succeeded before. */
      readonly steps: { readonly total: number; readonly succeeded: number };
    })
  | (AttemptEvent & { readonly type: 'step-started' })
  | (AttemptEvent & { readonly type: 'step-succeeded'; readonly durationMs: number })
  | (AttemptEvent & {
      readonly type: 'step-retrying';
      readonly durationMs: number;
      readonly failure: FailureRecord;
      /** When the next attempt begins, epoch milliseconds. */
      readonly retryAt: number;
    })
  | (AttemptEvent & { readonly type: 'step-failed'; readonly durationMs: number; readonly failure: FailureRecord })
  | (EventBase & { readonly type: 'step-skipped'; readonly step: string; readonly status: 'upstream_failed'; readonly because: string })
  | (EventBase & { readonly type: 'step-cancelled'; readonly step: string; readonly because: string })
  | (EventBase & { readonly type: 'run-finished'; readonly status: RunOutcome; readonly durationMs: number });

/** Is told of each event; what it throws harms nothing and is reported to `onError`. */
export type PipelineListener = (event: PipelineEvent) => void;

/** Calls a listener so that neither a throw nor a rejected promise gets out. */
export function tell(listener: PipelineListener, event: PipelineEvent, onError: ErrorListener): void {
  try {
    const answer: unknown = listener(event);
    if (answer instanceof Promise) answer.catch(onError);
  } catch (error) {
    onError(error);
  }
}
