import { MemoryStorage, Registry, collectGarbage, isModelkeepError, type RegistryEvent } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { verifiedBytes } from '../../src/storage/verified-bytes.ts';

const who = { by: 'tester', reason: 'because' };

async function withVersions(count: number, events: RegistryEvent[] = []): Promise<{ registry: Registry; storage: MemoryStorage }> {
  const storage = new MemoryStorage();
  const registry = new Registry({ storage, onEvent: (event) => void events.push(event) });
  await registry.createModel('m', { description: 'first', owner: 'ops', tags: { task: 'classification', team: 'a' } });
  for (let i = 1; i <= count; i++) await registry.registerVersion('m', { files: { f: `file ${i}`, shared: 'the same' }, run: `run-${i}` });
  return { registry, storage };
}

const conflict = (promise: Promise<unknown>, message: string | RegExp): Promise<void> =>
  expect(promise).rejects.toMatchObject({ code: 'conflict', message: expect.stringMatching(message) });
const missing = (promise: Promise<unknown>, message: string | RegExp): Promise<void> =>
  expect(promise).rejects.toMatchObject({ code: 'not-found', message: expect.stringMatching(message) });

describe('an alias', () => {
  it('points at one version, moves, and is kept in the history', async () => {
    const { registry } = await withVersions(3);
    expect((await registry.setAlias('m', 'champion', 2, { by: 'lead', reason: 'best' })).aliases).toEqual(['champion']);
    await registry.setAlias('m', 'Challenger', 2);
    expect((await registry.load('m@champion')).version).toMatchObject({ version: 2, aliases: ['Challenger', 'champion'] });
    expect((await registry.setAlias('m', 'champion', 3)).version).toBe(3);
    expect((await registry.getModel('m')).aliases).toEqual({ champion: 3, Challenger: 2 });
    await missing(registry.load('m@challenger'), 'its aliases are "Challenger", "champion"');
    // Where it points already nothing is written.
    const before = (await registry.history('m')).length;
    await registry.setAlias('m', 'champion', 3);
    expect(await registry.history('m')).toHaveLength(before);
    await registry.deleteAlias('m', 'champion', { by: 'lead' });
    await registry.deleteAlias('m', 'champion');
    await missing(registry.load('m@champion'), 'has no alias');
    const told = (await registry.history('m')).filter(({ type }) => type.startsWith('alias-'));
    expect(told.map(({ type, by, reason, data }) => ({ type, by, reason, ...data }))).toEqual([
      { type: 'alias-set', by: 'lead', reason: 'best', alias: 'champion', from: undefined, to: 2 },
      { type: 'alias-set', by: undefined, reason: undefined, alias: 'Challenger', from: undefined, to: 2 },
      { type: 'alias-set', by: undefined, reason: undefined, alias: 'champion', from: 2, to: 3 },
      { type: 'alias-deleted', by: 'lead', reason: undefined, alias: 'champion', from: 3 },
    ]);
  });

  // The cases of MLflow's registry, less digits alone, which would be a version number here.
  it.each(['a', 'Ab-5_', 'lates', '123v', 'v123_temp', 'x'.repeat(255), 'größe'])('may be called %s', async (alias) => {
    const { registry } = await withVersions(1);
    await registry.setAlias('m', alias, 1);
    expect((await registry.getVersion(`m@${alias}`)).version).toBe(1);
  });

  it.each([
    ['', 'is empty'], ['a b', 'has the character " "'], [':', 'has the character ":"'], ['a@b', 'has the character "@"'], ['x'.repeat(256), 'longer than 255'],
    ['latest', 'is reserved'], ['LATEST', 'is reserved'], ['Production', 'is reserved'], ['none', 'is reserved'], ['v1', 'looks like a version'], ['V12', 'looks like a version'],
    ['123', 'would be a version number'], ['-1', "begins with '-'"], ['a/b', 'has the character "/"'],
  ])('may not be called %j', async (alias, message) => {
    const { registry } = await withVersions(1);
    for (const call of [registry.setAlias('m', alias, 1), registry.deleteAlias('m', alias)]) await expect(call).rejects.toMatchObject({ code: 'validation', message: expect.stringContaining(message) });
  });

  it('points at what is there and in use', async () => {
    const { registry } = await withVersions(2);
    await missing(registry.setAlias('m', 'champion', 3), 'its newest is 2');
    await registry.retire('m@1', who);
    await conflict(registry.setAlias('m', 'champion', 1), 'was retired');
    await expect(registry.setAlias('m', 'champion', 1.5)).rejects.toMatchObject({ code: 'validation' });
  });
});

