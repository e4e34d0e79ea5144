import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DriftMonitor, profileData, Tracker } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { createUiHandler } from 'modelkeep/ui';
import { encode } from '../../src/core/codec.ts';
import { newId } from '../../src/core/ids.ts';
import { seededRandom } from '../../src/core/random.ts';
import { readValue } from '../../src/storage/records.ts';
import type { StoredRun } from '../../src/tracking/run-record.ts';
import { keys } from '../../src/tracking/tracking-keys.ts';
import { lengthen } from '../ui/long-histories.ts';
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

/** A monitor of thirty columns has judged a window, and its verdict is repeated. */
async function watched(count: number): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'modelkeep-bench-'));
  await using storage = new FilesystemStorage(directory);
  const random = seededRandom(1);
  const names = Array.from({ length: 30 }, (_, i) => `column ${i}`);
  const reference = profileData(Object.fromEntries(names.map((name) => [name, Float64Array.from({ length: 1_000 }, random)])));
  await using monitor = new DriftMonitor({ storage, name: 'm', reference, window: { rows: 300 } });
  for (let i = 0; i < 300; i++) monitor.observe({ features: Object.fromEntries(names.map((name) => [name, 2 * random()])) });
  await monitor.flush();
  let windows = 1;
  await lengthen(storage, 'monitors/m', 'verdict', count, (event) => {
    const data = event.data as { readonly window: object };
    return { ...event, data: { ...data, window: { ...data.window, number: ++windows } } };
  });
  return directory;
}

/** The page as a process that was just started answers it: the store is opened, too. */
async function firstPage(directory: string, path: string): Promise<void> {
  await using storage = new FilesystemStorage(directory);
  const response = await createUiHandler(storage)(new Request(`http://localhost/${path}`, { headers: { host: 'localhost' } }));
  const text = await response.text();
  if (response.status !== 200 || !text.includes('<tbody>')) throw new Error(`${path} gave ${response.status}.`);
}

const options = (count: number, fill = filled): { setup: () => Promise<string>; teardown: (directory: string) => Promise<void>; runs: number } => ({ setup: () => fill(count), teardown: (directory) => rm(directory, { recursive: true, force: true }), runs: 5 });

export const benchmarks: readonly Benchmark[] = [
  measure<string>('ui: the first list of runs, store opened, 10,000 runs', (directory) => firstPage(directory, 'runs'), { ...options(10_000), target: { atMost: 1_000 } }),
  measure<string>('ui: the first list of runs by a metric, store opened, 10,000 runs', (directory) => firstPage(directory, 'runs?filter=metrics.loss+%3C+1&by=metrics.loss'), { ...options(10_000), target: { atMost: 1_000 } }),
  measure<string>('ui: the first page of a monitor, store opened, history of 10,000 events, 30 columns', (directory) => firstPage(directory, 'monitor?name=m'), { ...options(10_000, watched), target: { atMost: 1_000 } }),
  measure<string>('ui: the first list of runs, store opened, 100,000 runs', (directory) => firstPage(directory, 'runs'), { ...options(100_000), runs: 3 }),
];
