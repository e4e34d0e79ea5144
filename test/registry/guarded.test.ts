import { ConflictError, GateError, MemoryStorage, Registry, gates, isModelkeepError, withPrefix, type DomainCommand, type StorageAdapter } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { decode, encode } from '../../src/core/codec.ts';
import { changeSchemas } from '../../src/registry/change-input.ts';
import { parseRegistryCommand, runRegistryCommand } from '../../src/server/registry-endpoint.ts';
import type { GateFunction } from '../../src/registry/custom-gate.ts';

/** A store whose models only its keeper may change, as one behind a server is: commands travel as bytes, and direct writes to a model are refused. */
function guarded(actor: string | undefined, functions: Record<string, GateFunction> = {}): { client: StorageAdapter; server: MemoryStorage; commands: DomainCommand[] } {
  const server = new MemoryStorage();
  const commands: DomainCommand[] = [];
  const client: StorageAdapter = Object.assign(Object.create(server) as StorageAdapter, {
    read: server.read.bind(server),
    list: server.list.bind(server),
    readLog: server.readLog.bind(server),
    readBlob: server.readBlob.bind(server),
    writeBlob: server.writeBlob.bind(server),
    deleteBlob: server.deleteBlob.bind(server),
    write: () => Promise.reject(new Error('a guarded store takes no direct writes')),
    append: () => Promise.reject(new Error('a guarded store takes no direct writes')),
    async call(command: DomainCommand) {
      commands.push(command);
      const { method, input, prefix } = command;
      const parsed = parseRegistryCommand(method, encode({ input, prefix }), actor);
      return decode(await runRegistryCommand(parsed, { storage: server, gates: functions }, {}), method);
    },
  });
  return { client, server, commands };
}

const by = { by: 'mallory', reason: 'because' };

