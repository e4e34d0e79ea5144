/** A process that keeps a schedule until nothing is left to do. Arguments: store, journal, start of the schedule, its end, and the hour to hang in (or 0). */
import { appendFileSync } from 'node:fs';
import { FilesystemStorage } from '../../../src/filesystem.ts';
import { hourly } from './hourly-pipeline.ts';

const [directory = '', journal = '', start = '', end = '', hang = '0'] = process.argv.slice(2);
const storage = new FilesystemStorage(directory);
const begins = (hour: number): void => {
  appendFileSync(journal, `${hour}\n`);
  if (hour !== Number(hang)) return;
  process.send?.({ hanging: hour });
  // Blocks the thread, as a native computation would: only a kill ends it.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
};
// What is to be killed in one run does not go on with another.
const pipeline = await hourly(storage, { start: Number(start), end: Number(end) }, begins, hang === '0' ? {} : { maxActiveRuns: 1 });
{
  await using keeper = pipeline.start({ interval: '100ms' });
  await keeper.idle();
}
await storage.close();
process.disconnect?.();
