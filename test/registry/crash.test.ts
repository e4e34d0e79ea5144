import { describe, expect, it } from 'vitest';
import { MemoryStorage, Registry, gates, isModelkeepError } from 'modelkeep';
import { systemClock, type Clock } from '../../src/core/clock.ts';
import type { StorageAdapter } from '../../src/storage/contract.ts';
import { readLineage } from '../../src/storage/lineage.ts';
import { copiedMemory } from '../storage/copied-memory.ts';
import { failingStorage, type Fault } from './failing-storage.ts';

const who = { by: 'tester', reason: 'because' };
const { privateKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
const dataset = `sha256:${'d'.repeat(64)}`;
const clock: Clock = { ...systemClock, now: () => 1_700_000_000_000 };
const registryOn = (storage: StorageAdapter): Registry => new Registry({ storage, clock });

const made = makeModels();
const prepared = async (): Promise<MemoryStorage> => copiedMemory(await made);

/** A model with three versions, two of them promoted in turn, and an evaluation. */
async function makeModels(): Promise<MemoryStorage> {
  const storage = new MemoryStorage();
  const registry = registryOn(storage);
  await registry.createModel('m');
  for (const n of [1, 2, 3]) await registry.registerVersion('m', { files: { f: `model ${n}`, same: 'same' }, run: `run-${n}`, metrics: { auc: 0.8 }, dataset });
  await registry.setPolicy('m', { production: [gates.metric('auc', { goal: 'maximize', notWorseThan: 'production' }), gates.integrity()], staging: [gates.metric('auc', { goal: 'maximize', min: 0.95 })] });
  await registry.promote('m@1', 'production', who);
  await registry.promote('m@2', 'production', who);
  await registry.recordEvaluation('m@2', { dataset, metrics: { auc: 0.7 } });
  await registry.setAlias('m', 'stable', 1);
  await registry.createModel('old');
  await registry.registerVersion('old', { files: { f: 'old model' } });
  return storage;
}

/** Everything that can be seen, without ids. */
async function snapshot(storage: StorageAdapter): Promise<unknown> {
  const registry = registryOn(storage);
  const models = [];
  for await (const model of registry.models()) {
    const versions = [];
    for await (const version of registry.versions(model.name)) {
      const ref = `${model.name}@${version.version}`;
      const loaded = await registry.load(ref);
      const contents = await Promise.all(loaded.files().map(async ({ path }) => new TextDecoder().decode(await loaded.file(path))));
      const evaluations = (await registry.evaluations(ref)).map(({ id: _, ...evaluation }) => evaluation);
      const approvals = (await registry.approvals(ref)).map(({ by }) => by);
      const signatures = (await registry.signatures(ref)).map(({ by }) => by);
      versions.push({ ...version, contents, evaluations, approvals, signatures });
    }
    const history = await registry.history(model.name);
    expect(history.map((event) => event.sequence)).toEqual(history.map((_, i) => i + 1));
    models.push({ model, versions, history: history.map(({ type, by, reason, subject }) => ({ type, by, reason, subject })) });
  }
  return models;
}

const operations: Record<string, (registry: Registry) => Promise<unknown>> = {
  createModel: (registry) => registry.createModel('new', { owner: 'ops' }),
  registerVersion: (registry) => registry.registerVersion('m', { files: { f: 'model 4', same: 'same' }, run: 'run-4', dataset }),
  recordEvaluation: (registry) => registry.recordEvaluation('m@3', { dataset, metrics: { auc: 0.9 } }),
  setPolicy: (registry) => registry.setPolicy('m', { production: [gates.integrity()] }),
  promote: (registry) => registry.promote('m@3', 'production', who),
  refusedPromote: (registry) =>
    registry.promote('m@3', 'staging', who).catch((error: unknown) => {
      if (!isModelkeepError(error, 'gate')) throw error;
    }),
  rollback: (registry) => registry.rollback('m', who),
  updateModel: (registry) => registry.updateModel('m', { owner: 'ops', tags: { a: 'b' } }),
  updateVersion: (registry) => registry.updateVersion('m@3', { description: 'better', tags: { a: 'b' } }),
  setAlias: (registry) => registry.setAlias('m', 'champion', 3),
  deleteAlias: (registry) => registry.deleteAlias('m', 'stable'),
  approve: (registry) => registry.approve('m@3', who),
  sign: (registry) => registry.sign('m@3', { ...who, privateKey }),
  retire: (registry) => registry.retire('m@3', who),
  deleteVersion: (registry) => registry.deleteVersion('m@3', who),
  deleteModel: (registry) => registry.deleteModel('old', who),
};

/** What the same call may answer when the first one was done after all. */
const doneAlready: Record<string, string> = { createModel: 'conflict', rollback: 'not-found', deleteVersion: 'not-found', deleteModel: 'not-found' };

describe.each(Object.entries(operations))('a crash in the middle of %s', (name, operation) => {
  it.each([
    { when: 'before', then: 'recovers' },
    { when: 'before', then: 'stays down' },
    { when: 'after', then: 'recovers' },
    { when: 'after', then: 'stays down' },
  ] as const)('leaves the state before or the state after, with its history, and can be retried (fails $when the work, $then)', async (kind) => {
    const before = await snapshot(await prepared());
    const whole = await prepared();
    await operation(registryOn(whole));
    const after = await snapshot(whole);
    expect(after).not.toEqual(before);

    let seenBefore = 0;
    let seenAfter = 0;
    for (let at = 1; ; at++) {
      const fault: Fault = { at, ...kind };
      const storage = await prepared();
      const failing = failingStorage(storage, fault);
      const failure = await operation(registryOn(failing.storage)).then(() => undefined, (error: unknown) => error);
      if (failing.calls() < at) break;

      const found = JSON.stringify(await snapshot(storage));
      const isAfter = found === JSON.stringify(after);
      expect(isAfter || found === JSON.stringify(before), `call ${at}: neither before nor after`).toBe(true);
      if (failure === undefined) expect(isAfter, `call ${at}: reported as done`).toBe(true);
      if (isAfter) seenAfter++;
      else seenBefore++;

      const registry = registryOn(storage);
      await operation(registry).catch((error: unknown) => {
        expect(isAfter && isModelkeepError(error) && error.code === doneAlready[name], `call ${at}: the retry failed: ${String(error)}`).toBe(true);
      });
      if (!isAfter) expect(JSON.stringify(await snapshot(storage))).toBe(JSON.stringify(after));
      await registry.recordEvaluation('m@1', { dataset, metrics: { auc: 1 } });
      if (name === 'deleteModel') await registry.createModel('old');
      await nothingIsLeftOver(storage);
    }
    expect(seenBefore).toBeGreaterThan(0);
    expect(seenAfter).toBeGreaterThan(0);
  });
});

/** After the next change every record and edge is in its place, and the head holds none of them. */
async function nothingIsLeftOver(storage: MemoryStorage): Promise<void> {
  const [head] = await storage.read(['registry/models/m']);
  expect(new TextDecoder().decode(head!.bytes)).toContain('"outbox":[]');
  expect(new TextDecoder().decode(head!.bytes)).toContain('"pending":[]');
  expect(new TextDecoder().decode(head!.bytes)).toContain('"sweeps":[]');
  const history = await registryOn(storage).history('m');
  const registered = history.filter(({ type }) => type === 'version-registered').length;
  expect((await storage.list({ prefix: 'registry/versions/m/' })).entries).toHaveLength(registered);
  const old = (await storage.list({ prefix: 'registry/versions/old/' })).entries.length;
  const oldIsThere = await registryOn(storage).getVersion('old@1').then(() => 1, () => 0);
  expect(old).toBe(oldIsThere);
  for (let version = 1; version <= registered; version++) {
    const edges = await readLineage(storage, 'from', { kind: 'model-version', id: 'm', version });
    expect(edges.filter((edge) => edge.relation === 'derivedFrom')).toHaveLength(1);
  }
}
