import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MemoryStorage, Registry, Tracker } from 'modelkeep';
import type { Page } from 'playwright-core';
import { build, preview, type InlineConfig, type PreviewServer } from 'vite';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { siteConfig } from '../../examples/browser-tfjs/site.ts';
import { borrowBrowser, type BorrowedBrowser } from './browser.ts';
import { describeInBrowser } from './describe-in-browser.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const source = fileURLToPath(new URL('../../src/', import.meta.url));
const patient = { timeout: 7_000, interval: 50 };

describeInBrowser('the example that trains in a page', () => {
  const directory = mkdtempSync(join(tmpdir(), 'modelkeep-page-'));
  const onServer = new MemoryStorage();
  const tracker = new Tracker({ storage: onServer });
  let browser: BorrowedBrowser;
  let server: PreviewServer;
  let url: string;
  const complaints: string[] = [];

  beforeAll(async () => {
    const config: InlineConfig = { ...siteConfig(onServer, directory), logLevel: 'error', resolve: { alias: [{ find: /^modelkeep$/, replacement: `${source}index.ts` }, { find: /^modelkeep\/(.+)$/, replacement: `${source}$1.ts` }] } };
    [browser] = await Promise.all([borrowBrowser(), build(config)]);
    server = await preview({ ...config, preview: { port: 0, host: 'localhost' } });
    url = server.resolvedUrls!.local[0]!;
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
    await rm(directory, { recursive: true, force: true });
  });

  async function open({ width = 1280, dark = false }: { width?: number; dark?: boolean } = {}): Promise<Page> {
    const page = await browser.context.newPage();
    page.setDefaultTimeout(6_000);
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => void (new URL(request.url()).origin !== new URL(url).origin && request.url() !== 'data:,' && complaints.push(`asks ${request.url()}`)));
    await page.goto(url);
    return page;
  }

  async function train(page: Page, epochs: number): Promise<void> {
    await page.getByLabel('Epochs').fill(String(epochs));
    await page.getByRole('button', { name: 'Train' }).click();
    await page.getByText('Trained, registered and in production.').waitFor();
  }

  const runsOn = async (): Promise<number> => (await tracker.listRuns()).items.filter(({ status }) => status === 'finished').length;
  const rows = (page: Page): Promise<string[]> => page.locator('#runs tr').allInnerTexts();
  const violations = async (page: Page): Promise<unknown> => {
    await page.evaluate(axe);
    return page.evaluate('axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ": " + nodes[0].html))');
  };
  const fits = (page: Page): Promise<unknown> => page.evaluate('document.documentElement.scrollWidth <= innerWidth');

  it('keeps its runs over a reload, shows them in every tab, goes on without a network, and tells of drift', async () => {
    const page = await open();
    expect(await violations(page)).toEqual([]);
    // What the page has shown each time that curves were drawn.
    await page.evaluate("globalThis.seen = []; new MutationObserver(() => seen.push([document.querySelector('#runs tr').innerText, document.getElementById('curves-summary').innerText])).observe(document.getElementById('curves'), { childList: true })");
    await train(page, 40);
    const seen = await page.evaluate<[row: string, curves: string][]>('seen');
    expect(seen, 'the run is drawn while it goes on').toContainEqual([expect.stringMatching(/\trunning\t0\.01\t([1-9]|[123]\d)\t/), expect.stringMatching(/^2 series; the least value is/)]);
    await page.locator('#curves-summary', { hasText: /^2 series; the least value is/ }).waitFor();
    await page.getByText(/Gentoo, \d+ % sure, says version 1/).waitFor();
    await page.getByText('The server has all of it.').waitFor();
    const [run] = (await tracker.listRuns()).items;
    expect(run).toMatchObject({ experiment: 'penguins', status: 'finished', params: { learningRate: 0.01, seed: 7, 'fit/epochs': 40 } });
    expect((await tracker.metricHistory(run!.id, 'val_loss')).steps).toHaveLength(40);
    expect((await new Registry({ storage: onServer }).getVersion('penguins@production')).run).toBe(run!.id);

    await page.reload();
    await vi.waitFor(async () => expect(await rows(page)).toEqual([expect.stringContaining(run!.id.slice(-6))]), patient);

    // Another tab, on a phone and at night, sees what the first one trains, and serves its model.
    const other = await open({ width: 390, dark: true });
    await vi.waitFor(async () => expect(await rows(other)).toHaveLength(1), patient);
    await page.evaluate('navigator.serviceWorker.ready.then(() => true)');
    await browser.context.setOffline(true);
    await page.reload();
    await train(page, 8);
    await page.getByText('The server cannot be reached.').waitFor();
    await vi.waitFor(async () => expect(await rows(other)).toHaveLength(2), patient);
    await other.getByText('says version 2').waitFor(patient);
    expect(await runsOn()).toBe(1);

    await browser.context.setOffline(false);
    await vi.waitFor(async () => expect(await runsOn()).toBe(2), patient);
    for (const tab of [page, other]) await tab.getByText('The server has all of it.').waitFor();

    const slider = other.getByLabel('Flippers longer by');
    await slider.fill('1');
    await other.getByText(/^Stable: /).waitFor();
    await slider.fill('25');
    await other.getByText(/^Drifted: .*flipperLength/).waitFor();
    expect(await other.locator('#drift svg').count()).toBe(1);

    for (const tab of [page, other]) {
      await tab.bringToFront();
      expect(await violations(tab)).toEqual([]);
      expect(await fits(tab)).toBe(true);
    }
    expect(complaints).toEqual([]);
  }, 45_000);

  it('answers nobody who calls the server by another name, as a page does whose own name was made to lead here', async () => {
    const statusOf = async (host: string): Promise<number | undefined> => {
      const [response] = (await once(get(`${url}store/v1/records`, { headers: { host, 'sec-fetch-site': 'same-origin' } }), 'response')) as [IncomingMessage];
      response.resume();
      return response.statusCode;
    };
    expect([await statusOf(new URL(url).host), await statusOf('elsewhere.example')]).toEqual([200, 403]);
  });
});
