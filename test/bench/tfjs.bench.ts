import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryStorage, Tracker, type Run } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { tfjsCallbacks } from 'modelkeep/tfjs';
import { missingBrowser, openBrowser } from '../browser/browser.ts';
import { serveSite } from '../browser/site.ts';
import { compare, measure, type Benchmark, type Result, type Target } from './harness.ts';
import { Training, tf } from './tfjs-training.ts';

interface Bench {
  readonly directory: string;
  readonly storage: FilesystemStorage;
  readonly run: Run;
  readonly training: Training;
}

type Callbacks = NonNullable<Parameters<Training['fit']>[0]>;

/** A fit of 500 batches on a directory, against the same fit without callbacks. */
function recorded(name: string, size: { rows: number; hidden: number }, make: (run: Run) => Callbacks, target?: Target): Benchmark {
  return compare<Bench>(name, ({ training, run }) => training.fit(make(run)), ({ training }) => training.fit(), {
    runs: 15,
    warmup: 2,
    setup: async () => {
      const directory = await mkdtemp(join(tmpdir(), 'modelkeep-bench-'));
      const storage = new FilesystemStorage(directory);
      return { directory, storage, run: await new Tracker({ storage }).startRun({ experiment: 'bench' }), training: new Training(size) };
    },
    teardown: async ({ directory, storage, run, training }) => {
      await run.end();
      await storage.close();
      await rm(directory, { recursive: true, force: true });
      training.dispose();
    },
    ...(target && { target }),
  });
}

const usual = { rows: 3200, hidden: 64 };
const tiny = { rows: 3200, hidden: 1 };

type Page = typeof import('./tfjs-page.ts');

/** Timed by the page's own clock, without the start and the end of the run. */
const inChromium: Benchmark = {
  name: 'a fit in Chromium recorded in IndexedDB, against one that is not',
  async run(): Promise<Result> {
    await using site = await serveSite<Page>(new URL('tfjs-page.ts', import.meta.url), { modelkeep: 'dist' });
    await using browser = await openBrowser();
    const tab = await browser.openTab(site);
    const [own, other]: [number[], number[]] = [[], []];
    for (let turn = -2; turn < 31; turn++) {
      const times = [await tab.run('fit', { recorded: true }), await tab.run('fit', { recorded: false })] as const;
      if (turn >= 0) [own, other].forEach((all, i) => all.push(times[i]!));
    }
    const [value, baseline] = [median(own), median(other)];
    return { value, unit: 'ms', fastest: Math.min(...own), slowest: Math.max(...own), runs: own.length, baseline, ratio: value / baseline, target: { ratioAtMost: 1.05 } };
  },
};

/** Of an odd number of values. */
function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;
}

if (missingBrowser !== undefined) console.log(`tfjs: not measured in Chromium, ${missingBrowser}\n`);

const batches = 100_000;

export const benchmarks: Benchmark[] = [
  measure<Run>(
    'the hooks of a batch whose two values are recorded, by themselves',
    (run) => {
      const { onBatchBegin, onBatchEnd } = tfjsCallbacks(run, { batches: true });
      for (let batch = 0; batch < batches; batch++) {
        onBatchBegin?.(batch);
        onBatchEnd?.(batch, { batch, size: 32, loss: 1 / batch, acc: 0.5 });
      }
    },
    {
      operations: batches,
      unit: 'µs',
      setup: () => new Tracker({ storage: new MemoryStorage() }).startRun({ experiment: 'bench' }),
      before: (run) => run.flush(),
      teardown: (run) => run.end(),
      target: { atMost: 5 },
    },
  ),
  recorded('a fit of 500 batches, epochs and what is seen at yields', usual, (run) => tfjsCallbacks(run), { ratioAtMost: 1.05 }),
  recorded('a fit of 500 batches, every batch', usual, (run) => tfjsCallbacks(run, { batches: true }), { ratioAtMost: 1.1 }),
  recorded('a fit of 500 batches, every 16th batch, by a callback of its own class', usual, (run) => tfjsCallbacks(run, { tf, batches: 16 }), { ratioAtMost: 1.05 }),
  recorded('a fit of 500 batches that hardly compute, every batch', tiny, (run) => tfjsCallbacks(run, { batches: true })),
  ...(missingBrowser === undefined ? [inChromium] : []),
];
