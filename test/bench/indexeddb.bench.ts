import { openBrowser, missingBrowser, type Tab, type TestBrowser } from '../browser/browser.ts';
import { serveSite, type Site } from '../browser/site.ts';
import type { Benchmark, Result, Target } from './harness.ts';

type PageModule = typeof import('./indexeddb-page.ts');

interface Place {
  readonly site: Site<PageModule>;
  readonly browser: TestBrowser;
  readonly tab: Tab<PageModule>;
}

async function open(): Promise<Place> {
  const site = await serveSite<PageModule>(new URL('indexeddb-page.ts', import.meta.url), { modelkeep: 'dist' });
  const browser = await openBrowser();
  return { site, browser, tab: await browser.openTab(site) };
}

interface PageMeasure {
  readonly prepare?: (tab: Tab<PageModule>) => Promise<unknown>;
  /** Milliseconds of one run. */
  readonly subject: (tab: Tab<PageModule>) => Promise<number>;
  readonly baseline?: (tab: Tab<PageModule>) => Promise<number>;
  readonly operations?: number;
  readonly unit?: 'ms' | 'operations/s';
  readonly runs?: number;
  readonly target?: Target;
}

/** Times in a page, by its own clock, in a browser and a profile of its own. */
function inPage(name: string, { prepare, subject, baseline, operations = 1, unit = 'ms', runs = 7, target }: PageMeasure): Benchmark {
  const convert = (ms: number): number => (unit === 'ms' ? ms / operations : operations / (ms / 1000));
  return {
    name: `${name}, in Chromium`,
    async run(): Promise<Result> {
      const { site, browser, tab } = await open();
      try {
        await prepare?.(tab);
        const [own, other]: [number[], number[]] = [[], []];
        for (let turn = -1; turn < runs; turn++) {
          const times = [await subject(tab), await baseline?.(tab)] as const;
          if (turn < 0) continue;
          own.push(convert(times[0]));
          if (times[1] !== undefined) other.push(convert(times[1]));
        }
        const value = median(own);
        const reference = other.length > 0 ? { baseline: median(other), ratio: value / median(other) } : {};
        return { value, unit, fastest: Math.min(...own), slowest: Math.max(...own), runs, ...reference, ...(target && { target }) };
      } finally {
        await browser.close();
        await site.close();
      }
    },
  };
}

function median(values: readonly number[]): number {
  const ordered = [...values].sort((a, b) => a - b);
  return (ordered[(ordered.length - 1) >> 1]! + ordered[ordered.length >> 1]!) / 2;
}

const all: Benchmark[] = [
  inPage('list of 100,000 keys in pages of 10,000', {
    prepare: (tab) => tab.run('fillRecords', 100_000),
    subject: (tab) => tab.run('list', { records: 100_000, limit: 10_000 }),
    target: { atMost: 300 },
  }),
  inPage('list of 100,000 keys in pages of 1,000', {
    prepare: (tab) => tab.run('fillRecords', 100_000),
    subject: (tab) => tab.run('list', { records: 100_000, limit: 1000 }),
    target: { atMost: 500 },
  }),
  inPage('a flushed record write (baseline: one strict put of the same value)', {
    subject: (tab) => tab.run('writeOneByOne', 200),
    baseline: (tab) => tab.run('rawOneByOne', 200),
    operations: 200,
    target: { ratioAtMost: 2 },
  }),
  inPage('2,000 record writes at once (baseline: as many strict puts in one transaction)', {
    subject: (tab) => tab.run('writeAtOnce', 2000),
    baseline: (tab) => tab.run('rawTogether', 2000),
    target: { ratioAtMost: 5 },
  }),
  ...[1000, 10_000].map((size) =>
    inPage(`appends of 24-byte entries, ${size.toLocaleString('en')} at a time, flushed (baseline: the same bytes as one strict put)`, {
      subject: (tab) => tab.run('append', { times: 20, size }),
      baseline: (tab) => tab.run('rawAppend', { times: 20, size }),
      operations: 20 * size,
      unit: 'operations/s',
    }),
  ),
  inPage('reading 200,000 entries of 24 bytes', {
    subject: async (tab) => {
      await tab.run('append', { times: 20, size: 10_000 });
      return (await tab.run('readLog')).ms;
    },
    operations: 200_000,
    unit: 'operations/s',
  }),
  inPage('writing a blob of 32 MiB', { subject: (tab) => tab.run('writeBlob', 32), runs: 5 }),
  inPage('reading a blob of 32 MiB', { prepare: (tab) => tab.run('writeBlob', 32), subject: (tab) => tab.run('readBlob'), runs: 5 }),
];

if (missingBrowser !== undefined) console.log(`indexeddb: not measured, ${missingBrowser}\n`);

export const benchmarks: Benchmark[] = missingBrowser === undefined ? all : [];
