import { describe, expect, it } from 'vitest';
import { ABTest } from 'modelkeep';
import { settled } from '../pipelines/manual-clock.ts';
import { by, deploy, Models, registryOf } from './served-model.ts';

describe('an experiment', () => {
  it('decides which version answers a key, records who met which and what came of it, and keeps rollouts out', async () => {
    const parts = await registryOf(2);
    await parts.registry.promote('m@1', 'production', by);
    await using test = new ABTest({
      storage: parts.storage,
      name: 'delay',
      variants: [{ name: 'A', version: 1 }, { name: 'B', version: 2 }],
      metrics: [{ name: 'converted', kind: 'proportion', role: 'primary' }],
    });
    const { deployment, errors } = deploy(parts, new Models(), { experiment: test });
    await deployment.ready();
    await settled();
    const served: number[] = [0, 0];
    for (let i = 0; i < 60; i++) {
      const key = `user-${i}`;
      const { id, version, variant, reason } = await deployment.predict({ x: 1 }, { key });
      expect([variant, reason]).toEqual([version === 1 ? 'A' : 'B', 'experiment']);
      expect(variant).toBe(test.assign(key).variant);
      served[version - 1]!++;
      deployment.feedback({ id, metrics: { converted: version - 1 } });
      // Said again, it counts once.
      deployment.feedback({ id, metrics: { converted: version - 1 } });
    }
    expect((await deployment.predict({ x: 1 })).reason).toBe('stable');
    await expect(deployment.startRollout({ candidate: 2 })).rejects.toMatchObject({ code: 'conflict' });
    await deployment.close();
    const table = await test.units();
    expect([...table.variant].filter((variant) => variant === 1)).toHaveLength(served[1]!);
    expect(table.units).toBe(60);
    const { converted } = table.metrics;
    expect(converted?.kind === 'proportion' && [...converted.value].reduce((sum, value) => sum + value, 0)).toBe(served[1]);
    expect(errors).toEqual([]);
  });

  it('gives way to a rollout that began while its process slept, and comes back after it', async () => {
    const parts = await registryOf(2);
    await parts.registry.promote('m@1', 'production', by);
    await using test = new ABTest({ storage: parts.storage, name: 'delay', variants: [{ name: 'A', version: 1 }, { name: 'B', version: 2 }] });
    const asleep = deploy(parts, new Models(), { experiment: test });
    const awake = deploy(parts, new Models());
    for (const { deployment } of [asleep, awake]) await deployment.ready();
    await settled();
    const reasonOf = async (key: string) => (await asleep.deployment.predict({ x: 1 }, { key })).reason;
    expect(await reasonOf('user-1')).toBe('experiment');
    awake.clock.jump(360_000);
    await awake.deployment.startRollout({ candidate: 2, steps: [{ weight: 100, hold: '1h' }] });
    await asleep.clock.advance(361_000);
    await settled();
    expect(await reasonOf('user-1')).toBe('canary');
    expect(asleep.errors[0]).toMatchObject({ code: 'conflict', details: { candidate: 2 } });
    await awake.deployment.abortRollout();
    await asleep.clock.advance(361_000);
    await settled();
    expect(await reasonOf('user-1')).toBe('experiment');
    for (const { deployment } of [asleep, awake]) await deployment.close();
  });
});

describe('refresh()', () => {
  it('has an experiment decide as soon as no rollout is in its way, though no timer rings', async () => {
    const parts = await registryOf(2);
    await parts.registry.promote('m@1', 'production', by);
    const before = deploy(parts, new Models());
    await before.deployment.ready();
    await before.deployment.startRollout({ candidate: 2, steps: [{ weight: 100, hold: '1h' }] });
    await using test = new ABTest({ storage: parts.storage, name: 'delay', variants: [{ name: 'A', version: 1 }, { name: 'B', version: 2 }] });
    const { deployment, errors } = deploy(parts, new Models(), { experiment: test });
    await deployment.ready();
    await settled();
    const reasonOf = async (): Promise<string> => (await deployment.predict({ x: 1 }, { key: 'user-1' })).reason;
    await deployment.refresh();
    expect(await reasonOf()).toBe('canary');
    await before.deployment.abortRollout();
    // It is told of the end of the rollout, and may claim the keys, in the looks that it is asked for.
    for (let look = 0; look < 2; look++) await deployment.refresh();
    expect(await reasonOf()).toBe('experiment');
    await expect(before.deployment.startRollout({ candidate: 2 })).rejects.toMatchObject({ code: 'conflict' });
    expect(errors).toEqual([expect.objectContaining({ code: 'conflict' })]);
    for (const each of [deployment, before.deployment]) await each.close();
  });
});

describe('answers that are kept', () => {
  it('are given for equal inputs, by version', async () => {
    const parts = await registryOf(2);
    await parts.registry.promote('m@1', 'production', by);
    let asked = 0;
    const { deployment } = deploy(parts, new Models({ predict: () => void asked++ }), { responses: {} });
    expect((await deployment.predict({ x: 1 })).cached).toBe(false);
    expect(await deployment.predict({ x: 1 })).toMatchObject({ cached: true, output: 101, computeMs: 0, batchSize: 0 });
    await parts.registry.promote('m@2', 'production', by);
    await deployment.refresh();
    await settled();
    expect(await deployment.predict({ x: 1 })).toMatchObject({ cached: false, output: 201 });
    expect(asked).toBe(2);
    await deployment.close();
  });
});
