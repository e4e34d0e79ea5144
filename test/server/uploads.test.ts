import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryStorage } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { createStorageHandler } from 'modelkeep/server';
import { describe, expect, it } from 'vitest';
import { collectBytes } from '../../src/core/bytes.ts';
import { systemClock } from '../../src/core/clock.ts';
import { digestOf } from '../../src/core/digest.ts';
import { newId } from '../../src/core/ids.ts';
import { clientOf, errorOf, type Client } from './client.ts';

const parts = [new Uint8Array(300_000).fill(1), new Uint8Array(300_000).fill(2), new Uint8Array(5).fill(3)];
const whole = digestOf(new Uint8Array(await new Blob(parts).arrayBuffer()));
const size = 600_005;

/** Several servers over one store, as several processes are. */
function servers(count: number, options: { blobBytes?: number; clock?: typeof systemClock } = {}): { storage: MemoryStorage; ask: Client[] } {
  const storage = new MemoryStorage();
  const { blobBytes, clock } = options;
  const authorize = (request: Request) => ({ actor: request.headers.get('x-actor') ?? 'alice' });
  return { storage, ask: Array.from({ length: count }, () => clientOf(createStorageHandler(storage, { authorize, limits: { blobBytes }, clock, workspaces: true }), 'http://store.test/')) };
}

const put = (ask: Client, id: string, part: number, bytes: Uint8Array, headers: Record<string, string> = {}): Promise<Response> =>
  ask(`PUT v1/uploads/${id}/${part}`, { body: bytes as BodyInit, headers: { 'modelkeep-digest': digestOf(bytes), ...headers } });

