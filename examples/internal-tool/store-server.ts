import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { StorageAdapter } from 'modelkeep';
import { createStorageHandler, toNodeHandler } from 'modelkeep/server';
import { actorOf } from './acting-token.ts';

/** A server that runs. */
export interface RunningServer {
  readonly url: string;
  /** Takes no further connection, lets requests that go on end, and resolves then. */
  close(): Promise<void>;
}

/** Serves a store on this machine to whoever acts by a token of the secret. In a company it runs elsewhere, and belongs to another team. */
export async function serveStore(storage: StorageAdapter, secret: string, port = 0): Promise<RunningServer> {
  // #region store
  const handler = createStorageHandler(storage, {
    authorize: (request) => {
      const actor = actorOf(secret, /^Bearer (.+)$/.exec(request.headers.get('authorization') ?? '')?.[1] ?? '');
      // What is changed in the registry is recorded in the name of this actor, whatever the client says.
      return actor === undefined ? null : { actor };
    },
  });
  // #endregion store
  const server = createServer(toNodeHandler(handler));
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      await closed;
    },
  };
}
