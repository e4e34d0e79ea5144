/** A process that works on a run, or cancels one. Arguments: store, journal, what it does (`run`, `cancel`, or `die`: to cancel and be killed once that is recorded), id of the run. */
import { appendFileSync } from 'node:fs';
import type { StorageAdapter } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { nightly } from './nightly.ts';

const [directory = '', journal = '', what = '', id = ''] = process.argv.slice(2);
const storage = new FilesystemStorage(directory);
const lethal = new Proxy<StorageAdapter>(storage, {
  get: (of, name) => {
    const value: unknown = Reflect.get(of, name, of);
    if (typeof value !== 'function') return value;
    if (name !== 'write' || what !== 'die') return (value as (...args: unknown[]) => unknown).bind(of);
    return async (...[operations, options]: Parameters<StorageAdapter['write']>) => {
      const results = await of.write(operations, options);
      if (operations.some(({ key }) => key.includes('/runs/'))) process.kill(process.pid, 'SIGKILL');
      return results;
    };
  },
});
const { pipeline } = nightly(lethal, (line) => appendFileSync(journal, `${line}\n`));
if (what === 'run') {
  const onEvent = (event: { readonly type: string; readonly run: string; readonly step?: string }): void => void (event.type === 'step-started' && event.step === 'train' && process.send!({ run: event.run }));
  process.send!(await pipeline.run({ onEvent }).then(({ status }) => ({ status }), (error: unknown) => ({ status: String(error) })));
} else {
  process.send!(await pipeline.cancel(id, { by: what, reason: 'a test' }).then((cancellation) => ({ cancellation }), (error: unknown) => ({ status: String(error) })));
}
await storage.close();
process.disconnect();
