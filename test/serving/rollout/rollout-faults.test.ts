import { MemoryStorage, type StorageAdapter } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { failingStorage } from '../../registry/failing-storage.ts';
import { ManualClock } from '../../pipelines/manual-clock.ts';
import { minute, productions, registryOf, replicaOf } from './rollout-harness.ts';

const healthy = { candidate: 2, steps: [{ weight: 10, hold: '10m' }, { weight: 50, hold: '10m' }], guardrails: [{ metric: 'error_rate', notWorseThan: 'stable' }], keep: '1m' } as const;
const stages = 3;

/** A rollout over a store that fails at one call, then by a second process over the store as it is. Which call was the last. */
async function rollOut(at: number, when: 'before' | 'after', then: 'recovers' | 'stays down', failing: boolean): Promise<{ calls: number; production: string[]; types: string[]; sequences: number[] }> {
  const clock = new ManualClock();
  const storage = new MemoryStorage();
  const registry = await registryOf(storage, clock);
  const view = failingStorage(storage, { at, when, then });
  const first = replicaOf(view.storage, registry, clock);
  await first.controller.start(healthy).catch(() => undefined);
  const second = replicaOf(storage, registry, clock);
  for (let stage = 0; stage < stages; stage++) {
    first.serve(100, failing && stage === 1 ? 60 : 0);
    await first.controller.look().catch(() => undefined);
    clock.jump(10 * minute);
    await first.controller.look().catch(() => undefined);
  }
  const { calls } = { calls: view.calls() };
  if ((await second.controller.status()) === undefined) await second.controller.start(healthy);
  for (let stage = 0; stage < stages; stage++) {
    await second.controller.look();
    second.serve(100, failing ? 60 : 0);
    clock.jump(10 * minute);
    await second.controller.look();
  }
  const history = await second.controller.history();
  return { calls, production: await productions(registry), types: history.map(({ type }) => type).filter((type) => type !== 'judged'), sequences: history.map(({ sequence }) => sequence) };
}

describe('a store that fails at any call', () => {
  it.each([
    ['promoted', false, ['stage-changed 1', 'stage-changed 2'], ['started', 'stage-entered', 'promoting', 'promoted', 'completed']],
    ['rolled back', true, ['stage-changed 1'], ['started', 'stage-entered', 'rolled-back']],
  ] as const)('leaves a rollout that is %s once, with its whole history', async (_end, failing, production, types) => {
    const { calls } = await rollOut(0, 'before', 'recovers', failing);
    expect(calls).toBeGreaterThan(20);
    for (let at = 1; at <= calls; at++) {
      const [when, then] = ([['before', 'recovers'], ['before', 'stays down'], ['after', 'stays down']] as const)[at % 3]!;
      const found = await rollOut(at, when, then, failing);
      expect(found.production, `call ${at} fails ${when} it is done, and the store ${then}`).toEqual(production);
      // A rollout that failed in the second stage may fail in the first, when the other process was the first to be served.
      expect(failing ? [types, ['started', 'rolled-back']] : [types], `call ${at} ${when} ${then}`).toContainEqual(found.types);
      expect(found.sequences).toEqual(found.sequences.map((_, i) => i + 1));
    }
  });

  it('keeps the counts of a rollout that begins while those of the one before are cleared away', async () => {
    const clock = new ManualClock();
    const storage = new MemoryStorage();
    const registry = await registryOf(storage, clock);
    const other = replicaOf(storage, registry, clock);
    await other.controller.start(healthy);
    other.serve(10);
    await other.controller.abort();
    // Between the reading of the head and the listing of counts the other process begins the next one.
    let begin = async (): Promise<void> => {
      await other.controller.start(healthy);
      other.serve(40);
      await other.controller.look();
    };
    const view = new Proxy<StorageAdapter>(storage, {
      get: (_, name) => {
        const value: unknown = Reflect.get(storage, name);
        if (typeof value !== 'function') return value;
        return async (...args: unknown[]): Promise<unknown> => {
          const now = begin;
          if (name === 'list') begin = () => Promise.resolve();
          if (name === 'list') await now();
          return (value as (...all: unknown[]) => unknown).apply(storage, args);
        };
      },
    });
    const replica = replicaOf(view, registry, clock);
    await replica.controller.look();
    expect(replica.controller.traffic.candidate?.weight).toBe(0.1);
    expect((await replica.controller.status())!.verdicts[1]!.samples).toEqual({ candidate: 40, control: 40 });
    await replica.controller.look();
    expect((await storage.list({ prefix: 'serving/flight-delay/counts/' })).entries).toHaveLength(1);
  });

  it('loses no count: what could not be stored is stored later', async () => {
    const clock = new ManualClock();
    const storage = new MemoryStorage();
    const registry = await registryOf(storage, clock);
    const probe = failingStorage(storage, { at: Infinity, when: 'before', then: 'recovers' });
    const { controller: other } = replicaOf(storage, registry, clock);
    await other.start(healthy);
    const replica = replicaOf(probe.storage, registry, clock);
    await replica.controller.look();
    const before = probe.calls();
    // A look reads the head, then writes the counts.
    const broken = replicaOf(failingStorage(storage, { at: before + 2, when: 'before', then: 'recovers' }).storage, registry, clock);
    await broken.controller.look();
    broken.serve(120);
    await expect(broken.controller.look()).rejects.toThrow('failed');
    expect(broken.controller.traffic.candidate?.weight).toBe(0.1);
    broken.serve(30);
    await broken.controller.look();
    expect((await other.status())!.verdicts[1]!.samples).toEqual({ candidate: 150, control: 150 });
  });
});
