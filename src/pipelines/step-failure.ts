import { describeFailure, type FailureRecord } from '../core/failure.ts';
import { GateFailure, type StepGateReport } from './gates/gate.ts';

/** Why an attempt at a step failed. */
export interface StepFailure extends FailureRecord {
  /** What was found by a gate that did not pass (code `gate-failed`). */
  readonly report?: StepGateReport | undefined;
}

/** What was thrown in an attempt, as it is recorded. */
export function describeStepFailure(error: unknown): StepFailure {
  const failure = describeFailure(error);
  const report = GateFailure.reportOf(error);
  return report ? { ...failure, report } : failure;
}
