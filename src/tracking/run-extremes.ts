import type { Clock } from '../core/clock.ts';
import { canonicalJson, encode } from '../core/codec.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { PutOperation, StorageAdapter } from '../storage/contract.ts';
import { update } from '../storage/update.ts';
import { mergeExtremes, type BestMetrics } from './extreme-metric.ts';
import type { LatestMetrics } from './latest-metric.ts';
import { isDamage, readSoundUnder, type DamageListener } from '../storage/read-each.ts';
import type { LogTails } from './log-tails.ts';
import type { StoredRun } from './run-record.ts';
import { keys } from './tracking-keys.ts';

/** Whether what the metrics came to fits into records. If not, it stays in the log alone: the session counts as open, so that readers look there. */
export function fitRecords(storage: StorageAdapter, latest: LatestMetrics, extremes: BestMetrics): boolean {
  const { maxRecordBytes } = storage.supports;
  return encode(latest).length <= maxRecordBytes / 4 && encode(extremes).length <= maxRecordBytes;
}

/** The write of what the metrics of a session have been, to go before that of the end of the session. The run's own record stays small, for every search reads it. */
export function extremesOf(runId: string, session: string, extremes: BestMetrics): PutOperation[] {
  return Object.keys(extremes).length === 0 ? [] : [{ kind: 'put', key: keys.sessionExtremes(runId, session), bytes: encode(extremes) }];
}

/** Records the extremes of a session unless they are recorded already. A record of them that cannot be read is replaced. */
export async function recordExtremes(storage: StorageAdapter, clock: Clock, runId: string, session: string, extremes: BestMetrics, options: OperationOptions): Promise<void> {
  const text = canonicalJson(extremes);
  if (text === '{}') return;
  const key = keys.sessionExtremes(runId, session);
  try {
    await update<BestMetrics>(storage, key, (before) => (before !== undefined && canonicalJson(before) === text ? before : extremes), { clock, ...options });
  } catch (error) {
    if (!isDamage(error)) throw error;
    await storage.write([{ kind: 'put', key, bytes: encode(extremes) }], options);
  }
}

/** The extremes of all metrics of a run: of the sessions that ended as they recorded them, of open ones as the log tells, of which `tails` know what was read before. Unknown when a record of them cannot be read. */
export async function readExtremes(storage: StorageAdapter, run: StoredRun, tails: LogTails, onDamage: DamageListener, options: OperationOptions): Promise<BestMetrics | undefined> {
  let isWhole = true;
  const damaged: DamageListener = (error) => {
    isWhole = false;
    onDamage(error);
  };
  let extremes: BestMetrics = {};
  for await (const ended of readSoundUnder<BestMetrics>(storage, keys.extremes(run.id), damaged, options)) extremes = mergeExtremes(extremes, Object.entries(ended));
  if (!isWhole) return undefined;
  if (run.openSessions.length === 0) return extremes;
  return mergeExtremes(extremes, Object.entries(await tails.extremesOf(run, options)));
}
