import { createServer, type Server } from 'node:http';
import type { StorageAdapter } from 'modelkeep';
import { createStorageHandler, toNodeHandler, type Authorize } from 'modelkeep/server';

/** A store behind `node:http`, with nothing in between. */
export function serve(storage: StorageAdapter, authorize: Authorize, port: number): Server {
  // #region serve
  const handler = createStorageHandler(storage, { authorize, basePath: '/api', workspaces: true });
  const server = createServer({ requestTimeout: 300_000 }, toNodeHandler(handler));
  server.listen(port, '127.0.0.1');
  // #endregion serve
  return server;
}
