/** A process that works on a run of a chain of steps and can be killed. Arguments: store, journal, id of the run to resume (or `new`), step to hang in (or `none`). */
import { appendFileSync } from 'node:fs';
import { FilesystemStorage } from '../../src/filesystem.ts';
import { isModelkeepError } from '../../src/index.ts';
import { chain } from './crash-chain.ts';

const [directory = '', journal = '', id = 'new', hang = 'none'] = process.argv.slice(2);
const storage = new FilesystemStorage(directory);
const { pipeline } = chain(storage, (step) => {
  appendFileSync(journal, `${step}\n`);
  if (step !== hang) return;
  process.send?.({ hanging: step });
  // Blocks the thread, as a native computation would: only a kill ends it.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});
const onEvent = (event: { type: string; run: string }): void => void (event.type === 'run-started' && process.send?.({ run: event.run }));
try {
  const result = id === 'new' ? await pipeline.run({ onEvent }) : await pipeline.resume(id, { onEvent, takeOver: hang !== 'none' });
  process.send?.({ status: result.status });
} catch (error) {
  process.send?.({ code: isModelkeepError(error) ? error.code : 'other' });
}
await storage.close();
process.disconnect?.();
