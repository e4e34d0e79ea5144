import axe from 'axe-core';
import { Tracker } from 'modelkeep';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { demoStore, type DemoStore } from '../ui/demo-store.ts';
import { serveUi, type UiServer } from '../ui/ui-client.ts';
import { borrowBrowser, type BorrowedBrowser } from './browser.ts';
import { describeInBrowser } from './describe-in-browser.ts';

describeInBrowser('the pages over a store, in a browser', () => {
  let browser: BorrowedBrowser;
  let demo: DemoStore;
  let ui: UiServer;
  let complaints: string[];

  beforeAll(async () => {
    [browser, demo] = await Promise.all([borrowBrowser(), demoStore()]);
    ui = await serveUi(demo.storage, { write: true });
  });

  afterAll(async () => {
    await browser.close();
    await ui[Symbol.asyncDispose]();
  });

  /** A page whose complaints, of a policy that was hurt or a script that failed, are kept. */
  async function open(path: string, { width = 1280, dark = false, script = true }: { width?: number; dark?: boolean; script?: boolean } = {}): Promise<Page> {
    complaints = [];
    const context = await browser.context.browser()!.newContext({ viewport: { width, height: 800 }, colorScheme: dark ? 'dark' : 'light', javaScriptEnabled: script });
    const page = await context.newPage();
    page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('dialog', (dialog) => {
      complaints.push(`a dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    await page.goto(`${ui.url}/${path}`);
    return page;
  }

  const violations = async (page: Page): Promise<string[]> => {
    const session = await page.context().newCDPSession(page);
    const { result } = await session.send('Runtime.evaluate', {
      expression: `${axe.source};axe.run().then(({ violations }) => JSON.stringify(violations.map(({ id, nodes }) => id + ': ' + nodes[0].html)))`,
      awaitPromise: true,
      allowUnsafeEvalBlockedByCSP: true,
    });
    return JSON.parse(result.value as string) as string[];
  };

  it('can be used by everybody, on a phone and at night, and run no script of a name', async () => {
    const paths = [['runs', `compare?run=${demo.runs[0]}&run=${demo.runs[8]}`], [`run?id=${demo.runs[4]}`, 'version?model=flight-delay&version=1']];
    for (const [i, look] of [{ width: 390, dark: true }, { width: 1280 }].entries()) {
      for (const path of paths[i]!) {
        const page = await open(path, look);
        if (path.startsWith('run?') || path.startsWith('compare?')) await page.waitForSelector('.lazy.loaded');
        expect([path, await violations(page)]).toEqual([path, []]);
        // What is wide scrolls within itself.
        expect([path, await page.evaluate('document.documentElement.scrollWidth <= innerWidth')]).toEqual([path, true]);
        expect([path, complaints]).toEqual([path, []]);
        await page.context().close();
      }
    }
  });

  it('take in what a run logs, and leave alone what the reader has opened and focused', async () => {
    const run = await new Tracker({ storage: demo.storage }).startRun({ experiment: 'live', name: 'watched' });
    run.logMetrics({ loss: 3 }, { step: 0 });
    await run.flush();
    const page = await open(`run?id=${run.id}`);
    await page.waitForSelector('.lazy.loaded figure');
    await page.getByText('Kept up to date.').waitFor();
    await page.locator('.lazy details summary').click();
    await page.locator('#metrics a').focus();
    run.logMetrics({ loss: 0.125 }, { step: 1 });
    await run.flush();
    await page.locator('#metrics td', { hasText: '0.125' }).waitFor();
    await page.locator('.lazy figure td', { hasText: '0.125' }).first().waitFor();
    expect(await page.evaluate('document.activeElement.textContent')).toBe('loss');
    expect(await page.locator('.lazy details').evaluate((details) => (details as HTMLDetailsElement).open)).toBe(true);
    await run.end();
    await page.locator('#lead', { hasText: 'finished' }).waitFor();
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  it('show a run that has just begun in an open list, and keep what was chosen there', async () => {
    const page = await open('runs');
    await page.getByText('Kept up to date.').waitFor();
    await page.getByLabel('Compare rate 0.3').check();
    await (await new Tracker({ storage: demo.storage }).startRun({ experiment: 'live', name: 'just begun' })).end();
    await page.locator('#runs-list a', { hasText: 'just begun' }).waitFor();
    expect(await page.getByLabel('Compare rate 0.3').isChecked()).toBe(true);
    await page.context().close();
  });

  it('are sorted, filtered, compared and promoted by the keyboard alone', async () => {
    const page = await open('runs?experiment=flight-delay');
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the content');
    await page.locator('th a', { hasText: 'loss' }).focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(/by=metrics.loss&direction=desc/);
    await page.locator('th[aria-sort="descending"] a').focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(/direction=asc/);
    expect(await page.locator('tbody tr a').first().textContent()).toBe('rate 0.3');
    await page.getByLabel('Filter').focus();
    await page.keyboard.type('metrics.loss < 0.1');
    await page.keyboard.press('Enter');
    await page.waitForURL(/filter=metrics.loss/);
    expect(await page.locator('tbody tr').count()).toBe(2);
    for (const box of await page.locator('tbody input').all()) {
      await box.focus();
      await page.keyboard.press('Space');
    }
    await page.locator('button', { hasText: 'Compare' }).focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(/compare\?run=/);
    await page.goto(`${ui.url}/version?model=flight-delay&version=2`);
    await page.getByLabel('Reason').focus();
    await page.keyboard.type('by the keyboard');
    await page.keyboard.press('Enter');
    await page.locator('#history td', { hasText: 'by the keyboard' }).waitFor();
    expect(await page.locator('#lead .badge').first().textContent()).toBe('production');
    await page.context().close();
  });

  it('are whole without script', async () => {
    const page = await open(`run?id=${demo.runs[0]}`, { script: false });
    await page.locator('.lazy a', { hasText: 'loss' }).click();
    await page.locator('#curve svg').waitFor();
    await page.locator('nav a', { hasText: 'Models' }).click();
    expect(await page.locator('h1').textContent()).toBe('Models');
    await page.context().close();
  });
});
