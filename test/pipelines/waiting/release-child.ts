/**
 * A process that works on a run with an approval. Arguments: store, journal, and what it does: `hang` with an empty text and until when something goes on beside the approval, `keep` with how
 * many milliseconds its clock is ahead, or a decision with the id of the run and who decides.
 */
import { appendFileSync } from 'node:fs';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { systemClock } from '../../../src/core/clock.ts';
import { release } from './release.ts';

const [directory = '', journal = '', what = '', id = '', by = ''] = process.argv.slice(2);
const storage = new FilesystemStorage(directory);
const ahead = what === 'keep' ? Number(id) : 0;
const clock = { ...systemClock, now: (): number => Date.now() + ahead };
const { pipeline } = release(storage, { clock, journal: (step) => appendFileSync(journal, `${step}\n`), options: { lease: '1s' } });
if (what === 'hang') {
  // Something that goes on beside the approval keeps the run in this process until it is killed.
  pipeline.sleep('beside', { until: () => Number(by) });
  await pipeline.run({ onEvent: (event) => event.type === 'step-waiting' && event.step === 'approve' && process.send!({ run: event.run }) });
} else if (what === 'keep') {
  pipeline.sleep('beside', { until: () => 0 });
  const keeper = pipeline.start({
    interval: 50,
    onEvent: (event) => {
      if (event.type === 'run-finished') process.send!({ status: event.status });
    },
  });
  process.once('disconnect', () => void keeper.close());
} else {
  const verdict = what === 'approve' ? pipeline.approve(id, 'approve', { by }) : pipeline.reject(id, 'approve', { by });
  process.send!(await verdict.then(() => ({ decided: true })).catch((error: unknown) => ({ code: (error as { code: string }).code, message: (error as Error).message })));
  await storage.close();
  process.disconnect();
}
