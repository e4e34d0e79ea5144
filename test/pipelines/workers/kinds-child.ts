/** A process that has a part in the run of steps of all kinds. Arguments: store, journal, the part: `drive`, `work` or `decide`. */
import { appendFileSync } from 'node:fs';
import { FilesystemStorage } from '../../../src/filesystem.ts';
import { kinds, say, type words } from './kinds.ts';

const [directory = '', journal = '', part = ''] = process.argv.slice(2);
const storage = new FilesystemStorage(directory);
const all = kinds({
  storage,
  executor: 'workers',
  begun: (unit) => appendFileSync(journal, `${unit}\n`),
  onInner: ({ type, run }) => type === 'step-waiting' && process.send!({ asks: run }),
});

if (part === 'drive') {
  const { id, status } = await all.outer.run();
  await storage.close();
  process.send!({ id, status });
  process.disconnect();
} else if (part === 'work') {
  const workers = [all.outer, all.inner].map((pipeline) => pipeline.work({ concurrency: 3, interval: '50ms' }));
  process.once('disconnect', () => void Promise.all(workers.map((worker) => worker.close())).then(() => storage.close()));
} else {
  process.on('message', ({ run, word }: { run: string; word: (typeof words)[number] | undefined }) => {
    const said = word === undefined ? all.inner.approve(run, 'agree', { by: 'bob' }) : say(all, run, word);
    void said.then(() => process.send!({ said: true }), (error: unknown) => process.send!({ failed: String(error) }));
  });
  process.once('disconnect', () => void storage.close());
}
if (part !== 'drive') process.send!({ ready: true });
