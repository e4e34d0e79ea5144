import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CDPSession } from 'playwright-core';
import { MemoryStorage, Tracker, type Run } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { bootstrap } from 'modelkeep/stats';
import { tfjsCallbacks } from 'modelkeep/tfjs';
import { missingBrowser, openBrowser } from '../browser/browser.ts';
import { serveSite } from '../browser/site.ts';
import { compare, measure, type Benchmark, type Result, type Target } from './harness.ts';
import { shareOf } from './profile-share.ts';
import type { Recorded, TrainingSize } from './tfjs-page.ts';
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

interface PairedFits extends TrainingSize {
  readonly recorded: Recorded;
  readonly pairs: number;
  readonly target: number;
}

/**
 * Fits in one page, in turns with and without a record, each pair the other way round, by the time that the page's own thread has computed: other work on the machine
 * makes that longer by little and by chance, while it doubles the time by the clock. Flushing is in it, the start and the end of the run are not. The ratio is the median
 * of those of the pairs; beside it stands where it lies with 95 % certainty, by resampling the pairs.
 */
function inChromium(name: string, { pairs, target, recorded, ...size }: PairedFits): Benchmark {
  return {
    name,
    async run(): Promise<Result> {
      await using site = await serveSite<Page>(new URL('tfjs-page.ts', import.meta.url), { modelkeep: 'dist' });
      await using browser = await openBrowser();
      const tab = await browser.openTab(site);
      const threadTime = await threadClock(await browser.session(tab.page));
      const fits = {
        own: async (): Promise<number> => {
          await tab.run('begin', recorded);
          const start = await threadTime();
          await tab.run('fit', size);
          const elapsed = (await threadTime()) - start;
          await tab.run('end');
          return elapsed;
        },
        other: async (): Promise<number> => {
          const start = await threadTime();
          await tab.run('fit', size);
          return (await threadTime()) - start;
        },
      };
      const times = { own: [] as number[], other: [] as number[] };
      for (let turn = -2; turn < pairs; turn++) {
        for (const which of turn % 2 === 0 ? (['own', 'other'] as const) : (['other', 'own'] as const)) {
          const elapsed = await fits[which]();
          if (turn >= 0) times[which].push(elapsed);
        }
      }
      const { value: ratio, low, high } = bootstrap(times.own.map((own, i) => own / times.other[i]!), median, { method: 'percentile' });
      const baseline = median(times.other);
      console.log(`${name}: ratio of pairs ${ratio.toFixed(4)}, 95 % between ${low.toFixed(4)} and ${high.toFixed(4)}; ${(baseline / ((5 * size.rows) / 32)).toFixed(2)} ms a batch`);
      return { value: median(times.own), unit: 'ms', fastest: Math.min(...times.own), slowest: Math.max(...times.own), runs: pairs, baseline, ratio, target: { ratioAtMost: target } };
    },
  };
}

const source = fileURLToPath(new URL('../../src/', import.meta.url));

/** Which part of the time of a training the recording takes, seen from within: by the functions that the page is in. Told as the least and the most of several profiles of four fits. */
function shareInChromium(name: string, { recorded, ...size }: TrainingSize & { readonly recorded: Recorded }): Benchmark {
  return {
    name,
    async run(): Promise<Result> {
      await using site = await serveSite<Page>(new URL('tfjs-page.ts', import.meta.url), { modelkeep: 'dist' });
      await using browser = await openBrowser();
      const tab = await browser.openTab(site);
      const session = await browser.session(tab.page);
      await tab.run('begin', recorded);
      const fits = async (): Promise<void> => {
        for (let i = 0; i < 4; i++) await tab.run('fit', size);
      };
      await fits();
      const shares: number[] = [];
      for (let i = 0; i < 7; i++) shares.push(100 * (await shareOf(session, (each) => `/${each}`.startsWith(source), fits)));
      return { value: median(shares), unit: '%', fastest: Math.min(...shares), slowest: Math.max(...shares), runs: shares.length, target: { atMost: 2 } };
    },
  };
}

/** Tells how many milliseconds the page's own thread has computed. */
async function threadClock(session: CDPSession): Promise<() => Promise<number>> {
  await session.send('Performance.enable');
  return async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    return 1_000 * metrics.find(({ name }) => name === 'ThreadTime')!.value;
  };
}

/** Of an odd number of values. */
function median(values: ArrayLike<number>): number {
  return Float64Array.from(values).sort()[values.length >> 1] ?? NaN;
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
        shareInChromium('the share of recording epochs in a fit in Chromium of batches of some milliseconds', { rows: 320, hidden: 512, recorded: 'epochs' }),
        shareInChromium('the share of recording every batch in a fit in Chromium of batches of some milliseconds', { rows: 320, hidden: 512, recorded: 'batches' }),
        inChromium('a fit in Chromium of batches of some milliseconds, recorded in IndexedDB', { rows: 320, hidden: 512, recorded: 'epochs', pairs: 41, target: 1.02 }),
        inChromium('a fit in Chromium of batches of some milliseconds, every batch recorded in IndexedDB', { rows: 320, hidden: 512, recorded: 'batches', pairs: 41, target: 1.02 }),
        inChromium('a fit in Chromium of batches of a fraction of a millisecond, recorded in IndexedDB', { rows: 3200, hidden: 64, recorded: 'epochs', pairs: 41, target: 1.05 }),
      ]
    : []),
];
