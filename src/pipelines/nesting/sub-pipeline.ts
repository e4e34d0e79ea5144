import * as z from 'zod/mini';
import { callable } from '../../core/option-schemas.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { check } from '../../core/schema.ts';
import type { Clock } from '../../core/clock.ts';
import type { PipelineListener } from '../pipeline-event.ts';
import type { DriveOptions } from '../run-driver.ts';
import type { PipelineResult } from '../run-result.ts';
import type { RunHead } from '../run-store.ts';
import type { StepContext } from '../step.ts';
import type { StepWork, WorkContext } from '../step-work.ts';
import { running, type ChildPipeline } from './child-pipeline.ts';

/** A run of another pipeline that a step is. */
export interface SubRun {
  /** Name of the pipeline. */
  readonly pipeline: string;
  /** Id of the run, for `getRun` of that pipeline. */
  readonly run: string;
}

/** How a pipeline is run as a step of another, its params apart. */
export interface SubPipelineSettings {
  /** Is told of each event of the run, as by `run`. @default nothing listens */
  readonly onEvent?: PipelineListener | undefined;
  /** How many of its steps may run at once, beside those of the run that it is a step of. @default 8 */
  readonly concurrency?: number | undefined;
}

/** What a pipeline that runs as a step is started with. */
export interface SubPipelineParams<Input, ParentInputs, ParentParams, Item = never> {
  /** Makes its params, as its schema takes them, of what the step is given, or the item of a map. Is asked once: a run that is gone on with keeps its own. */
  readonly params: (context: WorkContext<ParentInputs, ParentParams, Item>) => Input | Promise<Input>;
}

/** How a pipeline is run as a step of another. `params` is required where its schema requires any. */
export type SubPipelineOptions<Input, ParentInputs, ParentParams, Item = never> = SubPipelineSettings &
  (undefined extends Input ? Partial<SubPipelineParams<Input, ParentInputs, ParentParams, Item>> : SubPipelineParams<Input, ParentInputs, ParentParams, Item>);

/** What the step puts out that a pipeline runs as. */
export interface SubPipelineOutput<Output> {
  /** Makes the step's output of the result, which has succeeded. */
  readonly output: (result: PipelineResult) => Output | Promise<Output>;
}

/** What a pipeline lends to the steps that run it. */
export interface SubPipelineHost extends ChildPipeline {
  readonly clock: Clock;
  readonly begun: (id: string, options: OperationOptions) => Promise<boolean>;
  /** Begins a run, or goes on with the one of that id; throws `ConflictError` while another process or attempt works on it. */
  readonly advance: (run: Pick<RunHead, 'id' | 'params' | 'triggeredBy'>, options: DriveOptions) => Promise<PipelineResult>;
  /** What the schema makes of params; throws `ValidationError` when they do not validate. */
  readonly validated: (given: unknown) => Promise<unknown>;
}

/** Options as they are used. */
export interface SubPipelineTerms extends SubPipelineSettings {
  readonly params?: ((context: StepContext<never, never>) => unknown) | undefined;
  readonly output?: ((result: PipelineResult) => unknown) | undefined;
}

const schema = z.strictObject({
  params: z.optional(callable<(context: StepContext<never, never>) => unknown>()),
  output: z.optional(callable<(result: PipelineResult) => unknown>()),
  onEvent: z.optional(callable<PipelineListener>()),
  concurrency: z.optional(z.int().check(z.minimum(1))),
});

/** The work of a step that runs a pipeline. */
export function subPipeline(host: SubPipelineHost, options: unknown): StepWork<never, never, unknown> {
  const terms: SubPipelineTerms = check(schema, options, 'options');
  return running(host, async (context: StepContext<never, never>) => {
    const { runAsStep } = await import('./run-as-step.ts');
    return runAsStep(host, terms, context);
  });
}