describe('what is told of a model and of a version', () => {
  it('is changed in part, and the history has both', async () => {
    const { registry } = await withVersions(1);
    expect(await registry.updateModel('m', { owner: null, tags: { team: null, tier: '1' }, by: 'lead' })).toMatchObject({ description: 'first', tags: { task: 'classification', tier: '1' } });
    expect((await registry.getModel('m')).owner).toBeUndefined();
    expect(await registry.updateVersion('m@1', { description: 'better', tags: { checked: 'yes' } })).toMatchObject({ description: 'better', tags: { checked: 'yes' }, run: 'run-1' });
    expect(await registry.updateVersion('m@latest', { description: null, tags: { checked: null } })).toMatchObject({ tags: {} });
    const version = await registry.getVersion('m@1');
    expect(version.description).toBeUndefined();
    expect(new TextDecoder().decode(await (await registry.load('m@1')).file('f'))).toBe('file 1');
    // What changes nothing writes nothing.
    await registry.updateVersion('m@1', { tags: { checked: null } });
    await registry.updateModel('m', { description: 'first', tags: { tier: '1' } });
    expect((await registry.history('m')).map(({ type }) => type)).toEqual(['model-created', 'version-registered', 'model-updated', 'version-updated', 'version-updated']);
    expect((await registry.history('m'))[2]).toMatchObject({ by: 'lead', data: { from: { owner: 'ops', tags: { task: 'classification', team: 'a' } }, to: { tags: { task: 'classification', tier: '1' } } } });
  });

  it('keeps both of two changes at once', async () => {
    const { registry, storage } = await withVersions(1);
    const other = new Registry({ storage });
    await Promise.all([1, 2, 3].flatMap((i) => [registry.updateVersion('m@1', { tags: { [`a${i}`]: 'x' } }), other.updateVersion('m@1', { tags: { [`b${i}`]: 'y' } })]));
    expect(Object.keys((await registry.getVersion('m@1')).tags).sort()).toEqual(['a1', 'a2', 'a3', 'b1', 'b2', 'b3']);
  });
});

describe('a registration that is asked to be idempotent', () => {
  const once = { files: { f: 'same', g: 'too' }, run: 'r', idempotent: true } as const;

  it('gives back what the same run registered with the same files', async () => {
    const { registry } = await withVersions(1);
    const version = await registry.registerVersion('m', once);
    expect(version.version).toBe(2);
    expect((await registry.registerVersion('m', { ...once, files: { g: 'too', f: 'same' } })).version).toBe(2);
    expect((await registry.registerVersion('m', { ...once, run: 'other' })).version).toBe(3);
    expect((await registry.registerVersion('m', { ...once, files: { f: 'same', g: 'other' } })).version).toBe(4);
    expect((await registry.registerVersion('m', { files: once.files, run: 'r' })).version).toBe(5);
    // The newest of them, and none that was deleted.
    expect((await registry.registerVersion('m', once)).version).toBe(5);
    await registry.deleteVersion('m@5', who);
    expect((await registry.registerVersion('m', once)).version).toBe(2);
    await registry.deleteVersion('m@2', who);
    expect((await registry.registerVersion('m', once)).version).toBe(6);
  });

  it('registers one version however many ask at once', async () => {
    const { storage } = await withVersions(0);
    const made = await Promise.all(Array.from({ length: 12 }, () => new Registry({ storage }).registerVersion('m', once)));
    expect(new Set(made.map(({ version }) => version))).toEqual(new Set([1]));
    expect((await new Registry({ storage }).history('m')).filter(({ type }) => type === 'version-registered')).toHaveLength(1);
  });
});

