import type { FailureRecord } from '../../core/failure.ts';
import type { ServedOutcome } from '../prediction.ts';

/** What came of a prediction, as it was told. */
export interface LoggedFeedback {
  /** Epoch milliseconds when it came. */
  readonly at: number;
  /** What the right answer would have been; absent when it was not told. */
  readonly label?: string | number | boolean | undefined;
  /** What it led to, as numbers by name; absent when nothing was told. */
  readonly metrics?: Readonly<Record<string, number>> | undefined;
}

/** A prediction as it is kept: what it came to when it was served, less what is not kept of that. */
export interface StoredPrediction extends Omit<ServedOutcome, 'key' | 'input' | 'output' | 'error'> {
  /** The key that it was routed by; absent unless keys are kept. */
  readonly key?: string | undefined;
  /** What was asked; absent when it is not kept. Arrays of numbers of a fixed type are arrays. */
  readonly input?: unknown;
  /** What was answered; absent when it failed or is not kept. */
  readonly output?: unknown;
  /** What it failed of; absent when it was answered. */
  readonly error?: FailureRecord | undefined;
  /** What was left out because it was too large, could not be stored, or could not be redacted. */
  readonly omitted?: readonly ('input' | 'output')[] | undefined;
}

/** A prediction as it is kept, with all that came of it. */
export interface LoggedPrediction extends StoredPrediction {
  /** What was told of it so far, oldest first. */
  readonly feedback: readonly LoggedFeedback[];
}

/** Feedback as it is kept. */
export interface StoredFeedback extends LoggedFeedback {
  /** Names the event. */
  readonly eventId: string;
  /** Id of the prediction. */
  readonly id: string;
}
