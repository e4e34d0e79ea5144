import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** A web site of one page, whose script is a TypeScript module of the tests. `Module` is the type of that module. */
export interface Site<Module> {
  /** Where it is served, such as `http://localhost:4711/`; `localhost` counts as a secure context. */
  readonly url: string;
  /** Only for the compiler: what the page offers. */
  readonly module?: Module;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface SiteOptions {
  /** Answers requests before the page does: return true for each that it takes. @default none */
  readonly respond?: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** Whether `modelkeep` in the page is the source or what was built from it, for measuring. @default 'src' */
  readonly modelkeep?: 'src' | 'dist';
}

/**
 * Serves a page whose script is `module` with all that it imports; what the module exports can be called in a tab.
 *
 * @example
 * ```ts
 * // counter-page.ts runs in the browser and exports functions; what they take and give travels as a structured clone.
 * await using site = await serveSite<typeof import('./counter-page.ts')>(new URL('counter-page.ts', import.meta.url));
 * await using browser = await openBrowser();
 * const tab = await browser.openTab(site);
 * expect(await tab.run('countTo', 200)).toBe(200);
 * ```
 */
export async function serveSite<Module>(module: URL, { respond, modelkeep = 'src' }: SiteOptions = {}): Promise<Site<Module>> {
  const scripts = await bundled(module, modelkeep);
  const server = createServer((request, response) => {
    if (respond?.(request, response)) return;
    const script = scripts.get(request.url);
    if (script !== undefined) response.setHeader('content-type', 'text/javascript').end(script);
    else if (request.url === '/') response.setHeader('content-type', 'text/html').end('<!doctype html><meta charset="utf-8"><title>test</title><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>');
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://localhost:${(server.address() as AddressInfo).port}/`, close, [Symbol.asyncDispose]: close };
}

/** The scripts by their paths: what is loaded by `import()` stands in one of its own, as in an application's build. */
async function bundled(module: URL, modelkeep: 'src' | 'dist'): Promise<ReadonlyMap<string | undefined, string>> {
  const { outputFiles } = await build({
    stdin: { contents: `import * as page from ${JSON.stringify(fileURLToPath(module))};\nglobalThis.testPage = page;`, resolveDir: fileURLToPath(new URL('.', module)), sourcefile: 'page.js' },
    entryNames: 'page',
    outdir: '/',
    bundle: true,
    splitting: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    sourcemap: 'inline',
    // The source stands in the tests' tsconfig; without it, the package finds itself as others find it.
    ...(modelkeep === 'dist' ? { tsconfigRaw: {} } : { tsconfig: fileURLToPath(new URL('../tsconfig.json', import.meta.url)) }),
    logLevel: 'silent',
  });
  return new Map(outputFiles.map(({ path, text }) => [path, text]));
}
