import { Pipeline, type Clock } from '../../../src/index.ts';
import type { StorageAdapter } from '../../../src/storage/contract.ts';

const hourMs = 3_600_000;

/** A pipeline with a schedule that makes up for every hour; each run tells which hour it is about. */
export async function hourly(storage: StorageAdapter, { start, end }: { start: number; end: number }, begins: (hour: number) => void, { clock, maxActiveRuns = 2 }: { clock?: Clock; maxActiveRuns?: number } = {}): Promise<Pipeline> {
  const pipeline: Pipeline = new Pipeline({ name: 'hourly', storage, clock });
  pipeline.step('work', {}, async ({ run }) => {
    begins(((await pipeline.getRun(run.id)).interval!.end - start) / hourMs);
    return null;
  });
  await pipeline.schedule({ name: 'hourly', every: '1h', start, end, catchup: true, maxActiveRuns });
  return pipeline;
}
