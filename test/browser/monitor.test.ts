import type { IncomingMessage, ServerResponse } from 'node:http';
import { compareData, DriftMonitor, MemoryStorage, type DriftVerdict, type StorageAdapter } from 'modelkeep';
import { createStorageHandler, toNodeHandler } from 'modelkeep/server';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { childProgram } from '../child-program.ts';
import { startFed } from '../monitoring/fed-process.ts';
import { fedBatch, fedReference, fedRows } from '../monitoring/fed-rows.ts';
import { borrowBrowser, type BorrowedBrowser } from './browser.ts';
import { describeInBrowser } from './describe-in-browser.ts';
import { serveSite, type Site } from './site.ts';

type PageModule = typeof import('./monitor-page.ts');

/** What happens to the writes that come from pages. */
interface PageWrites {
  /** Before a write takes effect; what it throws is the end of the write. */
  before: () => Promise<void> | undefined;
  /** After one took effect, before it is answered. */
  after: () => Promise<void> | undefined;
}

function watched(storage: StorageAdapter, writes: PageWrites): StorageAdapter {
  return new Proxy(storage, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (name !== 'write') return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      return async (...args: Parameters<StorageAdapter['write']>) => {
        await writes.before();
        const results = await target.write(...args);
        if (results.every(({ ok }) => ok)) await writes.after();
        return results;
      };
    },
  });
}

/** Without the last digits of numbers, which depend on the order that categories came in. */
function rounded<T>(value: T): T {
  return JSON.parse(JSON.stringify(value), (_, each: unknown) => (typeof each === 'number' ? Number(each.toPrecision(12)) : each)) as T;
}

describeInBrowser('a monitor that pages in Chromium feed', () => {
  let site: Site<PageModule>;
  let browser: BorrowedBrowser;
  let storage: MemoryStorage;
  let pageWrites: PageWrites;
  let handlers: Record<'page' | 'process', (request: IncomingMessage, response: ServerResponse) => void>;
  const program = (): string => childProgram('../monitoring/http-feeding-child.ts', import.meta.url);

  beforeAll(async () => {
    const respond = (request: IncomingMessage, response: ServerResponse): boolean => {
      if (!request.url!.startsWith('/v1/')) return false;
      // Only browsers say where a request comes from.
      handlers[request.headers['sec-fetch-site'] === undefined ? 'process' : 'page'](request, response);
      return true;
    };
    site = await serveSite(new URL('monitor-page.ts', import.meta.url), { respond });
    browser = await borrowBrowser();
  });
  beforeEach(() => {
    storage = new MemoryStorage();
    pageWrites = { before: () => undefined, after: () => undefined };
    const handlerOf = (over: StorageAdapter): ReturnType<typeof toNodeHandler> => toNodeHandler(createStorageHandler(over, { authorize: 'public' }));
    handlers = { page: handlerOf(watched(storage, pageWrites)), process: handlerOf(storage) };
  });
  afterAll(async () => {
    await browser.close();
    await site.close();
  });

  /** A verdict must be on these rows and no others. */
  function expectRows(verdict: DriftVerdict, rowsByFeeder: readonly number[]): void {
    expect(verdict.window.versions).toEqual(Object.fromEntries(rowsByFeeder.map((count, feeder) => [`feeder-${feeder}`, count])));
    const rows = rowsByFeeder.flatMap((count, feeder) => fedRows(feeder, count));
    expect(rounded(verdict)).toMatchObject({ ...rounded(compareData(fedReference, rows)), window: { rows: rows.length, complete: true } });
  }

  it.each([
    { ending: 'whose last write takes effect without an answer', lost: 0 },
    { ending: 'whose last write never takes effect', lost: 1 },
  ])('over HTTP counts the rows of a process, and of a page $ending, exactly', async ({ lost }) => {
    const monitor = { name: 'fed', rows: 1_000_000 };
    await new DriftMonitor({ storage, name: monitor.name, reference: fedReference, window: { rows: monitor.rows } }).close();
    const process = startFed(program(), site.url, monitor.name, '1', String(monitor.rows));
    await process.at(fedBatch);
    const tab = await browser.openTab(site);
    let stored = 0;
    const closed = new Promise<void>((resolve) => {
      const close = (): Promise<void> => tab.close().then(resolve);
      pageWrites.before = () => (lost === 1 && stored === 5 ? close().then(() => Promise.reject(new Error('the page is gone'))) : undefined);
      pageWrites.after = () => (++stored === 6 ? close() : undefined);
    });
    await expect(tab.run('feed', { monitor, feeder: 0, left: 0 })).rejects.toThrow(/closed/);
    await closed;
    await process.at(process.stored() + 2 * fedBatch);
    await process.stop();
    expectRows(await (await DriftMonitor.open({ storage, name: monitor.name, window: { rows: monitor.rows } })).check({ close: true }), [(6 - lost) * fedBatch, process.stored()]);
  });

  it('over HTTP closes windows while two pages and a process feed it, and counts each row in one of them', async () => {
    const monitor = { name: 'fed', rows: 100 };
    const options = { storage, name: monitor.name, window: { rows: monitor.rows } };
    await new DriftMonitor({ ...options, reference: fedReference }).close();
    const process = startFed(program(), site.url, monitor.name, '2', String(monitor.rows));
    await process.at(fedBatch);
    const tabs = [await browser.openTab(site), await browser.openTab(site)];
    await Promise.all(tabs.map((tab, feeder) => tab.run('feed', { monitor, feeder, batches: 25, left: 0 })));
    await process.stop();
    await Promise.all(tabs.map((tab) => tab.close()));
    const reader = await DriftMonitor.open(options);
    await reader.check({ close: true });
    const { items, next } = await reader.verdicts({ limit: 10_000 });
    const counted: Record<string, number> = {};
    for (const { window } of items) for (const [version, rows] of Object.entries(window.versions)) counted[version] = (counted[version] ?? 0) + rows;
    expect([counted, next]).toEqual([{ 'feeder-0': 25 * fedBatch, 'feeder-1': 25 * fedBatch, 'feeder-2': process.stored() }, undefined]);
    expect(items.map(({ window }) => window.number)).toEqual(items.map((_, i) => i + 1));
    expect(items.slice(0, -1).every(({ window }) => window.rows >= monitor.rows)).toBe(true);
    expect(items.length).toBeGreaterThan(3);
  });

  it('in IndexedDB counts what two tabs stored, of which one crashed with rows that it had not', async () => {
    const monitor = { database: 'fed', name: 'fed', rows: 1_000_000 };
    const [one, two] = [await browser.openTab(site), await browser.openTab(site)];
    await one.run('make', monitor);
    await Promise.all([one.run('feed', { monitor, feeder: 0, batches: 20, left: 7 }), two.run('feed', { monitor, feeder: 1, batches: 20, left: 0 })]);
    await one.crash();
    expectRows(await two.run('judge', monitor), [20 * fedBatch, 20 * fedBatch]);
    await two.close();
  });
});
