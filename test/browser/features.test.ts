import { afterAll, beforeAll, expect, it } from 'vitest';
import { pinned } from '../features/pin-story.ts';
import { borrowBrowser, type BorrowedBrowser } from './browser.ts';
import { describeInBrowser } from './describe-in-browser.ts';
import { serveSite, type Site } from './site.ts';

type PageModule = typeof import('./features-page.ts');

describeInBrowser('features of a page in Chromium', () => {
  let site: Site<PageModule>;
  let browser: BorrowedBrowser;
  beforeAll(async () => {
    site = await serveSite(new URL('features-page.ts', import.meta.url));
    browser = await borrowBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await site.close();
  });

  it('are read of a hundred entities in one transaction, with all statuses, also in a tab that comes later', async () => {
    const first = await browser.openTab(site);
    await first.run('fill', { store: 'features', customers: 98 });
    await first.page.close();
    const { found, transactions } = await (await browser.openTab(site)).run('read', { store: 'features', customers: 100 });
    expect(transactions).toBe(1);
    const { columns, statuses, timestamps } = found;
    const each = Array.from({ length: 100 }, (_, i) => i);
    const isOld = (i: number): boolean => i % 4 === 0;
    expect(statuses['note']).toEqual(each.map((i) => (i >= 98 ? 'NOT_FOUND' : isOld(i) ? 'OUTSIDE_MAX_AGE' : i % 3 === 0 ? 'NULL_VALUE' : 'PRESENT')));
    expect(columns['note']).toEqual(each.map((i) => (i >= 98 || isOld(i) || i % 3 === 0 ? null : `note ${i}`)));
    expect(columns['amount']).toEqual(each.map((i) => (i >= 98 || isOld(i) ? null : i)));
    // A window does not care for the age that a column may have.
    expect(columns['mean']).toEqual(each.map((i) => (i >= 98 ? null : i === 0 ? -0.5 : i)));
    expect(timestamps['note']!.slice(96)).toEqual([Date.UTC(2026, 0, 1) - 7_200_000, Date.UTC(2026, 0, 1) - 60_000, null, null]);
    const later = await (await browser.openTab(site)).run('read', { store: 'features', customers: 100, later: 3_600_000 });
    expect(new Set(later.found.statuses['amount'])).toEqual(new Set(['OUTSIDE_MAX_AGE', 'NOT_FOUND']));
  });

  it('that are pinned to a version stay readable whatever becomes of the view', async () => {
    const answers = await (await browser.openTab(site)).run('readPinned', { store: 'pinned' });
    expect(answers).toEqual(pinned.map((answer) => ({ ...answer, serving: answer.training })));
  });
});
