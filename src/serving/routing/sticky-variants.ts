import type { Clock } from '../../core/clock.ts';
import { isModelkeepError } from '../../core/errors.ts';
import type { ErrorListener } from '../../core/logger.ts';
import { untilDeadline } from '../inference/inference.ts';
import type { DeployedAssignment, DeployedExperiment, UnitAttributes } from './deployed-experiment.ts';

/** What first variants are asked for with. */
export interface StickyVariantsParts {
  readonly assign: NonNullable<DeployedExperiment['assignSticky']>;
  /** How long a prediction waits for its storage at most. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly onError: ErrorListener;
}

// Of an experiment whose storage does not answer so many calls are left behind, and no more.
const mostUnderWay = 256;
// So long it is left alone after a failure: each prediction would wait for it in vain.
const restMs = 1_000;

/** The variants that keys had first, which an experiment stores. They are asked for within a time, and do without rather than hold up or fail a prediction. */
export class StickyVariants {
  readonly #parts: StickyVariantsParts;
  #underWay = 0;
  #restUntil = -Infinity;

  constructor(parts: StickyVariantsParts) {
    this.#parts = parts;
  }

  /** What the experiment has stored of a key, or stores now; `undefined` when that could not be had in time. Never rejects. */
  async of(key: string, attributes: UnitAttributes | undefined, deadline: number = Infinity): Promise<DeployedAssignment | undefined> {
    const { timeoutMs, clock, onError } = this.#parts;
    const now = clock.monotonic();
    if (now < this.#restUntil || this.#underWay >= mostUnderWay) return undefined;
    // Half of a caller's time is left for the model.
    const waitMs = Math.min(timeoutMs, Math.max(0, deadline - now) / 2);
    try {
      return await untilDeadline(this.#ask(key, attributes), now + waitMs, clock, 'The variant that a key had first was');
    } catch (error) {
      // What is wrong with the key is told to its caller by the experiment; and a caller in a hurry says nothing of the storage.
      const isCallers = isModelkeepError(error, 'validation') || (isModelkeepError(error, 'timeout') && waitMs < timeoutMs);
      if (isCallers || clock.monotonic() < this.#restUntil) return undefined;
      this.#restUntil = clock.monotonic() + restMs;
      onError(error);
      return undefined;
    }
  }

  async #ask(key: string, attributes: UnitAttributes | undefined): Promise<DeployedAssignment> {
    this.#underWay++;
    try {
      return await this.#parts.assign(key, attributes);
    } finally {
      this.#underWay--;
    }
  }
}
