import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createStorageHandler, toNodeHandler, type StorageHandlerOptions } from '../../../src/server.ts';
import type { StorageAdapter } from '../../../src/storage/contract.ts';

/** A server on a port of this machine. */
export interface RunningServer {
  readonly url: string;
  readonly port: number;
  readonly server: Server;
  close(): Promise<void>;
}

/** Listens on a free port, or on a given one. */
export async function listen(listener: RequestListener, port = 0): Promise<RunningServer> {
  const server = createServer(listener);
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  const address = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    server,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A store behind the real handler and a real server. */
export function serveStorage(storage: StorageAdapter, options: StorageHandlerOptions = { authorize: 'public' }, port = 0): Promise<RunningServer> {
  return listen(toNodeHandler(createStorageHandler(storage, options)), port);
}
