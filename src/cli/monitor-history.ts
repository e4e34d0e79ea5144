import type { DriftVerdict, PeriodPerformance, StorageAdapter } from '../index.ts';

/** What a stored monitor has found. */
export interface MonitorHistory {
  /** The last verdicts, oldest first. */
  readonly verdicts: (limit: number) => Promise<readonly DriftVerdict[]>;
  /** The last judged periods of its performance, oldest first. */
  readonly performances: (limit: number) => Promise<readonly PeriodPerformance[]>;
}

interface PageOf<T> {
  readonly items: readonly T[];
  readonly next?: string | undefined;
}

/** Opens a monitor to read what it has found. Throws `NotFoundError` when there is none of the name. */
export async function monitorHistory(storage: StorageAdapter, name: string, signal: AbortSignal): Promise<MonitorHistory> {
  const { DriftMonitor } = await import('../index.ts');
  // It only reads: nothing is observed or checked, and no window could fill up.
  const monitor = await DriftMonitor.open({ storage, name, window: { rows: Number.MAX_SAFE_INTEGER }, signal });
  return {
    verdicts: (limit) => lastOf((after) => monitor.verdicts({ after, limit: 1000, signal }), limit),
    performances: (limit) => lastOf((after) => monitor.performances({ after, limit: 1000, signal }), limit),
  };
}

async function lastOf<T>(pageAfter: (after: string | undefined) => Promise<PageOf<T>>, limit: number): Promise<readonly T[]> {
  const last: T[] = [];
  let after: string | undefined;
  do {
    const page = await pageAfter(after);
    last.push(...page.items);
    last.splice(0, last.length - limit);
    after = page.next;
  } while (after !== undefined);
  return last;
}
