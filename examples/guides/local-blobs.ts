import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MemoryStorage } from 'modelkeep';
import { createStorageHandler, toNodeHandler } from 'modelkeep/server';

const served = new MemoryStorage();
const models = new Registry({ storage: served });
await models.createModel('flight-delay');
await models.registerVersion('flight-delay', { files: { 'model.json': '{}' } });
await models.promote('flight-delay@1', 'production', { by: 'ada', reason: 'first' });
export const asked: string[] = [];
const handler = createStorageHandler(served, { authorize: 'public' });
const server = createServer(toNodeHandler((request) => (asked.push(new URL(request.url).pathname), handler(request)))).listen(0, '127.0.0.1');
await once(server, 'listening');
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

// #region local-blobs
import { Registry, withLocalBlobs } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem'; // in a page: IndexedDBStorage
import { HttpStorage } from 'modelkeep/http';

const storage = withLocalBlobs(new HttpStorage(url), { local: new FilesystemStorage('model-cache'), maxBytes: 2 * 1024 ** 3 });
const model = await new Registry({ storage }).load('flight-delay@production');
// #endregion local-blobs

// Read twice here, once over the network.
export const texts = [await model.file('model.json'), await model.file('model.json')].map((bytes) => new TextDecoder().decode(bytes));
server.closeAllConnections();
server.close();
