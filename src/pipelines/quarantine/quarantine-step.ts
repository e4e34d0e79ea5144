import * as z from 'zod/mini';
import { isWellFormed } from '../../core/bytes.ts';
import { ValidationError } from '../../core/errors.ts';
import { check } from '../../core/schema.ts';
import { shown } from '../../core/shown.ts';
import { judgedStep } from '../judged-step.ts';
import { defineStep, type StepDefinition, type StepHandle, type StepNeeds, type StepOptions, type StepSurroundings } from '../step.ts';
import type { TriggerRule } from '../trigger-rule.ts';
import { WaitTerms, type WaitBounds } from '../waiting/wait.ts';
import { decisionTerms, type DecisionTerms } from '../waiting/waiting-steps.ts';

/** How a step depends on others whose output may be set aside, and how long there is to decide about that. */
export interface QuarantineOptions<Needs extends StepNeeds, Params = unknown, Trigger extends TriggerRule = TriggerRule> extends Omit<StepOptions<Needs, Params, Trigger>, 'cache' | 'totalTimeout'>, DecisionTerms<'release' | 'reject'> {}

/** What a step puts out, and what speaks against it. */
export interface QuarantineAnswer<Output> {
  /** What it puts out: at once when nothing speaks against it, else when somebody has released it. */
  readonly output: Output;
  /** Why it is to be set aside, for whoever decides; at most 10,000 characters together. @default nothing speaks against it */
  readonly reasons?: readonly string[] | undefined;
}

const longestReasons = 10_000;

const answerSchema = z.strictObject({ output: z.optional(z.unknown()), reasons: z.optional(z.array(z.string().check(z.minLength(1)))) });

/** Checks a step whose output may be set aside. */
export function defineQuarantine(handle: StepHandle, options: unknown, run: StepDefinition['run'], surroundings: StepSurroundings): StepDefinition {
  const path = `step '${handle.name}'`;
  const { terms, rest } = decisionTerms(options, ['release', 'reject'], path);
  for (const [option, why] of [['cache', 'what a person has let pass in one run is not let pass in another'], ['totalTimeout', 'it may wait for a person; give expires']] as const) {
    if (option in rest) throw new ValidationError(`${path} takes no ${option}: ${why}.`, { path: `${path}.${option}` });
  }
  const step = judgedStep(defineStep(handle, rest, run, surroundings), (answer) => outcomeOf(handle.name, answer, terms));
  return { ...step, waits: 'quarantine' };
}

/** What the step puts out, or the wait for whoever releases it. */
function outcomeOf(step: string, answer: unknown, terms: WaitBounds): unknown {
  const path = `what quarantine '${step}' returned`;
  if (typeof answer !== 'object' || answer === null || !('output' in answer)) throw new ValidationError(`${path} is ${shown(answer)}; return { output, reasons }, with reasons when the output is to be set aside.`, { path });
  const { output, reasons = [] } = check(answerSchema, answer, path);
  if (reasons.length === 0) return output;
  const asks = reasons.join('\n');
  if (asks.length > longestReasons || !isWellFormed(asks)) throw new ValidationError(`The reasons of ${path} have ${asks.length} characters; give at most ${longestReasons}, well-formed: figures instead of the data behind them.`, { path });
  return new WaitTerms({ kind: 'quarantine', asks, ...terms }, { value: output });
}
