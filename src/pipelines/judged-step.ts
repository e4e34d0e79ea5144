import { childOf, running } from './nesting/child-pipeline.ts';
import type { StepDefinition } from './step.ts';

/** Makes of what a step's work returned what the step comes to; what it throws is the step's failure, and is not tried again, for the same answer would be judged the same. */
export type Judge = (answer: unknown, context: Parameters<StepDefinition['run']>[0]) => unknown;

/** A step whose work gives an answer that is judged. What the work itself throws is tried again as the step says. */
export function judgedStep(step: StepDefinition, judge: Judge): StepDefinition {
  const verdicts = new WeakSet<object>();
  const work: StepDefinition['run'] = async (context) => {
    const answer = await step.run(context);
    try {
      return judge(answer, context);
    } catch (error) {
      verdicts.add(error as object);
      throw error;
    }
  };
  const child = childOf(step.run);
  return {
    ...step,
    run: child ? running(child, work) : work,
    retryIf: (error, attempt) => !(typeof error === 'object' && error !== null && verdicts.has(error)) && (step.retryIf?.(error, attempt) ?? true),
  };
}
