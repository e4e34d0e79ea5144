import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { sendRequest } from '../../src/core/send-request.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

it('a request is ended by its signal, whatever was collected since it was sent', async () => {
  const stop = new AbortController();
  let hungUp: Promise<unknown> | undefined;
  const server = createServer((request) => {
    hungUp = new Promise((resolve) => void request.socket.once('close', resolve));
    let turns = 0;
    const turn = (): void => {
      collectGarbage();
      if (++turns < 10) setImmediate(turn);
      else stop.abort();
    };
    turn();
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    await expect(sendRequest((request) => globalThis.fetch(request), new Request(`http://127.0.0.1:${port}/`, { method: 'POST', body: 'x', signal: stop.signal }))).rejects.toMatchObject({ name: 'AbortError' });
    await hungUp;
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});
