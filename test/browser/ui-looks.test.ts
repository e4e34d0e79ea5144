import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import axe from 'axe-core';
import { MemoryStorage, Tracker } from 'modelkeep';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { demoStore } from '../ui/demo-store.ts';
import { serveUi, type UiServer } from '../ui/ui-client.ts';
import { openBrowser, type TestBrowser } from './browser.ts';
import { describeInBrowser } from './describe-in-browser.ts';

/** Counts what hurts the eye on the page that is open, and names the first of each kind. */
const faultsOfPage = `(() => {
  const faults = [];
  if (document.documentElement.scrollWidth > innerWidth) faults.push('scrolls sideways: ' + document.documentElement.scrollWidth);
  const shown = (element) => element.checkVisibility();
  const texts = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
  const id = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/;
  while (texts.nextNode()) {
    const { currentNode: node } = texts;
    if (!id.test(node.data) || node.parentElement.closest('svg, pre, p, li, figcaption, [class~="prose"]') || node.data.length > 48 || !shown(node.parentElement)) continue;
    const range = new Range();
    range.selectNodeContents(node);
    const lines = new Set([...range.getClientRects()].map(({ top }) => Math.round(top)));
    if (lines.size > 1) faults.push('an id over ' + lines.size + ' lines: ' + node.data);
  }
  for (const element of document.querySelectorAll('main *')) {
    if (element.closest('svg') || !shown(element)) continue;
    const { overflowX, overflowY, textOverflow } = getComputedStyle(element);
    const cut = (overflowX === 'hidden' && element.scrollWidth > element.clientWidth + 1) || (overflowY === 'hidden' && element.scrollHeight > element.clientHeight + 1);
    // What is cut is whole in a title, or in the text that only screen readers have.
    if (cut && !element.closest('[title], .hidden, .lazy')) faults.push('cut: ' + element.outerHTML.slice(0, 120));
  }
  for (const cell of document.querySelectorAll('main td')) {
    const width = cell.getBoundingClientRect().width;
    if (shown(cell) && cell.textContent.trim().length > 30 && width < 80) faults.push('squeezed to ' + width + ': ' + cell.textContent.slice(0, 60));
  }
  const trail = document.querySelector('.trail');
  if (trail && /^\\s*\\/|\\/\\s*$/.test(trail.textContent)) faults.push('the trail begins or ends with a stroke');
  return faults;
})()`;

