import * as z from 'zod/mini';
import { durationMs, type Duration } from '../core/duration.ts';
import { ValidationError } from '../core/errors.ts';
import { check } from '../core/schema.ts';
import { retryOptionsSchema, retryPolicy, type RetryOptions, type RetryPolicy } from './retry.ts';

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

/** What a step puts out. */
export type StepOutput<Handle> = Handle extends StepHandle<infer Output> ? Output : never;

/** The outputs of the needed steps. */
export type StepInputs<Needs extends StepNeeds> = { readonly [Name in keyof Needs]: StepOutput<Needs[Name]> };

/** How a step depends on others and what happens when it fails. */
export interface StepOptions<Needs extends StepNeeds> {
  /** Steps whose outputs it is given; it runs when all have succeeded. @default none */
  needs?: Needs | undefined;
  /** Steps that must have succeeded before it runs, without their outputs. @default none */
  after?: readonly StepHandle[] | undefined;
  /** How often it is tried again. @default never */
  retries?: RetryOptions | undefined;
  /** After this long an attempt has failed and its signal fires. @default none */
  timeout?: Duration | undefined;
}

/** The attempt that a step function is called for. */
export interface StepAttempt {
  /** Id of the pipeline run. */
  readonly id: string;
  /** Name of the pipeline. */
  readonly pipeline: string;
  /** Name of the step. */
  readonly step: string;
  /** Counted from 1. */
  readonly attempt: number;
  /** Fires when the attempt has timed out or the run was cancelled. */
  readonly signal: AbortSignal;
}

/** What a step function is given. */
export interface StepContext<Inputs, Params> {
  /** Copies of the outputs of the needed steps, as they were stored: a step may change them without anyone noticing. */
  readonly inputs: Inputs;
  /** The params of the run, as the schema made them. */
  readonly params: Params;
  /** Fires when the attempt has timed out or the run was cancelled; hand it on to all that waits. */
  readonly signal: AbortSignal;
  /** Which run, step and attempt this is. */
  readonly run: StepAttempt;
}

/** The work of a step. Its output is stored: plain data, dates, bigints, bytes and typed arrays; Node's `Buffer` comes back as `Uint8Array`. */
export type StepFunction<Inputs, Params, Output> = (context: StepContext<Inputs, Params>) => Output | Promise<Output>;

/** A step inside a pipeline. */
export interface StepDefinition {
  readonly handle: StepHandle;
  /** Names of steps by the name of the input. */
  readonly needs: Readonly<Record<string, string>>;
  readonly after: readonly string[];
  readonly retry: RetryPolicy;
  readonly timeoutMs: number | undefined;
  readonly run: (context: StepContext<Readonly<Record<string, unknown>>, unknown>) => unknown;
}

/** What names of pipelines and steps must look like. */
export const nameSchema: z.ZodMiniType<string> = z.string().check(z.minLength(1), z.maxLength(200));

const optionsSchema = z.strictObject({
  needs: z.optional(z.record(z.string(), z.unknown())),
  after: z.optional(z.array(z.unknown())),
  retries: z.optional(retryOptionsSchema),
  timeout: z.optional(z.custom<Duration>()),
});

/**
 * Checks a step where it enters.
 *
 * @param isOwn - Whether something is the handle of an earlier step of this pipeline.
 */
export function defineStep(
  handle: StepHandle,
  options: StepOptions<StepNeeds>,
  run: StepDefinition['run'],
  isOwn: (handle: unknown) => handle is StepHandle,
): StepDefinition {
  const path = `step '${handle.name}'`;
  if (typeof options !== 'object' || options === null) {
    throw new ValidationError(`The second argument of ${path} is not an object; give its options, {} for none, and its work as the third.`, { path });
  }
  const checked = check(optionsSchema, options, path);
  if (typeof run !== 'function') throw new ValidationError(`The third argument of ${path} is not a function; give the work of the step.`, { path });
  const own = (given: unknown, place: string): string => {
    if (isOwn(given)) return given.name;
    throw new ValidationError(`${place} is ${describe(given)}; give what step() of this pipeline returned.`, { path: place });
  };
  return {
    handle,
    needs: Object.fromEntries(Object.entries(checked.needs ?? {}).map(([name, given]) => [name, own(given, `${path}.needs.${name}`)])),
    after: (checked.after ?? []).map((given, i) => own(given, `${path}.after[${i}]`)),
    retry: retryPolicy(checked.retries, `${path}.retries`),
    timeoutMs: checked.timeout === undefined ? undefined : durationMs(checked.timeout, `${path}.timeout`),
    run,
  };
}

function describe(given: unknown): string {
  const { name, pipeline } = (typeof given === 'object' && given !== null ? given : {}) as Partial<StepHandle>;
  if (typeof name === 'string' && typeof pipeline === 'string') return `step '${name}' of another definition of pipeline '${pipeline}'`;
  return `${given === null ? 'null' : `a ${typeof given}`}, not a step`;
}
