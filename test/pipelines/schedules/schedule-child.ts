/** A process that keeps a schedule, and whose clock shows what it is told. Arguments: store, journal, start of the schedule, its hours, most runs at once. */
import { appendFileSync } from 'node:fs';
import { systemClock } from '../../../src/core/clock.ts';
import { FilesystemStorage } from '../../../src/filesystem.ts';
import { hourly } from './hourly-pipeline.ts';

/** What the clock shows from now on, and whether the run that begins then never ends; no hour at all ends the process. */
export interface Order {
  readonly hour?: number | undefined;
  readonly hang?: boolean | undefined;
}

/** A run that hangs, or the hour at which there is nothing left to do. */
export interface Report {
  readonly hanging?: number | undefined;
  readonly idle?: number | undefined;
}

const hourMs = 3_600_000;
const [directory = '', journal = '', start = '', hours = '', maxActiveRuns = ''] = process.argv.slice(2);
const tell = (report: Report): void => void process.send?.(report);
const storage = new FilesystemStorage(directory);
let time = Number(start);
let hangs = false;
const begins = (hour: number): void => {
  appendFileSync(journal, `${hour}\n`);
  if (!hangs) return;
  tell({ hanging: hour });
  // Blocks the thread, as a native computation would: only a kill ends it.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
};
const clock = { ...systemClock, now: (): number => time };
const { pipeline } = await hourly(storage, { start: Number(start), hours: Number(hours), clock, maxActiveRuns: Number(maxActiveRuns) }, begins);
const keeper = pipeline.start();

async function obey({ hour, hang = false }: Order): Promise<void> {
  if (hour === undefined) {
    await keeper.close();
    await storage.close();
    process.disconnect?.();
    return;
  }
  [time, hangs] = [Number(start) + hour * hourMs, hang];
  await keeper.idle();
  tell({ idle: hour });
}
process.on('message', (order: Order) => void obey(order));
tell({ idle: 0 });
