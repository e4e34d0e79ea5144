import { afterAll, beforeAll, expect, it } from 'vitest';
import { borrowBrowser, type Tab, type BorrowedBrowser } from './browser.ts';
import { describeInBrowser } from './describe-in-browser.ts';
import { serveSite, type Site } from './site.ts';

type Page = typeof import('./leaving-page.ts');

describeInBrowser('a page that is left right after logging', () => {
  let site: Site<Page>;
  let elsewhere: Site<Page>;
  let browser: BorrowedBrowser;
  let reader: Tab<Page>;
  beforeAll(async () => {
    const page = new URL('leaving-page.ts', import.meta.url);
    [site, elsewhere, browser] = await Promise.all([serveSite<Page>(page), serveSite<Page>(page), borrowBrowser()]);
    reader = await browser.openTab(site);
  });
  afterAll(async () => {
    await browser.close();
    await Promise.all([site.close(), elsewhere.close()]);
  });

  const ways: Readonly<Record<string, (tab: Tab<Page>) => Promise<unknown>>> = {
    'by a reload': ({ page }) => page.reload(),
    'for another origin': ({ page }) => page.goto(elsewhere.url),
    'for a blank page': ({ page }) => page.goto('about:blank'),
    'by closing its tab': ({ page }) => page.close({ runBeforeUnload: true }),
  };

  it.each(Object.entries(ways))('keeps every point when it is left %s', async (_name, leave) => {
    const tab = await browser.openTab(site);
    const quiet = await tab.run('logAndStay', { points: 500 });
    const flushing = await tab.run('logAndStay', { points: 20_000, flushing: true });
    await leave(tab);
    await tab.close();
    expect(await reader.run('stored', quiet)).toBe(500);
    expect(await reader.run('stored', flushing)).toBe(20_000);
    expect(await reader.run('putAside')).toBe(0);
  });

  it('keeps every point when it goes away itself in the turn of the last one', async () => {
    const tab = await browser.openTab(site);
    const gone = tab.page.waitForURL(elsewhere.url);
    const id = await tab.run('logAndGo', { points: 300, to: elsewhere.url });
    await gone;
    expect(await reader.run('stored', id)).toBe(300);
    await tab.close();
  });

  it('keeps every point for someone who reads it in a tab that was opened later', async () => {
    const tab = await browser.openTab(site);
    const id = await tab.run('logAndStay', { points: 100 });
    expect(await reader.run('stored', id)).toBe(0);
    await tab.page.goto(elsewhere.url);
    await tab.page.goto(site.url);
    expect(await tab.run('stored', id)).toBe(100);
  });
});