describe('a registry over a store that is guarded', () => {
  it('has every change made by the keeper, in the name of whom the keeper knows', async () => {
    const { client, server, commands } = guarded('alice');
    const registry = new Registry({ storage: client });
    const dataset = `sha256:${'ab'.repeat(32)}`;
    await registry.createModel('fraud', { owner: 'risk', by: 'mallory' });
    await registry.setPolicy('fraud', { production: [gates.metric('auc', { goal: 'maximize', min: 0.7 })] }, { by: 'mallory' });
    for (const auc of [0.8, 0.9]) await registry.registerVersion('fraud', { files: { 'model.json': `{"auc":${auc}}` }, metrics: { auc }, dataset, createdBy: 'mallory', run: { id: 'r1' }, signature: { output: { type: 'float64' } } });
    await registry.recordEvaluation('fraud@1', { dataset, metrics: { auc: NaN }, by: 'mallory' });
    const predicted = await registry.recordEvaluation('fraud@1', { dataset, metrics: { auc: 0.81 }, predictions: { label: [1, 0], prediction: [0.7, 0.1] }, slices: { a: { auc: 1 } } });
    expect(await registry.predictions(predicted)).toMatchObject({ rowCount: 2 });
    expect((await registry.promote('fraud@1', 'production', { ...by, from: null })).stage).toBe('production');
    await expect(registry.promote('fraud@2', 'production', { ...by, from: null })).rejects.toSatisfy((error) => error instanceof ConflictError && error.message.includes('version 1 is in production, not none'));
    expect((await registry.promote('fraud@2', 'production', { ...by, from: 1 })).version).toBe(2);
    expect((await registry.rollback('fraud', { ...by, from: 2 })).version).toBe(1);
    await registry.updateModel('fraud', { tags: { a: 'b' }, by: 'mallory' });
    await registry.updateVersion('fraud@2', { description: 'second', by: 'mallory' });
    await registry.setAlias('fraud', 'champion', 1, by);
    await registry.deleteAlias('fraud', 'champion', by);
    await registry.approve('fraud@2', by);
    await registry.withdrawApproval('fraud@2', by);
    const { privateKey, publicKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
    expect(await registry.sign('fraud@2', { ...by, privateKey })).toMatchObject({ version: 2, by: 'alice' });
    expect(await registry.verify('fraud@2', { publicKey })).toMatchObject({ version: 2, name: 'fraud@2' });
    await registry.retire('fraud@2', by);
    await registry.reinstate('fraud@2', by);
    await registry.deleteVersion('fraud@2', by);
    await registry.createModel('old', { by: 'mallory' });
    await registry.deleteModel('old', by);

    const direct = new Registry({ storage: server });
    expect((await direct.history('fraud')).map((event) => event.by)).toEqual(Array(19).fill('alice'));
    expect((await direct.history('old')).map((event) => event.by)).toEqual(['alice', 'alice']);
    expect(await direct.getModel('fraud')).toEqual(await registry.getModel('fraud'));
    expect(new TextDecoder().decode(await (await registry.load('fraud@production')).file('model.json'))).toBe('{"auc":0.8}');
    expect((await registry.evaluations('fraud@1')).map(({ metrics }) => metrics)).toEqual([{ auc: NaN }, { auc: 0.81 }]);
    expect(new Set(commands.map(({ method }) => method))).toEqual(new Set(Object.keys(changeSchemas)));
  });

  it('keeps the word of the caller where the keeper knows nobody', async () => {
    const { client } = guarded(undefined);
    const registry = new Registry({ storage: client });
    await registry.createModel('fraud', { by: 'someone' });
    expect((await registry.history('fraud')).map((event) => event.by)).toEqual(['someone']);
  });

  it("asks the keeper's own gates, and gives its refusals on", async () => {
    const { client } = guarded('alice', { smoke: () => ({ passed: false, reason: 'smoke everywhere' }) });
    const registry = new Registry({ storage: client, gates: { smoke: () => ({ passed: true }) } });
    await registry.createModel('fraud');
    await expect(registry.createModel('fraud')).rejects.toSatisfy((error) => error instanceof ConflictError);
    await registry.setPolicy('fraud', { production: [gates.custom('smoke')] });
    await registry.registerVersion('fraud', { files: { a: 'a' } });
    await expect(registry.promote('fraud@1', 'production', by)).rejects.toSatisfy((error) => error instanceof GateError && error.message.includes('smoke everywhere'));
    expect((await registry.promote('fraud@1', 'production', { ...by, force: true })).stage).toBe('production');
  });

  it('works in a part of a store as in the whole', async () => {
    const { client, server } = guarded('alice');
    await new Registry({ storage: withPrefix(withPrefix(client, 'team-a'), 'inner') }).createModel('fraud');
    expect((await new Registry({ storage: withPrefix(server, 'team-a/inner') }).getModel('fraud')).name).toBe('fraud');
    await expect(new Registry({ storage: server }).getModel('fraud')).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('the keeper of a registry', () => {
  const parse = (method: string, input: unknown, prefix: unknown = ''): unknown => parseRegistryCommand(method, encode({ input, prefix }), 'alice');
  const file = { path: 'a', size: 1, digest: `sha256:${'0'.repeat(64)}` };

  it.each([
    ['a method that is none', 'constructor', { model: 'm' }, 'not-found'],
    ['an inherited name', '__proto__', { model: 'm' }, 'not-found'],
    ['no input', 'createModel', null, 'validation'],
    ['a field too many', 'createModel', { model: 'm', state: {} }, 'validation'],
    ['a name that is none', 'createModel', { model: ' m' }, 'validation'],
    ['a reference to nothing', 'promote', { ref: 'm', stage: 'production', reason: 'r' }, 'validation'],
    ['a stage that is none', 'promote', { ref: 'm@1', stage: 'live', reason: 'r' }, 'validation'],
    ['a signature that is none', 'registerVersion', { model: 'm', files: [file], signature: { input: { type: 'magic' } } }, 'validation'],
    ['no reason', 'rollback', { model: 'm' }, 'validation'],
    ['an alias that is none', 'setAlias', { model: 'm', alias: 'latest', version: 1 }, 'validation'],
    ['an alias at no number', 'setAlias', { model: 'm', alias: 'a', version: 0 }, 'validation'],
    ['a rollback to no number', 'rollback', { model: 'm', reason: 'r', to: 1.5 }, 'validation'],
    ['a retirement without a reason', 'retire', { ref: 'm@1' }, 'validation'],
    ['a tag that is no text', 'updateVersion', { ref: 'm@1', tags: { a: 1 } }, 'validation'],
    ['no files', 'registerVersion', { model: 'm', files: [] }, 'validation'],
    ['a path that leaves', 'registerVersion', { model: 'm', files: [{ ...file, path: '../a' }] }, 'validation'],
    ['a path twice', 'registerVersion', { model: 'm', files: [file, file] }, 'validation'],
    ['a digest that is none', 'registerVersion', { model: 'm', files: [{ ...file, digest: 'md5:00' }] }, 'validation'],
    ['a gate that is none', 'setPolicy', { model: 'm', policy: { production: [{ gate: 'luck' }] } }, 'validation'],
    ['a dataset that is none', 'recordEvaluation', { ref: 'm@1', dataset: { digest: 'x' }, metrics: { a: 1 } }, 'validation'],
  ])('refuses %s', (_what, method, input, code) => {
    expect(() => parse(method, input)).toThrow(expect.toSatisfy((error: unknown) => isModelkeepError(error, code as 'validation')));
  });

  it('refuses a prefix that is no key, and a body that is no codec text', () => {
    for (const prefix of ['../x', 1, 'a//b', 'A']) expect(() => parse('createModel', { model: 'm' }, prefix)).toThrow(expect.objectContaining({ code: 'validation' }));
    for (const body of ['', '[]', '"x"', '{"input":', '{"$bytes":"%"}', `${'['.repeat(100_000)}`]) {
      expect(() => parseRegistryCommand('createModel', new TextEncoder().encode(body), 'alice')).toThrow(expect.objectContaining({ code: 'validation' }));
    }
  });

  it('says which head is changed, so that leave can be asked for', () => {
    expect(parse('promote', { ref: 'Fraud@1', stage: 'production', reason: 'r' }, 'team-a')).toMatchObject({ key: 'team-a/registry/models/__46raud_', model: 'Fraud' });
  });

  it('registers no version whose contents are not there, or have another size', async () => {
    const { client, server } = guarded('alice');
    const registry = new Registry({ storage: client });
    await registry.createModel('m');
    const { digest } = await server.writeBlob((async function* () { yield Uint8Array.of(1, 2, 3); })());
    const register = (entry: object): Promise<unknown> => client.call!({ domain: 'registry', method: 'registerVersion', input: { model: 'm', files: [entry] }, prefix: '' });
    for (const entry of [file, { path: 'a', size: 2, digest }, { path: 'a', size: 4, digest }, { path: 'a', size: 0, digest }]) {
      await expect(register(entry)).rejects.toMatchObject({ code: 'integrity' });
    }
    const evaluate = (predictions: object): Promise<unknown> =>
      client.call!({ domain: 'registry', method: 'recordEvaluation', input: { ref: 'm@1', dataset: { digest }, metrics: { auc: 1 }, predictions }, prefix: '' });
    await expect(evaluate({ digest: file.digest, size: 1, rows: 1 })).rejects.toMatchObject({ code: 'integrity' });
    expect(await register({ path: 'a', size: 3, digest })).toMatchObject({ version: 1, size: 3, createdBy: 'alice' });
  });
});
