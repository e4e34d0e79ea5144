import type { OperationOptions } from '../core/progress.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { mergeExtremes, type BestMetrics } from './extreme-metric.ts';
import { importSession } from './import-session.ts';
import { mergeLatest, type LatestMetrics } from './latest-metric.ts';
import { readLogTail, type LogTail } from './log-tail.ts';
import type { StoredRun } from './run-record.ts';
import { keys } from './tracking-keys.ts';

/** What the logs of runs that are open have said so far, so that only what was appended since is read: of the runs that were asked for last, and of so many at most. */
export class LogTails {
  readonly #storage: StorageAdapter;
  readonly #most: number;
  /** In the order of their use. */
  readonly #tails = new Map<string, LogTail>();

  constructor(storage: StorageAdapter, most: number) {
    this.#storage = storage;
    this.#most = most;
  }

  /** The latest metrics of a run: those of its record, and while sessions are open, or died open, what its log tells besides. */
  async metricsOf(run: StoredRun, options: OperationOptions): Promise<LatestMetrics> {
    if (run.openSessions.length > 0) return mergeLatest(run.metrics, Object.entries((await this.#tailOf(run, options)).latest));
    this.#tails.delete(run.id);
    return run.metrics;
  }

  /** The extremes of the metrics of a run that has sessions open, as its whole log tells them. */
  async extremesOf(run: StoredRun, options: OperationOptions): Promise<BestMetrics> {
    return (await this.#tailOf(run, options)).best;
  }

  async #tailOf({ id, openSessions }: StoredRun, options: OperationOptions): Promise<LogTail> {
    const before = this.#tails.get(id);
    const added = await readLogTail(this.#storage, keys.metrics(id), before?.position, options);
    const tail: LogTail =
      before === undefined
        ? added
        : { latest: mergeLatest(before.latest, Object.entries(added.latest)), best: mergeExtremes(before.best, Object.entries(added.best)), position: added.position };
    // A run that was purged may be imported again, under its id and with another log; the sessions of all others are of one run only.
    if (openSessions.includes(importSession)) return tail;
    // Calls at once end in any order. An earlier place does no harm: what is read from there again is what is known.
    this.#tails.delete(id);
    this.#tails.set(id, tail);
    if (this.#tails.size > this.#most) this.#tails.delete(this.#tails.keys().next().value!);
    return tail;
  }

  /** Forgets all runs but these. */
  keep(ids: { has(id: string): boolean }): void {
    for (const id of this.#tails.keys()) if (!ids.has(id)) this.#tails.delete(id);
  }
}
