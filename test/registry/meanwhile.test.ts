import { MemoryStorage, Registry, isModelkeepError, type ModelVersion, type StorageAdapter } from 'modelkeep';
import { describe, expect, it } from 'vitest';

const who = { by: 'tester', reason: 'because' };

/** A model with three versions, and a registry to whom `meanwhile` happens between reading where versions stand and reading what they are. */
async function interrupted(meanwhile: (other: Registry) => Promise<unknown>): Promise<{ registry: Registry; other: Registry }> {
  const storage = new MemoryStorage();
  const other = new Registry({ storage });
  await other.createModel('m');
  for (const n of [1, 2, 3]) await other.registerVersion('m', { files: { f: `model ${n}` } });
  await other.promote('m@1', 'production', who);
  let happened = false;
  const view: StorageAdapter = Object.assign(Object.create(storage) as StorageAdapter, {
    ...Object.fromEntries((['list', 'readLog', 'append', 'write', 'writeBlob', 'readBlob'] as const).map((name) => [name, (storage[name] as () => unknown).bind(storage)])),
    async read(keys: readonly string[], options: object) {
      if (!happened && keys.some((key) => key.startsWith('registry/versions/'))) {
        happened = true;
        await meanwhile(other);
      }
      return storage.read(keys, options);
    },
  });
  return { registry: new Registry({ storage: view }), other };
}

const gone = { code: 'not-found', message: expect.stringContaining('has no version 2; it was deleted') };

describe('a version that is deleted while it is read', () => {
  const reads: Record<string, (registry: Registry) => Promise<unknown>> = {
    getVersion: (registry) => registry.getVersion('m@2'),
    load: (registry) => registry.load('m@2'),
    approvals: (registry) => registry.approvals('m@2'),
    promote: (registry) => registry.promote('m@2', 'production', who),
    retire: (registry) => registry.retire('m@2', who),
    approve: (registry) => registry.approve('m@2', who),
    updateVersion: (registry) => registry.updateVersion('m@2', { description: 'better' }),
    deleteVersion: (registry) => registry.deleteVersion('m@2', who),
    rollback: (registry) => registry.rollback('m', { ...who, to: 2 }),
  };

  it.each(Object.entries(reads))('is not there for %s', async (_name, read) => {
    const { registry } = await interrupted((other) => other.deleteVersion('m@2', who));
    await expect(read(registry)).rejects.toMatchObject(gone);
  });

  it('is not in the list', async () => {
    const { registry } = await interrupted((other) => other.deleteVersion('m@2', who));
    const found: number[] = [];
    for await (const { version, files } of registry.versions('m')) found.push(version * files.length);
    expect(found).toEqual([3, 1]);
  });

  it('is not what an idempotent registration finds', async () => {
    const { registry } = await interrupted((other) => other.deleteVersion('m@2', who));
    expect(await registry.registerVersion('m', { files: { f: 'model 2' }, idempotent: true })).toMatchObject({ version: 4, files: [{ path: 'f' }] });
  });

  it('with its model is not called damaged', async () => {
    const { registry } = await interrupted(async (other) => {
      await other.promote('m@1', 'archived', who);
      await other.deleteModel('m', who);
    });
    await expect(registry.getVersion('m@2')).rejects.toSatisfy((error) => isModelkeepError(error, 'not-found'));
  });

  it('gives way to the one in production now for whoever asked for that', async () => {
    const { registry } = await interrupted(async (other) => {
      await other.promote('m@3', 'production', who);
      await other.deleteVersion('m@1', who);
    });
    const found: ModelVersion = await registry.getVersion('m@production');
    expect(found).toMatchObject({ version: 3, stage: 'production' });
  });
});

describe('a version that is registered while the latest is read', () => {
  const latest: Record<string, (registry: Registry) => Promise<unknown>> = {
    promote: (registry) => registry.promote('m@latest', 'production', who),
    retire: (registry) => registry.retire('m@latest', who),
    approve: (registry) => registry.approve('m@latest', who),
    deleteVersion: (registry) => registry.deleteVersion('m@latest', who),
  };

  it.each(Object.entries(latest))('is the latest for %s', async (_name, change) => {
    const { registry, other } = await interrupted((first) => first.registerVersion('m', { files: { f: 'model 4' } }));
    await change(registry);
    expect((await other.history('m')).slice(-2)).toMatchObject([{ type: 'version-registered', data: { version: 4 } }, { data: { version: 4 } }]);
  });
});

describe('a promotion in the place of a version', () => {
  it('does not happen when another one came there meanwhile, also by the same promotion of somebody else', async () => {
    for (const ref of ['m@3', 'm@2']) {
      const { registry, other } = await interrupted((first) => first.promote(ref, 'production', who));
      await expect(registry.promote('m@2', 'production', { ...who, from: 1 })).rejects.toMatchObject({ code: 'conflict' });
      expect((await other.history('m')).filter(({ type }) => type === 'stage-changed')).toHaveLength(2);
    }
  });

  it('is asked for anew only as long as that one is there', async () => {
    const { registry, other } = await interrupted((first) => first.setAlias('m', 'champion', 1));
    expect(await registry.promote('m@2', 'production', { ...who, from: 1 })).toMatchObject({ version: 2, stage: 'production' });
    await expect(other.promote('m@3', 'production', { ...who, from: 1 })).rejects.toMatchObject({ code: 'conflict', message: 'Version 3 of "m" did not go to production: version 2 is in production, not version 1.', details: { model: 'm', production: 2 } });
    await expect(other.promote('m@3', 'staging', { ...who, from: 1 })).rejects.toMatchObject({ code: 'conflict', message: 'Version 3 of "m" did not go to staging: no version is in staging, not version 1.' });
  });
});

describe('rollbacks at once', () => {
  it('go back one step, not two: the one that comes second is told of the first', async () => {
    const { registry, other } = await interrupted((first) => first.rollback('m', who));
    await other.promote('m@2', 'production', who);
    await other.promote('m@3', 'production', who);
    await expect(registry.rollback('m', who)).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('version 2 came there meanwhile, where version 3 was') });
    expect(await other.getModel('m')).toMatchObject({ production: 2, rollbackTo: 1 });
  });

  it('to the same version by name are both done', async () => {
    const { registry, other } = await interrupted((first) => first.rollback('m', { ...who, to: 1 }));
    await other.promote('m@2', 'production', who);
    expect((await registry.rollback('m', { ...who, to: 1 })).stage).toBe('production');
    expect((await other.history('m')).filter(({ type }) => type === 'rolled-back')).toHaveLength(1);
  });
});