describe('a retired version', () => {
  it('is used by nobody until it is reinstated', async () => {
    const { registry } = await withVersions(4);
    await registry.promote('m@1', 'production', who);
    await registry.promote('m@2', 'production', who);
    await registry.promote('m@3', 'production', who);
    await registry.setAlias('m', 'old', 1);
    await conflict(registry.retire('m@3', who), 'while it is in production');
    await conflict(registry.retire('m@1', who), 'while "old" points at it');
    expect(await registry.retire('m@2', { by: 'lead', reason: 'leaks' })).toMatchObject({ version: 2, retired: true, stage: 'archived' });
    expect(await registry.retire('m@4', who)).toMatchObject({ retired: true, stage: 'archived' });
    await conflict(registry.promote('m@2', 'staging', who), 'was retired; bring it back');
    await conflict(registry.rollback('m', { ...who, to: 2 }), 'was retired');
    // Rollback goes past it, and the latest is the newest in use.
    expect(await registry.getModel('m')).toMatchObject({ latest: 3, rollbackTo: 1 });
    expect((await registry.rollback('m', who)).version).toBe(1);
    expect((await registry.load('m@2')).version.retired).toBe(true);
    expect(await registry.reinstate('m@2', who)).toMatchObject({ retired: false, stage: 'archived' });
    expect((await registry.promote('m@2', 'production', who)).stage).toBe('production');
    const told = (await registry.history('m')).filter(({ type }) => /retired|reinstated/.test(type));
    expect(told.map(({ type, reason, data }) => [type, reason, (data as { version: number }).version])).toEqual([
      ['version-retired', 'leaks', 2], ['version-retired', 'because', 4], ['version-reinstated', 'because', 2],
    ]);
  });
});

describe('a deleted version', () => {
  it('is gone with what only it held, and its number is never given again', async () => {
    const { registry, storage } = await withVersions(3);
    await registry.recordEvaluation('m@3', { dataset: `sha256:${'1'.repeat(64)}`, metrics: { auc: 1 } });
    await registry.approve('m@3', who);
    await registry.promote('m@1', 'production', who);
    await registry.setAlias('m', 'best', 3);
    await conflict(registry.deleteVersion('m@production', who), 'cannot be deleted while it is in production');
    await conflict(registry.deleteVersion('m@3', who), 'while "best" points at it');
    await registry.deleteAlias('m', 'best');
    const [file, shared] = (await registry.getVersion('m@3')).files;
    await registry.deleteVersion('m@3', { by: 'lead', reason: 'personal data' });
    for (const call of [registry.getVersion('m@3'), registry.load('m@3'), registry.promote('m@3', 'staging', who), registry.evaluations('m@3'), registry.deleteVersion('m@3', who)]) await missing(call, 'has no version 3; it was deleted');
    expect((await registry.getModel('m')).latest).toBe(2);
    expect((await registry.listVersions('m')).items.map(({ version }) => version)).toEqual([2, 1]);
    expect((await registry.registerVersion('m', { files: { f: 'new' } })).version).toBe(4);
    expect((await storage.list({ prefix: 'registry/evaluations/' })).entries).toEqual([]);
    expect((await storage.list({ prefix: 'registry/approvals/' })).entries).toEqual([]);
    await collectGarbage(storage, { grace: 0 });
    await collectGarbage(storage, { grace: 0 });
    expect(await storage.readBlob(file!.digest)).toBeUndefined();
    expect(await storage.readBlob(shared!.digest)).toBeDefined();
    expect((await registry.history('m')).find(({ type }) => type === 'version-deleted')).toMatchObject({ by: 'lead', reason: 'personal data', data: { version: 3 } });
  });

  it('is not gone back to', async () => {
    const { registry } = await withVersions(3);
    for (const version of [1, 2, 1, 3]) await registry.promote(`m@${version}`, 'production', who);
    await registry.deleteVersion('m@2', who);
    expect((await registry.rollback('m', who)).version).toBe(1);
    await missing(registry.rollback('m', who), 'no previous version');
  });
});

