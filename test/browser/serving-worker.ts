import { createServingHandler } from 'modelkeep/server';
import { serveTfjs } from '../server/serving/served-models.ts';

/** What of a service worker's events and scope is used. */
interface ServiceWorker {
  addEventListener(type: 'install' | 'activate', listener: (event: { waitUntil(work: Promise<unknown>): void }) => void): void;
  addEventListener(type: 'fetch', listener: (event: { readonly request: Request; respondWith(answer: Promise<Response>): void }) => void): void;
  skipWaiting(): Promise<void>;
  readonly clients: { claim(): Promise<void> };
}

const worker = globalThis as unknown as ServiceWorker;
// Made at once, and asked when it is there.
const handling = serveTfjs().then((deployment) => createServingHandler([deployment], { authorize: 'public', basePath: '/ml' }));

worker.addEventListener('install', (event) => event.waitUntil(worker.skipWaiting()));
worker.addEventListener('activate', (event) => event.waitUntil(worker.clients.claim()));
worker.addEventListener('fetch', (event) => {
  if (new URL(event.request.url).pathname.startsWith('/ml/')) event.respondWith(handling.then((handler) => handler(event.request)));
});