describe('an upload', () => {
  it.each([1, 2, 3])('becomes a blob, through %i servers', async (count) => {
    const { storage, ask } = servers(count);
    let turn = 0;
    const next = (): Client => ask[turn++ % count]!;
    const { id } = await next().json<{ id: string }>('POST v1/uploads');
    for (const [i, bytes] of parts.entries()) {
      expect((await put(next(), id, i + 1, bytes)).status).toBe(200);
      // Sent again, since the answer was lost.
      expect(await (await put(next(), id, i + 1, bytes)).json()).toMatchObject({ parts: i + 1 });
    }
    expect((await put(next(), id, 1, parts[0]!)).status).toBe(200);
    expect(await next().json(`GET v1/uploads/${id}`)).toEqual({ parts: 3, size });
    for (const body of [{ digest: whole, parts: 3 }, { digest: whole, parts: 3 }, { parts: 3 }]) expect(await next().json(`POST v1/uploads/${id}`, { body })).toEqual({ digest: whole, size });
    expect(digestOf(await collectBytes((await storage.readBlob(whole))!))).toBe(whole);
    // What is left is the note of what came of it, and no part.
    expect((await storage.list({ kind: 'log' })).entries.map(({ key }) => key)).toEqual([`uploads/${id}/done`]);
    expect((await put(next(), id, 4, parts[0]!)).status).toBe(404);
  });

  it('goes on in another process, over one directory', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'modelkeep-uploads-'));
    const stores = [new FilesystemStorage(directory), new FilesystemStorage(directory)] as const;
    try {
      const ask = stores.map((storage) => clientOf(createStorageHandler(storage, { authorize: 'public' }), 'http://store.test/'));
      const { id } = await ask[0]!.json<{ id: string }>('POST v1/uploads');
      for (const [i, bytes] of parts.entries()) {
        expect(await (await put(ask[i % 2]!, id, i + 1, bytes)).json()).toMatchObject({ parts: i + 1 });
        expect(await (await put(ask[(i + 1) % 2]!, id, i + 1, bytes)).json()).toMatchObject({ parts: i + 1 });
      }
      expect((await put(ask[1]!, id, 3, parts[0]!)).status).toBe(409);
      for (const each of [ask[1]!, ask[0]!]) expect(await each.json(`POST v1/uploads/${id}`, { body: { digest: whole, parts: 3 } })).toEqual({ digest: whole, size });
      expect(digestOf(new Uint8Array(await (await ask[0]!(`GET v1/blobs/${whole}`)).arrayBuffer()))).toBe(whole);
      expect(await ask[1]!.json('GET v1/logs')).toEqual({ entries: [] });
    } finally {
      await Promise.all(stores.map((storage) => storage.close()));
      await rm(directory, { recursive: true, force: true });
    }
  });

  it('is committed without a digest, too', async () => {
    const { ask: [ask] } = servers(1);
    const { id } = await ask!.json<{ id: string }>('POST v1/uploads');
    for (const [i, bytes] of parts.entries()) await put(ask!, id, i + 1, bytes);
    expect(await ask!.json(`POST v1/uploads/${id}`, { body: { parts: 3 } })).toEqual({ digest: whole, size });
  });

  it('takes its parts in order, and only bytes of their digests', async () => {
    const { ask: [ask] } = servers(1);
    const { id } = await ask!.json<{ id: string }>('POST v1/uploads');
    expect(await errorOf(await put(ask!, id, 2, parts[0]!))).toMatchObject({ status: 409, details: { parts: 0, size: 0 } });
    expect((await put(ask!, id, 1, parts[0]!, { 'modelkeep-digest': whole })).status).toBe(422);
    expect((await ask!(`PUT v1/uploads/${id}/1`, { body: 'x' })).status).toBe(400);
    for (const part of ['0', '01', '-1', 'x', '1.5', '10000000']) expect((await ask!(`PUT v1/uploads/${id}/${part}`, { body: 'x', headers: { 'modelkeep-digest': digestOf('x') } })).status, part).toBe(400);
    await put(ask!, id, 1, parts[0]!);
    expect(await errorOf(await put(ask!, id, 1, parts[1]!))).toMatchObject({ status: 409 });
    expect((await put(ask!, id, 10_001, parts[1]!)).status).toBe(409);
    expect(await errorOf(await ask!(`POST v1/uploads/${id}`, { body: { parts: 2 } }))).toMatchObject({ status: 409, details: { parts: 1 } });
    expect(await errorOf(await ask!(`POST v1/uploads/${id}`, { body: { digest: whole, parts: 1 } }))).toMatchObject({ status: 422, code: 'integrity' });
    // A commit that was refused leaves the parts, so that the client can go on.
    expect(await ask!.json(`GET v1/uploads/${id}`)).toEqual({ parts: 1, size: 300_000 });
    expect(await ask!.json(`DELETE v1/uploads/${id}`)).toEqual({ ok: true });
    expect((await ask!(`GET v1/uploads/${id}`)).status).toBe(404);
  });

  it('is larger than no blob may be', async () => {
    const { ask: [ask] } = servers(1, { blobBytes: 400_000 });
    const { id } = await ask!.json<{ id: string }>('POST v1/uploads');
    await put(ask!, id, 1, parts[0]!);
    expect(await errorOf(await put(ask!, id, 2, parts[1]!))).toMatchObject({ status: 413, details: { limit: 400_000 } });
    const large = new Uint8Array(8 * 1024 * 1024 + 1);
    expect((await put(ask!, id, 2, large)).status).toBe(413);
  });

  it('is found by nobody else', async () => {
    const { ask: [ask] } = servers(1);
    const { id } = await ask!.json<{ id: string }>('POST v1/uploads');
    await put(ask!, id, 1, parts[0]!);
    const mallory = { 'x-actor': 'mallory' };
    expect((await put(ask!, id, 2, parts[1]!, mallory)).status).toBe(404);
    for (const line of [`GET v1/uploads/${id}`, `DELETE v1/uploads/${id}`]) expect((await ask!(line, { headers: mallory })).status).toBe(404);
    expect((await ask!(`GET workspaces/team-a/v1/uploads/${id}`)).status).toBe(404);
    const commit = { digest: digestOf(parts[0]!), parts: 1 };
    expect((await ask!(`POST v1/uploads/${id}`, { body: commit, headers: mallory })).status).toBe(404);
    await ask!.json(`POST v1/uploads/${id}`, { body: commit });
    expect((await ask!(`POST v1/uploads/${id}`, { body: commit, headers: mallory })).status).toBe(404);
    for (const other of [newId(), 'x', `${id}x`]) expect((await ask!(`GET v1/uploads/${other}`)).status).toBe(404);
  });

  it('is made a blob to the end, though the client leaves', async () => {
    const storage = new MemoryStorage();
    let begin = (): void => undefined;
    const begun = new Promise<void>((resolve) => (begin = resolve));
    let go = (): void => undefined;
    const going = new Promise<void>((resolve) => (go = resolve));
    let writes = 0;
    const slow = Object.assign(Object.create(storage) as MemoryStorage, {
      supports: storage.supports,
      async writeBlob(source: AsyncIterable<Uint8Array>, given: { signal?: AbortSignal }) {
        writes++;
        begin();
        await going;
        return MemoryStorage.prototype.writeBlob.call(storage, source, given);
      },
    });
    for (const name of ['list', 'append', 'readLog', 'deleteLog'] as const) Object.assign(slow, { [name]: storage[name].bind(storage) });
    const ask = clientOf(createStorageHandler(slow, { authorize: 'public' }), 'http://store.test/');
    const { id } = await ask.json<{ id: string }>('POST v1/uploads');
    for (const [i, bytes] of parts.entries()) await put(ask, id, i + 1, bytes);
    const leaving = new AbortController();
    const body = { digest: whole, parts: 3 };
    const left = ask(`POST v1/uploads/${id}`, { body, signal: leaving.signal });
    await begun;
    leaving.abort();
    const again = ask.json(`POST v1/uploads/${id}`, { body });
    go();
    await left;
    expect([await again, writes]).toEqual([{ digest: whole, size }, 1]);
  });

  it('takes many parts at once as if they came one after another', async () => {
    const { ask } = servers(2);
    const { id } = await ask[0]!.json<{ id: string }>('POST v1/uploads');
    const statuses = await Promise.all(Array.from({ length: 8 }, (_, i) => put(ask[i % 2]!, id, 1, parts[0]!).then(({ status }) => status)));
    expect(statuses).toEqual(Array(8).fill(200));
    expect(await ask[1]!.json(`GET v1/uploads/${id}`)).toEqual({ parts: 1, size: 300_000 });
    const commits = await Promise.all(Array.from({ length: 4 }, (_, i) => ask[i % 2]!.json(`POST v1/uploads/${id}`, { body: { digest: digestOf(parts[0]!), parts: 1 } })));
    expect(commits).toEqual(Array(4).fill({ digest: digestOf(parts[0]!), size: 300_000 }));
  });

  it('is removed when nobody went on with it for a day', async () => {
    let ahead = 0;
    const { storage, ask: [ask] } = servers(1, { clock: { ...systemClock, now: () => Date.now() + ahead } });
    const first = (await ask!.json<{ id: string }>('POST v1/uploads')).id;
    await put(ask!, first, 1, parts[0]!);
    const second = (await ask!.json<{ id: string }>('POST v1/uploads')).id;
    await put(ask!, second, 1, parts[0]!);
    await ask!.json(`POST v1/uploads/${second}`, { body: { parts: 1 } });
    ahead = 23 * 3_600_000;
    await ask!.json('POST v1/uploads');
    expect((await ask!(`GET v1/uploads/${first}`)).status).toBe(200);
    ahead = 25 * 3_600_000;
    await ask!.json('POST v1/uploads');
    await expect.poll(async () => (await storage.list({ kind: 'log' })).entries.map(({ key }) => key).filter((key) => key.includes(first) || key.includes(second))).toEqual([]);
    expect((await ask!(`GET v1/uploads/${first}`)).status).toBe(404);
  });
});
