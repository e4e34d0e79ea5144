import type { OperationOptions } from '../core/progress.ts';
import type { LineageEdge } from '../core/record-ref.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { readLineage } from '../storage/lineage.ts';

/** The edges that leave a run and those that reach it, oldest first. */
export async function readRunLineage(storage: StorageAdapter, id: string, options: OperationOptions): Promise<LineageEdge[]> {
  const ends = await Promise.all((['from', 'to'] as const).map((end) => readLineage(storage, end, { kind: 'run', id }, options)));
  return ends.flat().sort((a, b) => a.at - b.at);
}
