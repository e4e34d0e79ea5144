import { ModelkeepError, ValidationError } from '../core/errors.ts';
import type { FailureRecord } from '../core/failure.ts';
import { cancellationOf, type CancellableRun, type RunCancellation } from './cancelling/cancellation.ts';
import type { Outputs } from './outputs.ts';
import type { RunOutcome } from './run-state.ts';
import type { StepResult } from './step-result.ts';
import type { StepHandle, StepOutput } from './step.ts';
import { isForPerson, type WaitingStep } from './waiting/wait.ts';

/** When a run began and ended. */
export interface RunTimings {
  /** Epoch milliseconds. */
  readonly startedAt: number;
  /** Epoch milliseconds; absent while it is not finished. */
  readonly endedAt?: number | undefined;
  /** From the first start to the end, pauses before a resumption included; absent while it is not finished. */
  readonly durationMs?: number | undefined;
}

/** How a run ended, step by step. */
export interface PipelineResult {
  /** Id of the run, for `getRun` and `resume`. */
  readonly id: string;
  /** Name of the pipeline. */
  readonly pipeline: string;
  /** `succeeded` only when every step has, but for those that were skipped or allowed to fail. `waiting` when it has not ended: nothing in it goes on until somebody has decided. */
  readonly status: RunOutcome | 'waiting';
  /** What it waits for; empty when it has ended. */
  readonly waitingFor: readonly WaitingStep[];
  /** Why it failed as a whole, such as by its timeout; absent when it is its steps that failed. */
  readonly failure?: FailureRecord | undefined;
  /** By whom and why it was cancelled, when that was by {@link Pipeline.cancel}; when all of its steps had ended by then, it has not the status `cancelled`. */
  readonly cancellation?: RunCancellation | undefined;
  /** By name, in the order in which the steps were defined. */
  readonly steps: Readonly<Record<string, StepResult>>;
  /** When it began and ended. */
  readonly timings: RunTimings;
  /**
   * A copy of what a step put out. Throws an error with code `pipeline-failed` that says why when the step has not succeeded, and `ValidationError` when it is not of
   * this pipeline. A result holds the outputs of all steps in memory for as long as it is referred to, but for streamed ones, which are read from the store.
   */
  output<Handle extends StepHandle>(step: Handle): StepOutput<Handle>;
}

/** The timings of a run from its head. */
export function runTimings({ startedAt, endedAt }: { startedAt: number; endedAt?: number | undefined }): RunTimings {
  return endedAt === undefined ? { startedAt } : { startedAt, endedAt, durationMs: Math.max(0, endedAt - startedAt) };
}

/** What a result is made from. */
export interface ResultParts {
  readonly head: CancellableRun & { readonly id: string; readonly pipeline: string; readonly startedAt: number; readonly endedAt?: number | undefined; readonly failure?: FailureRecord | undefined };
  readonly status: RunOutcome | 'waiting';
  readonly steps: Readonly<Record<string, StepResult>>;
  readonly outputs: Outputs;
  readonly isOwn: (handle: unknown) => handle is StepHandle;
}

function waitsIn({ id: run, pipeline }: ResultParts['head'], steps: Readonly<Record<string, StepResult>>): WaitingStep[] {
  return Object.values(steps).flatMap(({ name: step, waitingFor }) => (waitingFor && isForPerson(waitingFor) ? [{ run, pipeline, step, ...waitingFor }] : []));
}

/** The result of a run; loads the outputs that are not in memory yet. */
export async function pipelineResult({ head, status, steps, outputs, isOwn }: ResultParts): Promise<PipelineResult> {
  await outputs.loadAll();
  return {
    id: head.id,
    pipeline: head.pipeline,
    status,
    failure: head.failure,
    cancellation: cancellationOf(head),
    steps,
    waitingFor: status === 'waiting' ? waitsIn(head, steps) : [],
    timings: runTimings(head),
    output<Handle extends StepHandle>(handle: Handle): StepOutput<Handle> {
      const step = isOwn(handle) ? steps[handle.name] : undefined;
      if (step === undefined) throw new ValidationError(`That is not a step of this run of pipeline '${head.pipeline}'; give what its step() returned.`, { path: 'step' });
      if (step.status === 'succeeded') return outputs.copy(step.name) as StepOutput<Handle>;
      const why = step.failure ? `: ${step.failure.message}` : step.because ? `: ${step.because}` : '';
      throw new ModelkeepError('pipeline-failed', `Step '${step.name}' of run ${head.id} has no output, for it is ${step.status}${why}`, {
        run: head.id,
        step: step.name,
        status: step.status,
        failure: step.failure,
      });
    },
  };
}
