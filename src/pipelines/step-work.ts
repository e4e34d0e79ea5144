import type { StepContext } from './step.ts';

/** The work of a step that is always done by a promise. */
export type StepWork<Inputs, Params, Output> = (context: StepContext<Inputs, Params>) => Promise<Output>;
