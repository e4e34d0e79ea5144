import * as z from 'zod/mini';
import { isWellFormed } from '../../core/bytes.ts';
import { durationMs, type Duration } from '../../core/duration.ts';
import { ValidationError } from '../../core/errors.ts';
import { callable } from '../../core/option-schemas.ts';
import { check } from '../../core/schema.ts';
import { shown } from '../../core/shown.ts';
import { defineStep, type StepDefinition, type StepFunction, type StepHandle, type StepInputs, type StepNeeds, type StepOptions, type StepSurroundings } from '../step.ts';
import type { TriggerRule } from '../trigger-rule.ts';
import { lastMoment, WaitTerms, type WaitBounds } from './wait.ts';

/** How a step that waits depends on others. */
export type WaitOptions<Needs extends StepNeeds, Params = unknown, Trigger extends TriggerRule = TriggerRule> = Pick<StepOptions<Needs, Params, Trigger>, 'needs' | 'after' | 'trigger' | 'when' | 'allowFailure'>;

/** How long a step sleeps: for a time, or until a moment. */
export type SleepOptions<Needs extends StepNeeds, Params = unknown, Trigger extends TriggerRule = TriggerRule> = WaitOptions<Needs, Params, Trigger> & (SleepFor | SleepUntil<StepInputs<Needs, Trigger>, Params>);

/** That a step sleeps for a time. */
export interface SleepFor {
  /** How long, from the moment at which the step begins. */
  readonly for: Duration;
  /** Not beside `for`. */
  readonly until?: undefined;
}

/** That a step sleeps until a moment. */
export interface SleepUntil<Inputs, Params> {
  /** Tells until when, as a date or epoch milliseconds; a moment that has passed is no wait. Is asked once. */
  readonly until: StepFunction<Inputs, Params, Date | number>;
  /** Not beside `until`. */
  readonly for?: undefined;
}

/** Who decides about a step that waits for a person, and how long there is to decide. */
export interface DecisionTerms<Expiry extends 'approve' | 'release' | 'reject'> {
  /** How long there is to decide, from the moment at which the step begins to wait. @default without end */
  readonly expires?: Duration | undefined;
  /** What becomes of it when nobody has decided by then. @default 'reject' */
  readonly onExpiry?: Expiry | undefined;
  /** Who may decide. @default anybody */
  readonly approvers?: readonly string[] | undefined;
}

/** What a person is asked, and how long. */
export interface ApprovalOptions<Needs extends StepNeeds, Params = unknown, Trigger extends TriggerRule = TriggerRule> extends WaitOptions<Needs, Params, Trigger>, DecisionTerms<'approve' | 'reject'> {
  /** Says what is to be decided, for `waiting()` and whoever is told of it. Is asked once, when the step begins. */
  readonly ask: StepFunction<StepInputs<Needs, Trigger>, Params, string>;
}

const sleepSchema = z.looseObject({ for: z.optional(z.custom<Duration>()), until: z.optional(callable<StepDefinition['run']>()) });
const approvalSchema = z.looseObject({ ask: callable<StepDefinition['run']>() });
const termsShape = {
  expires: z.optional(z.custom<Duration>()),
  approvers: z.optional(z.array(z.string().check(z.minLength(1), z.maxLength(500))).check(z.minLength(1))),
};
const ownOptions: readonly string[] = ['needs', 'after', 'trigger', 'when', 'allowFailure'];
const longestQuestion = 10_000;

/** Checks a step that waits for a moment. */
export function defineSleep(handle: StepHandle, options: unknown, surroundings: StepSurroundings): StepDefinition {
  const path = `step '${handle.name}'`;
  const { for: time, until, ...others } = check(sleepSchema, options, path);
  if ((time === undefined) === (until === undefined)) throw new ValidationError(`${path} must have one of for and until; give the time that it sleeps, or the moment.`, { path });
  const forMs = time === undefined ? undefined : durationMs(time, `${path}.for`);
  return defineWait(handle, 'sleep', others, surroundings, async (context) => {
    return new WaitTerms({ kind: 'sleep', forMs, until: until && momentOf(await until(context), `what ${path} is to sleep until`) });
  });
}

/** Checks a step that waits for a person. */
export function defineApproval(handle: StepHandle, options: unknown, surroundings: StepSurroundings): StepDefinition {
  const path = `step '${handle.name}'`;
  const { ask, ...others } = check(approvalSchema, options, path);
  const { terms, rest } = decisionTerms(others, ['approve', 'reject'], path);
  return defineWait(handle, 'approval', rest, surroundings, async (context) => new WaitTerms({ kind: 'approval', asks: questionOf(await ask(context), handle.name), ...terms }));
}

/** Takes out of a step's options who decides, and how long there is. Throws `ValidationError` for a time that decides nothing. */
export function decisionTerms(options: unknown, expiries: readonly ('approve' | 'release' | 'reject')[], path: string): { readonly terms: WaitBounds; readonly rest: Readonly<Record<string, unknown>> } {
  const { expires, onExpiry, approvers, ...rest } = check(z.looseObject({ ...termsShape, onExpiry: z.optional(z.enum(expiries)) }), options, path);
  if (onExpiry !== undefined && expires === undefined) throw new ValidationError(`${path}.onExpiry is '${onExpiry}', but the step never expires; give expires too.`, { path: `${path}.onExpiry` });
  const forMs = expires === undefined ? undefined : durationMs(expires, `${path}.expires`);
  if (forMs === 0) throw new ValidationError(`${path}.expires is 0; give the time that there is to decide.`, { path: `${path}.expires` });
  return { terms: { ...(forMs !== undefined && { forMs, onExpiry: onExpiry ?? 'reject' }), ...(approvers && { approvers }) }, rest };
}

function defineWait(handle: StepHandle, waits: NonNullable<StepDefinition['waits']>, options: Readonly<Record<string, unknown>>, surroundings: StepSurroundings, run: StepDefinition['run']): StepDefinition {
  const stray = Object.keys(options).find((name) => !ownOptions.includes(name));
  if (stray !== undefined) throw new ValidationError(`step '${handle.name}' has no option ${shown(stray)}; a step that waits takes ${ownOptions.join(', ')} beside what it waits for.`, { path: `step '${handle.name}'.${stray}` });
  return { ...defineStep(handle, options, run, surroundings), waits };
}

function momentOf(given: unknown, path: string): number {
  const at = given instanceof Date ? given.getTime() : given;
  if (typeof at === 'number' && Math.abs(at) <= lastMoment) return at;
  throw new ValidationError(`${path} is ${shown(given)}; return a date or epoch milliseconds.`, { path });
}

function questionOf(given: unknown, step: string): string {
  if (typeof given === 'string' && given.trim() !== '' && given.length <= longestQuestion && isWellFormed(given)) return given;
  throw new ValidationError(`What step '${step}' asks is ${shown(given, 80)}; return a text of at most ${longestQuestion} characters from ask.`, { path: `step '${step}'.ask` });
}
