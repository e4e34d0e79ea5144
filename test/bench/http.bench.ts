import { createHash, randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MemoryStorage } from 'modelkeep';
import { HttpStorage } from 'modelkeep/http';
import { createStorageHandler, toNodeHandler } from 'modelkeep/server';
import { compare, measure, type Benchmark } from './harness.ts';

interface Place {
  readonly server: Server;
  readonly url: string;
  readonly storage: HttpStorage;
  count: number;
}

const value = randomBytes(1024);
const blob = randomBytes(32 << 20);
const hex = createHash('sha256').update(blob).digest('hex');
const MiB = 32;

async function setup(): Promise<Place> {
  const store = new MemoryStorage();
  await store.write([{ kind: 'put', key: 'runs/a', bytes: value }]);
  await store.writeBlob(chunksOf(blob));
  const server = createServer(toNodeHandler(createStorageHandler(store, { authorize: 'public' })));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { server, url, storage: new HttpStorage(url), count: 0 };
}

async function teardown({ server, storage }: Place): Promise<void> {
  await storage.close();
  server.close();
  server.closeAllConnections();
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 1 << 18) yield bytes.subarray(at, at + (1 << 18));
}

async function times(count: number, work: () => Promise<unknown>): Promise<void> {
  for (let i = 0; i < count; i++) await work();
}

async function fetchBytes(url: string, init?: RequestInit): Promise<Uint8Array> {
  const response = await fetch(url, init);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** The body as it comes, which is how a client with bounded memory takes it. */
async function drain(source: AsyncIterable<Uint8Array>): Promise<number> {
  let size = 0;
  for await (const chunk of source) size += chunk.length;
  if (size !== blob.length) throw new Error(`${size} bytes came`);
  return size;
}

async function fetchBlob({ url }: Place): Promise<void> {
  await drain((await fetch(`${url}/v1/blobs/sha256:${hex}`)).body as unknown as AsyncIterable<Uint8Array>);
}

const perSecond = { operations: MiB, unit: 'operations/s' } as const;

export const benchmarks: Benchmark[] = [
  compare(
    'a read of a record of 1 KB over loopback, server in the same process (baseline: bare fetch of it)',
    ({ storage }) => times(500, () => storage.read(['runs/a'])),
    ({ url }) => times(500, () => fetchBytes(`${url}/v1/records/runs/a`)),
    { setup, teardown, operations: 500, unit: 'µs', target: { ratioAtMost: 2 } },
  ),
  compare(
    'a read among 100 at once (baseline: bare fetch)',
    ({ storage }) => times(10, () => Promise.all(Array.from({ length: 100 }, () => storage.read(['runs/a'])))),
    ({ url }) => times(10, () => Promise.all(Array.from({ length: 100 }, () => fetchBytes(`${url}/v1/records/runs/a`)))),
    { setup, teardown, operations: 1000, unit: 'µs', target: { ratioAtMost: 2 } },
  ),
  compare(
    'a write of a record of 1 KB (baseline: bare fetch)',
    (place) => times(300, () => place.storage.write([{ kind: 'put', key: `runs/${place.count++ % 100}`, bytes: value }])),
    (place) => times(300, () => fetchBytes(`${place.url}/v1/records/runs/${place.count++ % 100}`, { method: 'PUT', body: value })),
    { setup, teardown, operations: 300, unit: 'µs' },
  ),
  measure('1,000 concurrent writes', (place) => Promise.all(Array.from({ length: 1000 }, () => place.storage.write([{ kind: 'put', key: `runs/${place.count++}`, bytes: value }]))), { setup, teardown, runs: 5 }),
  compare(
    'MiB of a blob received and verified (baseline: bare fetch, unverified)',
    async ({ storage }) => void (await drain((await storage.readBlob(`sha256:${hex}`))!)),
    fetchBlob,
    { setup, teardown, ...perSecond, runs: 5 },
  ),
  compare(
    'MiB of a blob received in part, which is not verified (baseline: bare fetch)',
    async ({ storage }) => void (await drain((await storage.readBlob(`sha256:${hex}`, { range: { start: 0 } }))!)),
    fetchBlob,
    { setup, teardown, ...perSecond, runs: 5 },
  ),
  compare(
    'MiB of a blob sent in parts, hashed and stored (baseline: bare fetch of one body, hashed by the server alone)',
    ({ storage }) => storage.writeBlob(chunksOf(blob)),
    ({ url }) => fetchBytes(`${url}/v1/blobs/sha256:${hex}`, { method: 'PUT', body: blob }),
    { setup, teardown, ...perSecond, runs: 5 },
  ),
];
