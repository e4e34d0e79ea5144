import { MemoryStorage, Registry, ValidationError, gates, type RegistryEvent } from 'modelkeep';
import { createStorageHandler, type Access, type RegistryEventPlace, type StorageHandlerOptions, type Verdict } from 'modelkeep/server';
import { describe, expect, it } from 'vitest';
import { decode, encode } from '../../src/core/codec.ts';
import { digestOf } from '../../src/core/digest.ts';
import { asFrames, clientOf, errorOf, framesOf, type Client } from './client.ts';

function asking(decide: (access: Access, request: Request) => Verdict | Promise<Verdict>, options: Partial<StorageHandlerOptions> = {}): { asked: Access[]; ask: Client; storage: MemoryStorage } {
  const asked: Access[] = [];
  const storage = new MemoryStorage();
  const authorize = (request: Request, access: Access): Verdict | Promise<Verdict> => {
    asked.push(access);
    return decide(access, request);
  };
  return { asked, storage, ask: clientOf(createStorageHandler(storage, { authorize, ...options }), 'http://store.test/') };
}

const digest = digestOf('x');

describe('authorize', () => {
  it('is asked for everything that a request touches', async () => {
    const { asked, ask } = asking(() => ({ actor: 'alice' }), { workspaces: true });
    const { id } = await ask.json<{ id: string }>('POST v1/uploads');
    await ask(`PUT v1/uploads/${id}/1`, { body: 'x', headers: { 'modelkeep-digest': digest } });
    const lines: [string, object?][] = [
      ['GET v1/store'], ['GET v1/records?prefix=a/'], ['GET v1/records/a/b'], ['HEAD v1/records/a/b'], ['PUT v1/records/a/b', { body: 'x' }], ['DELETE v1/records/a/b'],
      ['POST v1/batch/read', { body: { keys: ['a', 'b', 'a'] } }],
      ['POST v1/batch/write', { body: framesOf([{ kind: 'put', key: 'a' }], [{ kind: 'delete', key: 'b' }]), headers: asFrames }],
      ['GET v1/logs?prefix=l'], ['GET v1/logs/l'], ['POST v1/batch/log', { body: { key: 'l', after: '' } }], ['POST v1/logs/l', { body: framesOf([{ sizes: [1] }, 'x']), headers: asFrames }], ['DELETE v1/logs/l'],
      ['GET v1/blobs'], [`GET v1/blobs/${digest}`], [`PUT v1/blobs/${digest}`, { body: 'x' }], [`DELETE v1/blobs/${digest}`],
      [`GET v1/uploads/${id}`], [`POST v1/uploads/${id}`, { body: { parts: 1 } }],
      ['POST v1/registry/createModel', { body: { input: { model: 'fraud' }, prefix: '' } }],
      ['GET workspaces/team-a/v1/records/a'],
    ];
    for (const [line, given] of lines) expect((await ask(line, given ?? {})).status, line).toBeOneOf([200, 404]);
    const shown = asked.map(({ action, kind, key, workspace, method }) => [action, kind, key, workspace, method].filter(Boolean).join(' ').replaceAll(id, 'ID').replaceAll(digest, 'DIGEST'));
    expect(shown).toEqual([
      'write upload', 'write upload ID', 'read store', 'list record a/', 'read record a/b', 'read record a/b', 'write record a/b', 'delete record a/b', 'read record a', 'read record b',
      'write record a', 'delete record b', 'list log l', 'read log l', 'read log l', 'append log l', 'delete log l', 'list blob', 'read blob DIGEST', 'write blob DIGEST', 'delete blob DIGEST',
      'write upload ID', 'write upload ID', 'write blob DIGEST', 'call model registry/models/fraud createModel', 'read record a team-a',
    ]);
  });

  it('refuses who is not known with 401, and who may not with 403, before anything is done', async () => {
    for (const [verdict, status, code] of [[null, 401, 'unauthorized'], ['forbidden', 403, 'forbidden']] as const) {
      const { ask, storage } = asking(async () => verdict);
      const lines = ['PUT v1/records/a', 'DELETE v1/records/a', `PUT v1/blobs/${digest}`, `DELETE v1/blobs/${digest}`, 'POST v1/uploads', 'GET v1/records', 'GET v1/logs/l', 'GET v1/store'];
      for (const line of lines) {
        const response = await ask(line, line.startsWith('PUT') ? { body: 'x' } : {});
        expect(response.headers.get('www-authenticate'), line).toBe(status === 401 ? 'Bearer realm="modelkeep"' : null);
        expect(await errorOf(response), line).toMatchObject({ status, code });
      }
      expect([(await storage.list()).entries, (await storage.list({ kind: 'log' })).entries, (await storage.list({ kind: 'blob' })).entries]).toEqual([[], [], []]);
    }
  });

  it('decides for each key of a batch, and one refusal is that of all', async () => {
    const { ask, storage } = asking(({ key }) => (key === 'secret' ? 'forbidden' : { actor: 'a' }));
    await storage.write([{ kind: 'put', key: 'secret', bytes: new Uint8Array(1) }]);
    expect(await errorOf(await ask('POST v1/batch/read', { body: { keys: ['a', 'secret'] } }))).toMatchObject({ status: 403, details: { action: 'read', key: 'secret' } });
    const body = framesOf([{ kind: 'put', key: 'a' }, 'x'], [{ kind: 'delete', key: 'secret' }]);
    expect(await errorOf(await ask('POST v1/batch/write', { body, headers: asFrames }))).toMatchObject({ status: 403, details: { action: 'delete', key: 'secret' } });
    expect((await storage.list()).entries.map(({ key }) => key)).toEqual(['secret']);
  });

  it.each([undefined, true, {}, { actor: '' }, { actor: 5 }, 'yes', 'public'])('refuses everything when it answers %j', async (verdict) => {
    const errors: unknown[] = [];
    const { ask, storage } = asking(() => verdict as Verdict, { onError: (error) => errors.push(error) });
    expect((await ask('PUT v1/records/a', { body: 'x' })).status).toBe(500);
    expect([(await storage.list()).entries, errors.length]).toEqual([[], 1]);
  });

  it('refuses everything when it throws, and tells nobody why', async () => {
    const { ask } = asking(() => {
      throw new Error('the password of the directory is hunter2');
    });
    const response = await ask('PUT v1/records/a', { body: 'x' });
    expect([response.status, (await response.text()).includes('hunter2')]).toEqual([500, false]);
  });

  it('is not asked for what tells nothing of the store', async () => {
    const { ask, asked } = asking(() => null);
    expect([(await ask('GET v1/health')).status, (await ask('GET v1/openapi.json')).status, asked]).toEqual([200, 200, []]);
  });

  it('must be there', () => {
    expect(() => createStorageHandler(new MemoryStorage(), {} as never)).toThrow(ValidationError);
    for (const bad of [{ authorize: 'everyone' }, { authorize: 'public', basePath: 'api/' }, { authorize: 'public', limits: { batch: 0 } }, { authorize: 'public', cors: { origins: '*', credentials: true } }, { authorize: 'public', x: 1 }, { authorize: 'public', limits: { bodyTimeout: '1 hour' } }]) {
      expect(() => createStorageHandler(new MemoryStorage(), bad as never), JSON.stringify(bad)).toThrow(ValidationError);
    }
  });
});

