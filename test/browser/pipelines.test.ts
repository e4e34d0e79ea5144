import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { openBrowser, type Tab, type TestBrowser } from './browser.ts';
import { describeInBrowser } from './describe-in-browser.ts';
import { serveSite, type Site } from './site.ts';

type PageModule = typeof import('./pipelines-page.ts');

interface Begun {
  readonly page: Page;
  readonly unit: string;
}

const hourMs = 3_600_000;
const never = new Promise<void>(() => undefined);

describeInBrowser('pipelines of several tabs that share a database', () => {
  let site: Site<PageModule>;
  let browser: TestBrowser;
  let begun: Begun[];
  let answer: (of: Begun) => Promise<void> | undefined;
  let look: () => void;

  beforeAll(async () => {
    [site, browser] = await Promise.all([serveSite<PageModule>(new URL('pipelines-page.ts', import.meta.url)), openBrowser()]);
    await browser.context.exposeBinding('gate', ({ page }, unit: string) => {
      begun.push({ page, unit });
      look();
      return answer({ page, unit });
    });
  });
  afterAll(async () => {
    await browser.close();
    await site.close();
  });
  beforeEach(() => {
    begun = [];
    answer = () => undefined;
    look = () => undefined;
  });

  const open = (): Promise<Tab<PageModule>> => browser.openTab(site);
  const units = (): string[] => begun.map(({ unit }) => unit).sort();
  const untilBegun = (wanted: (all: readonly Begun[]) => Begun | undefined): Promise<Begun> =>
    new Promise((resolve) => {
      look = () => {
        const found = wanted(begun);
        if (found) resolve(found);
      };
      look();
    });

  it('go on in another tab when theirs crashes, which runs nothing again that was committed', async () => {
    const shared = { store: 'crash' };
    const [first, second] = [await open(), await open()];
    answer = ({ page, unit }) => (page === first.page && (unit === 'square 2' || unit === 'square 3') ? never : undefined);
    const lost = first.run('runs', shared).catch(() => 'crashed');
    await untilBegun((all) => (all.length === 5 ? all[4] : undefined));
    expect(await second.run('resumes', shared)).toEqual({ status: 'conflict' });
    await first.crash();
    await second.run('setAhead', hourMs);
    expect(await second.run('resumes', shared)).toEqual({ status: 'succeeded', output: 30 });
    expect(await lost).toBe('crashed');
    expect(units()).toEqual(['ingest', 'square 0', 'square 1', 'square 2', 'square 2', 'square 3', 'square 3', 'total']);
    expect(begun.filter(({ page }) => page === second.page).map(({ unit }) => unit)).toEqual(['square 2', 'square 3', 'total']);
    await second.close();
  });

  it('keep one schedule together, with one run for each tick, also for that in which one of them crashes', async () => {
    const hours = 8;
    // By the clocks of the pages, nothing is due before the test says so.
    const start = Date.now() + 24 * hourMs;
    const tabs = [await open(), await open()] as const;
    for (const tab of tabs) await tab.run('keeps', { store: 'schedule', start, hours });
    const tick = async (hour: number): Promise<void> => {
      for (const tab of tabs) await tab.run('setAhead', (24 + hour) * hourMs + 60_000);
    };
    for (let hour = 1; hour < hours; hour++) {
      await tick(hour);
      await Promise.all(tabs.map((tab) => tab.run('idle')));
      expect(units()).toEqual(Array.from({ length: hour }, (_, i) => String(i + 1)));
    }
    answer = () => never;
    const inTheLast = untilBegun((all) => all.find(({ unit }) => unit === String(hours)));
    await tick(hours);
    const { page } = await inTheLast;
    const [crashed, left] = tabs[0].page === page ? tabs : ([tabs[1], tabs[0]] as const);
    await left.run('idle');
    answer = () => undefined;
    await crashed.crash();
    // Its claim and its lease have run out by then.
    await left.run('setAhead', (24 + hours + 1) * hourMs);
    await left.run('idle');
    expect(await left.run('hours')).toEqual(Array.from({ length: hours }, (_, i) => `${i + 1} succeeded`));
    expect(units()).toEqual(Array.from({ length: hours + 1 }, (_, i) => String(Math.min(i + 1, hours))));
    await left.close();
  });

  it('have their attempts made by other tabs, of which one crashes', async () => {
    const shared = { store: 'workers', executor: 'workers' } as const;
    const runner = await open();
    const workers = [await open(), await open()];
    for (const tab of workers) await tab.run('works', shared);
    let crash: Promise<void> | undefined;
    let lost = '';
    answer = ({ page, unit }) => {
      if (!unit.startsWith('square') || crash) return undefined;
      lost = unit;
      crash = workers.find((tab) => tab.page === page)!.crash();
      return never;
    };
    expect(await runner.run('runs', shared)).toEqual({ status: 'succeeded', output: 30 });
    await crash;
    expect(units()).toEqual(['ingest', 'square 0', 'square 1', 'square 2', 'square 3', 'total', lost].sort());
    expect(begun.some(({ page }) => page === runner.page)).toBe(false);
    expect(await runner.run('keys', { store: shared.store, prefix: 'pipelines/nightly/tasks/' })).toEqual([]);
    await runner.close();
  });
});
