import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryStorage, Tracker, type Run } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { tfjsCallbacks } from 'modelkeep/tfjs';
import { missingBrowser, openBrowser } from '../browser/browser.ts';
import { serveSite } from '../browser/site.ts';
import { compare, measure, type Benchmark, type Result, type Target } from './harness.ts';
import type { FitOptions } from './tfjs-page.ts';
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

/**
 * Fits of 100 or 500 batches in one page, in turns with and without a record, each pair the other way round. Timed by the page's own clock, without the start and the end of the run. The ratio is the median of those of the pairs; beside it stands
 * where that median lies with 95 % certainty, whatever the distribution (by the order of the ratios).
 */
function inChromium(name: string, { pairs, target, ...options }: FitOptions & { pairs: number; target: number }): Benchmark {
  return {
    name,
    async run(): Promise<Result> {
      await using site = await serveSite<Page>(new URL('tfjs-page.ts', import.meta.url), { modelkeep: 'dist' });
      await using browser = await openBrowser();
      const tab = await browser.openTab(site);
      const [own, other, ratios]: [number[], number[], number[]] = [[], [], []];
      for (let turn = -2; turn < pairs; turn++) {
        const times = { own: NaN, other: NaN };
        for (const which of turn % 2 === 0 ? (['own', 'other'] as const) : (['other', 'own'] as const)) times[which] = await tab.run('fit', which === 'own' ? options : { ...options, recorded: 'nothing' });
        if (turn < 0) continue;
        own.push(times.own);
        other.push(times.other);
        ratios.push(times.own / times.other);
      }
      const [value, baseline] = [median(own), median(other)];
      const sorted = ratios.sort((a, b) => a - b);
      const outside = Math.floor(pairs / 2 - 0.98 * Math.sqrt(pairs)) - 1;
      console.log(`${name}: ratio of pairs ${median(ratios).toFixed(4)}, 95 % between ${sorted[outside]!.toFixed(4)} and ${sorted.at(-1 - outside)!.toFixed(4)}; ${(baseline / ((5 * options.rows) / 32)).toFixed(2)} ms a batch`);
      return { value, unit: 'ms', fastest: Math.min(...own), slowest: Math.max(...own), runs: own.length, baseline, ratio: median(ratios), target: { ratioAtMost: target } };
    },
  };
}

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
  ...(missingBrowser === undefined
    ? [
        inChromium('a fit in Chromium of batches of some milliseconds, recorded in IndexedDB', { rows: 640, hidden: 512, recorded: 'epochs', pairs: 21, target: 1.02 }),
        inChromium('a fit in Chromium of batches of some milliseconds, every batch recorded in IndexedDB', { rows: 640, hidden: 512, recorded: 'batches', pairs: 21, target: 1.02 }),
        inChromium('a fit in Chromium of batches of a fraction of a millisecond, recorded in IndexedDB', { rows: 3200, hidden: 64, recorded: 'epochs', pairs: 21, target: 1.05 }),
      ]
    : []),
];
