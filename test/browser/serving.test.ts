import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { borrowBrowser, type Tab, type BorrowedBrowser } from './browser.ts';
import { describeInBrowser } from './describe-in-browser.ts';
import { serveSite, type Site } from './site.ts';

type Page = typeof import('./serving-page.ts');

/** The service worker in one file: such workers cannot load more of themselves later. */
async function bundledWorker(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('serving-worker.ts', import.meta.url))],
    bundle: true, write: false, format: 'esm', target: 'es2022', platform: 'browser', logLevel: 'silent',
    tsconfig: fileURLToPath(new URL('../tsconfig.json', import.meta.url)),
  });
  return outputFiles[0]!.text;
}

describeInBrowser('a model server in a service worker', () => {
  let site: Site<Page>;
  let browser: BorrowedBrowser;
  let tab: Tab<Page>;
  beforeAll(async () => {
    const script = await bundledWorker();
    const respond: NonNullable<Parameters<typeof serveSite>[1]>['respond'] = ({ url }, response) => {
      if (url !== '/serving-worker.js') return false;
      response.setHeader('content-type', 'text/javascript').end(script);
      return true;
    };
    [site, browser] = await Promise.all([serveSite<Page>(new URL('serving-page.ts', import.meta.url), { respond }), borrowBrowser()]);
    tab = await browser.openTab(site);
    await tab.run('register');
  });
  afterAll(async () => {
    await browser.close();
    await site.close();
  });

  it('answers a model of TensorFlow.js by the protocols of model servers, as JSON and as bytes', async () => {
    expect(await tab.run('ask', { path: '/ml/v1/models/line:predict', body: { instances: [[1, 1, 1]] } })).toEqual({ status: 200, body: { predictions: [[6.5, 59.5]] }, version: '1' });
    const { body } = await tab.run('ask', { path: '/ml/v2/models/line' });
    const { inputs: [input] } = body as { inputs: [{ name: string }] };
    expect(input).toMatchObject({ datatype: 'FP32', shape: [-1, 3] });
    expect([...(await tab.run('askBinary', { path: '/ml/v2/models/line/infer', name: input.name, values: Float32Array.of(1, 0, 0, 0, 1, 0) }))]).toEqual([1.5, 9.5, 2.5, 19.5]);
    expect(await tab.run('ask', { path: '/ml/v1/models/none:predict', body: { instances: [1] } })).toMatchObject({ status: 404, body: { error: 'Servable not found for request: Latest(none)' } });
  });
});
