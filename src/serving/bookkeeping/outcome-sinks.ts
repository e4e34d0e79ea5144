import type { ErrorListener } from '../../core/logger.ts';
import type { ServedOutcome } from '../prediction.ts';

/** What is told of outcomes. */
export type OutcomeSink = (outcome: ServedOutcome) => void;

/** Tells of outcomes whoever counts or keeps them. What fails in one of them reaches neither the prediction nor the others. */
export class OutcomeSinks {
  readonly #sinks: readonly OutcomeSink[];
  readonly #onError: ErrorListener;

  constructor(sinks: readonly OutcomeSink[], onError: ErrorListener) {
    this.#sinks = sinks;
    this.#onError = onError;
  }

  /** Tells all of them. Never throws. */
  tell(outcome: ServedOutcome): void {
    for (const sink of this.#sinks) {
      try {
        sink(outcome);
      } catch (error) {
        this.#onError(error);
      }
    }
  }
}
