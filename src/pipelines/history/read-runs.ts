import type { Clock } from '../../core/clock.ts';
import { describeFailure } from '../../core/failure.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { RunHead, RunStore } from '../run-store.ts';
import { runSummary, type DamagedPipelineRun, type PipelineRunSummary } from './run-summary.ts';

/** A run with what only its head tells. */
export interface ReadRun {
  readonly head: RunHead;
  readonly summary: PipelineRunSummary;
}

// A batch is decoded whole, and params have any size.
const batchSize = 100;

/** All runs, the latest id first, each as it stands or why it cannot be read. */
export async function* readRuns(store: RunStore, clock: Clock, options: OperationOptions): AsyncGenerator<ReadRun | DamagedPipelineRun, void, undefined> {
  for await (const batch of readRunsOf(store, clock, (await store.runIds(options)).reverse(), options)) yield* batch;
}

/** Runs in the order of their ids as they are given, as many at once as are decoded together; those that are not there are left out. */
export async function* readRunsOf(store: RunStore, clock: Clock, ids: readonly string[], options: OperationOptions): AsyncGenerator<(ReadRun | DamagedPipelineRun)[], void, undefined> {
  for (let at = 0; at < ids.length; at += batchSize) {
    const part = ids.slice(at, at + batchSize);
    const heads = await store.eachHead(part, options);
    const unfinished = part.filter((_, i) => isRunning(heads[i]));
    const leases = new Map((await store.eachLease(unfinished, options)).map((lease, i) => [unfinished[i]!, lease]));
    yield heads.flatMap((found, i): (ReadRun | DamagedPipelineRun)[] => {
      const id = part[i]!;
      if (found === undefined) return [];
      return ['error' in found ? { id, error: describeFailure(found.error) } : { head: found.state, summary: runSummary(found.state, leases.get(id), clock) }];
    });
  }
}

/** The id of a run, whether it can be read or not. */
export function idOf(run: ReadRun | DamagedPipelineRun): string {
  return 'error' in run ? run.id : run.head.id;
}

function isRunning(head: Awaited<ReturnType<RunStore['eachHead']>>[number]): boolean {
  return head !== undefined && 'state' in head && head.state.status === 'running';
}
