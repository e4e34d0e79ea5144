import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tracker } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { createUiHandler } from 'modelkeep/ui';
import { encode } from '../../src/core/codec.ts';
import { newId } from '../../src/core/ids.ts';
import { readValue } from '../../src/storage/records.ts';
import type { StoredRun } from '../../src/tracking/run-record.ts';
import { keys } from '../../src/tracking/tracking-keys.ts';
import { measure, type Benchmark } from './harness.ts';

/** One run is made as anyone makes it, and its record is repeated with other ids. */
async function filled(count: number): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'modelkeep-bench-'));
  await using storage = new FilesystemStorage(directory);
  const run = await new Tracker({ storage }).startRun({ experiment: 'bench', name: 'baseline', params: { learningRate: 0.001, optimizer: 'adam', batchSize: 64, layers: [128, 64] }, tags: { team: 'search' } });
  for (let step = 0; step < 20; step++) run.logMetrics({ loss: 1 / (step + 1), 'val/auc': 1 - 1 / (step + 2), accuracy: Math.cos(step) }, { step });
  await run.end();
  const template = (await readValue<StoredRun>(storage, keys.run(run.id)))!.value;
  for (let made = 1; made < count; made += 1_000) {
    const copies = Array.from({ length: Math.min(1_000, count - made) }, (_, i) => ({ ...template, id: newId(), name: `run ${made + i}`, startedAt: template.startedAt + made + i }));
    await storage.write(copies.map((each) => ({ kind: 'put', key: keys.run(each.id), bytes: encode(each) })));
  }
  return directory;
}

/** The page as a process that was just started answers it: the store is opened, too. */
async function firstPage(directory: string, path: string): Promise<void> {
  await using storage = new FilesystemStorage(directory);
  const response = await createUiHandler(storage)(new Request(`http://localhost/${path}`, { headers: { host: 'localhost' } }));
  const text = await response.text();
  if (response.status !== 200 || !text.includes('<tbody>')) throw new Error(`${path} gave ${response.status}.`);
}

const options = (count: number): { setup: () => Promise<string>; teardown: (directory: string) => Promise<void>; runs: number } => ({ setup: () => filled(count), teardown: (directory) => rm(directory, { recursive: true, force: true }), runs: 5 });

export const benchmarks: readonly Benchmark[] = [
  measure<string>('ui: the first list of runs, store opened, 10,000 runs', (directory) => firstPage(directory, 'runs'), { ...options(10_000), target: { atMost: 1_000 } }),
  measure<string>('ui: the first list of runs by a metric, store opened, 10,000 runs', (directory) => firstPage(directory, 'runs?filter=metrics.loss+%3C+1&by=metrics.loss'), { ...options(10_000), target: { atMost: 1_000 } }),
  measure<string>('ui: the first list of runs, store opened, 100,000 runs', (directory) => firstPage(directory, 'runs'), { ...options(100_000), runs: 3 }),
];
