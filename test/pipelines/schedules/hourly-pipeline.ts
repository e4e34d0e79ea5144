import { Pipeline, type Clock, type PipelineSchedule } from '../../../src/index.ts';
import type { StorageAdapter } from '../../../src/storage/contract.ts';

const hourMs = 3_600_000;

/** When the schedule begins, how many hours it has, and by which clock; of its runs, `maxActiveRuns` go on at once. */
export interface HourlyOptions {
  readonly start: number;
  readonly hours: number;
  readonly clock?: Clock | undefined;
  readonly maxActiveRuns?: number | undefined;
}

/** A pipeline with a schedule that makes up for every hour; each run tells which hour it is about. */
export async function hourly(storage: StorageAdapter, { start, hours, clock, maxActiveRuns = 2 }: HourlyOptions, begins: (hour: number) => void): Promise<{ pipeline: Pipeline; schedule: PipelineSchedule }> {
  const pipeline: Pipeline = new Pipeline({ name: 'hourly', storage, clock });
  pipeline.step('work', {}, async ({ run }) => {
    begins(((await pipeline.getRun(run.id)).interval!.end - start) / hourMs);
    return null;
  });
  return { pipeline, schedule: await pipeline.schedule({ name: 'hourly', every: '1h', start, end: start + hours * hourMs, catchup: true, maxActiveRuns }) };
}
