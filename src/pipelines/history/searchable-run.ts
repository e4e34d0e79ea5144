import type { Digest } from '../../core/digest.ts';
import type { StepStatus } from '../run-state.ts';
import type { PipelineRunSummary } from './run-summary.ts';

/** What the steps of a run come to in a search. */
export interface SearchableSteps {
  /** By name, of those that were asked about. */
  readonly statuses: ReadonlyMap<string, StepStatus>;
  /** Of what steps were given, where digests were asked about. */
  readonly inputs: readonly Digest[];
  /** Of what they put out, where digests were asked about. */
  readonly outputs: readonly Digest[];
}

/** A run with everything that a search may ask for. */
export interface SearchablePipelineRun extends PipelineRunSummary {
  /** Absent where nothing is asked about them. */
  readonly steps?: SearchableSteps | undefined;
}
