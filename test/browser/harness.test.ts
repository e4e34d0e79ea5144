import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openBrowser } from './browser.ts';
import { describeInBrowser } from './describe-in-browser.ts';
import { serveSite } from './site.ts';

const open = (): ReturnType<typeof serveSite<typeof import('./harness-page.ts')>> =>
  serveSite(new URL('harness-page.ts', import.meta.url), {
    respond: (request, response) => {
      if (request.url !== '/greeting') return false;
      response.end('hello');
      return true;
    },
  });

describeInBrowser('the browser harness', () => {
  it('calls functions of the page, with their errors, beside routes of the test', async () => {
    await using site = await open();
    await using browser = await openBrowser();
    const tab = await browser.openTab(site);
    expect([await tab.run('isSecure'), await tab.run('ask', '/greeting')]).toEqual([true, 'hello']);
    await expect(tab.run('fail', 'on purpose')).rejects.toThrow(/RangeError: on purpose/);
  });

  it('finds a profile again after the browser was closed, and sees nothing of it in private', async () => {
    const profile = await mkdtemp(join(tmpdir(), 'modelkeep-profile-'));
    try {
      await using site = await open();
      await using first = await openBrowser({ profile });
      await (await first.openTab(site)).run('remember', 'text');
      await first.close();
      await using second = await openBrowser({ profile });
      expect(await (await second.openTab(site)).run('remembered')).toBe('text');
      expect(await (await second.openTab(site, { inPrivate: true })).run('remembered')).toBe(null);
      await second.kill();
    } finally {
      await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    }
  });

  it('goes on in other tabs when one crashes', async () => {
    await using site = await open();
    await using browser = await openBrowser();
    const doomed = await browser.openTab(site);
    await doomed.run('remember', 'from the doomed tab');
    const other = await browser.openTab(site);
    await doomed.crash();
    expect(await other.run('remembered')).toBe('from the doomed tab');
  });
});
