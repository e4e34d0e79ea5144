import type { ModelRunner } from '../execution/model-runner.ts';

/** What a version is asked through. */
export type Runner<Input, Output> = Pick<ModelRunner<Input, Output>, 'run' | 'inFlight' | 'queued' | 'drain'>;
