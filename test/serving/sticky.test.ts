import { describe, expect, it } from 'vitest';
import { ABTest, StorageError, type DeployedExperiment } from 'modelkeep';
import { settled } from '../pipelines/manual-clock.ts';
import { by, deploy, Models, registryOf } from './served-model.ts';

const keys = Array.from({ length: 60 }, (_, i) => `user-${i}`);

async function inUse() {
  const parts = await registryOf(2);
  await parts.registry.promote('m@1', 'production', by);
  return parts;
}

function testOn(storage: ConstructorParameters<typeof ABTest>[0]['storage']): ABTest {
  return new ABTest({ storage, name: 'delay', variants: [{ name: 'A', version: 1 }, { name: 'B', version: 2 }], metrics: [{ name: 'converted', kind: 'proportion', role: 'primary' }], adaptive: true });
}

describe('a deployment with sticky', () => {
  it('keeps keys at the variants that they had first when weights change, in other processes too', async () => {
    const parts = await inUse();
    await using test = testOn(parts.storage);
    await test.start(by);
    const one = deploy(parts, new Models(), { experiment: test, sticky: true });
    await one.deployment.ready();
    await settled();
    const first = await Promise.all(keys.map((key) => one.deployment.predict({ x: 1 }, { key })));
    expect(new Set(first.map(({ reason }) => reason))).toEqual(new Set(['experiment']));
    expect(new Set(first.map(({ version }) => version))).toEqual(new Set([1, 2]));

    await test.setWeights({ weights: { A: 0.01, B: 0.99 }, ...by });
    // The hash says something else now.
    expect(first.filter(({ variant }, i) => test.assign(keys[i]!).variant !== variant).length).toBeGreaterThan(10);
    await using elsewhere = testOn(parts.storage);
    await elsewhere.start(by);
    const other = deploy(parts, new Models(), { experiment: elsewhere, sticky: true });
    await other.deployment.ready();
    await settled();
    for (const { deployment } of [one, other]) {
      const again = await Promise.all(keys.map((key) => deployment.predict({ x: 1 }, { key })));
      expect(again.map(({ variant, version, reason }) => [variant, version, reason])).toEqual(first.map(({ variant, version }) => [variant, version, 'sticky']));
    }
    expect((await one.deployment.predict({ x: 1 }, { key: 'user-0', version: 2 })).reason).toBe('override');
    await one.deployment.close();
    await other.deployment.close();
    await elsewhere.flush();
    expect(await test.units()).toMatchObject({ units: keys.length, crossed: 0 });
    expect([...one.errors, ...other.errors]).toEqual([]);
  });

  it('is held up by its storage for the timeout at most, leaves it alone for a while then, and never fails for it', async () => {
    const parts = await inUse();
    let how: 'hangs' | 'fails' | 'answers' = 'hangs';
    let asked = 0;
    const experiment: DeployedExperiment = {
      name: 'delay',
      variants: [{ name: 'A', version: 1 }, { name: 'B', version: 2 }],
      assign: () => ({ variant: 'A' }),
      assignSticky: async () => {
        asked++;
        if (how === 'fails') throw new StorageError('storage', 'no disk');
        return how === 'hangs' ? new Promise(() => undefined) : { variant: 'B', reason: 'sticky' };
      },
      expose: () => undefined,
      record: () => undefined,
    };
    const { deployment, clock, errors } = deploy(parts, new Models(), { experiment, sticky: { timeout: '20ms' } });
    await deployment.ready();
    await settled();
    const predict = (): ReturnType<typeof deployment.predict> => deployment.predict({ x: 1 }, { key: 'k' });
    const waiting = [predict(), predict()];
    await clock.advance(19);
    expect(await Promise.race([...waiting, Promise.resolve('waits')])).toBe('waits');
    await clock.advance(1);
    expect(await Promise.all(waiting)).toMatchObject([{ variant: 'A', reason: 'experiment' }, { variant: 'A', reason: 'experiment' }]);
    expect(errors).toMatchObject([{ code: 'timeout' }]);
    // Without any time passing.
    expect(await predict()).toMatchObject({ variant: 'A' });
    expect(asked).toBe(2);
    how = 'fails';
    await clock.advance(1_000);
    expect(await predict()).toMatchObject({ variant: 'A', output: 101 });
    expect(errors).toMatchObject([{ code: 'timeout' }, { code: 'storage' }]);
    how = 'answers';
    await clock.advance(1_000);
    expect(await predict()).toMatchObject({ variant: 'B', reason: 'sticky', output: 201 });
    // Of the time of a caller in a hurry half is left for the model, and the storage is not taken to be down for it.
    how = 'hangs';
    const hurried = deployment.predict({ x: 1 }, { key: 'k', timeout: 6 });
    await clock.advance(3);
    expect(await hurried).toMatchObject({ variant: 'A', output: 101 });
    how = 'answers';
    expect(await predict()).toMatchObject({ reason: 'sticky' });
    expect(errors).toHaveLength(2);
    await deployment.close();
  });

  it('leaves no more calls behind than it may while the storage hangs', async () => {
    const parts = await inUse();
    let asked = 0;
    const experiment: DeployedExperiment = { name: 'delay', variants: [], assign: () => ({}), assignSticky: () => (asked++, new Promise(() => undefined)), expose: () => undefined, record: () => undefined };
    const { deployment, clock } = deploy(parts, new Models(), { experiment, sticky: true, limits: { queue: 1_000 } });
    await deployment.ready();
    await settled();
    const all = Array.from({ length: 500 }, (_, i) => deployment.predict({ x: i }, { key: `user-${i}` }));
    await clock.advance(50);
    expect((await Promise.all(all)).every(({ reason }) => reason === 'stable')).toBe(true);
    expect(asked).toBe(256);
    await deployment.close();
  });

  it('needs an experiment that stores variants', async () => {
    const parts = await inUse();
    expect(() => deploy(parts, new Models(), { sticky: true })).toThrow(expect.objectContaining({ code: 'validation', details: expect.objectContaining({ path: 'options.experiment' }) as object }));
    expect(() => deploy(parts, new Models(), { sticky: { entries: 5 } as object })).toThrow(expect.objectContaining({ code: 'validation' }));
  });
});
