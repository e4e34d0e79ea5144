import { afterAll, beforeAll, expect, it } from 'vitest';
import { borrowBrowser, type BorrowedBrowser } from './browser.ts';
import { describeInBrowser } from './describe-in-browser.ts';
import { serveSite, type Site } from './site.ts';

describeInBrowser('training in a page', () => {
  let site: Site<typeof import('./tfjs-page.ts')>;
  let browser: BorrowedBrowser;
  beforeAll(async () => {
    site = await serveSite(new URL('tfjs-page.ts', import.meta.url));
    browser = await borrowBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await site.close();
  });

  it('is recorded in the browser, and read back by another page', async () => {
    const first = await browser.openTab(site);
    const { id, losses, leaked } = await first.run('train');
    expect(losses).toHaveLength(5);
    expect(leaked).toBe(0);
    await first.close();

    const second = await browser.openTab(site);
    expect(await second.run('readBack', id)).toMatchObject({
      status: 'finished',
      params: { backend: 'cpu', 'fit/epochs': 5, 'fit/batchSize': 16, 'fit/samples': 48, 'fit/doValidation': true },
      tags: { 'fit/shuffle': 'true' },
      metrics: expect.arrayContaining(['batch/loss', 'loss', 'mse', 'val_loss', 'val_mse', 'system/tfjs.numTensors']) as string[],
      loss: { steps: [0, 1, 2, 3, 4], values: losses },
      batchSteps: Array.from({ length: 15 }, (_, i) => i),
      environment: {
        runtime: 'browser',
        runtimeVersion: expect.stringMatching(/Chrom/) as string,
        cpu: { cores: expect.any(Number) as number },
        code: { commit: 'abc', entry: site.url },
        gpu: expect.any(String) as string,
      },
      warnings: expect.arrayContaining(['unseeded-shuffle']) as string[],
    });
  });

  it('is kept when the page is hidden before its run has ended, and then killed', async () => {
    const tab = await browser.openTab(site);
    const id = await tab.run('trainAndStay');
    await tab.run('hide');
    await tab.run('untilFlushed', id);
    await tab.crash();
    const { loss } = (await (await browser.openTab(site)).run('readBack', id)) as { loss: { steps: number[] } };
    expect(loss.steps).toEqual([0, 1, 2]);
  });

  it('gives a model that another page loads to the bit, and not with a flipped one', async () => {
    const first = await browser.openTab(site);
    const predicted = await first.run('saveModel');
    await first.close();
    const second = await browser.openTab(site);
    expect(await second.run('predictAgain', 'modelkeep://line@1')).toEqual(predicted);
    expect(await second.run('predictAgain', 'modelkeep://line@latest')).toEqual(predicted);
    expect(await second.run('loadDamaged')).toEqual({ code: 'integrity', message: expect.stringContaining('.bin" of line@1 has changed') as string });
    await second.close();
  });
});
