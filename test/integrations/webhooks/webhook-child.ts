import { FilesystemStorage } from '../../../src/filesystem.ts';
import { startWebhook } from '../../../src/integrations/webhooks/start-webhook.ts';
import { Registry } from '../../../src/registry/registry.ts';

// A process that sends what happens to the models of a store, until it is killed.
const [, , directory = '', url = '', secret = ''] = process.argv;
const storage = new FilesystemStorage(directory);
await startWebhook({ name: 'ci', storage, source: new Registry({ storage }).events(), from: 'beginning', interval: 60, maxQueued: 5, url, secret, retry: { initial: 10, max: 20 } });
setInterval(() => undefined, 60_000);
