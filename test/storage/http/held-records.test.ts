import type { Socket } from 'node:net';
import { aggregate, FeatureStore, featureView, MemoryStorage, type StorageAdapter } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { HttpStorage } from 'modelkeep/http';
import { createStorageHandler, toNodeHandler } from 'modelkeep/server';
import { afterEach, describe, expect, it } from 'vitest';
import { fromUtf8, utf8 } from '../../../src/core/bytes.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { digestOf } from '../../../src/core/digest.ts';
import { simulatedClock } from '../../features/simulated-clock.ts';
import { temporaryDirectories } from '../filesystem/temporary-directory.ts';
import { answer, fakeServer, type Step } from './fake-server.ts';
import { listen } from './storage-server.ts';

const newDirectory = temporaryDirectories();
const undo: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of undo.splice(0).reverse()) await end();
});

/** A client of a real server, and how many bytes that has sent. */
async function served(handler: (request: Request) => Promise<Response>) {
  const sockets = new Set<Socket>();
  const server = await listen(toNodeHandler(handler));
  server.server.on('connection', (socket) => sockets.add(socket));
  const storage = new HttpStorage(server.url);
  undo.push(() => server.close(), () => storage.close());
  return { storage, sentBytes: () => [...sockets].reduce((sum, { bytesWritten }) => sum + bytesWritten, 0) };
}

const handlerOf = (store: StorageAdapter) => createStorageHandler(store, { authorize: 'public' });

/** Reads keys as one who has versions of some, and counts the bytes that travelled. */
async function readHeld({ storage, sentBytes }: Awaited<ReturnType<typeof served>>, keys: readonly string[], held: ReadonlyMap<string, string | undefined>) {
  const before = sentBytes();
  const records = await storage.read(keys, { holds: (key) => held.get(key) });
  return { records, bytes: sentBytes() - before };
}

const size = 50_000;
const textAt = (key: string, round = 0): string => `${key} ${round} `.padEnd(size, '.');

describe.each([
  ['memory', () => new MemoryStorage()],
  ['a filesystem', () => new FilesystemStorage(newDirectory())],
])('of a store in %s behind a server', (_, open) => {
  it('what the reader has does not travel, what changed or is new does', async () => {
    const store = open();
    undo.push(() => store.close());
    const client = await served(handlerOf(store));
    const keys = ['a', 'b', 'c', 'd'];
    const blobs = [digestOf('blob')];
    await store.write(keys.map((key) => ({ kind: 'put', key, bytes: utf8(textAt(key)), blobs })));
    const first = await readHeld(client, keys, new Map());
    expect(first.records.map((record) => fromUtf8(record!.bytes))).toEqual(keys.map((key) => textAt(key)));
    expect(first.bytes).toBeGreaterThan(4 * size);

    const held = new Map(keys.map((key, i) => [key, first.records[i]!.version]));
    const again = await readHeld(client, keys, held);
    expect(again.records).toEqual(keys.map((key) => ({ version: held.get(key), bytes: new Uint8Array(0), blobs: [] })));
    expect(again.bytes).toBeLessThan(1000);

    await store.write([{ kind: 'put', key: 'b', bytes: utf8(textAt('b', 1)), blobs }, { kind: 'delete', key: 'c' }]);
    const changed = await readHeld(client, [...keys, 'none'], held);
    expect(changed.records.map((record) => record && fromUtf8(record.bytes))).toEqual(['', textAt('b', 1), undefined, '', undefined]);
    expect(changed.records[1]).toMatchObject({ blobs });
    expect(changed.records[1]!.version).not.toBe(held.get('b'));
    expect(changed.bytes).toBeGreaterThan(size);
    expect(changed.bytes).toBeLessThan(size + 1500);
    // What is not held comes whole again, whoever else was spared it.
    expect((await client.storage.read(['a']))[0]).toEqual(first.records[0]);
  });

  it('nor does a single record', async () => {
    const store = open();
    undo.push(() => store.close());
    const client = await served(handlerOf(store));
    await store.write([{ kind: 'put', key: 'a', bytes: utf8(textAt('a')) }]);
    const [first] = await client.storage.read(['a']);
    const again = await readHeld(client, ['a'], new Map([['a', first!.version]]));
    expect([again.records, again.bytes < 1000]).toEqual([[{ version: first!.version, bytes: new Uint8Array(0), blobs: [] }], true]);
    await store.write([{ kind: 'put', key: 'a', bytes: utf8('new') }]);
    expect((await readHeld(client, ['a'], new Map([['a', first!.version]]))).records[0]).toMatchObject({ bytes: utf8('new') });
    await store.write([{ kind: 'delete', key: 'a' }]);
    expect((await readHeld(client, ['a'], new Map([['a', first!.version]]))).records).toEqual([undefined]);
  });
});

