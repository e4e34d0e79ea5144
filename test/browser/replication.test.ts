import type { IncomingMessage, ServerResponse } from 'node:http';
import { MemoryStorage } from 'modelkeep';
import { createStorageHandler, toNodeHandler } from 'modelkeep/server';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { contentsOf } from '../storage/replicate/contents.ts';
import { borrowBrowser, type BorrowedBrowser } from './browser.ts';
import { describeInBrowser } from './describe-in-browser.ts';
import { serveSite, type Site } from './site.ts';

type PageModule = typeof import('./replication-page.ts');

describeInBrowser('the outbox of a page in Chromium', () => {
  let site: Site<PageModule>;
  let browser: BorrowedBrowser;
  let shared: MemoryStorage;
  let handle: (request: IncomingMessage, response: ServerResponse) => void;
  /** Asked at each write that reaches the server; an answer waits for what it gives. */
  let onWrite: () => Promise<void> | undefined;
  beforeAll(async () => {
    const respond = (request: IncomingMessage, response: ServerResponse): boolean => {
      if (!request.url!.startsWith('/v1/')) return false;
      const wait = request.method === 'GET' || request.method === 'HEAD' ? undefined : onWrite();
      if (wait === undefined) handle(request, response);
      else void wait.then(() => handle(request, response));
      return true;
    };
    site = await serveSite(new URL('replication-page.ts', import.meta.url), { respond });
    browser = await borrowBrowser();
  });
  beforeEach(() => {
    shared = new MemoryStorage();
    handle = toNodeHandler(createStorageHandler(shared, { authorize: 'public' }));
    onWrite = () => undefined;
  });
  afterAll(async () => {
    await browser.close();
    await site.close();
  });

  function expected(pages: readonly string[], count: number): { records: number; entries: string[][] } {
    return { records: pages.length * (count + 5), entries: pages.map((page) => Array.from({ length: 20 }, (_, k) => `${page} 0 ${k}`)) };
  }

  async function expectAll(pages: readonly string[], count: number): Promise<void> {
    const { records, logs, missingBlobs } = await contentsOf(shared);
    const { records: wanted, entries } = expected(pages, count);
    expect([Object.keys(records).length, missingBlobs]).toEqual([wanted, []]);
    expect(Object.keys(logs).length).toBe(5);
    pages.forEach((page, i) => expect(logs['metrics/0']![page]).toEqual(entries[i]));
  }

  it('keeps what is written without a network, and drains when it is back', async () => {
    const tab = await browser.openTab(site);
    await browser.context.setOffline(true);
    await tab.run('write', { store: 'offline', page: 'one', count: 50 });
    await tab.run('connect', 'offline');
    expect(await tab.run('settled')).toBe('unavailable');
    expect((await contentsOf(shared)).records).toEqual({});
    await browser.context.setOffline(false);
    // The event wakes the link, whose own next look is an hour away.
    await vi.waitFor(() => expectAll(['one'], 50), { timeout: 120_000, interval: 50 });
    await tab.close();
  }, 180_000);

  it.each([1, 2, 4, 7, 11])('is drained to the end by another page when its own crashes at write %i', async (crashAt) => {
    const store = `crash-${crashAt}`;
    const tab = await browser.openTab(site);
    await tab.run('write', { store, page: 'one', count: 1500 });
    let writes = 0;
    const crashed = new Promise<void>((resolve) => {
      // Every second time the write takes effect and its answer is lost; otherwise nothing comes of it.
      onWrite = () => {
        if (++writes < crashAt) return undefined;
        const crash = tab.crash().then(resolve);
        return crashAt % 2 === 0 ? undefined : crash;
      };
    });
    await tab.run('connect', store);
    await crashed;
    onWrite = () => undefined;
    const next = await browser.openTab(site);
    await next.run('write', { store, page: 'two', count: 30 });
    await next.run('connect', store);
    expect(await next.run('settled')).toMatchObject({ conflicts: 0 });
    const { records, entries } = expected(['one', 'two'], 0);
    expect(Object.keys((await contentsOf(shared)).records).length).toBe(records + 1530);
    expect((await contentsOf(shared)).logs['metrics/0']).toEqual({ one: entries[0], two: entries[1] });
    expect((await contentsOf(shared)).missingBlobs).toEqual([]);
    await next.close();
  }, 180_000);

  it('is drained by one of two tabs at a time, and each write travels once', async () => {
    const [one, two] = [await browser.openTab(site), await browser.openTab(site)];
    let release = (): void => undefined;
    const blocked = new Promise<void>((resolve) => (release = resolve));
    let reached = (): void => undefined;
    const atServer = new Promise<void>((resolve) => (reached = resolve));
    onWrite = () => {
      reached();
      return blocked;
    };
    await one.run('write', { store: 'tabs', page: 'one', count: 40 });
    await one.run('connect', 'tabs');
    await atServer;
    await two.run('connect', 'tabs');
    await two.run('write', { store: 'tabs', page: 'two', count: 40 });
    await vi.waitFor(async () => expect(await two.run('locks')).toEqual({ held: 1, pending: 1 }), { timeout: 60_000 });
    release();
    for (const tab of [one, two]) expect(await tab.run('settled')).toMatchObject({ conflicts: 0 });
    const [first, second] = [await one.run('counts'), await two.run('counts')];
    expect([first.records + second.records, first.entries + second.entries, first.blobs + second.blobs]).toEqual([90, 200, 5]);
    await expectAll(['one', 'two'], 40);
    for (const tab of [one, two]) await tab.close();
  }, 180_000);
});
