import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';

/** A server of `node:http` on a port of its own, that is gone at the end of the block. */
export interface Listening extends AsyncDisposable {
  readonly server: Server;
  readonly port: number;
  readonly url: string;
  /** Sends bytes over a connection of their own, and gives all that comes back until it is closed or `until` says that it is enough. */
  raw(bytes: string | Uint8Array, options?: RawOptions): Promise<string>;
}

export interface RawOptions {
  /** Ends our side when everything is sent. */
  readonly end?: boolean;
  readonly until?: (received: string) => boolean;
}

export async function listen(listener: RequestListener): Promise<Listening> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    server,
    port,
    url: `http://127.0.0.1:${port}`,
    raw: (bytes, options) => exchange(connect(port, '127.0.0.1'), bytes, options),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function exchange(socket: Socket, bytes: string | Uint8Array, { end = false, until = () => false }: RawOptions = {}): Promise<string> {
  return new Promise((resolve) => {
    let received = '';
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      if (until(received)) socket.destroy();
    });
    // A server that hangs up on rubbish is what some of the tests want.
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(received));
    socket.write(bytes);
    if (end) socket.end();
  });
}
