import type { Server } from 'node:http';
import express from 'express';
import type { StorageAdapter } from 'modelkeep';
import { createStorageHandler, toNodeHandler, type Authorize } from 'modelkeep/server';

/** A store among the other routes of an Express application. */
export function serve(storage: StorageAdapter, authorize: Authorize, port: number): Server {
  // #region serve
  const handler = createStorageHandler(storage, { authorize, basePath: '/api', workspaces: true });
  const app = express();
  // Before express.json() and its like: the handler reads the bodies itself.
  app.use('/api', toNodeHandler(handler));
  app.get('/', (_, response) => void response.send('models of the department'));
  // #endregion serve
  return app.listen(port, '127.0.0.1');
}
