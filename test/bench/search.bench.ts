import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tracker } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { decode, encode } from '../../src/core/codec.ts';
import { newId } from '../../src/core/ids.ts';
import { listAll, readValue } from '../../src/storage/records.ts';
import type { StoredRun } from '../../src/tracking/run-record.ts';
import { keys } from '../../src/tracking/tracking-keys.ts';
import { compare, type Benchmark } from './harness.ts';

interface Bench {
  readonly directory: string;
  readonly storage: FilesystemStorage;
  readonly tracker: Tracker;
  /** The runs as plain objects, for the baseline. */
  readonly plain: readonly StoredRun[];
}

const metrics = ['loss', 'val/loss', 'accuracy', 'val/accuracy', 'auc', 'f1'];
const query = { filter: "metrics.auc > 0.5 and params.optimizer = 'adam' and tags.team != 'ops'", orderBy: ['metrics.auc desc'], limit: 100 } as const;

/** One run is made as anyone makes it, and its records are repeated with other ids and values. */
async function filled(count: number): Promise<Bench> {
  const directory = await mkdtemp(join(tmpdir(), 'modelkeep-bench-'));
  const storage = new FilesystemStorage(directory);
  const tracker = new Tracker({ storage });
  const params = { learningRate: 0.001, optimizer: 'adam', batchSize: 64, layers: [128, 64], dropout: 0.2, epochs: 20, schedule: 'cosine', warmup: 500 };
  const run = await tracker.startRun({ experiment: 'bench', name: 'baseline', seed: 1, params, tags: { team: 'search', stage: 'dev', host: 'trainer-7' } });
  for (let step = 0; step < 20; step++) run.logMetrics(Object.fromEntries(metrics.map((name, i) => [name, Math.sin(step + i)])), { step });
  await run.end();
  const template = (await readValue<StoredRun>(storage, keys.run(run.id)))!.value;
  const plain: StoredRun[] = [];
  for (let made = 0; made < count; made += 1_000) {
    const copies = Array.from({ length: 1_000 }, (_, i): StoredRun => {
      const at = made + i;
      const changed = Object.fromEntries(Object.entries(template.metrics).map(([name, point], k) => [name, { ...point, value: (Math.sin(at * 7 + k) + 1) / 2 }]));
      const optimizer = at % 2 === 0 ? 'adam' : 'sgd';
      return { ...template, id: newId(), startedAt: template.startedAt + at, params: { ...template.params, learningRate: 1 / (at + 1), optimizer }, metrics: changed };
    });
    await storage.write(copies.flatMap((copy) => [{ kind: 'put', key: keys.run(copy.id), bytes: encode(copy) }]));
    plain.push(...copies);
  }
  await tracker.searchRuns(query);
  return { directory, storage, tracker, plain };
}

async function teardown({ directory, storage }: Bench): Promise<void> {
  await storage.close();
  await rm(directory, { recursive: true, force: true });
}

/** What a page over the runs costs when it is written by hand for them, in memory. */
function byHand({ plain }: Bench): void {
  const found = plain.filter(({ metrics, params, tags }) => metrics['auc']!.value > 0.5 && params['optimizer'] === 'adam' && tags['team'] !== 'ops');
  const page = found.sort((a, b) => b.metrics['auc']!.value - a.metrics['auc']!.value || b.startedAt - a.startedAt).slice(0, 100);
  if (page.length !== 100) throw new Error('The search is not what was meant.');
}

async function cold({ directory }: Bench): Promise<void> {
  const storage = new FilesystemStorage(directory);
  const { items } = await new Tracker({ storage }).searchRuns(query);
  if (items.length !== 100) throw new Error('The search is not what was meant.');
  await storage.close();
}

async function readAll({ directory }: Bench): Promise<void> {
  const storage = new FilesystemStorage(directory);
  const found: string[] = [];
  for await (const { key } of listAll(storage, { prefix: keys.runs, limit: 10_000 })) found.push(key);
  for (let from = 0; from < found.length; from += 1_000) {
    const batch = found.slice(from, from + 1_000);
    for (const [i, record] of (await storage.read(batch)).entries()) decode(record!.bytes, batch[i]!);
  }
  await storage.close();
}

export const benchmarks: Benchmark[] = [
  [10_000, 30, 500],
  [100_000, 250, 4_000],
].flatMap(([count, warmMs, coldMs]) => {
  const runs = `${count!.toLocaleString('en')} runs`;
  const setup = (): Promise<Bench> => filled(count!);
  return [
    compare<Bench>(`search of ${runs} with filter and sort, warm, against the same by hand over an array`, ({ tracker }) => tracker.searchRuns(query), byHand, {
      runs: count! > 10_000 ? 9 : 21,
      warmup: 3,
      setup,
      teardown,
      target: { atMost: warmMs! },
    }),
    compare<Bench>(`search of ${runs} by a new process' first look, against reading and decoding the records alone`, cold, readAll, { runs: 5, setup, teardown, target: { atMost: coldMs! } }),
  ];
});
