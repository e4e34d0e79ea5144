import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { StorageAdapter } from 'modelkeep';
import { createStorageHandler, toNodeHandler } from 'modelkeep/server';
import type { InlineConfig, Plugin, PreviewServer } from 'vite';

const directory = fileURLToPath(new URL('.', import.meta.url));
const packageDirectory = fileURLToPath(new URL('../..', import.meta.url));

/** How Vite serves and builds the page, with a store on the server at `/store`. */
export function siteConfig(storage: StorageAdapter, outDir: string): InlineConfig {
  return {
    root: directory,
    configFile: false,
    // A page that is not in the package of modelkeep itself installs it, and needs no alias.
    resolve: { alias: [{ find: /^modelkeep$/, replacement: `${packageDirectory}dist/index.js` }, { find: /^modelkeep\/(.+)$/, replacement: `${packageDirectory}dist/$1.js` }] },
    build: { outDir, emptyOutDir: true, target: 'es2022', modulePreload: { polyfill: false }, chunkSizeWarningLimit: 2_000 },
    plugins: [storeOnServer(storage), offline()],
  };
}

// #region server
/** The server's store, at the page's own origin. It is for one machine: whoever opens the page may write what the page writes, models too. */
function storeOnServer(storage: StorageAdapter): Plugin {
  const handle = toNodeHandler(
    createStorageHandler(storage, {
      basePath: '/store',
      // The page is where models are registered, and its copies arrive as they are. A server that decides about models itself leaves this out.
      guardDomains: false,
      // No page of another site may write here. One that makes its own name lead to this machine counts as the same; Vite refuses what is sent to such a name (`allowedHosts`).
      authorize: (request) => (request.headers.get('sec-fetch-site') === 'same-origin' ? { actor: 'page' } : 'forbidden'),
    }),
  );
  const mount = ({ middlewares }: Pick<PreviewServer, 'middlewares'>): void => {
    middlewares.use((request, response, next) => (request.url?.startsWith('/store/') ? handle(request, response) : next()));
  };
  return { name: 'store-on-server', configureServer: mount, configurePreviewServer: mount };
}
// #endregion server

/** Writes a service worker into what is built, which keeps all of its files: the page is there without a network. */
function offline(): Plugin {
  return {
    name: 'offline',
    apply: 'build',
    transformIndexHtml: () => [{ tag: 'script', attrs: { type: 'module' }, children: "navigator.serviceWorker?.register('/offline.js');", injectTo: 'body' }],
    generateBundle(_options, bundle) {
      const files = ['/', ...Object.keys(bundle).map((name) => `/${name}`)].filter((name) => name !== '/index.html');
      const contents = Object.values(bundle).map((file) => (file.type === 'chunk' ? file.code : file.source));
      const digest = createHash('sha256');
      for (const content of contents) digest.update(content);
      this.emitFile({ type: 'asset', fileName: 'offline.js', source: workerSource(`page-${digest.digest('hex').slice(0, 16)}`, files) });
    },
  };
}

function workerSource(cache: string, files: readonly string[]): string {
  return `const [name, files] = ${JSON.stringify([cache, files])};
addEventListener('install', (event) => event.waitUntil(caches.open(name).then((cache) => cache.addAll(files)).then(() => skipWaiting())));
addEventListener('activate', (event) => event.waitUntil(caches.keys().then((all) => Promise.all(all.filter((each) => each.startsWith('page-') && each !== name).map((each) => caches.delete(each)))).then(() => clients.claim())));
addEventListener('fetch', (event) => {
  const { origin, pathname } = new URL(event.request.url);
  if (origin === location.origin && event.request.method === 'GET' && files.includes(pathname)) event.respondWith(caches.open(name).then((cache) => cache.match(pathname)).then((kept) => kept ?? fetch(event.request)));
});
`;
}
