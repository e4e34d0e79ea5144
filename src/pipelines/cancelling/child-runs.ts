import type { Definition } from '../definition.ts';
import { childOf, type ChildPipeline } from '../nesting/child-pipeline.ts';
import { childRunId } from '../nesting/child-run-id.ts';
import type { RunHead, RunStore } from '../run-store.ts';
import type { CancelCause } from './cancellation.ts';

/** A run that a step of another is, or an item of it, whether begun or not. */
interface ChildRun {
  readonly pipeline: ChildPipeline;
  readonly id: string;
}

/** Has the runs that steps of a run are stopped by whoever works on them, wherever that is. */
export async function cancelChildren(store: RunStore, head: RunHead, definition: Definition, cause: CancelCause): Promise<void> {
  for (const { pipeline, id } of await childRuns(store, head, definition)) await pipeline.cancel(id, cause);
}

/** Brings the runs that steps of a run are to their end, their own last steps too: nobody will look after them when this run has ended. */
export async function endChildren(store: RunStore, head: RunHead, definition: Definition, cause: CancelCause): Promise<void> {
  for (const { pipeline, id } of await childRuns(store, head, definition)) await pipeline.cancelToEnd(id, cause);
}

async function childRuns(store: RunStore, { id: run, pipeline }: RunHead, { steps }: Definition): Promise<ChildRun[]> {
  const nested = [...steps.values()].flatMap(({ handle: { name: step }, items, run: work }) => {
    const child = childOf(work);
    return child ? [{ step, child, mapped: items !== undefined }] : [];
  });
  const records = await store.steps(run, nested.filter(({ mapped }) => mapped).map(({ step }) => step));
  return nested.flatMap(({ step, child, mapped }): ChildRun[] => {
    if (!mapped) return [{ pipeline: child, id: childRunId({ pipeline, run, step }, child.name) }];
    const count = records.get(step)?.value.items?.total ?? 0;
    return Array.from({ length: count }, (_, index) => ({ pipeline: child, id: childRunId({ pipeline, run, step, index }, child.name) }));
  });
}
