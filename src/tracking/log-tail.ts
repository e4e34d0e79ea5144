import type { Key } from '../core/key.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { LogPosition, StorageAdapter } from '../storage/contract.ts';
import { mergeExtremes, takeExtremes, type BestMetrics, type MetricExtremes } from './extreme-metric.ts';
import { mergeLatest, takeLatest, type LatestMetrics, type MetricPoint } from './latest-metric.ts';
import { decodeBatch } from './metric-batch.ts';

/** What a log of metrics says from some position on. */
export interface LogTail {
  /** The latest point of each metric there. */
  readonly latest: LatestMetrics;
  /** The extremes of each metric there. */
  readonly best: BestMetrics;
  /** Where to go on from; that of the call where nothing was added. */
  readonly position: LogPosition | undefined;
}

/** Reads what was appended to a log since `after`. A batch that was written twice does no harm: neither the latest point nor an extreme changes. */
export async function readLogTail(storage: StorageAdapter, log: Key, after: LogPosition | undefined, { signal }: OperationOptions): Promise<LogTail> {
  const latest = new Map<string, MetricPoint>();
  const extremes = new Map<string, MetricExtremes>();
  let position = after;
  for await (const entry of storage.readLog(log, { after, signal })) {
    const batch = decodeBatch(entry.bytes, log);
    takeLatest(latest, batch);
    takeExtremes(extremes, batch);
    position = entry.position;
  }
  return { latest: mergeLatest({}, latest), best: mergeExtremes({}, extremes), position };
}
