/** What this takes of the types of service workers, which cannot stand beside those of pages in one program. */
declare const self: {
  addEventListener(type: 'fetch', listener: (event: { readonly request: Request; respondWith(response: Promise<Response>): void }) => void): void;
  addEventListener(type: 'activate', listener: (event: { waitUntil(promise: Promise<void>): void }) => void): void;
  readonly clients: { claim(): Promise<void> };
};

// #region service-worker
import { Registry } from 'modelkeep';
import { IndexedDBStorage } from 'modelkeep/indexeddb';

const registry = new Registry({ storage: new IndexedDBStorage('models') }); // or an HttpStorage
const files = caches.open('models').then((fallback) => registry.asCacheStorage({ fallback }));
self.addEventListener('fetch', (event) => {
  event.respondWith(files.then((cache) => cache.match(event.request)).then((found) => found ?? fetch(event.request)));
});
// #endregion service-worker
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
