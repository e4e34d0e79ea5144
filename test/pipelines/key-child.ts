/** A process that works on a run and tells the idempotency keys of its attempts. Arguments: store, journal, id of the run to resume (or `new`), step to hang in (or `none`). */
import { appendFileSync } from 'node:fs';
import { FilesystemStorage } from '../../src/filesystem.ts';
import { Pipeline } from '../../src/index.ts';

const [directory = '', journal = '', id = 'new', hang = 'none'] = process.argv.slice(2);
const storage = new FilesystemStorage(directory);

/** Notes the key, as who does something elsewhere under it would, and may not come to an end. */
function work({ key, step, index, pipeline }: { readonly key: string; readonly step: string; readonly index?: number | undefined; readonly pipeline: string }): void {
  const of = index === undefined ? step : `${step}[${index}]`;
  appendFileSync(journal, `${pipeline} ${of} ${key}\n`);
  if (of !== hang) return;
  process.send?.({ hanging: of });
  // Blocks the thread, as a native computation would: only a kill ends it.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

// Who goes on waits for the lease of the child's run, too, which nobody takes over.
const child = new Pipeline({ name: 'child', storage, lease: '500ms' });
child.step('below', {}, ({ run }) => work(run));
const pipeline = new Pipeline({ name: 'nightly', storage });
const charge = pipeline.step('charge', {}, ({ run }) => work(run));
const many = pipeline.map('many', { over: [1, 2, 3], after: [charge], concurrency: 1 }, ({ run }) => work(run));
pipeline.step('nested', { after: [many] }, child.asStep());

const onEvent = ({ type, run, pipeline: of }: { type: string; run: string; pipeline: string }): void => void (type === 'run-started' && of === 'nightly' && process.send?.({ run }));
const { status } = id === 'new' ? await pipeline.run({ onEvent }) : await pipeline.resume(id, { takeOver: true });
process.send?.({ status });
await storage.close();
process.disconnect?.();
