/** A process that makes attempts, which go on from row to row as they are told to. Arguments: store, and its name. */
import { FilesystemStorage } from '../../../src/filesystem.ts';
import { rowsPipeline } from './rows.ts';

const storage = new FilesystemStorage(process.argv[2]!);
let proceed = (): void => undefined;
const { pipeline } = rowsPipeline(storage, process.argv[3]!, (row, from, signal) => {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error));
    proceed = resolve;
    process.send!({ row, from });
  });
});
const worker = pipeline.work({ interval: '50ms' });
process.on('message', (word) => {
  if (word === 'go') proceed();
  else if (word === 'idle') void worker.idle().then(() => process.send!({ idle: true }));
});
process.send!({ ready: true });
