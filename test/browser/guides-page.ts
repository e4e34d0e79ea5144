import { Registry } from 'modelkeep';
import { IndexedDBStorage } from 'modelkeep/indexeddb';

/** What the browser says of the store that the guide opens. */
export async function opensStore(): Promise<{ usage: unknown; quota: unknown }> {
  const { storage, usage, quota } = await import('../../examples/guides/page-store.ts');
  await storage.close();
  return { usage, quota };
}

/** What is recorded of the training in the guide. */
export async function trains(): Promise<object | undefined> {
  Object.assign(globalThis, { BUILD_COMMIT: 'abc' });
  const { run } = await import('../../examples/guides/page-training.ts');
  return run && { status: run.status, params: run.params, loss: run.metrics['loss']?.step };
}

/** What the step puts out that a Web Worker does. */
export async function works(): Promise<unknown> {
  return (await import('../../examples/guides/page-worker.ts')).output;
}

/** Registers a version here, and asks for its files by the address of the hub: what the service worker of the guide answers, and what the network does for everything else. */
export async function asksServiceWorker(): Promise<{ config: unknown; elsewhere: number }> {
  const registry = new Registry({ storage: new IndexedDBStorage('models') });
  await registry.createModel('team/sentiment');
  await registry.registerVersion('team/sentiment', { files: { 'config.json': '{"layers":4}' } });
  await registry.promote('team/sentiment@1', 'production', { by: 'ada', reason: 'first' });
  const claimed = new Promise<void>((resolve) => navigator.serviceWorker.addEventListener('controllerchange', () => resolve(), { once: true }));
  await navigator.serviceWorker.register('/service-worker.js');
  await claimed;
  const config: unknown = await (await fetch('https://huggingface.co/team/sentiment/resolve/main/config.json')).json();
  return { config, elsewhere: (await fetch('/train.js')).status };
}