describe('what the registry guards', () => {
  const guardedKeys = ['registry/models/fraud', 'registry/versions/fraud/000000001', 'registry/evaluations/fraud/000000001/x', 'team-a/registry/models/fraud', 'workspace-blobs/team-a/ab'];

  it.each(guardedKeys)('takes no direct write: %s', async (key) => {
    const { ask, storage } = asking(() => ({ actor: 'mallory' }));
    await storage.write([{ kind: 'put', key, bytes: new Uint8Array(1) }]);
    await storage.append(key, [new Uint8Array(1)]);
    const tries: [string, object][] = [
      [`PUT v1/records/${key}`, { body: 'x' }],
      [`DELETE v1/records/${key}`, {}],
      ['POST v1/batch/write', { body: framesOf([{ kind: 'put', key: 'other' }, 'x'], [{ kind: 'put', key }, 'x']), headers: asFrames }],
      ['POST v1/batch/write', { body: framesOf([{ kind: 'delete', key }]), headers: asFrames }],
      ...(key.startsWith('workspace-blobs') ? [] : [[`POST v1/logs/${key}`, { body: framesOf([{ sizes: [1] }, 'x']), headers: asFrames }], [`DELETE v1/logs/${key}`, {}]] as [string, object][]),
    ];
    for (const [line, given] of tries) expect(await errorOf(await ask(line, given)), line).toMatchObject({ status: 403, code: 'forbidden' });
    expect([(await storage.list()).entries.map((entry) => entry.key), (await storage.list({ kind: 'log' })).entries.length]).toEqual([[key], 1]);
    expect((await ask(`GET v1/records/${key}`)).status).toBe(200);
    expect((await ask(`GET v1/logs/${key}`)).status).toBe(200);
  });

  it('lies nowhere among the records and logs of the server', async () => {
    const { ask, storage } = asking(() => ({ actor: 'mallory' }));
    for (const prefix of ['workspace-blobs/team-a', 'uploads/x']) {
      const body = encode({ input: { model: 'fraud' }, prefix });
      expect(await errorOf(await ask('POST v1/registry/createModel', { body, headers: { 'content-type': 'application/json' } })), prefix).toMatchObject({ status: 403 });
    }
    expect((await storage.list()).entries).toEqual([]);
  });

  it('names the way in, and is written directly where the guard is off', async () => {
    const { ask } = asking(() => ({ actor: 'a' }));
    expect((await errorOf(await ask('DELETE v1/records/registry/models/fraud'))).message).toContain('POST v1/registry/{method}');
    const open = asking(() => ({ actor: 'a' }), { guardDomains: false });
    expect((await open.ask('PUT v1/records/registry/models/fraud', { body: 'x' })).status).toBe(200);
  });

  it('is changed by methods, in the name of whom authorize knows, and gates are asked', async () => {
    const call = (ask: Client, method: string, input: object): Promise<Response> =>
      ask(`POST v1/registry/${method}`, { body: encode({ input, prefix: '' }), headers: { 'content-type': 'application/json' } });
    const { ask, storage } = asking(({ method }) => (method === 'rollback' ? 'forbidden' : { actor: 'alice' }), { gates: { smoke: () => ({ passed: false, reason: `is ${NaN}` }) } });
    expect((await call(ask, 'createModel', { model: 'fraud', by: 'mallory' })).status).toBe(200);
    await ask(`PUT v1/blobs/${digest}`, { body: 'x' });
    expect((await call(ask, 'registerVersion', { model: 'fraud', files: [{ path: 'weights', size: 1, digest }], createdBy: 'mallory', metrics: { auc: NaN } })).status).toBe(200);
    expect((await call(ask, 'setPolicy', { model: 'fraud', policy: { production: [gates.custom('smoke')] } })).status).toBe(200);
    const refused = await call(ask, 'promote', { ref: 'fraud@1', stage: 'production', by: 'mallory', reason: 'now' });
    expect(refused.status).toBe(422);
    const { error } = decode(new Uint8Array(await refused.arrayBuffer()), 'answer') as { error: { code: string; details: { report: { gates: unknown[] } } } };
    expect([error.code, error.details.report.gates.length]).toEqual(['gate', 1]);
    expect((await call(ask, 'rollback', { model: 'fraud', by: 'mallory', reason: 'now' })).status).toBe(403);
    expect((await call(ask, 'createModel', { model: 'fraud' })).status).toBe(409);
    expect((await call(ask, 'toString', {})).status).toBe(404);
    expect((await call(ask, 'createModel', { model: 'x', colour: 1 })).status).toBe(400);
    expect((await new Registry({ storage }).history('fraud')).map(({ type, by }) => [type, by])).toEqual(['model-created', 'version-registered', 'policy-changed', 'promotion-refused'].map((type) => [type, 'alice']));
  });

  it('tells onRegistryEvent of every change, and where it was made', async () => {
    const told: [RegistryEvent, RegistryEventPlace][] = [];
    const errors: unknown[] = [];
    const { ask } = asking(() => ({ actor: 'alice' }), {
      workspaces: true,
      onError: (error) => void errors.push(error),
      onRegistryEvent: (event, where) => {
        told.push([event, where]);
        throw new Error('the listener fails');
      },
    });
    const create = (path: string, prefix: string): Promise<Response> =>
      ask(`POST ${path}/registry/createModel`, { body: encode({ input: { model: 'fraud' }, prefix }), headers: { 'content-type': 'application/json' } });
    for (const [path, prefix] of [['v1', ''], ['v1', 'inner'], ['workspaces/team-a/v1', '']] as const) expect((await create(path, prefix)).status).toBe(200);
    expect((await create('v1', '')).status).toBe(409);
    expect(told.map(([{ type, by }, { workspace, prefix }]) => [type, by, workspace, prefix])).toEqual([
      ['model-created', 'alice', undefined, ''], ['model-created', 'alice', undefined, 'inner'], ['model-created', 'alice', 'team-a', ''],
    ]);
    expect(errors).toHaveLength(3);
  });
});
