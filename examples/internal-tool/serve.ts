import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve as serveNode } from '@hono/node-server';
import { createApp } from './app.ts';
import type { FindUser } from './auth.ts';
import { Models, type StoreAccess } from './models.ts';
import type { RunningServer } from './store-server.ts';

/** Runs the tool on a port; 0 takes one that is free. */
export async function serveTool(access: StoreAccess, findUser: FindUser, port: number): Promise<RunningServer> {
  const models = new Models(access);
  const server = serveNode({ fetch: createApp(models, findUser).fetch, port, hostname: '127.0.0.1' }) as Server;
  if (!server.listening) await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    // #region stop
    close: async () => {
      // No new requests; those that go on are answered, then what they observed is stored.
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      await closed;
      await models[Symbol.asyncDispose]();
    },
    // #endregion stop
  };
}
