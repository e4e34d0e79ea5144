import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext, type CDPSession, type Page } from 'playwright-core';
import type { Site } from './site.ts';

const executablePath = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';

/** Why there is no browser to test in, or undefined when there is one. `describeInBrowser` asks it for you. */
export const missingBrowser: string | undefined = existsSync(executablePath) ? undefined : `there is no ${executablePath}; install Chromium or set CHROMIUM_PATH`;

type Callable = (argument: never) => unknown;

/** An open page of a {@link Site}. */
export interface Tab<Module> {
  /** The page itself, for all that Playwright can do with it. */
  readonly page: Page;
  /** Calls a function that the site's module exports and gives what it returns; an error in the page is thrown here. */
  run<Name extends keyof Module & string>(
    name: Name,
    ...argument: Module[Name] extends Callable ? Parameters<Module[Name]> : never
  ): Promise<Module[Name] extends Callable ? Awaited<ReturnType<Module[Name]>> : never>;
  /** Kills the renderer process of this page, as when a tab crashes: nothing of it runs on. */
  crash(): Promise<void>;
  close(): Promise<void>;
}

/** A running Chromium. */
export interface TestBrowser {
  /** The context with the profile on disk; tabs in it share their storage. */
  readonly context: BrowserContext;
  /** Opens the page of a site. `inPrivate` opens it in a fresh context that keeps nothing on disk. */
  openTab<Module>(site: Site<Module>, options?: { inPrivate?: boolean }): Promise<Tab<Module>>;
  /** A session with the browser's own protocol, for what Playwright does not offer. */
  session(page: Page): Promise<CDPSession>;
  /** SIGKILL to the browser and all its processes. */
  kill(): Promise<void>;
  /** Ends the browser as a user does, and removes the profile unless it was given. A borrowed one is given back. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts a headless Chromium. With `profile`, a directory that outlives it, another start finds what this one stored; without, the profile is a temporary one.
 * Starting one takes a second of work: {@link borrowBrowser} is for tests that need none of their own.
 */
export async function openBrowser({ profile }: { profile?: string } = {}): Promise<TestBrowser> {
  if (missingBrowser !== undefined) throw new Error(`No browser: ${missingBrowser}.`);
  const directory = profile ?? (await mkdtemp(join(tmpdir(), 'modelkeep-browser-')));
  const context = await chromium.launchPersistentContext(directory, { executablePath, headless: true, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
  const remove = async (): Promise<void> => {
    if (profile === undefined) await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  };
  const close = async (): Promise<void> => {
    await context.close();
    await remove();
  };
  return {
    ...viewOf(context),
    async kill() {
      const session = await context.browser()!.newBrowserCDPSession();
      const { processInfo } = await session.send('SystemInfo.getProcessInfo');
      const closed = new Promise<void>((resolve) => context.once('close', () => resolve()));
      // Playwright makes it the leader of a group, which its renderers and services belong to.
      process.kill(-processInfo.find(({ type }) => type === 'browser')!.id, 'SIGKILL');
      await closed;
      await remove();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** What a {@link TestBrowser} offers of a context. */
function viewOf(context: BrowserContext): Pick<TestBrowser, 'context' | 'openTab' | 'session'> {
  return {
    context,
    async openTab(site, { inPrivate = false } = {}) {
      const page = await (inPrivate ? await context.browser()!.newContext() : context).newPage();
      await page.goto(site.url);
      return tabOf(page);
    },
    session: (page) => page.context().newCDPSession(page),
  };
}

/** A Chromium that others use after its borrower. */
export type BorrowedBrowser = Omit<TestBrowser, 'kill'>;

/** The Chromium that the test files of this process use one after the other, and the origins whose pages the present one has opened. */
const lent: { context?: Promise<BrowserContext>; readonly origins: Set<string> } = { origins: new Set() };

/**
 * The Chromium of this process, which is started for the first who asks and ends with the process. Closing it closes the pages and deletes what their origins have stored, so that the next file finds none of it. It has one
 * context: what is set in that, but for its being offline, stays.
 */
export async function borrowBrowser(): Promise<BorrowedBrowser> {
  lent.context ??= startLent();
  const context = await lent.context;
  const close = async (): Promise<void> => {
    await context.setOffline(false);
    for (const other of context.browser()!.contexts()) if (other !== context) await other.close();
    // Without any page, the browser would end.
    const blank = await context.newPage();
    for (const page of context.pages()) if (page !== blank) await page.close();
    const session = await context.newCDPSession(blank);
    for (const origin of lent.origins) await session.send('Storage.clearDataForOrigin', { origin, storageTypes: 'all' });
    lent.origins.clear();
    await session.detach();
  };
  return { ...viewOf(context), close, [Symbol.asyncDispose]: close };
}

async function startLent(): Promise<BrowserContext> {
  const directory = mkdtempSync(join(tmpdir(), 'modelkeep-browser-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));
  const { context } = await openBrowser({ profile: directory });
  context.on('page', (page) => page.on('framenavigated', (frame) => {
    const { origin } = new URL(frame.url());
    if (origin !== 'null') lent.origins.add(origin);
  }));
  return context;
}

function tabOf<Module>(page: Page): Tab<Module> {
  return {
    page,
    run: (name, ...argument) =>
      page.evaluate(([called, given]) => (globalThis as unknown as { testPage: Record<string, (argument: unknown) => never> }).testPage[called]!(given), [name as string, argument[0] as unknown] as const),
    async crash() {
      const session = await page.context().newCDPSession(page);
      const crashed = new Promise<void>((resolve) => page.once('crash', () => resolve()));
      session.send('Page.crash').catch(() => undefined);
      await crashed;
    },
    close: () => page.close(),
  };
}
