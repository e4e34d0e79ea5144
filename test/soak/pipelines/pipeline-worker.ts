/** A process that works on runs of random pipelines until it is killed. Arguments: store, journal, and for each run its pipeline's number and its id, or `new`, with a colon between. */
import { appendFileSync } from 'node:fs';
import { FilesystemStorage } from '../../../src/filesystem.ts';
import { carriedOut, randomPipeline } from './random-pipeline.ts';

const [directory = '', journal = '', ...jobs] = process.argv.slice(2);
const storage = new FilesystemStorage(directory);
const tell = (word: object): void => void process.stdout.write(`${JSON.stringify(word)}\n`);

async function work(job: string): Promise<void> {
  const [number, id = ''] = job.split(':');
  const made = randomPipeline(Number(number), { storage, pace: 3, begun: (unit) => appendFileSync(journal, `${JSON.stringify(unit)}\n`) });
  const onEvent = ({ type }: { readonly type: string }): void => void (type === 'run-started' && tell({ begun: job }));
  await carriedOut(made, id === 'new' ? undefined : id, { onEvent });
  tell({ ended: job });
}

// It is to be killed, not to end.
setInterval(() => undefined, 60_000);
await Promise.all(jobs.map(work));
