// Logs a run into a directory as it is told: a line of numbers on stdin is a point of each metric at the next step, and the end of stdin ends the run.
import { createInterface } from 'node:readline';
import { Tracker } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';

const storage = new FilesystemStorage(process.argv[2]!);
const run = await new Tracker({ storage }).startRun({ experiment: 'live', name: 'of another process' });
process.stdout.write(`${run.id}\n`);
let step = 0;
for await (const line of createInterface({ input: process.stdin })) {
  const [loss, metrics = 0] = line.split(' ').map(Number);
  run.logMetrics({ loss: loss!, ...Object.fromEntries(Array.from({ length: metrics }, (_, i) => [`layer/${i}`, i])) }, { step: step++ });
  await run.flush();
}
await run.end();
await storage.close();
