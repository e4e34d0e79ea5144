import { createServer, type RequestListener, type Server } from 'node:http';
import { Deployment, MemoryStorage, Registry } from 'modelkeep';
import { createServingHandler, toNodeHandler } from 'modelkeep/server';
import { toNodeHandler as srvxNodeHandler } from 'srvx/node';

// What the benchmarks of serving talk to, in a process of its own: it prints a port for each name, and ends with its input.

/** The model: a weighted sum. */
function scored(row: Readonly<Record<string, number>>): { score: number } {
  let score = 0;
  for (const name in row) score += row[name]! * 0.5;
  return { score };
}

const storage = new MemoryStorage();
const registry = new Registry({ storage });
await registry.createModel('wide');
await registry.registerVersion('wide', { files: { 'model.json': '{}' } });
await registry.promote('wide@1', 'production', { by: 'bench', reason: 'the only one' });
const deployment = new Deployment({ storage, registry, model: 'wide', load: () => scored });
await deployment.ready();
const handler = createServingHandler([deployment], { authorize: 'public' });

/** Parses the same body, asks the same model, answers the same bytes with the same headers, and knows nothing else. */
const bare: RequestListener = (request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const { instances } = JSON.parse(Buffer.concat(chunks).toString()) as { instances: Record<string, number>[] };
    const answer = JSON.stringify({ predictions: instances.map((row) => scored(row).score) });
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': String(answer.length),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-modelkeep-version': '1',
      'x-modelkeep-reason': 'stable',
      'x-modelkeep-id': '01900000-0000-7000-8000-000000000000.1.stable',
    });
    response.end(answer);
  });
};

const listeners: Record<string, RequestListener> = {
  bare,
  ours: toNodeHandler(handler),
  srvx: srvxNodeHandler(handler) as RequestListener,
};

const servers: Server[] = [];
for (const [name, listener] of Object.entries(listeners)) {
  const server = createServer(listener).listen(0, '127.0.0.1', () => console.log(`${name} ${(server.address() as { port: number }).port}`));
  servers.push(server);
}
process.stdin.resume().on('end', () => process.exit());
