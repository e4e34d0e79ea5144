/** A process that runs a pipeline with a cached step. Arguments: store, journal, whether the step hangs. */
import { appendFileSync } from 'node:fs';
import { FilesystemStorage } from '../../../src/filesystem.ts';
import { Pipeline } from '../../../src/index.ts';

const [directory = '', journal = '', hang = 'no'] = process.argv.slice(2);
const storage = new FilesystemStorage(directory);
const pipeline = new Pipeline({ name: 'shared', storage, lease: '1s' });
const train = pipeline.step('train', { cache: { version: '1' } }, async () => {
  appendFileSync(journal, `${process.pid}\n`);
  process.send?.({ training: process.pid });
  if (hang === 'yes') await new Promise(() => setInterval(() => undefined, 1000));
  return new Float64Array(10_000).fill(process.pid);
});
const result = await pipeline.run({ onEvent: ({ type }) => type === 'run-started' && process.send?.({ began: process.pid }) });
process.send?.({ run: result.id, cache: result.steps['train']!.cache?.run, by: result.output(train)[9999] });
await storage.close();
process.disconnect?.();
