import type { Clock } from '../../core/clock.ts';
import { describeFailure } from '../../core/failure.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { RunStore } from '../run-store.ts';
import { runSummary, type DamagedPipelineRun, type PipelineRunSummary } from './run-summary.ts';

// A batch is decoded whole, and params have any size.
const batchSize = 100;

/** Runs, the latest id first, each as it stands or why it cannot be read. */
export async function* readRuns(store: RunStore, clock: Clock, options: OperationOptions): AsyncGenerator<PipelineRunSummary | DamagedPipelineRun, void, undefined> {
  const ids = (await store.runIds(options)).reverse();
  for (let at = 0; at < ids.length; at += batchSize) {
    const part = ids.slice(at, at + batchSize);
    const heads = await store.eachHead(part, options);
    const unfinished = part.filter((_, i) => isRunning(heads[i]));
    const leases = new Map((await store.eachLease(unfinished, options)).map((lease, i) => [unfinished[i]!, lease]));
    for (const [i, head] of heads.entries()) {
      const id = part[i]!;
      if (head === undefined) continue;
      yield 'error' in head ? { id, error: describeFailure(head.error) } : runSummary(head.state, leases.get(id), clock);
    }
  }
}

function isRunning(head: Awaited<ReturnType<RunStore['eachHead']>>[number]): boolean {
  return head !== undefined && 'state' in head && head.state.status === 'running';
}
