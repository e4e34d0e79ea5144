import { MemoryStorage, Registry, withPrefix } from 'modelkeep';
import { storageConformance } from 'modelkeep/conformance';
import { createStorageHandler, workspaceStorage } from 'modelkeep/server';
import { describe, expect, it } from 'vitest';
import { collectBytes, utf8 } from '../../src/core/bytes.ts';
import { digestOf, type Digest } from '../../src/core/digest.ts';
import { clientOf, errorOf, framesOf, asFrames } from './client.ts';

storageConformance({
  describe,
  it,
  name: 'a workspace of MemoryStorage',
  supports: { durability: 'memory', sharedBetweenProcesses: false },
  createStore: () => ({ open: () => workspaceStorage(new MemoryStorage(), 'team-a') }),
  operations: 200,
});

async function* streamOf(text: string): AsyncGenerator<Uint8Array> {
  yield utf8(text);
}

const secret = digestOf('the weights of team b');

describe('a workspace', () => {
  it('has only the blobs that were written through it', async () => {
    const storage = new MemoryStorage();
    const [a, b] = [workspaceStorage(storage, 'team-a'), workspaceStorage(storage, 'team-b')];
    await b.writeBlob(streamOf('the weights of team b'));
    await b.write([{ kind: 'put', key: 'model', bytes: utf8('m'), blobs: [secret] }]);
    const absent = digestOf('nobody has this');
    // Naming a digest is not having it.
    await a.write([{ kind: 'put', key: 'claim', bytes: utf8('c'), blobs: [secret, absent] }]);
    const seen = async (digest: Digest) => [await a.readBlob(digest), await a.readBlob(digest, { range: { start: 0, end: 1 } }), (await a.list({ kind: 'blob' })).entries, await a.deleteBlob(digest)];
    expect(await seen(secret)).toEqual(await seen(absent));
    expect(await collectBytes((await b.readBlob(secret))!)).toEqual(utf8('the weights of team b'));
  });

  it('shares the bytes with others, and deletes them for itself alone', async () => {
    const storage = new MemoryStorage();
    const [a, b] = [workspaceStorage(storage, 'team-a'), workspaceStorage(storage, 'team-b')];
    const { digest } = await a.writeBlob(streamOf('shared'));
    await b.writeBlob(streamOf('shared'));
    expect((await storage.list({ kind: 'blob' })).entries).toHaveLength(1);
    const { version } = (await a.list({ kind: 'blob' })).entries[0]!;
    await b.writeBlob(streamOf('shared'));
    // Another team's writing is not seen in the version.
    expect((await a.list({ kind: 'blob' })).entries).toEqual([{ key: digest, version, size: 6 }]);
    await a.deleteBlob(digest, { match: version });
    expect([await a.readBlob(digest), (await a.list({ kind: 'blob' })).entries]).toEqual([undefined, []]);
    expect(await collectBytes((await b.readBlob(digest))!)).toEqual(utf8('shared'));
    // What keeps it from being collected is a record of the store, as for every other blob.
    const named = await storage.read((await storage.list()).entries.map(({ key }) => key));
    expect(named.flatMap((record) => record!.blobs)).toEqual([digest]);
  });

  it('cannot be called like a part of modelkeep, or leave its place', () => {
    for (const name of ['registry', 'uploads', 'workspace-blobs', 'tracking', '..', 'a/b', 'A', '', 'con', 'x'.repeat(121)]) expect(() => workspaceStorage(new MemoryStorage(), name), name).toThrow(/cannot name a workspace/);
  });
});

