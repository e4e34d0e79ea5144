import { serve as serveNode, type ServerType } from '@hono/node-server';
import { Hono } from 'hono';
import type { StorageAdapter } from 'modelkeep';
import { createStorageHandler, type Authorize } from 'modelkeep/server';

/** A store among the other routes of a Hono application. */
export function serve(storage: StorageAdapter, authorize: Authorize, port: number): ServerType {
  // #region serve
  const handler = createStorageHandler(storage, { authorize, basePath: '/api', workspaces: true });
  const app = new Hono();
  app.get('/', (c) => c.text('models of the department'));
  app.all('/api/*', (c) => handler(c.req.raw));
  // #endregion serve
  return serveNode({ fetch: app.fetch, port, hostname: '127.0.0.1' });
}
