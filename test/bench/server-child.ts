import { createServer, type RequestListener, type Server } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { MemoryStorage } from 'modelkeep';
import { createStorageHandler, toNodeHandler } from 'modelkeep/server';
import { toNodeHandler as srvxNodeHandler } from 'srvx/node';

// What the benchmarks of the server talk to, in a process of its own: it prints a port for each name, and ends with its input.

const body = new Uint8Array(200).fill(97);
const storage = new MemoryStorage();
await storage.write([{ kind: 'put', key: 'runs/one', bytes: body }]);

const handler = createStorageHandler(storage, {
  authorize: (request) => (request.headers.get('authorization') === 'Bearer s3cret' ? { actor: 'bench' } : null),
});

/** Answers the same bytes with the same headers, and knows nothing else. */
const bare: RequestListener = (request, response) => {
  if (request.method === 'GET') {
    response.writeHead(200, {
      'content-type': 'application/octet-stream',
      'content-length': '200',
      'cache-control': 'private, no-cache',
      'x-content-type-options': 'nosniff',
      etag: '"1"',
    });
    response.end(body);
    return;
  }
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const answer = Buffer.from(JSON.stringify({ ok: true, version: String(Buffer.concat(chunks).length) }));
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': String(answer.length),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      etag: '"200"',
    });
    response.end(answer);
  });
};

const listeners: Record<string, RequestListener> = {
  bare,
  ours: toNodeHandler(handler),
  hono: (request, response) => void getRequestListener(handler)(request, response),
  srvx: srvxNodeHandler(handler) as RequestListener,
};

const servers: Server[] = [];
for (const [name, listener] of Object.entries(listeners)) {
  const server = createServer(listener).listen(0, '127.0.0.1', () => console.log(`${name} ${(server.address() as { port: number }).port}`));
  servers.push(server);
}
process.stdin.resume().on('end', () => process.exit());
