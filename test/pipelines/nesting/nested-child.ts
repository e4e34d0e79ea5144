/** A process that works on a run of nested pipelines and can be killed. Arguments: store, journal, id of the run to resume (or `new`), step to hang in, how many milliseconds later it is. */
import { appendFileSync } from 'node:fs';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { nested } from './nested-chain.ts';

const [directory = '', journal = '', id = 'new', hang = '', later = '0'] = process.argv.slice(2);
const { outer } = nested(new FilesystemStorage(directory), Number(later), (step) => {
  appendFileSync(journal, `${step}\n`);
  if (step !== hang) return;
  process.send!({ hanging: step });
  // Blocks the thread: only a kill ends it.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});
const onEvent = (event: { type: string; run: string }): void => void (event.type === 'run-started' && process.send!({ run: event.run }));
await (id === 'new' ? outer.run({ onEvent }) : outer.resume(id, { onEvent }));
