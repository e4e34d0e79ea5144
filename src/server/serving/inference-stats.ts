import type { Prediction } from '../../serving/prediction.ts';

/** Counted durations, in nanoseconds, as Triton has them. */
interface Durations {
  count: number;
  ns: number;
}

/** What a handler counted of a version. */
export interface VersionStats {
  lastInference: number;
  inferences: number;
  executions: number;
  readonly success: Durations;
  readonly fail: Durations;
  readonly compute: Durations;
  readonly cacheHit: Durations;
}

/** What a handler counts of predictions, for the statistics of the Open Inference Protocol's extension. */
export class InferenceStats {
  readonly #models = new Map<string, Map<number, VersionStats>>();

  succeeded(model: string, { version, latencyMs, computeMs, batchSize, cached }: Prediction, now: number): void {
    const stats = this.#of(model, version);
    stats.lastInference = now;
    add(stats.success, latencyMs);
    if (cached) add(stats.cacheHit, latencyMs);
    else {
      stats.inferences++;
      // Each of a batch is a part of one execution.
      stats.executions += 1 / Math.max(1, batchSize);
      add(stats.compute, computeMs);
    }
  }

  failed(model: string, version: number, ms: number): void {
    add(this.#of(model, version).fail, ms);
  }

  /** What was counted of a version; `undefined` before its first request. */
  of(model: string, version: number): VersionStats | undefined {
    return this.#models.get(model)?.get(version);
  }

  #of(model: string, version: number): VersionStats {
    let versions = this.#models.get(model);
    if (versions === undefined) this.#models.set(model, (versions = new Map<number, VersionStats>()));
    let stats = versions.get(version);
    if (stats === undefined) versions.set(version, (stats = { lastInference: 0, inferences: 0, executions: 0, success: none(), fail: none(), compute: none(), cacheHit: none() }));
    return stats;
  }
}

function none(): Durations {
  return { count: 0, ns: 0 };
}

function add(durations: Durations, ms: number): void {
  durations.count++;
  durations.ns += ms * 1e6;
}
