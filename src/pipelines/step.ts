import * as z from 'zod/mini';
import type { Duration } from '../core/duration.ts';
import { ValidationError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { callable, recordOf, wellFormedCheck } from '../core/option-schemas.ts';
import { check } from '../core/schema.ts';
import { cacheOptionsSchema, cachePolicy, type CachePolicy, type StepCacheOptions } from './caching/cache-options.ts';
import { childOf } from './nesting/child-pipeline.ts';
import type { ItemTerms } from './plan.ts';
import type { PoolShare } from './pool-slots.ts';
import type { StepResult } from './step-result.ts';
import type { StepRun } from './step-tracking.ts';
import type { KeptOutput } from './streamed-output.ts';
import { retryOptionsSchema, retryPolicy, type RetryCondition, type RetryOptions, type RetryPolicy } from './retry.ts';
import { silenceLimit, timeLimit } from './timeouts.ts';
import { triggerRules, type TriggerRule } from './trigger-rule.ts';
import type { WaitKind } from './waiting/wait.ts';

declare const outputType: unique symbol;

/** Stands for a step and what it puts out: give it to other steps as a need, and to a result to get the output. */
export interface StepHandle<Output = unknown> {
  /** Name of the step. */
  readonly name: string;
  /** The name of the pipeline that the step belongs to. */
  readonly pipeline: string;
  /** For the compiler only. */
  readonly [outputType]?: Output;
}

/** The steps whose outputs a step is given, under names of its choice. */
export type StepNeeds = Readonly<Record<string, StepHandle>>;

/** Stands for a step that has items: what it puts out is what they do, in their order. */
export interface MapHandle<Output = unknown> extends StepHandle<Output[]> {
  /** Tells it from the handle of a step that has none. */
  readonly mapped: true;
}

/** What others get of what a step puts out. */
export type StepOutput<Handle> = Handle extends MapHandle<infer Output> ? KeptOutput<Output>[] : Handle extends StepHandle<infer Output> ? KeptOutput<Output> : never;

/** What there is of the output of a step that may have failed: of one that has items, what those put out that have succeeded, and `undefined` for the others. */
export type PartialOutput<Handle> = Handle extends MapHandle<infer Output> ? (KeptOutput<Output> | undefined)[] : StepOutput<Handle>;

/** The outputs of the needed steps; `undefined` for one that has not succeeded, where the trigger lets the step run all the same. */
export type StepInputs<Needs extends StepNeeds, Trigger extends TriggerRule = 'all_success'> = {
  readonly [Name in keyof Needs]: [Trigger] extends ['all_success'] ? StepOutput<Needs[Name]> : PartialOutput<Needs[Name]> | undefined;
};

/** What happens while a step runs and when it fails. */
export interface StepExecutionOptions {
  /** How often it is tried again. @default never */
  retries?: RetryOptions | undefined;
  /** After this long an attempt has failed and its signal fires. @default none */
  timeout?: Duration | undefined;
  /**
   * After this long from the beginning of its first attempt the step has failed, whether an attempt runs or it waits for the next; what ends later is not taken. It goes on counting
   * while the run is interrupted, and anew when a run that had ended is resumed.
   *
   * @default none
   */
  totalTimeout?: Duration | undefined;
  /**
   * After this long without a call of `heartbeat` an attempt has failed and its signal fires, as by `timeout`: give it to work that may hang, or whose progress is to outlive it. Shorter than `timeout`. Counts from the beginning of the work.
   *
   * @default none
   */
  heartbeatTimeout?: Duration | undefined;
  /** One of the pipeline's `pools`, whose slots it takes while an attempt runs. @default none */
  pool?: string | undefined;
  /** How many slots of the pool it takes. @default 1 */
  slots?: number | undefined;
  /** Of the steps that are ready, those of higher priority start first; among equals, the one that has been ready longer. @default 0 */
  priority?: number | undefined;
}

/** How a step depends on others and what happens when it fails. */
export interface StepOptions<Needs extends StepNeeds, Params = unknown, Trigger extends TriggerRule = TriggerRule> extends StepExecutionOptions {
  /** Steps whose outputs it is given. @default none */
  needs?: Needs | undefined;
  /** Steps that it comes after, without their outputs. @default none */
  after?: readonly StepHandle[] | undefined;
  /** How the steps of `needs` and `after` must have ended. @default 'all_success' */
  trigger?: Trigger | undefined;
  /**
   * Is asked when the step would begin, and again before each retry; when it says no, the step is `skipped`. It should look at nothing but what it is given. What it throws
   * is the step's failure.
   *
   * @default it runs
   */
  when?: StepCondition<StepInputs<Needs, Trigger>, Params> | undefined;
  /** Whether the run may be `succeeded` though this step is `failed` or `upstream_failed`. What comes after it is not let off by that. @default false */
  allowFailure?: boolean | undefined;
  /**
   * Lets its output be taken from an earlier run of the pipeline in which it depended on the same. Is looked at after `when` has said yes, and before each attempt.
   *
   * @default it runs each time
   */
  cache?: StepCacheOptions<Params> | undefined;
}

/** How a step that runs at the end depends on others and what happens when it fails. */
export interface FinalStepOptions<Needs extends StepNeeds> extends StepExecutionOptions {
  /** Steps whose outputs it is given, as far as they have succeeded. @default none */
  needs?: Needs | undefined;
  /** Other steps that run at the end and that it comes after. @default none */
  after?: readonly StepHandle[] | undefined;
}

/** Whether a step is to run. */
export type StepCondition<Inputs, Params> = (context: StepContext<Inputs, Params>) => boolean | Promise<boolean>;

/** The attempt that a step function is called for. */
export interface StepAttempt {
  /** Id of the pipeline run. */
  readonly id: string;
  /** Name of the pipeline. */
  readonly pipeline: string;
  /** Name of the step. */
  readonly step: string;
  /** The number of the item of the step that it is at, counted from 0; absent when it is at the step itself. */
  readonly index?: number | undefined;
  /** Counted from 1. */
  readonly attempt: number;
  /**
   * Stands for this step of this run, or this item of it: the same in every attempt, after a resumption and in a process that takes over, and another in each other run. Give it to what a step does elsewhere as the idempotency key, so that
   * an attempt that is made again does nothing twice. ASCII, at most 300 characters.
   */
  readonly key: string;
  /** How long it may be silent, in milliseconds: the step's `heartbeatTimeout`. Absent when it need give no sign of life. */
  readonly heartbeatTimeoutMs?: number | undefined;
  /** Fires when the attempt, the step or the run has timed out, or the run was cancelled. */
  readonly signal: AbortSignal;
}

/** What a step function is given that can be sent elsewhere. */
export interface StepFacts<Inputs, Params> {
  /** Copies of the outputs of the needed steps, as they were stored: a step may change them without anyone noticing. */
  readonly inputs: Inputs;
  /** The params of the run, as the schema made them. */
  readonly params: Params;
  /** Fires when the attempt, the step or the run has timed out, or the run was cancelled; hand it on to all that waits. */
  readonly signal: AbortSignal;
  /** How the steps have ended that this one comes after, by name; those that run still are as they stand. For a step that runs at the end, all other steps. */
  readonly states: Readonly<Record<string, StepResult>>;
  /** Which run, step and attempt this is. */
  readonly run: StepAttempt;
  /** Takes lines that are stored with the run, for `pipeline.logs`: of an attempt the first and the last, within a bound. What an attempt says that has ended, or was left behind, is not kept. */
  readonly log: Logger;
  /**
   * A sign of life of a step that has a `heartbeatTimeout`. `details` say how far it is, as plain data, bytes or typed arrays of at most 64 KiB; they are stored within a second, however often it is called, and the next attempt has the last ones as
   * `lastHeartbeat`. What an attempt says that has ended, or was left behind, is not kept.
   *
   * Throws `ValidationError` when the step has no `heartbeatTimeout`, and for details that cannot be kept.
   */
  readonly heartbeat: (details?: unknown) => void;
  /** The last details that an earlier attempt at this step of the run, or at this item, gave to `heartbeat`: one that failed, or whose process was killed or stopped. `undefined` when there are none. */
  readonly lastHeartbeat: unknown;
}

/** What a step function is given. */
export interface StepContext<Inputs, Params> extends StepFacts<Inputs, Params> {
  /**
   * The run of the pipeline's `tracker` that this step has: started at the first call, gone on with by a retry or a resumption, and ended as the attempt ends (`finished`, `failed`, or `killed` when it was cancelled). It is called
   * `<pipeline>/<step>` in the experiment of the pipeline's name and is part of the pipeline run, to which its lineage leads, and so does that of a model version that was registered with its id. An attempt fails when its run cannot be
   * ended.
   *
   * Rejects with code `unsupported` when the pipeline has no tracker, and with code `closed` when the attempt has ended.
   */
  readonly track: () => Promise<StepRun>;
}

/** The work of a step. Its output is stored: plain data, dates, bigints, bytes and typed arrays; Node's `Buffer` comes back as `Uint8Array`. A stream or Blob that it returns is stored as it comes, while the attempt goes on, and is a `StreamedOutput` to others. */
export type StepFunction<Inputs, Params, Output> = (context: StepContext<Inputs, Params>) => Output | Promise<Output>;

/** Which items a step has, and how many of them run at once. */
export interface ItemsDefinition extends ItemTerms {
  readonly over: (context: StepContext<Readonly<Record<string, unknown>>, unknown>) => unknown;
}

/** A step inside a pipeline. */
export interface StepDefinition {
  readonly handle: StepHandle;
  /** Names of steps by the name of the input. */
  readonly needs: Readonly<Record<string, string>>;
  readonly after: readonly string[];
  readonly retry: RetryPolicy;
  readonly retryIf: RetryCondition | undefined;
  readonly timeoutMs: number | undefined;
  readonly totalTimeoutMs: number | undefined;
  /** Absent when its attempts need give no sign of life. */
  readonly silenceMs: number | undefined;
  /** Absent when it takes slots of no pool. */
  readonly share: PoolShare | undefined;
  readonly priority: number;
  readonly trigger: TriggerRule;
  readonly final: boolean;
  readonly allowFailure: boolean;
  /** What its work ends with: a wait of this kind. Absent for a step whose work ends it. */
  readonly waits?: WaitKind | undefined;
  /** Absent for a step that runs each time. */
  readonly cache: CachePolicy | undefined;
  readonly when: StepCondition<Readonly<Record<string, unknown>>, unknown> | undefined;
  /** Given for a step that has items; `run` is then the work of each. */
  readonly items?: ItemsDefinition | undefined;
  readonly run: (context: StepContext<Readonly<Record<string, unknown>>, unknown>) => unknown;
}

/** What names of pipelines and steps must look like. */
export const nameSchema: z.ZodMiniType<string, string> = z.string().check(z.minLength(1), z.maxLength(200), wellFormedCheck);

const finalOptions = {
  needs: z.optional(recordOf(z.string(), z.unknown())),
  after: z.optional(z.array(z.unknown())),
  retries: z.optional(retryOptionsSchema),
  timeout: z.optional(z.custom<Duration>()),
  totalTimeout: z.optional(z.custom<Duration>()),
  heartbeatTimeout: z.optional(z.custom<Duration>()),
  pool: z.optional(z.string()),
  slots: z.optional(z.int().check(z.minimum(1))),
  priority: z.optional(z.number()),
};
const finalOptionsSchema = z.strictObject(finalOptions);
const optionsSchema = z.strictObject({
  ...finalOptions,
  trigger: z.optional(z.enum(triggerRules)),
  when: z.optional(callable<StepCondition<Readonly<Record<string, unknown>>, unknown>>()),
  allowFailure: z.optional(z.boolean()),
  cache: z.optional(cacheOptionsSchema),
});

/** What a pipeline has when a step is added. */
export interface StepSurroundings {
  readonly steps: ReadonlyMap<string, StepDefinition>;
  /** The slots of each pool. */
  readonly pools: ReadonlyMap<string, number>;
}

/**
 * Checks a step where it enters.
 *
 * @param final - Whether it runs at the end.
 */
export function defineStep(handle: StepHandle, options: unknown, run: StepDefinition['run'], { steps: earlier, pools }: StepSurroundings, final = false): StepDefinition {
  const path = `step '${handle.name}'`;
  if (typeof options !== 'object' || options === null) {
    throw new ValidationError(`The second argument of ${path} is not an object; give its options, {} for none, and its work as the third.`, { path });
  }
  const checked: z.infer<typeof optionsSchema> = check(final ? finalOptionsSchema : optionsSchema, options, path);
  if (typeof run !== 'function') throw new ValidationError(`The third argument of ${path} is not a function; give the work of the step.`, { path });
  const own = (given: unknown, place: string): string => {
    const source = ownStep(earlier, given);
    if (source?.final && !final) {
      throw new ValidationError(`${place} is step '${source.handle.name}', which runs at the end of the run, when ${path} has ended already; define ${path} with finally() too.`, { path: place });
    }
    if (source) return source.handle.name;
    throw new ValidationError(`${place} is ${describe(given)}; give what step() of this pipeline returned.`, { path: place });
  };
  const timeoutMs = timeLimit(checked.timeout, `${path}.timeout`);
  const silenceMs = silenceLimit(checked.heartbeatTimeout, timeoutMs, path);
  if (silenceMs !== undefined && childOf(run)) {
    throw new ValidationError(`${path} runs a pipeline, which gives no heartbeat; give heartbeatTimeout to the steps of that pipeline.`, { path: `${path}.heartbeatTimeout` });
  }
  return {
    handle,
    needs: Object.fromEntries(Object.entries(checked.needs ?? {}).map(([name, given]) => [name, own(given, `${path}.needs.${name}`)])),
    after: (checked.after ?? []).map((given, i) => own(given, `${path}.after[${i}]`)),
    retry: retryPolicy(checked.retries, `${path}.retries`),
    retryIf: checked.retries?.retryIf,
    timeoutMs,
    totalTimeoutMs: timeLimit(checked.totalTimeout, `${path}.totalTimeout`),
    silenceMs,
    share: poolShare(checked, pools, path),
    priority: checked.priority ?? 0,
    trigger: final ? 'all_done' : (checked.trigger ?? 'all_success'),
    final,
    allowFailure: checked.allowFailure ?? false,
    cache: checked.cache && cachePolicy(checked.cache, `${path}.cache`),
    when: checked.when,
    run,
  };
}

/** What a step takes of a pool, if of any. Throws `ValidationError` for what it can never get. */
function poolShare({ pool, slots }: Pick<StepExecutionOptions, 'pool' | 'slots'>, pools: ReadonlyMap<string, number>, path: string): PoolShare | undefined {
  if (pool === undefined) {
    if (slots === undefined) return undefined;
    throw new ValidationError(`${path}.slots is ${slots}, but the step has no pool; name the pool that they are of.`, { path: `${path}.slots` });
  }
  const all = pools.get(pool);
  if (all === undefined) {
    const known = pools.size === 0 ? 'it has none' : `it has ${[...pools.keys()].map((name) => `'${name}'`).join(', ')}`;
    throw new ValidationError(`${path}.pool is '${pool}', which is no pool of this pipeline; ${known}. Declare it in the pipeline's pools option.`, { path: `${path}.pool` });
  }
  const taken = slots ?? 1;
  if (taken <= all) return { pool, slots: taken };
  throw new ValidationError(`${path}.slots is ${taken}, but pool '${pool}' has ${all}; the step could never run. Take fewer, or give the pool more.`, { path: `${path}.slots` });
}

/** The step that a handle stands for, if it is one of these. */
export function ownStep(steps: ReadonlyMap<string, StepDefinition>, handle: unknown): StepDefinition | undefined {
  const { name } = (typeof handle === 'object' && handle !== null ? handle : {}) as Partial<StepHandle>;
  const step = typeof name === 'string' ? steps.get(name) : undefined;
  return step?.handle === handle ? step : undefined;
}

function describe(given: unknown): string {
  const { name, pipeline } = (typeof given === 'object' && given !== null ? given : {}) as Partial<StepHandle>;
  if (typeof name === 'string' && typeof pipeline === 'string') return `step '${name}' of another definition of pipeline '${pipeline}'`;
  return `${given === null ? 'null' : `a ${typeof given}`}, not a step`;
}