it('one who has a record and one who has not may ask in the same request', async () => {
  const { storage, store, seen, steps } = fakeServer();
  await store.write(['a', 'b'].map((key) => ({ kind: 'put', key, bytes: utf8(key) })));
  const [a, b] = await store.read(['a', 'b']);
  const holds = (key: string): string | undefined => ({ a: a!.version, b: b!.version })[key];
  // Six requests that are out have the next ones gather.
  let release!: () => void;
  const released = new Promise<void>((resolve) => (release = resolve));
  const late: Step = async (request, pass) => released.then(() => pass(request));
  steps.push(late, late, late, late, late, late);
  const busy = Array.from({ length: 6 }, () => storage.read(['a']));
  const gathered = [storage.read(['a', 'b'], { holds }), storage.read(['a']), storage.read(['b'], { holds })];
  release();
  const [both, whole, spared] = await Promise.all(gathered);
  await Promise.all(busy);
  expect(seen.filter(({ what }) => what === 'POST batch/read')).toHaveLength(1);
  expect(whole).toEqual([a]);
  expect([both![1], spared![0]]).toEqual([{ ...b, bytes: new Uint8Array(0) }, { ...b, bytes: new Uint8Array(0) }]);
  expect(both![0]).toEqual(a);
});

/** A server from before clients said what they have, until it is renewed: it refuses what it does not know, as the strict check of a body does. */
function olderServer(store: StorageAdapter) {
  const handler = handlerOf(store);
  const bodies: string[] = [];
  const server = { isOld: true, bodies, serve };
  async function serve(request: Request): Promise<Response> {
    if (!request.url.endsWith('/batch/read')) return handler(request);
    const body = await request.text();
    bodies.push(body);
    const unknown = server.isOld && 'held' in (JSON.parse(body) as object);
    if (unknown) return Response.json({ error: { code: 'validation', message: 'body: has no member held.', details: { path: 'body' } } }, { status: 400 });
    return handler(new Request(request.url, { method: 'POST', headers: request.headers, body }));
  }
  return server;
}

