import { describeFailure, type FailureRecord } from '../../core/failure.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import { packStepOutput, storeOutput, type StoredValue } from '../stored-output.ts';
import type { SavedOutput } from '../trial.ts';
import { approvalOutput, refusal, type Decision } from './decision.ts';
import type { StepWait } from './wait.ts';

/** What a decision makes of the step that waited for it. */
export interface Settled {
  readonly failure?: FailureRecord | undefined;
  readonly output?: SavedOutput | undefined;
}

/**
 * What a decision makes of a step: a failure, or its output, which is stored when this resolves.
 *
 * @param held - What was set aside while the step waited.
 */
export async function settled(storage: StorageAdapter, step: string, wait: StepWait, held: StoredValue | undefined, decision: Decision): Promise<Settled> {
  if (decision.verdict === 'released') return { output: { stored: decision.output ?? held } };
  if (decision.verdict !== 'approved') return { failure: describeFailure(refusal(step, wait, decision)) };
  const bytes = packStepOutput({ step }, approvalOutput(decision))!;
  return { output: { stored: await storeOutput(storage, bytes), bytes } };
}
