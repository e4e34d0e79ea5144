import type { Key } from '../core/key.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { LogPosition, StorageAdapter } from '../storage/contract.ts';
import { mergeLatest, takeLatest, type LatestMetrics, type MetricPoint } from './latest-metric.ts';
import { decodeBatch } from './metric-batch.ts';

/** What a log of metrics says from some position on. */
export interface LogTail {
  /** The latest point of each metric there. */
  readonly latest: LatestMetrics;
  /** Where to go on from; that of the call where nothing was added. */
  readonly position: LogPosition | undefined;
}

/** Reads what was appended to a log since `after`. A batch that was written twice does no harm, since the latest point stays what it is. */
export async function readLogTail(storage: StorageAdapter, log: Key, after: LogPosition | undefined, { signal }: OperationOptions): Promise<LogTail> {
  const latest = new Map<string, MetricPoint>();
  let position = after;
  for await (const entry of storage.readLog(log, { after, signal })) {
    takeLatest(latest, decodeBatch(entry.bytes, log));
    position = entry.position;
  }
  return { latest: mergeLatest({}, latest), position };
}