describe('a deleted model', () => {
  it('keeps its history and its numbers, and nothing else', async () => {
    const { registry, storage } = await withVersions(2);
    await registry.createModel('other');
    await registry.recordEvaluation('m@1', { dataset: `sha256:${'1'.repeat(64)}`, metrics: { auc: 1 } });
    await registry.promote('m@2', 'staging', who);
    await conflict(registry.deleteModel('m', who), 'while version 2 is in staging');
    await registry.promote('m@2', 'archived', who);
    await registry.deleteModel('m', { by: 'lead', reason: 'unused' });
    for (const call of [registry.getModel('m'), registry.getVersion('m@1'), registry.registerVersion('m', { files: { f: 'x' } }), registry.setPolicy('m', {}), registry.deleteModel('m', who)]) {
      await missing(call, /was deleted on 20\d\d-.*create it with registry.createModel/);
    }
    const names = [];
    for await (const { name } of registry.models()) names.push(name);
    expect(names).toEqual(['other']);
    for (const room of ['versions', 'evaluations', 'contents']) expect((await storage.list({ prefix: `registry/${room}/m/` })).entries).toEqual([]);
    expect((await registry.history('m')).at(-1)).toMatchObject({ type: 'model-deleted', by: 'lead', data: { versions: 2 } });

    await registry.createModel('m', { owner: 'new' });
    expect(await registry.getModel('m')).toMatchObject({ owner: 'new', tags: {}, latest: 0, policy: {} });
    await missing(registry.getVersion('m@2'), 'it was deleted');
    expect((await registry.registerVersion('m', { files: { f: 'x' } })).version).toBe(3);
    expect((await registry.listVersions('m')).items.map(({ version }) => version)).toEqual([3]);
    expect((await registry.history('m')).map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});

describe('approvals', () => {
  it('count once for each person, until they are withdrawn', async () => {
    const { registry } = await withVersions(2);
    await registry.approve('m@1', { by: 'anna', reason: 'reviewed' });
    await registry.approve('m@1', { by: 'ben', reason: 'reviewed too' });
    await registry.approve('m@1', { by: 'anna', reason: 'again' });
    await registry.withdrawApproval('m@1', { by: 'carl', reason: 'never gave one' });
    expect((await registry.approvals('m@1')).map(({ by, reason }) => [by, reason])).toEqual([['anna', 'reviewed'], ['ben', 'reviewed too']]);
    await registry.withdrawApproval('m@1', { by: 'anna', reason: 'found a leak' });
    expect((await registry.approvals('m@1')).map(({ by }) => by)).toEqual(['ben']);
    await registry.approve('m@1', { by: 'anna', reason: 'mended' });
    expect((await registry.approvals('m@1')).map(({ by, reason }) => [by, reason])).toEqual([['ben', 'reviewed too'], ['anna', 'mended']]);
    expect(await registry.approvals('m@2')).toEqual([]);
    expect((await registry.history('m')).slice(3).map(({ type, by }) => `${type} ${by!}`)).toEqual([
      'version-approved anna', 'version-approved ben', 'approval-withdrawn anna', 'version-approved anna',
    ]);
  });
});

describe('rollback', () => {
  it('goes to any version that served, and to no other', async () => {
    const { registry } = await withVersions(5);
    for (const version of [1, 2, 3, 4]) await registry.promote(`m@${version}`, 'production', who);
    await conflict(registry.rollback('m', { ...who, to: 5 }), 'was never in production');
    await missing(registry.rollback('m', { ...who, to: 6 }), 'its newest is 5');
    expect((await registry.rollback('m', { ...who, to: 2 })).version).toBe(2);
    expect(await registry.getModel('m')).toMatchObject({ production: 2, rollbackTo: 1 });
    // What was rolled back can be named, and is then what a further rollback undoes.
    expect((await registry.rollback('m', { ...who, to: 4 })).version).toBe(4);
    expect(await registry.getModel('m')).toMatchObject({ production: 4, rollbackTo: 2 });
    expect((await registry.rollback('m', { ...who, to: 4 })).version).toBe(4);
    expect((await registry.history('m')).filter(({ type }) => type === 'rolled-back')).toHaveLength(2);
  });

  it('is made once by two who tell what they go back from', async () => {
    const { registry, storage } = await withVersions(3);
    for (const version of [1, 2, 3]) await registry.promote(`m@${version}`, 'production', who);
    const outcomes = await Promise.allSettled([registry, new Registry({ storage })].map((each) => each.rollback('m', { ...who, from: 3 })));
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await registry.getModel('m')).toMatchObject({ production: 2, rollbackTo: 1 });
    await conflict(registry.rollback('m', { ...who, from: 3 }), 'version 2 is in production, not version 3');
  });

  it('refuses a version whose files are damaged or gone, names the file, and another way', async () => {
    const { registry, storage } = await withVersions(3);
    for (const version of [1, 2, 3]) await registry.promote(`m@${version}`, 'production', who);
    const { digest } = (await registry.getVersion('m@2')).files[0]!;
    const readBlob = storage.readBlob.bind(storage);
    storage.readBlob = async (asked, options) => {
      const chunks = await readBlob(asked, options);
      return asked === digest && chunks ? verifiedBytes(damaged(chunks), digest) : chunks;
    };
    await expect(registry.rollback('m', who)).rejects.toMatchObject({ code: 'integrity', message: expect.stringMatching(/not rolled back to version 2, which is damaged; go back to another one with { to: 1 }\. The file "f" of m@2/), details: { path: 'f' } });
    expect((await registry.getModel('m')).production).toBe(3);
    storage.readBlob = async (asked, options) => (asked === digest ? undefined : readBlob(asked, options));
    await expect(registry.rollback('m', who)).rejects.toMatchObject({ code: 'integrity', details: { path: 'f' } });
    expect((await registry.rollback('m', { ...who, to: 1 })).version).toBe(1);
  });

  it('reads little of a large version unless it is told to read all', async () => {
    const { registry, storage } = await withVersions(0);
    const large = new Uint8Array(12 * 1024 * 1024);
    await registry.registerVersion('m', { files: { 'weights.bin': large, 'model.json': '{}' } });
    await registry.registerVersion('m', { files: { f: 'small' } });
    for (const version of [1, 2]) await registry.promote(`m@${version}`, 'production', who);
    const readBlob = storage.readBlob.bind(storage);
    let read = 0;
    let size: (bytes: number) => number = (bytes) => bytes;
    storage.readBlob = async (asked, options) => {
      const chunks = await readBlob(asked, options);
      return chunks && (async function* () {
        for await (const chunk of chunks) {
          read += chunk.length;
          yield chunk.subarray(0, size(chunk.length));
        }
      })();
    };
    expect((await registry.rollback('m', who)).version).toBe(1);
    expect(read).toBeLessThan(100);
    await registry.promote('m@2', 'production', who);
    expect((await registry.rollback('m', { ...who, verifyAll: true })).version).toBe(1);
    expect(read).toBeGreaterThan(large.length);
    await registry.promote('m@2', 'production', who);
    // A file that is shorter than it was is noticed all the same.
    size = () => 0;
    await expect(registry.rollback('m', who)).rejects.toMatchObject({ code: 'integrity' });
  });
});

describe('two promotions at once', () => {
  it('have one winner; the other is told who came first', async () => {
    const { storage } = await withVersions(3);
    let arrived = 0;
    let release = (): void => undefined;
    const bothSawTheSame = new Promise<void>((resolve) => (release = resolve));
    const gate = async (): Promise<{ passed: boolean }> => {
      if (++arrived === 2) release();
      await bothSawTheSame;
      return { passed: true };
    };
    const { gates } = await import('modelkeep');
    const registries = [1, 2].map(() => new Registry({ storage, gates: { wait: gate } }));
    await registries[0]!.setPolicy('m', { production: [gates.custom('wait')] });
    const outcomes = await Promise.allSettled([registries[0]!.promote('m@2', 'production', who), registries[1]!.promote('m@3', 'production', who)]);
    const lost = outcomes.find((outcome) => outcome.status === 'rejected')!;
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(isModelkeepError(lost.reason, 'conflict')).toBe(true);
    const { production } = await registries[0]!.getModel('m');
    expect(lost.reason).toMatchObject({ details: { incumbent: production } });
    expect((await registries[0]!.history('m')).filter(({ type }) => type === 'stage-changed')).toHaveLength(1);
  });
});

describe('onEvent', () => {
  it('is told of every change that this registry made, once it is stored', async () => {
    const events: RegistryEvent[] = [];
    const { registry, storage } = await withVersions(2, events);
    await registry.promote('m@1', 'production', who);
    await registry.promote('m@1', 'production', who);
    await new Registry({ storage }).approve('m@1', who);
    await registry.setAlias('m', 'champion', 1);
    const history = await registry.history('m');
    expect(events).toEqual(history.filter(({ type }) => type !== 'version-approved'));
  });

  it('stops nothing when it fails, and onError is told', async () => {
    const errors: unknown[] = [];
    let calls = 0;
    const onEvent = (): void | Promise<void> => {
      if (++calls === 1) throw new Error('at once');
      return Promise.reject(new Error('later'));
    };
    const registry = new Registry({ storage: new MemoryStorage(), onEvent, onError: (error) => void errors.push(error) });
    await registry.createModel('m');
    await registry.registerVersion('m', { files: { f: 'x' } });
    await Promise.resolve();
    expect(errors.map((error) => (error as Error).message)).toEqual(['at once', 'later']);
  });

  it('is refused over a store whose server makes the changes', () => {
    const storage = Object.assign(new MemoryStorage(), { call: () => Promise.resolve(null) });
    expect(() => new Registry({ storage, onEvent: () => undefined })).toThrow(/give onRegistryEvent to createStorageHandler/);
  });
});

async function* damaged(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) yield chunk.map((byte, i) => (i === 0 ? byte ^ 1 : byte));
}
