import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { borrowBrowser, type BorrowedBrowser, type Tab } from './browser.ts';
import { describeInBrowser } from './describe-in-browser.ts';
import { serveSite, type Site } from './site.ts';

type Page = typeof import('./guides-page.ts');

const guides = fileURLToPath(new URL('../../examples/guides/', import.meta.url));

describeInBrowser('what the guides show of a page', () => {
  let site: Site<Page>;
  let browser: BorrowedBrowser;
  let tab: Tab<Page>;
  beforeAll(async () => {
    const { outputFiles } = buildSync({ entryPoints: [`${guides}service-worker.ts`], bundle: true, write: false, format: 'iife', target: 'es2022', tsconfig: fileURLToPath(new URL('../tsconfig.json', import.meta.url)), logLevel: 'silent' });
    const scripts = new Map([['/service-worker.js', outputFiles[0]!.text], ['/train.js', readFileSync(`${guides}train.js`, 'utf8')]]);
    const respond: NonNullable<Parameters<typeof serveSite>[1]>['respond'] = ({ url = '' }, response) => {
      const script = scripts.get(url);
      if (script !== undefined) response.setHeader('content-type', 'text/javascript').end(script);
      return script !== undefined;
    };
    [site, browser] = await Promise.all([serveSite<Page>(new URL('guides-page.ts', import.meta.url), { respond }), borrowBrowser()]);
    tab = await browser.openTab(site);
  });
  afterAll(async () => {
    await browser.close();
    await site.close();
  });

  it('opens a store that is to last', async () => {
    expect(await tab.run('opensStore')).toEqual({ usage: expect.any(Number), quota: expect.any(Number) });
  });

  it('records a training', async () => {
    expect(await tab.run('trains')).toEqual({ status: 'finished', params: expect.objectContaining({ backend: 'cpu' }), loss: 19 });
  });

  it('has a step done by a Web Worker', async () => {
    expect(await tab.run('works')).toEqual({ mean: 3 });
  });

  it('has a service worker answer for the hub, and leaves the rest to the network', async () => {
    expect(await tab.run('asksServiceWorker')).toEqual({ config: { layers: 4 }, elsewhere: 200 });
  });
});
