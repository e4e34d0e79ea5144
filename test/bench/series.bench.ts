import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryStorage, Tracker, type StorageAdapter } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { readSeries } from '../../src/tracking/series/metric-series.ts';
import { compare, peakMemory, type Benchmark } from './harness.ts';

interface Bench {
  readonly storage: StorageAdapter;
  readonly log: string;
  readonly directory?: string;
}

const points = 1_000_000;

async function filled(storage: StorageAdapter, directory?: string): Promise<Bench> {
  const run = await new Tracker({ storage }).startRun({ experiment: 'bench' });
  for (let step = 0; step < points; step++) run.logMetrics({ loss: Math.sin(step / 1_000) + Math.sin(step) }, { step });
  await run.end();
  return { storage, log: `tracking/metrics/${run.id}`, ...(directory === undefined ? {} : { directory }) };
}

async function inDirectory(): Promise<Bench> {
  const directory = await mkdtemp(join(tmpdir(), 'modelkeep-bench-'));
  return filled(new FilesystemStorage(directory), directory);
}

async function teardown({ storage, directory }: Bench): Promise<void> {
  await storage.close();
  if (directory !== undefined) await rm(directory, { recursive: true, force: true });
}

async function readOnly({ storage, log }: Bench): Promise<void> {
  let bytes = 0;
  for await (const entry of storage.readLog(log)) bytes += entry.bytes.length;
  if (bytes < points) throw new Error('The log is not what was written.');
}

/** For the measure of memory: ten million points are logged, and read in few. */
export async function tenMillion(points = 10_000_000): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'modelkeep-bench-'));
  const storage = new FilesystemStorage(directory);
  const run = await new Tracker({ storage }).startRun({ experiment: 'bench' });
  for (let step = 0; step < points; step++) {
    if (step % 4_096 === 0) await run.ready();
    run.logMetrics({ loss: Math.sin(step / 1_000) + Math.sin(step) }, { step });
  }
  const { droppedPoints } = await run.end();
  const { steps } = await readSeries(storage, `tracking/metrics/${run.id}`, 'loss', { maxPoints: 1_500 });
  if (droppedPoints > 0 || steps.length > 1_500 || steps.at(-1) !== points - 1) throw new Error('The series is not what was logged.');
  await teardown({ storage, log: '', directory });
}

const places = [
  ['memory', () => filled(new MemoryStorage())],
  ['a directory', inDirectory],
] as const;

const readings = places.flatMap(([where, setup]) => [
  compare<Bench>(`1,500 points of 1,000,000 in ${where}, against reading the log alone`, ({ storage, log }) => readSeries(storage, log, 'loss', { maxPoints: 1_500 }), readOnly, {
    runs: 15,
    setup,
    teardown,
    target: { atMost: 40 },
  }),
  compare<Bench>(`all 1,000,000 points in ${where}, against reading the log alone`, ({ storage, log }) => readSeries(storage, log, 'loss'), readOnly, { runs: 9, setup, teardown }),
]);

export const benchmarks: Benchmark[] = [
  ...readings,
  peakMemory('log 10,000,000 points into a directory and read 1,500 of them', import.meta.url, 'tenMillion', { argument: 10_000_000, target: { atMost: 200 } }),
  peakMemory('the same of 100,000 points', import.meta.url, 'tenMillion', { argument: 100_000 }),
];
