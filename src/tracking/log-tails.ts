import type { OperationOptions } from '../core/progress.ts';
import type { LogPosition, StorageAdapter } from '../storage/contract.ts';
import { importSession } from './import-session.ts';
import { mergeLatest, type LatestMetrics } from './latest-metric.ts';
import { readLogTail } from './log-tail.ts';
import type { StoredRun } from './run-record.ts';
import { keys } from './tracking-keys.ts';

interface KnownTail {
  readonly latest: LatestMetrics;
  readonly position: LogPosition | undefined;
}

/** What the logs of runs that are open have said so far, so that only what was appended since is read: of the runs that were asked for last, and of so many at most. */
export class LogTails {
  readonly #storage: StorageAdapter;
  readonly #most: number;
  /** In the order of their use. */
  readonly #tails = new Map<string, KnownTail>();

  constructor(storage: StorageAdapter, most: number) {
    this.#storage = storage;
    this.#most = most;
  }

  /** The latest metrics of a run: those of its record, and while sessions are open, or died open, what its log tells besides. */
  async metricsOf(run: StoredRun, options: OperationOptions): Promise<LatestMetrics> {
    const { id, openSessions, metrics } = run;
    if (openSessions.length === 0) {
      this.#tails.delete(id);
      return metrics;
    }
    const before = this.#tails.get(id);
    const tail = await readLogTail(this.#storage, keys.metrics(id), before?.position, options);
    const latest = mergeLatest(before?.latest ?? {}, Object.entries(tail.latest));
    // A run that was purged may be imported again, under its id and with another log; the sessions of all others are of one run only.
    if (openSessions.includes(importSession)) return mergeLatest(metrics, Object.entries(latest));
    // Calls at once end in any order. An earlier place does no harm: what is read from there again is what is known.
    this.#tails.delete(id);
    this.#tails.set(id, { latest, position: tail.position });
    if (this.#tails.size > this.#most) this.#tails.delete(this.#tails.keys().next().value!);
    return mergeLatest(metrics, Object.entries(latest));
  }

  /** Forgets all runs but these. */
  keep(ids: { has(id: string): boolean }): void {
    for (const id of this.#tails.keys()) if (!ids.has(id)) this.#tails.delete(id);
  }
}
