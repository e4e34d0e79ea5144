import { afterAll, beforeAll, expect, it } from 'vitest';
import { borrowBrowser, type Tab, type BorrowedBrowser } from './browser.ts';
import { describeInBrowser } from './describe-in-browser.ts';
import { serveSite, type Site } from './site.ts';

type Page = typeof import('./web-worker-predictor-page.ts');

const model = `
export default ({ factor }) => ({
  predict: (input) => input.map((x) => x * factor),
  predictBatch: (inputs) => inputs.map((input) => (input.length > 0 ? input.map((x) => x * factor) : new RangeError('empty'))),
  bytes: 8,
});
export const stubborn = () => {
  let warm = false;
  return {
    warmUp: () => { warm = true; },
    predict: (input) => {
      if (input === 'spin') for (;;);
      return input === 'warm?' ? warm : input + ('document' in globalThis ? ' in the page' : ' in a worker');
    },
  };
};
export const notOne = () => 7;
`;

describeInBrowser('a model in a Web Worker', () => {
  let site: Site<Page>;
  let browser: BorrowedBrowser;
  let tab: Tab<Page>;
  beforeAll(async () => {
    const respond: NonNullable<Parameters<typeof serveSite>[1]>['respond'] = ({ url }, response) => {
      if (url !== '/model.js') return false;
      response.setHeader('content-type', 'text/javascript').end(model);
      return true;
    };
    [site, browser] = await Promise.all([serveSite<Page>(new URL('web-worker-predictor-page.ts', import.meta.url), { respond }), borrowBrowser()]);
    tab = await browser.openTab(site);
  });
  afterAll(async () => {
    await browser.close();
    await site.close();
  });

  it('answers alone and in batches, from copies of its inputs', async () => {
    expect(await tab.run('answers')).toEqual({ output: new Float32Array([3, 6]), batch: [new Float32Array([3, 6]), 'empty'], bytes: 8, kept: 2 });
  });

  it('leaves the page free, is ended when it does not stop, and begun anew as it was', async () => {
    const { codes, next, warm, turns } = await tab.run('recycles');
    expect({ codes, next, warm }).toEqual({ codes: ['worker-failed', 'worker-failed'], next: 'x in a worker', warm: true });
    expect(turns).toBeGreaterThan(1);
  });

  it('says why there is none', async () => {
    expect(await tab.run('refusal', 'notOne')).toBe('validation');
    expect(await tab.run('refusal', 'missing')).toBe('validation');
  });
});
