import type { OperationOptions } from '../core/progress.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { readHeartbeats, withLife } from './heartbeat.ts';
import { LogTails } from './log-tails.ts';
import { toRunRecord, type RunRecord, type StoredRun } from './run-record.ts';

/** The run as callers see it: while sessions are open, or died open, the log tells what the record does not, of which `tails` know what was read before. */
export async function presentRun(storage: StorageAdapter, run: StoredRun, now: number, options: OperationOptions, tails: LogTails = new LogTails(storage, 1)): Promise<RunRecord> {
  const [metrics, heartbeats] = await Promise.all([tails.metricsOf(run, options), readHeartbeats(storage, [run], options)]);
  return withLife(toRunRecord(run, metrics), run.openSessions, heartbeats, now);
}