describe('workspaces behind a handler', () => {
  const members: Record<string, string> = { alice: 'team-a', bob: 'team-b' };

  function open() {
    const storage = new MemoryStorage();
    const handler = createStorageHandler(storage, {
      workspaces: true,
      basePath: '/api',
      authorize(request, { workspace }) {
        const actor = request.headers.get('x-actor');
        if (actor === null) return null;
        return actor === 'root' || members[actor] === workspace ? { actor } : 'forbidden';
      },
    });
    const as = (actor: string, path: string) => clientOf(handler, `https://store.test/api/${path}`, { 'x-actor': actor });
    return { storage, as };
  }

  it('are stores of their own, which authorize tells apart', async () => {
    const { storage, as } = open();
    const alice = as('alice', 'workspaces/team-a/v1/');
    await alice.json('PUT records/runs/1', { body: 'a' });
    await alice.json('POST logs/l?writer=w', { body: framesOf([{ sizes: [1] }, 'x']), headers: asFrames });
    expect((await withPrefix(storage, 'team-a').list()).entries.map(({ key }) => key)).toEqual(['runs/1']);
    expect(await alice.json('GET records')).toMatchObject({ entries: [{ key: 'runs/1' }] });
    expect(await as('bob', 'workspaces/team-b/v1/').json('GET records')).toEqual({ entries: [] });
    for (const path of ['workspaces/team-b/v1/', 'v1/']) expect(await errorOf(await as('alice', path)('GET records'))).toMatchObject({ status: 403 });
    // A part of the path that a client could climb out by is no key.
    for (const line of ['GET records/../team-b/x', 'GET records/..%2fteam-b', 'GET records/%2e%2e/x', 'GET records/.']) expect((await alice(line)).status, line).toBeOneOf([400, 403, 404]);
    expect(await as('root', 'v1/').json('GET records?prefix=team-')).toMatchObject({ entries: [{ key: 'team-a/runs/1' }] });
  });

  it('keep their blobs from each other in every answer', async () => {
    const { as } = open();
    const [alice, bob] = [as('alice', 'workspaces/team-a/v1/'), as('bob', 'workspaces/team-b/v1/')];
    await bob.json(`PUT blobs/${secret}`, { body: 'the weights of team b' });
    await bob(`GET blobs/${secret}`);
    const absent = digestOf('nobody has this');
    await alice.json('PUT records/claim', { body: 'x', headers: { 'modelkeep-blobs': `${secret},${absent}` } });
    const { id } = await alice.json<{ id: string }>('POST uploads');
    const tries: [string, Record<string, string>?][] = [
      ['GET'], ['HEAD'], ['GET', { range: 'bytes=0-0' }], ['GET', { range: 'bytes=100-' }], ['GET', { range: 'bytes=5-1' }], ['GET', { range: 'bytes=-1' }], ['GET', { 'if-none-match': '*' }], ['DELETE'], ['DELETE', { 'if-match': '"1"' }],
    ];
    for (const [method, headers = {}] of tries) {
      const answers = await Promise.all([secret, absent].map(async (digest) => {
        const response = await alice(`${method} blobs/${digest}`, { headers });
        return [response.status, [...response.headers].sort(), (await response.text()).replaceAll(digest, 'DIGEST')];
      }));
      expect(answers[0], `${method} ${JSON.stringify(headers)}`).toEqual(answers[1]);
    }
    for (const digest of [secret, absent]) expect((await alice(`POST uploads/${id}`, { body: { digest, parts: 0 } })).status).toBe(422);
    expect(await alice.json('GET blobs')).toEqual({ entries: [] });
    expect((await bob(`GET blobs/${secret}`)).status).toBe(200);
  });

  it('have a registry of their own', async () => {
    const { storage, as } = open();
    const alice = as('alice', 'workspaces/team-a/v1/');
    await alice.json('POST registry/createModel', { body: { input: { model: 'fraud' }, prefix: '' } });
    expect((await new Registry({ storage: workspaceStorage(storage, 'team-a') }).history('fraud')).map(({ by }) => by)).toEqual(['alice']);
    expect(await errorOf(await alice('PUT records/registry/models/fraud', { body: 'x' }))).toMatchObject({ status: 403 });
    await alice.json('PUT blobs/' + digestOf('w'), { body: 'w' });
    const files = (digest: Digest, size: number) => ({ input: { model: 'fraud', files: [{ path: 'w', size, digest }] }, prefix: '' });
    await as('bob', 'workspaces/team-b/v1/').json(`PUT blobs/${secret}`, { body: 'the weights of team b' });
    expect((await alice('POST registry/registerVersion', { body: files(secret, 21) })).status).not.toBe(200);
    expect((await alice('POST registry/registerVersion', { body: files(digestOf('w'), 1) })).status).toBe(200);
  });

  it('are not there where they were not asked for', async () => {
    const ask = clientOf(createStorageHandler(new MemoryStorage(), { authorize: 'public' }), 'http://store.test/');
    expect((await ask('GET workspaces/team-a/v1/records')).status).toBe(404);
    const { as } = open();
    for (const name of ['registry', 'uploads', 'A', 'a%2fb', '']) expect((await as('root', `workspaces/${name}/v1/`)('GET records')).status, name).toBe(404);
  });
});
