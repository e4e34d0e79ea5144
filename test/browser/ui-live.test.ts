import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { childProgram } from '../child-program.ts';
import { serveUi } from '../ui/ui-client.ts';
import { openBrowser, type TestBrowser } from './browser.ts';
import { describeInBrowser } from './describe-in-browser.ts';

const script = childProgram('../ui/logging-child.ts', import.meta.url);

describeInBrowser('pages over a store that another process writes to', () => {
  let browser: TestBrowser;
  let directory: string;

  beforeAll(async () => {
    [browser, directory] = await Promise.all([openBrowser(), mkdtemp(join(tmpdir(), 'modelkeep-ui-live-'))]);
  });

  afterAll(async () => {
    await browser.close();
    await rm(directory, { recursive: true, force: true });
  });

  it('draw each point of a run as it is logged, in two tabs, and leave the reader where they are', async () => {
    const root = join(directory, 'store');
    const child = spawn(process.execPath, [script, root], { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = once(child, 'exit');
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    const id = said.toString().trim();
    child.stdin.write('4\n');
    await using storage = new FilesystemStorage(root);
    await using ui = await serveUi(storage);
    const context = await browser.context.browser()!.newContext();
    const complaints: string[] = [];
    const tabs = await Promise.all(
      ['run?id=', 'metric?name=loss&run='].map(async (path) => {
        const page = await context.newPage();
        page.on('pageerror', (error) => complaints.push(error.message));
        await page.goto(`${ui.url}/${path}${id}`);
        await page.getByText(/Kept up to date|Up to date since/).waitFor();
        return page;
      }),
    );
    const [run, curve] = tabs as [(typeof tabs)[0], (typeof tabs)[0]];
    await run.locator('.lazy figure', { hasText: '4 at step 0' }).waitFor();
    await run.locator('.lazy .plot').focus();
    await curve.locator('#curve summary').click();
    child.stdin.write('2\n1\n');
    for (const page of [run, curve]) await page.locator('figure > p', { hasText: 'loss falls from 4 to 1 over 3 points' }).waitFor();
    expect(await run.evaluate('document.activeElement.className')).toBe('plot');
    expect(await curve.evaluate("document.activeElement.localName + document.querySelector('#curve details').open")).toBe('summarytrue');
    // A thousand metrics that come at once are curves, too, and the page is usable at once.
    child.stdin.write('0.5 1000\n');
    await run.locator('#metrics td', { hasText: 'layer/999' }).waitFor({ state: 'attached' });
    expect(await run.getByLabel('Filter Latest value of each metric').count()).toBe(1);
    child.stdin.end();
    await run.locator('#lead', { hasText: 'finished' }).waitFor();
    expect([await ended, complaints]).toEqual([[0, null], []]);
    await context.close();
  });
});
