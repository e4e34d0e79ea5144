import { createRequire } from 'node:module';
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { assessMaturity } from 'modelkeep';
import { trackedStory } from '../maturity/story.ts';
import { abStory, driftOf, modelStory, performanceStory, pipelineStory, rolloutStory } from '../report/stories.ts';
import { compareRunsDemo, chartsDemo, curvesDemo, runsDemo } from '../report/demo-parts.ts';
import { renderReport } from 'modelkeep/report';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { borrowBrowser, type BorrowedBrowser } from './browser.ts';
import { describeInBrowser } from './describe-in-browser.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/** What axe finds with all that opens open. The protocol's own evaluation is not bound by the policy of a page. */
async function violationsOf(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    for (const details of document.querySelectorAll('details')) details.open = true;
    const found = await (globalThis as unknown as { axe: { run(): Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }> } }).axe.run();
    return found.violations.map(({ id, nodes }) => `${id}: ${nodes[0]!.html.slice(0, 200)} ${nodes[0]!.failureSummary}`);
  });
}

describeInBrowser('a report in a browser', () => {
  let browser: BorrowedBrowser;
  let url = '';
  const server = createServer((_request, response) => response.writeHead(200, { 'content-type': 'text/html', 'content-security-policy': policy }).end(html));
  let html = '';

  beforeAll(async () => {
    html = renderReport({ runs: runsDemo(), comparison: await compareRunsDemo(), curves: curvesDemo(), charts: chartsDemo() }, { title: 'Demo' });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    browser = await borrowBrowser();
  });
  afterAll(async () => {
    await browser.close();
    server.close();
  });

  /** Opens the report; what the console says of it is kept. */
  async function open(scheme: 'light' | 'dark', width = 1280): Promise<{ page: Page; said: string[] }> {
    const page = await browser.context.newPage();
    const said: string[] = [];
    page.on('console', (message) => said.push(message.text()));
    page.on('pageerror', (error) => said.push(error.message));
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize({ width, height: 900 });
    await page.goto(url);
    return { page, said };
  }

  it.each(['light', 'dark'] as const)('has no violation that axe finds, %s, with all its tables open, under a policy that allows nothing to be loaded', async (scheme) => {
    const { page, said } = await open(scheme);
    expect(said.filter((text) => !text.includes('favicon'))).toEqual([]);
    const violations = await violationsOf(page);
    expect(violations).toEqual([]);
    await page.close();
  });

  it('has no violation in what tells of data, models and pipelines either, light and dark, and does not scroll sideways', async () => {
    const { storage, clock } = await trackedStory('T3');
    const { lineage, ...model } = await modelStory();
    const page = await browser.context.newPage();
    await page.setViewportSize({ width: 390, height: 900 });
    const parts = { drift: driftOf(6), performance: await performanceStory(), abTest: abStory(), rollout: await rolloutStory(), pipeline: await pipelineStory(), model, lineage, maturity: await assessMaturity({ storage, clock, store: false }) };
    await page.setContent(renderReport(parts));
    expect(await page.evaluate(() => [...document.querySelectorAll('main > section')].map(({ id }) => id))).toEqual(['drift', 'performance', 'ab-test', 'rollout', 'pipeline', 'model', 'lineage', 'maturity']);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await violationsOf(page)).toEqual([]);
    }
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    // An id that breaks over lines cannot be copied with a double click, nor told from another.
    expect(await page.evaluate(() => [...document.querySelectorAll('.id')].filter((id) => id.getClientRects().length > 1).length)).toBe(0);
    await page.close();
  });

  it('does not scroll sideways on a narrow screen, whatever the names', async () => {
    const { page } = await open('light', 390);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await page.close();
  });

  it('sorts by the keyboard, numbers as numbers with NaN and empty cells last, and filters', async () => {
    const { page } = await open('light');
    const column = (): Promise<(string | undefined)[]> => page.evaluate(() => [...document.querySelectorAll<HTMLTableElement>('#runs table')[0]!.tBodies[0]!.rows].filter((row) => !row.hidden).map((row) => row.cells[4]?.textContent));
    const head = page.locator('#runs th', { hasText: 'loss' });
    await head.locator('button').focus();
    await page.keyboard.press('Enter');
    expect(await head.getAttribute('aria-sort')).toBe('ascending');
    const values = await column();
    expect(values.at(-1)).toBe('');
    expect(values.at(-2)).toBe('NaN');
    expect(values.slice(0, 3)).toEqual(['0.5', '1', '2']);
    await page.keyboard.press('Enter');
    expect(await head.getAttribute('aria-sort')).toBe('descending');
    const falling = await column();
    expect([falling[0], ...falling.slice(-2)]).toEqual(['100', 'NaN', '']);
    await page.locator('#runs input').fill('בעברית שם');
    expect(await page.locator('#runs [role=status]').textContent()).toBe('1 of 14 rows');
    await page.close();
  });

  it('tells the values of a picture under the pointer and by the arrow keys', async () => {
    const { page } = await open('light');
    const plot = page.locator('#chart-1 .plot');
    await plot.focus();
    await page.keyboard.press('ArrowRight');
    expect(await page.locator('.tip').textContent()).toBe('train\n0: 4');
    await page.keyboard.press('End');
    expect(await page.locator('.tip').textContent()).toBe('train\n3: 1');
    await page.keyboard.press('Escape');
    expect(await page.locator('.tip').isHidden()).toBe(true);
    await page.locator('#chart-2 svg [data-marks] path').first().hover();
    expect(await page.locator('.tip').textContent()).toContain('distance: 0.6');
    await page.close();
  });

  describe('lines in other ways than they were drawn', () => {
    /** How high the lines are in three places, and the texts of the axes. */
    const seen = (page: Page): Promise<{ texts: string[]; lines: string[]; at: number[] }> =>
      page.evaluate(() => {
        const svg = document.querySelector<SVGSVGElement>('#curves-loss .plot > svg')!;
        const lines = [...svg.querySelectorAll<SVGPathElement>('path[data-series]')];
        const heightAt = (path: SVGPathElement, x: number): number => {
          let [low, high] = [0, path.getTotalLength()];
          for (let i = 0; i < 40; i++) {
            const middle = (low + high) / 2;
            if (path.getPointAtLength(middle).x < x) low = middle;
            else high = middle;
          }
          return path.getPointAtLength(low).y;
        };
        return {
          texts: [...svg.querySelectorAll('.ticks text')].map((text) => text.textContent),
          lines: lines.map((path) => path.dataset['series']!),
          at: lines.flatMap((path) => [200, 300, 400].map((x) => heightAt(path, x))),
        };
      });
    const press = async (page: Page, name: string): Promise<void> => {
      const button = page.locator('#curves-loss').getByRole('button', { name, exact: true });
      const before = await button.getAttribute('aria-pressed');
      await button.focus();
      await page.keyboard.press('Enter');
      if (!name.startsWith('T') && name !== 'Steps') expect(await button.getAttribute('aria-pressed')).toBe(String(before === 'false'));
    };
    const shown = async (part: ReturnType<typeof curvesDemo>): Promise<Page> => {
      const page = await browser.context.newPage();
      await page.setContent(renderReport({ curves: part }));
      return page;
    };

    it.each([
      ['Log scale', { log: true }, 2],
      ['Smoothed', { smoothing: { method: 'exponential', weight: 0.6 } }, 1],
      ['Time since the start', { x: 'relative' }, 2],
      ['Time of day', { x: 'wall' }, 2],
    ] as const)('%s: what the button shows is what a report drawn so shows', async (name, options, within) => {
      const drawn = await shown(curvesDemo());
      const first = await drawn.locator('#curves-loss .plot').innerHTML();
      await press(drawn, name);
      const other = await shown(curvesDemo(options));
      const [here, there] = [await seen(drawn), await seen(other)];
      expect([here.texts, here.lines]).toEqual([there.texts, there.lines]);
      here.at.forEach((y, i) => expect(Math.abs(y - there.at[i]!)).toBeLessThanOrEqual(within));
      await press(drawn, name.startsWith('T') ? 'Steps' : name);
      expect(await drawn.locator('#curves-loss .plot').innerHTML()).toBe(first);
      await press(other, name.startsWith('T') ? 'Steps' : name);
      expect((await seen(other)).texts).toEqual((await seen(await shown(curvesDemo()))).texts);
      await Promise.all([drawn.close(), other.close()]);
    });

    it('a line can be left out, and the others have the room', async () => {
      const page = await shown(curvesDemo());
      expect((await seen(page)).texts).toContain('1000');
      await press(page, '<b>far above</b>');
      const { texts, lines } = await seen(page);
      expect([lines, texts.includes('1000'), texts.includes('1.0')]).toEqual([['a', 'b'], false, true]);
      await page.locator('#curves-loss .plot').focus();
      await page.keyboard.press('Home');
      const [place, value] = (await page.locator('.tip').textContent())!.split(': ');
      expect([place, Math.abs(Number(value) - 1) < 0.05]).toEqual(['a\n0', true]);
      await page.close();
    });

    it('without a script there are the drawing and its legend, and no buttons', async () => {
      const context = await browser.context.browser()!.newContext({ javaScriptEnabled: false });
      const page = await context.newPage();
      await page.goto(url);
      expect([await page.locator('#curves-loss button').count(), await page.locator('#curves-loss .legend text').count(), await page.locator('#curves-loss path[data-series]').count()]).toEqual([0, 3, 3]);
      await context.close();
    });
  });
});
