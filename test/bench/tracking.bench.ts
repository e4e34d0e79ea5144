import { open, mkdtemp, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryStorage, Tracker, type Run } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { compare, measure, type Benchmark } from './harness.ts';

const points = 1_000_000;
// A usual point is a double, two 32-bit integers and one byte; this many of them are appended at once.
const bytesPerPoint = 17;
const appendPoints = 8 * 65_536;

interface Bench {
  readonly directory: string;
  readonly storage: FilesystemStorage;
  readonly tracker: Tracker;
  run: Run;
  raw: FileHandle;
  turn: number;
}

async function setup(): Promise<Bench> {
  const directory = await mkdtemp(join(tmpdir(), 'modelkeep-bench-'));
  const storage = new FilesystemStorage(directory);
  const tracker = new Tracker({ storage });
  return { directory, storage, tracker, run: await tracker.startRun({ experiment: 'bench' }), raw: await open(join(directory, 'raw'), 'a'), turn: 0 };
}

async function teardown({ directory, storage, run, raw }: Bench): Promise<void> {
  await run.end();
  await raw.close();
  await storage.close();
  await rm(directory, { recursive: true, force: true });
}

async function freshFiles(state: Bench): Promise<void> {
  await state.run.end();
  await state.raw.close();
  state.run = await state.tracker.startRun({ experiment: 'bench' });
  state.raw = await open(join(state.directory, `raw${state.turn++}`), 'a');
}

function logPoints(run: Run): void {
  for (let step = 0; step < points / 2; step++) run.logMetrics({ loss: 1 / step, acc: step }, { step });
}

async function appendRaw(file: FileHandle): Promise<void> {
  for (let done = 0; done < points; done += appendPoints) {
    await file.write(new Uint8Array(bytesPerPoint * Math.min(appendPoints, points - done)));
    await file.datasync();
  }
}

export const benchmarks: Benchmark[] = [
  compare<{ tracker: Tracker; run: Run; kept: unknown[] }>(
    'logMetrics, µs per point on the calling thread, against pushing an object per point',
    ({ run }) => logPoints(run),
    ({ kept }) => {
      for (let step = 0; step < points; step++) kept.push({ name: 'loss', value: 1 / step, step, timestamp: Date.now() });
    },
    {
      operations: points,
      unit: 'µs',
      setup: async () => {
        const tracker = new Tracker({ storage: new MemoryStorage() });
        return { tracker, run: await tracker.startRun({ experiment: 'bench' }), kept: [] };
      },
      before: async (state) => {
        await state.run.end();
        state.run = await state.tracker.startRun({ experiment: 'bench' });
        state.kept = [];
      },
      teardown: async ({ run }) => run.end(),
      target: { atMost: 0.5 },
    },
  ),
  compare<Bench>(
    'points per second from logMetrics to a flushed disk, against appending as many bytes with fdatasync',
    async ({ run }) => {
      logPoints(run);
      await run.flush();
    },
    ({ raw }) => appendRaw(raw),
    { operations: points, unit: 'operations/s', setup, before: freshFiles, teardown, target: { atLeast: 2_000_000 } },
  ),
  measure<Bench>(
    'start, log and end of a run, flushed',
    async ({ tracker }) => {
      const run = await tracker.startRun({ experiment: 'bench', params: { lr: 0.1 } });
      run.logMetrics({ loss: 1 });
      await run.end();
    },
    { runs: 51, warmup: 5, setup, teardown, target: { atMost: 5 } },
  ),
  measure<Bench & { id: string }>('read the history of one of two metrics, 500,000 points each', ({ tracker, id }) => tracker.metricHistory(id, 'loss'), {
    setup: async () => {
      const state = await setup();
      logPoints(state.run);
      await state.run.flush();
      return { ...state, id: state.run.id };
    },
    teardown,
  }),
];
