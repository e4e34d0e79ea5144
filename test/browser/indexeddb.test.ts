import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openBrowser, type Tab, type TestBrowser } from './browser.ts';
import { describeInBrowser } from './describe-in-browser.ts';
import { serveSite, type Site } from './site.ts';

type PageModule = typeof import('./indexeddb-page.ts');

/** What the page tells a test while a call of it is still under way. */
interface Told {
  readonly lines: string[];
  /** Resolves when that many lines were told. */
  count(lines: number): Promise<void>;
}

async function listenTo(tab: Tab<PageModule>): Promise<Told> {
  const lines: string[] = [];
  let check = (): void => undefined;
  await tab.page.exposeFunction('acknowledged', (line: string) => {
    lines.push(line);
    check();
  });
  return {
    lines,
    count: (wanted) =>
      new Promise((resolve) => {
        check = () => (lines.length >= wanted ? resolve() : undefined);
        check();
      }),
  };
}

describeInBrowser('IndexedDBStorage in Chromium', () => {
  let site: Site<PageModule>;
  let browser: TestBrowser;
  beforeAll(async () => {
    site = await serveSite(new URL('indexeddb-page.ts', import.meta.url));
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await site.close();
  });

  it('passes the conformance suite', async () => {
    const seed = Math.floor(Math.random() * 2 ** 32);
    const { passed, failed } = await (await browser.openTab(site)).run('conformance', seed);
    expect(failed, `seed ${seed}`).toEqual([]);
    expect(passed.length).toBeGreaterThan(90);
  }, 180_000);

  it('works in a private window, and forgets with it', async () => {
    const tab = await browser.openTab(site, { inPrivate: true });
    await tab.run('put', { store: 'private', key: 'a', text: 'text' });
    expect(await tab.run('texts', { store: 'private', keys: ['a'] })).toEqual(['text']);
    await tab.page.context().close();
    expect(await (await browser.openTab(site, { inPrivate: true })).run('texts', { store: 'private', keys: ['a'] })).toEqual([undefined]);
  });

  it('counts 400 in two tabs that add 200 each', async () => {
    const tabs = await Promise.all([browser.openTab(site), browser.openTab(site)]);
    const ends = await Promise.all(tabs.map((tab) => tab.run('increment', { store: 'counter', times: 200 })));
    expect(Math.max(...ends)).toBe(400);
    expect(await tabs[0].run('texts', { store: 'counter', keys: ['counter'] })).toEqual(['400']);
  });

  it('wakes listeners in another tab', async () => {
    const [listener, writer] = await Promise.all([browser.openTab(site), browser.openTab(site)]);
    const told = await listenTo(listener);
    await listener.run('listen', 'hints');
    await writer.run('put', { store: 'hints', key: 'a', text: 'text' });
    await told.count(1);
    expect(told.lines[0]).toBe('woken');
  });

  it('leaves no blob when a tab crashes in the middle of it, and its chunks are collected', async () => {
    const doomed = await browser.openTab(site);
    const told = await listenTo(doomed);
    doomed.run('writeHalfABlob', { store: 'half', mebibytes: 5 }).catch(() => undefined);
    await told.count(1);
    await doomed.crash();
    const tab = await browser.openTab(site);
    expect(await tab.run('blobs', 'half')).toEqual([]);
    expect(await tab.run('chunkCount', 'half')).toBeGreaterThan(0);
    expect(await tab.run('inspect', { store: 'half', repair: true, graceMs: 60_000 })).toEqual([]);
    expect(await tab.run('inspect', { store: 'half', repair: true, graceMs: 0 })).toEqual([{ kind: 'leftover', repaired: true }]);
    expect(await tab.run('chunkCount', 'half')).toBe(0);
    expect(await tab.run('inspect', { store: 'half', repair: false, graceMs: 0 })).toEqual([]);
  });

  it('says that it is full when the quota is used up, keeps what was acknowledged and half of nothing', async () => {
    await using small = await openBrowser();
    const tab = await small.openTab(site);
    const session = await small.session(tab.page);
    await session.send('Storage.overrideQuotaForOrigin', { origin: new URL(site.url).origin, quotaSize: 12e6 });
    const end = await tab.run('fill', 'full');
    expect([end.code, end.read]).toEqual(['storage-full', end.written]);
    expect(end.written).toBeGreaterThan(1);
    expect(end.details).toMatchObject({ usage: expect.any(Number) as unknown, quota: expect.any(Number) as unknown });
    expect(await tab.run('inspect', { store: 'full', repair: false, graceMs: 0 })).toEqual([]);
    await session.send('Storage.overrideQuotaForOrigin', { origin: new URL(site.url).origin });
    await tab.run('put', { store: 'full', key: 'after', text: 'there is space again' });
    expect(await tab.run('texts', { store: 'full', keys: ['after'] })).toEqual(['there is space again']);
  });

  it('says that it was evicted when the site data is cleared under it, and puts no empty store in its place', async () => {
    const tab = await browser.openTab(site);
    await tab.run('put', { store: 'evicted', key: 'a', text: 'text' });
    const session = await browser.session(tab.page);
    await session.send('Storage.clearDataForOrigin', { origin: new URL(site.url).origin, storageTypes: 'indexeddb' });
    for (const when of ['at first', 'again']) {
      expect(await tab.run('failureOf', 'evicted'), when).toMatchObject({ code: 'storage', evicted: true, message: expect.stringMatching(/evicted/) as unknown });
    }
    await tab.run('close', 'evicted');
    expect(await tab.run('texts', { store: 'evicted', keys: ['a'] })).toEqual([undefined]);
  });

  it('finds everything that was acknowledged after the browser was killed, and again after it was closed', async () => {
    const profile = await mkdtemp(join(tmpdir(), 'modelkeep-profile-'));
    try {
      const doomed = await openBrowser({ profile });
      const tab = await doomed.openTab(site);
      const told = await listenTo(tab);
      tab.run('putUntilKilled', { store: 'killed', size: 3000 }).catch(() => undefined);
      await told.count(70);
      await doomed.kill();
      const last = Number(told.lines.at(-1));

      for (const when of ['after the kill', 'after closing']) {
        const next = await openBrowser({ profile });
        const reader = await next.openTab(site);
        const log = (await reader.run('logTexts', { store: 'killed', log: 'log' })).filter((text) => !text.startsWith('x'));
        expect(log.slice(0, last + 1), when).toEqual(Array.from({ length: last + 1 }, (_, i) => String(i)));
        expect(log.length - last - 1, 'entries that were written but not acknowledged any more').toBeLessThanOrEqual(2);
        const texts = await reader.run('texts', { store: 'killed', keys: Array.from({ length: 50 }, (_, i) => `k${i}`) });
        for (const [i, text] of texts.entries()) {
          const number = Number.parseInt(text ?? '', 10);
          expect(text, when).toBe(`${number} `.repeat(3000));
          expect(number, `record k${i} ${when}`).toBeGreaterThanOrEqual(last - ((((last - i) % 50) + 50) % 50));
        }
        expect(await reader.run('inspect', { store: 'killed', repair: false, graceMs: 0 })).toEqual([]);
        await next.close();
      }
    } finally {
      await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    }
  });
});