describeInBrowser('how the pages over a store look', () => {
  let browser: TestBrowser;
  let ui: UiServer;
  let views: readonly string[];

  beforeAll(async () => {
    const [opened, demo] = await Promise.all([openBrowser(), demoStore()]);
    browser = opened;
    const tracker = new Tracker({ storage: demo.storage });
    const word = 'x'.repeat(250);
    const strange = await tracker.startRun({ experiment: 'دقة النموذج 2001', name: word, params: { [word]: word }, tags: { [word]: 'دقة 95% v2 (2001-02)' }, notes: 'bell \u0007 \u001b[31mred' });
    strange.logMetrics({ [word]: 1, 'دقة v2 2001': 2 });
    await strange.logArtifact(`${word.slice(0, 200)}.txt`, 'x');
    await strange.end();
    ui = await serveUi(demo.storage, { write: true });
    views = [
      ...['runs', `run?id=${demo.runs[0]}`, `run?id=${demo.runs[8]}`, `run?id=${strange.id}`, `compare?run=${demo.runs[0]}&run=${strange.id}`, `metric?run=${demo.runs[0]}&name=loss`, `metric?run=${strange.id}&name=${word}`],
      ...[`artifact?run=${demo.runs[0]}&name=predictions`, `artifact?run=${strange.id}&name=${word.slice(0, 200)}.txt`, 'models', 'model?name=flight-delay', 'version?model=flight-delay&version=2&gates=production', 'features', 'feature-view?name=airport_delays'],
      ...['pipelines', 'pipeline?name=retrain', `pipeline-run?id=${demo.pipelineRun}`, `pipeline-run?id=${demo.failedPipelineRun}`, 'monitors', 'monitor?name=flight-delay', 'rollouts', 'rollout?model=flight-delay', 'tests', 'test?name=delay-model', 'nowhere', 'runs?filter=metrics.loss+<'],
    ];
  });

  afterAll(async () => {
    await browser.close();
    await ui[Symbol.asyncDispose]();
  });

  async function newPage(width: number, dark: boolean): Promise<Page> {
    const context = await browser.context.browser()!.newContext({ viewport: { width, height: 800 }, colorScheme: dark ? 'dark' : 'light' });
    return context.newPage();
  }

  it.each([
    [390, true],
    [1280, false],
  ])('nothing is cut, squeezed or off the side, and everybody can use them (%i px, dark %s)', async (width, dark) => {
    const page = await newPage(width, dark);
    const session = await page.context().newCDPSession(page);
    for (const [i, view] of views.entries()) {
      await page.goto(`${ui.url}/${view}`);
      expect([view, await page.evaluate(faultsOfPage)]).toEqual([view, []]);
      // Every view by turns on the phone at night and on the desk by day.
      if (i % 2 === (dark ? 0 : 1)) continue;
      const { result } = await session.send('Runtime.evaluate', {
        expression: `${axe.source};axe.run({ resultTypes: ['violations'] }).then(({ violations }) => JSON.stringify(violations.map(({ id, nodes }) => id + ': ' + nodes[0].html)))`,
        awaitPromise: true,
        allowUnsafeEvalBlockedByCSP: true,
      });
      expect([view, JSON.parse(result.value as string)]).toEqual([view, []]);
    }
    await page.context().close();
  });

  it('a page as a file has its curves, asks for nothing and complains of nothing', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'modelkeep-ui-export-'));
    const page = await newPage(390, true);
    const asked: string[] = [];
    page.on('request', (request) => void asked.push(request.url()));
    page.on('console', (message) => void asked.push(message.text()));
    page.on('pageerror', (error) => void asked.push(error.message));
    for (const view of [views[1]!, views[4]!, 'model?name=flight-delay']) {
      const file = join(directory, 'page.html');
      await writeFile(file, (await ui.get(`${view}&export=1`)).text);
      asked.length = 0;
      await page.goto(`file://${file}`);
      expect([view, asked, await page.evaluate(faultsOfPage)]).toEqual([view, [`file://${file}`], []]);
      if (view.startsWith('model')) continue;
      await page.locator('figure .plot').first().focus();
      await page.keyboard.press('Home');
      expect(await page.locator('body > .tip').textContent()).toMatch(/^step: 0|\n0: /);
    }
    await page.context().close();
    await rm(directory, { recursive: true });
  });

  it('a run of many metrics and params is no wall of numbers', async () => {
    const storage = new MemoryStorage();
    const run = await new Tracker({ storage }).startRun({ experiment: 'wide', params: Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`param_${i}`, i])) });
    run.logMetrics(Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`layer${i % 20}/metric_${i}`, i])));
    run.logMetrics({ 'a/nothing': Number.NaN });
    await run.flush();
    await using wide = await serveUi(storage);
    const page = await newPage(1280, false);
    await page.goto(`${wide.url}/run?id=${run.id}`);
    await page.locator('.lazy', { hasText: 'a/nothing has no point that can be drawn: its values are NaN.' }).waitFor();
    expect(await page.evaluate('document.documentElement.scrollHeight')).toBeLessThan(7000);
    await page.getByLabel('Filter Latest value of each metric').fill('metric_321');
    expect(await page.locator('#metrics tbody tr:visible').allTextContents()).toEqual([expect.stringContaining('layer1/metric_321')]);
    // What is logged meanwhile takes neither the filter nor the place of the reader away.
    await page.getByText('Kept up to date.').waitFor();
    run.logMetrics({ 'layer1/metric_321': 0.125 }, { step: 1 });
    await run.flush();
    await page.locator('#metrics td', { hasText: '0.125' }).waitFor();
    expect(await page.locator('#metrics tbody tr:visible').count()).toBe(1);
    expect(await page.evaluate('document.activeElement.ariaLabel')).toBe('Filter Latest value of each metric');
    await page.context().close();
    await run.end();
  });
});
