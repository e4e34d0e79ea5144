/** A process that backfills all hours of a schedule when it is told to. Arguments: store, journal, start of the schedule, its hours, the hour in which it hangs (or 0). */
import { appendFileSync } from 'node:fs';
import { systemClock } from '../../../src/core/clock.ts';
import { FilesystemStorage } from '../../../src/filesystem.ts';
import { hourly } from './hourly-pipeline.ts';

/** How far the clock of the process is ahead from now on; the first begins the backfill. */
export interface BackfillOrder {
  readonly aheadMs: number;
}

/** That it is ready, how many intervals are done, that it hangs in an hour, or what its backfill came to. */
export interface BackfillReport {
  readonly ready?: boolean;
  readonly done?: number;
  readonly hanging?: number;
  readonly result?: { readonly succeeded: boolean; readonly statuses: readonly string[] };
}

const hourMs = 3_600_000;
const [directory = '', journal = '', start = '', hours = '', hang = ''] = process.argv.slice(2);
const tell = (report: BackfillReport): void => void process.send?.(report);
const storage = new FilesystemStorage(directory);
let ahead = 0;
const clock = { ...systemClock, now: (): number => Date.now() + ahead };
const begins = (hour: number): void => {
  appendFileSync(journal, `${hour}\n`);
  if (hour !== Number(hang)) return;
  tell({ hanging: hour });
  // Blocks the thread, as a native computation would: only a kill ends it.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
};
const { schedule } = await hourly(storage, { start: Number(start), hours: Number(hours), clock }, begins);

async function fill(): Promise<void> {
  const { runs, succeeded } = await schedule.backfill({ from: Number(start), to: Number(start) + Number(hours) * hourMs, onProgress: ({ done }) => tell({ done }) });
  await storage.close();
  tell({ result: { succeeded, statuses: runs.map(({ status }) => status) } });
  process.disconnect?.();
}
process.once('message', () => void fill());
process.on('message', ({ aheadMs }: BackfillOrder) => (ahead = aheadMs));
tell({ ready: true });
