import type { ServedOutcome } from '../prediction.ts';

/** What one prediction took, for {@link ServingMetricsOptions.price}. */
export interface PredictionUse {
  /** The version that served, or failed to. */
  readonly version: number;
  /** From the call to the answer, in milliseconds. */
  readonly latencyMs: number;
  /** How long the model itself took, in milliseconds, its batch shared by all in it. */
  readonly computeMs: number;
  /** How many requests the model answered at once with this one. */
  readonly batchSize: number;
  /** Whether it was answered from the cache of answers. */
  readonly cached: boolean;
  /** Whether it failed. */
  readonly failed: boolean;
  /** Whether it is a copy that nobody saw the answer of. */
  readonly shadow: boolean;
  /** What was asked. */
  readonly input: unknown;
  /** What was answered; absent when it failed. */
  readonly output?: unknown;
}

/** What a version took since this process began to count it. */
export interface VersionCost {
  /** The version. */
  readonly version: number;
  /** Requests, those that failed and copies for shadows included. */
  readonly requests: number;
  /** Requests that failed. */
  readonly failures: number;
  /** Time in the model, in milliseconds. */
  readonly computeMs: number;
  /** Bytes in memory times the seconds that they were held: a gigabyte for a minute is 6.4e10. */
  readonly byteSeconds: number;
  /** The sum of what the function `price` gave, in whatever unit that is; 0 without one. */
  readonly price: number;
  /** `computeMs` by request; 0 before the first. */
  readonly computeMsPerRequest: number;
  /** `price` by request; 0 before the first. */
  readonly pricePerRequest: number;
}

/** Adds up what one version takes. */
export class CostTally {
  requests = 0;
  failures = 0;
  computeMs = 0;
  price = 0;
  #byteMs = 0;
  #bytes = 0;
  #since = 0;

  /** Bytes that it holds now. */
  get bytes(): number {
    return this.#bytes;
  }

  count(outcome: ServedOutcome, price: number): void {
    this.requests++;
    if (outcome.error !== undefined) this.failures++;
    if (Number.isFinite(outcome.computeMs)) this.computeMs += outcome.computeMs;
    this.price += price;
  }

  /** From `now`, milliseconds that never go back, on it holds so many bytes. */
  hold(bytes: number, now: number): void {
    this.#byteMs = this.#byteMsAt(now);
    this.#since = now;
    this.#bytes = bytes;
  }

  /** What it came to. */
  total(version: number, now: number): VersionCost {
    const { requests, failures, computeMs, price } = this;
    const each = (sum: number): number => (requests === 0 ? 0 : sum / requests);
    return { version, requests, failures, computeMs, byteSeconds: this.#byteMsAt(now) / 1000, price, computeMsPerRequest: each(computeMs), pricePerRequest: each(price) };
  }

  #byteMsAt(now: number): number {
    return this.#byteMs + this.#bytes * Math.max(0, now - this.#since);
  }
}
