// A process that works on a store until it is killed: node worker.js ROOT DURABILITY SESSION SEED WORKER...
// Each call is told on standard output before it is made and when it was acknowledged, by a system call of its own, so that it is in the pipe whatever happens next.
import { writeSync } from 'node:fs';
import { seededRandom } from '../../src/core/random.ts';
import { FilesystemStorage } from '../../src/filesystem.ts';
import { Worker, type Acknowledgement, type Intent, type Reporter } from '../storage/faults/workload.ts';
import type { Report } from './report.ts';

const [root = '', durability = '', session = '', seed = '', ...names] = process.argv.slice(2);

function report(line: Report): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}

const reporter: Reporter = {
  begin: (worker: string, intent: Intent) => report({ worker, intent }),
  acknowledge: (worker: string, acknowledgement: Acknowledgement) => report({ worker, acknowledgement }),
};

const storage = new FilesystemStorage(root, { durability: durability === 'buffered' ? 'buffered' : 'flushed', compactAt: 20_000 });

async function work(name: string, i: number): Promise<void> {
  const worker = new Worker({ name, storage, session, random: seededRandom(Number(seed) + i), reporter, maxBytes: 4000 });
  await worker.start();
  for (;;) await worker.step();
}

async function compact(): Promise<void> {
  const random = seededRandom(Number(seed) - 1);
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, random() * 100));
    await storage.compact();
  }
}

await Promise.all([...names.map(work), compact()]);
