import { describe, expect, it } from 'vitest';
import { isModelkeepError, MemoryStorage } from 'modelkeep';
import { settled } from '../pipelines/manual-clock.ts';
import { by, deferred, deploy, Models, registryOf } from './served-model.ts';

describe('a deployment', () => {
  it('answers by the version in production, and says which one and why', async () => {
    const parts = await registryOf(2);
    await parts.registry.promote('m@2', 'production', by);
    const { deployment } = deploy(parts, new Models());
    const { id, ...rest } = await deployment.predict({ x: 5 });
    expect(rest).toEqual({ output: 205, version: 2, reason: 'stable', cached: false, latencyMs: 0, computeMs: 0, batchSize: 1 });
    expect(id).toMatch(/^[0-9a-f-]{36}\.2\.stable$/);
    expect(deployment.status()).toMatchObject({ stable: 2, loaded: 1, disposed: 0, versions: [{ version: 2, state: 'ready', arm: 'stable', bytes: 1000, inFlight: 0 }] });
    await deployment.close();
    await expect(deployment.predict({ x: 5 })).rejects.toMatchObject({ code: 'closed' });
  });

  it('moves to the version that is promoted, and answers by the one before until that one is ready', async () => {
    const parts = await registryOf(2);
    await parts.registry.promote('m@1', 'production', by);
    const warm = deferred();
    const models = new Models({ warmUp: (version) => (version === 2 ? warm.promise : undefined) });
    const { deployment } = deploy(parts, models);
    await deployment.ready();
    const states: string[] = [];
    deployment.on('version', ({ version, state }) => states.push(`${version} ${state}`));

    await parts.registry.promote('m@2', 'production', by);
    await deployment.refresh();
    await settled();
    expect((await deployment.predict({ x: 1 })).output).toBe(101);
    expect(deployment.status().versions.map(({ version, state }) => `${version} ${state}`)).toEqual(['1 ready', '2 warming']);

    warm.resolve();
    await settled();
    expect((await deployment.predict({ x: 1 })).output).toBe(201);
    expect(states).toEqual(['2 loading', '2 warming', '2 ready', '1 draining', '1 unloaded']);
    expect(models.gone).toEqual([1]);
    await deployment.close();
    expect(models.gone).toEqual([1, 2]);
    expect(deployment.status()).toMatchObject({ loaded: 2, disposed: 2, versions: [] });
  });

  it('keeps the version that answers until its last request is answered', async () => {
    const parts = await registryOf(2);
    await parts.registry.promote('m@1', 'production', by);
    const slow = deferred<number>();
    const models = new Models({ predict: (version) => (version === 1 ? slow.promise : undefined) });
    const { deployment } = deploy(parts, models);
    await deployment.ready();
    const answer = deployment.predict({ x: 1 });
    await settled();
    await parts.registry.promote('m@2', 'production', by);
    await deployment.refresh();
    await settled();
    expect(deployment.status().versions).toMatchObject([{ version: 1, state: 'draining', inFlight: 1 }, { version: 2, state: 'ready' }]);
    expect(models.gone).toEqual([]);
    slow.resolve(7);
    expect(await answer).toMatchObject({ output: 7, version: 1 });
    await settled();
    expect(models.gone).toEqual([1]);
    await deployment.close();
  });

  it('follows an alias, or stays at a number', async () => {
    const parts = await registryOf(3);
    await parts.registry.setAlias('m', 'champion', 3);
    await parts.registry.promote('m@1', 'production', by);
    const alias = deploy(parts, new Models(), { follow: 'champion' });
    const pinned = deploy(parts, new Models(), { follow: 2 });
    expect((await alias.deployment.predict({ x: 0 })).version).toBe(3);
    expect((await pinned.deployment.predict({ x: 0 })).version).toBe(2);
    await parts.registry.setAlias('m', 'champion', 1);
    await alias.deployment.refresh();
    await pinned.deployment.refresh();
    await settled();
    expect((await alias.deployment.predict({ x: 0 })).version).toBe(1);
    expect((await pinned.deployment.predict({ x: 0 })).version).toBe(2);
    await alias.deployment.close();
    await pinned.deployment.close();
  });

  it('looks at an interval, and sooner when the storage hints', async () => {
    const parts = await registryOf(2);
    await parts.registry.promote('m@1', 'production', by);
    // Another store has no hints of what happens in that of the registry.
    const unhinted = deploy({ ...parts, storage: new MemoryStorage() }, new Models(), { interval: '10s' });
    const hinted = deploy(parts, new Models(), { interval: '10s' });
    await unhinted.deployment.ready();
    await hinted.deployment.ready();
    await parts.registry.promote('m@2', 'production', by);
    await hinted.clock.advance(1_000);
    expect(hinted.deployment.status().stable).toBe(2);
    await unhinted.clock.advance(9_000);
    expect(unhinted.deployment.status().stable).toBe(1);
    await unhinted.clock.advance(2_000);
    expect(unhinted.deployment.status().stable).toBe(2);
    await unhinted.deployment.close();
    await hinted.deployment.close();
  });

  it('holds inputs and outputs to the signature', async () => {
    const parts = await registryOf(1, { input: { type: 'row', columns: [{ name: 'x', type: 'float64', minimum: 0 }] }, output: { type: 'float64', maximum: 150 } });
    await parts.registry.promote('m@1', 'production', by);
    const { deployment } = deploy(parts, new Models({ predict: (_, x) => (x === 9 ? NaN : undefined) }));
    const told: unknown[] = [];
    deployment.on('served', ({ error, input }) => told.push(isModelkeepError(error) ? error.code : input));
    expect((await deployment.predict({ x: 50 })).output).toBe(150);
    await expect(deployment.predict({ x: -1 })).rejects.toMatchObject({ code: 'validation', details: { path: 'input.x' } });
    await expect(deployment.predict({ x: 51 })).rejects.toMatchObject({ code: 'model-failed' });
    await expect(deployment.predict({ x: 9 })).rejects.toMatchObject({ code: 'model-failed' });
    expect(told).toEqual([{ x: 50 }, 'model-failed', 'model-failed']);
    expect(deployment.signature()?.input?.type).toBe('row');
    await deployment.close();
  });

  it('resolves numbers and labels to versions', async () => {
    const parts = await registryOf(3);
    await parts.registry.promote('m@1', 'production', by);
    await parts.registry.setAlias('m', 'next', 2);
    const warm = deferred();
    const { deployment } = deploy(parts, new Models({ warmUp: (version) => (version === 3 ? warm.promise : undefined) }), { labels: ['next'] });
    await deployment.ready();
    await settled();
    expect(await deployment.resolve()).toBe(1);
    expect(await deployment.resolve({ version: 3 })).toBe(3);
    expect(await deployment.resolve({ label: 'production' })).toBe(1);
    expect(await deployment.resolve({ label: 'next' })).toBe(2);
    await expect(deployment.resolve({ version: 9 })).rejects.toMatchObject({ code: 'not-found' });
    await expect(deployment.resolve({ label: 'nobody' })).rejects.toMatchObject({ code: 'not-found' });
    await parts.registry.setAlias('m', 'next', 3);
    await deployment.refresh();
    await settled();
    // A label moves to a version that is ready, and not before.
    expect(await deployment.resolve({ label: 'next' })).toBe(2);
    warm.resolve();
    await settled();
    expect(await deployment.resolve({ label: 'next' })).toBe(3);
    await deployment.close();
  });

  it('refuses options that are not what they must be', async () => {
    const parts = await registryOf(0);
    const options: [object, string][] = [
      [{ follow: 0 }, 'options.follow'],
      [{ interval: '5 s' }, 'options.interval'],
      [{ cache: { onDemand: true } }, 'options.cache.maxBytes'],
      [{ monitor: { observe: () => undefined } }, 'options.observe'],
      [{ speed: 1 }, 'options'],
    ];
    for (const [wrong, path] of options) expect(() => deploy(parts, new Models(), wrong), path).toThrow(expect.objectContaining({ code: 'validation', details: { path } }) as Error);
    const { deployment } = deploy(parts, new Models());
    const calls: [object | null, string][] = [
      [null, 'options'],
      [[], 'options'],
      [{ version: 1.5 }, 'options.version'],
      [{ key: 7 }, 'options.key'],
      [{ id: '' }, 'options.id'],
      [{ id: null }, 'options.id'],
      [{ signal: {} }, 'options.signal'],
      [{ signal: null }, 'options.signal'],
      [{ attributes: { plan: [] } }, 'options.attributes.plan'],
      [{ timeout: '5 s' }, 'options.timeout'],
      [{ keys: undefined }, 'options'],
      [{ key: 'a', toString: undefined }, 'options'],
    ];
    for (const [wrong, path] of calls) await expect(deployment.predict({ x: 1 }, wrong as never), JSON.stringify(wrong)).rejects.toMatchObject({ code: 'validation', details: { path } });
    expect(() => deployment.feedback({ id: '' })).toThrow('feedback.id must not be empty');
    await deployment.close();
  });
});
