import * as z from 'zod/mini';
import type { Clock } from '../core/clock.ts';
import type { Duration } from '../core/duration.ts';
import type { ErrorListener, Logger } from '../core/logger.ts';
import { callable, clockOption, having, recordOf, signalOption, standardSchemaOption } from '../core/option-schemas.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { Random } from '../core/random.ts';
import type { StandardSchema } from '../core/schema.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { storageOption } from '../storage/storage-option.ts';
import type { ExplainOptions } from './caching/explain.ts';
import type { RefreshOptions } from './caching/refresh.ts';
import type { PipelineListener } from './pipeline-event.ts';
import { nameSchema, type StepHandle } from './step.ts';
import type { StepTracker } from './step-tracking.ts';
import type { StepExecutor } from './workers/step-executor.ts';

/** What a pipeline is made of. */
export interface PipelineOptions<Input, Params> {
  /** Names the pipeline and its runs in the store; processes that define the same pipeline can resume each other's runs. */
  name: string;
  /** Where runs and outputs are kept. */
  storage: StorageAdapter;
  /** Checks the params of each run: any Standard Schema, such as one of zod. What it makes of them is stored, and must be plain data. @default no params */
  params?: StandardSchema<Input, Params> | undefined;
  /** How this process is called when it holds a run that another wants. @default a fresh id */
  owner?: string | undefined;
  /** A process that gives no sign of life for this long loses its runs to the next that resumes them. @default '30s' */
  lease?: Duration | undefined;
  /** How long a step whose signal has fired may take to end before it is left behind. @default '5s' */
  grace?: Duration | undefined;
  /**
   * After this long a run has failed: its steps are stopped and what ends later is not taken, then those at the end run. It goes on counting while the run is interrupted, and anew when
   * a run that had ended is resumed.
   *
   * @default none
   */
  runTimeout?: Duration | undefined;
  /** Gives each step that asks for it, by `track()`, a run of its own. @default none */
  tracker?: StepTracker | undefined;
  /** About how many characters the log of an attempt keeps: the first half of them, and the last. @default 1_000_000 */
  logCharacters?: number | undefined;
  /**
   * Slots by the name of a pool, such as `{ gpu: 1 }`: the attempts of steps that name a pool take its slots, and no more run at once than it has, in all runs of this `Pipeline` object together.
   * Other processes, and other objects of the same name, have pools of their own.
   *
   * @default none
   */
  pools?: Readonly<Record<string, number>> | undefined;
  /**
   * Who makes the attempts at steps: `'workers'` are the processes that {@link Pipeline.work} for this pipeline and find them in the store; a {@link StepExecutor} brings them to others by a queue. Give the same in all processes of the pipeline.
   *
   * @default the process that the run goes on in
   */
  executor?: 'workers' | StepExecutor | undefined;
  /** @default the host's */
  clock?: Clock | undefined;
  /** The jitter of the waits between attempts. @default derived from run, step and attempt, so that it can be replayed */
  random?: Random | undefined;
  /** Is told of what goes wrong in the background. @default nothing is printed */
  logger?: Logger | undefined;
  /** Is told of what goes wrong in the background: a listener that throws, a heartbeat that fails. @default only the logger is */
  onError?: ErrorListener | undefined;
}

/** How a run is carried out. */
export interface ExecutionOptions extends OperationOptions {
  /** Is told of each event, for showing how far it has come. */
  onEvent?: PipelineListener | undefined;
  /** How many steps may run at once. @default 8 */
  concurrency?: number | undefined;
}

/** Who starts a run, and why. */
export interface StartedBy {
  /** Who does. It is recorded as it is given: whoever may write to the store may give any name. @default nobody is named */
  by?: string | undefined;
  /** Why. @default nothing is said */
  reason?: string | undefined;
}

/** How a run is started; `signal` cancels it. `params` are required where the schema requires any. */
export type RunOptions<Input> = ExecutionOptions & RefreshOptions & StartedBy & (undefined extends Input ? Partial<RunParams<Input | undefined>> : RunParams<Input>);

/** What a run is started with. */
export interface RunParams<Input> {
  /** The params, as the schema takes them. */
  params: Input;
}

/** How a run is resumed. */
export interface ResumeOptions extends ExecutionOptions {
  /** Takes the run from an owner whose lease has not expired: only when you know that it is gone. @default false */
  takeOver?: boolean | undefined;
}

/** What {@link PipelineOptions} must look like. */
export const pipelineOptionsSchema: z.ZodMiniType<PipelineOptions<unknown, unknown>> = z.strictObject({
  name: nameSchema,
  storage: storageOption,
  params: standardSchemaOption,
  owner: z.optional(nameSchema),
  lease: z.optional(z.custom<Duration>()),
  grace: z.optional(z.custom<Duration>()),
  runTimeout: z.optional(z.custom<Duration>()),
  tracker: z.optional(having<StepTracker>('startRun', 'must be a Tracker')),
  logCharacters: z.optional(z.int().check(z.minimum(1000), z.maximum(1_000_000_000))),
  pools: z.optional(recordOf(nameSchema, z.int().check(z.minimum(1)))),
  executor: z.optional(z.union([z.literal('workers'), having<StepExecutor>('execute', 'must have a method execute')])),
  clock: clockOption,
  random: z.optional(callable<Random>()),
  logger: z.optional(having<Logger>('error', 'must be a logger, such as console')),
  onError: z.optional(callable<ErrorListener>()),
});

const execution = {
  concurrency: z.optional(z.int().check(z.minimum(1))),
  onEvent: z.optional(callable<PipelineListener>()),
  signal: signalOption,
};

/** What the options of `run` must look like. */
export const runOptionsSchema: z.ZodMiniType<ExecutionOptions & RefreshOptions & StartedBy & { params?: unknown }> = z.strictObject({
  ...execution,
  by: z.optional(nameSchema),
  reason: z.optional(z.string().check(z.maxLength(10_000))),
  params: z.optional(z.unknown()),
  refresh: z.optional(z.union([z.boolean(), z.array(z.custom<StepHandle | string>())])),
});

/** What {@link ResumeOptions} must look like. */
export const resumeOptionsSchema: z.ZodMiniType<ResumeOptions> = z.strictObject({ ...execution, takeOver: z.optional(z.boolean()) });

/** What {@link ExplainOptions} must look like. */
export const explainOptionsSchema: z.ZodMiniType<ExplainOptions> = z.strictObject({ run: z.optional(z.string()), signal: signalOption });
