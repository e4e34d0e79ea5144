import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { ownStep, type StepDefinition, type StepHandle } from '../step.ts';

/** Which steps make their outputs anew. */
export interface RefreshOptions {
  /**
   * The cached steps, or `true` for all of them, that run though the cache may have their outputs, and put in what they make. Counts for the whole run, however often it is resumed.
   *
   * @default none
   */
  refresh?: boolean | readonly (StepHandle | string)[] | undefined;
}

/** The steps that are to be refreshed, as a run keeps them. Throws `ValidationError` for one that is not of the pipeline, or has no cache. */
export function refreshOf(given: RefreshOptions['refresh'], steps: ReadonlyMap<string, StepDefinition>): true | readonly string[] | undefined {
  if (given === undefined || given === false) return undefined;
  if (given === true) return true;
  return given.map((each, i) => cachedStep(each, steps, `options.refresh[${i}]`));
}

/** The name of a step that has a cache; throws `ValidationError`, naming `path`, for anything else. */
export function cachedStep(given: unknown, steps: ReadonlyMap<string, StepDefinition>, path: string): string {
  const step = typeof given === 'string' ? steps.get(given) : ownStep(steps, given);
  if (step === undefined) throw new ValidationError(`${path} is ${shown(given)}, which is not a step of this pipeline; give the name of one, or what its step() returned.`, { path });
  if (step.cache) return step.handle.name;
  throw new ValidationError(`${path} is step '${step.handle.name}', which has no cache; give its step() the option cache: { version: '1' }.`, { path });
}
