import { isModelkeepError } from '../../core/errors.ts';
import type { Arm, ServedOutcome } from '../prediction.ts';
import { Histogram } from './histogram.ts';

/** Under which name requests of a version are counted: its arm, or `shadow` for copies that nobody sees the answer of. */
export type CountedAs = Arm | 'shadow';

/** Upper bounds of the histograms. */
export interface SeriesBounds {
  /** Of durations, in seconds. */
  readonly seconds: readonly number[];
  /** Of sizes of batches. */
  readonly batch: readonly number[];
}

// What a code of errors beyond it counts as; the names of labels must not grow without bound.
const maxCodes = 40;

/** The stable code that a failure is counted under: that of an error of modelkeep, `other` for anything else. */
export function failureCode(error: unknown): string {
  return isModelkeepError(error) ? error.code : 'other';
}

/** What the requests of one version came to, in one arm. */
export class VersionSeries {
  readonly failures: Map<string, number> = new Map();
  readonly duration: Histogram;
  readonly queue: Histogram;
  readonly compute: Histogram;
  readonly batch: Histogram;
  requests = 0;
  cached = 0;
  fallback = 0;

  constructor({ seconds, batch }: SeriesBounds) {
    this.duration = new Histogram(seconds);
    this.queue = new Histogram(seconds);
    this.compute = new Histogram(seconds);
    this.batch = new Histogram(batch);
  }

  count(outcome: ServedOutcome): void {
    this.requests++;
    if (outcome.reason === 'fallback') this.fallback++;
    this.duration.observe(outcome.latencyMs / 1000);
    if (outcome.error !== undefined) return this.#fail(failureCode(outcome.error));
    if (outcome.cached) {
      this.cached++;
      return;
    }
    this.queue.observe(outcome.queueMs / 1000);
    this.compute.observe(outcome.computeMs / 1000);
    this.batch.observe(outcome.batchSize);
  }

  #fail(code: string): void {
    const counted = this.failures.has(code) || this.failures.size < maxCodes ? code : 'other';
    this.failures.set(counted, (this.failures.get(counted) ?? 0) + 1);
  }
}
