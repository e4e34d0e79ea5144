/** A process that takes webhooks in over HTTP and runs a pipeline of them. Arguments: store, journal, secret, by how many milliseconds its clock is ahead. */
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../../src/core/clock.ts';
import { FilesystemStorage } from '../../../src/filesystem.ts';
import { Pipeline, webhookTrigger } from '../../../src/index.ts';
import { toNodeHandler } from '../../../src/server.ts';

const [directory = '', journal = '', secret = '', ahead = '0'] = process.argv.slice(2);
const storage = new FilesystemStorage(directory);
const clock = { ...systemClock, now: () => Date.now() + Number(ahead) };
const pushes = webhookTrigger({ name: 'pushes', storage, secret, clock });
const pipeline = new Pipeline({ name: 'retrain', storage, clock });
pipeline.step('train', {}, ({ run }) => appendFileSync(journal, `${run.id}\n`));
await pipeline.triggerOn(pushes, { from: 'beginning' });
const keeper = pipeline.start({ interval: 50 });
const server = createServer(toNodeHandler((request) => pushes.handle(request)));
server.listen(0, '127.0.0.1', () => process.send!({ port: (server.address() as AddressInfo).port }));
process.on('message', () => void keeper.idle().then(() => process.send!({ idle: true })));
process.once('disconnect', () => {
  server.close();
  server.closeAllConnections();
  void keeper.close().then(() => storage.close());
});