describe('a server that does not know what a client has', () => {
  it('is asked as before, and asked again after five minutes', async () => {
    const store = new MemoryStorage();
    await store.write(['a', 'b'].map((key) => ({ kind: 'put', key, bytes: utf8(key) })));
    const whole = await store.read(['a', 'b']);
    const held = new Map(['a', 'b'].map((key, i) => [key, whole[i]!.version]));
    const older = olderServer(store);
    let now = 0;
    const storage = new HttpStorage('http://store.test', { fetch: older.serve, clock: { ...systemClock, monotonic: () => now } });
    const read = () => storage.read(['a', 'b'], { holds: (key) => held.get(key) });
    const saysHeld = () => older.bodies.splice(0).map((body) => body.includes('held'));
    expect([await read(), await read()]).toEqual([whole, whole]);
    expect(saysHeld()).toEqual([true, false, false]);
    older.isOld = false;
    now = 299_999;
    expect(await read()).toEqual(whole);
    now = 300_000;
    expect((await read()).map((record) => record!.bytes.length)).toEqual([0, 0]);
    expect(saysHeld()).toEqual([false, true]);
  });

  it('serves features all the same', async () => {
    const older = olderServer(new MemoryStorage());
    const { storage } = await served(older.serve);
    const view = featureView({ name: 'v', entity: ['k'], timestamp: 'at', features: { x: 'float64', mean: aggregate.mean('x', { window: '1d' }) } });
    const features = new FeatureStore({ storage, clock: simulatedClock(1000) });
    await features.apply([view]);
    const query = { entities: [{ k: 'a' }, { k: 'b' }], features: ['v:*'] };
    for (let round = 0; round < 3; round++) {
      await features.ingest(view, [{ k: 'a', at: round, x: round }], { online: true });
      expect((await features.getOnlineFeatures(query)).columns).toMatchObject({ x: [round, null] });
    }
    expect(older.bodies.filter((body) => body.includes('"held"'))).toHaveLength(1);
  });

  it('is not taken for one when it finds fault with something else', async () => {
    const { storage, store, steps } = fakeServer();
    await store.write(['a', 'b'].map((key) => ({ kind: 'put', key, bytes: utf8(key) })));
    const versions = new Map((await store.read(['a', 'b'])).map((record, i) => [['a', 'b'][i]!, record!.version]));
    const refused = answer(400, JSON.stringify({ error: { code: 'validation', message: 'A key is not one.' } }), { 'content-type': 'application/json' });
    steps.push(refused, refused);
    await expect(storage.read(['a', 'b'], { holds: (key) => versions.get(key) })).rejects.toMatchObject({ code: 'validation', message: 'A key is not one.' });
    expect((await storage.read(['a', 'b'], { holds: (key) => versions.get(key) })).map((record) => record!.bytes.length)).toEqual([0, 0]);
  });

  it('or says that the client has what it never named, is not believed', async () => {
    const { storage, store, steps } = fakeServer();
    await store.write(['a', 'b'].map((key) => ({ kind: 'put', key, bytes: utf8(key) })));
    const [{ version } = { version: '' }] = (await store.read(['a'])) as { version: string }[];
    const lies: Step = (request, pass) => pass(new Request(request.url, { method: 'POST', headers: request.headers, body: JSON.stringify({ keys: ['a', 'b'], held: [version, null] }) }));
    steps.push(lies);
    await expect(storage.read(['a', 'b'])).rejects.toMatchObject({ code: 'unavailable' });
    steps.push(answer(304, '', { etag: '"other"' }));
    await expect(storage.read(['a'], { holds: () => version })).rejects.toMatchObject({ code: 'unavailable' });
    steps.push(answer(304, '', { etag: `"${version}"` }));
    await expect(storage.read(['a'])).rejects.toMatchObject({ code: 'unavailable' });
  });
});

it('online features that are known do not travel, and what others push does', async () => {
  const store = new MemoryStorage();
  const [reader, writer] = [await served(handlerOf(store)), await served(handlerOf(store))];
  const clock = simulatedClock(1_000_000);
  const view = featureView({ name: 'v', entity: ['k'], timestamp: 'at', features: { x: 'float64', note: 'string' } });
  const [reading, writing] = [new FeatureStore({ storage: reader.storage, clock }), new FeatureStore({ storage: writer.storage, clock })];
  await writing.apply([view]);
  const note = 'x'.repeat(2000);
  await writing.ingest(view, Array.from({ length: 50 }, (_, i) => ({ k: `k${i}`, at: 1, x: i, note })), { online: true });
  const read = async () => {
    const before = reader.sentBytes();
    const { columns } = await reading.getOnlineFeatures({ entities: Array.from({ length: 50 }, (_, i) => ({ k: `k${i}` })), features: ['v:x', 'v:note'] });
    return { xs: columns['x'] as number[], bytes: reader.sentBytes() - before };
  };
  const xs = Array.from({ length: 50 }, (_, i) => i);
  const cold = await read();
  const warm = await read();
  expect([cold.xs, warm.xs]).toEqual([xs, xs]);
  expect(cold.bytes).toBeGreaterThan(100_000);
  expect(warm.bytes).toBeLessThan(12_000);
  await writing.ingest(view, [{ k: 'k7', at: 2, x: -1, note }], { online: true });
  const fresh = await read();
  expect(fresh.xs).toEqual(xs.with(7, -1));
  expect(fresh.bytes).toBeLessThan(warm.bytes + 4000);
});
