import { describe, expect, it } from 'vitest';
import { settled } from '../pipelines/manual-clock.ts';
import { by, deferred, deploy, Models, registryOf } from './served-model.ts';

describe('versions in memory', () => {
  it('are loaded once for all that ask for them, kept within the bytes, and the one that was asked least recently goes', async () => {
    const parts = await registryOf(4);
    await parts.registry.promote('m@1', 'production', by);
    const models = new Models();
    const { deployment } = deploy(parts, models, { cache: { maxBytes: 3000, onDemand: true } });
    await deployment.ready();
    const ask = async (version: number): Promise<number> => (await deployment.predict({ x: 0 }, { version })).output;
    expect(await Promise.all([ask(2), ask(2), ask(2)])).toEqual([200, 200, 200]);
    expect(await ask(3)).toBe(300);
    expect(models.made).toEqual([1, 2, 3]);
    await ask(2);
    expect(await ask(4)).toBe(400);
    expect(models.gone).toEqual([3]);
    expect(deployment.status().versions.map(({ version }) => version)).toEqual([1, 2, 4]);
    expect(await ask(3)).toBe(300);
    expect(models.gone).toEqual([3, 2]);
    await deployment.close();
    expect([...models.gone].sort()).toEqual([...models.made].sort());
  });

  it('stay while requests are in them, and there is no room for another then', async () => {
    const parts = await registryOf(3);
    await parts.registry.promote('m@1', 'production', by);
    const slow = deferred<number>();
    const models = new Models({ predict: (version) => (version === 2 ? slow.promise : undefined) });
    const { deployment } = deploy(parts, models, { cache: { maxBytes: 2000, onDemand: true } });
    await deployment.ready();
    const second = deployment.predict({ x: 0 }, { version: 2 });
    await settled();
    await expect(deployment.predict({ x: 0 }, { version: 3 })).rejects.toMatchObject({ code: 'overloaded', details: { version: 3 } });
    slow.resolve(1);
    expect((await second).output).toBe(1);
    await deployment.close();
  });

  it('are refused to callers that name one which is not in memory, unless that is allowed', async () => {
    const parts = await registryOf(2);
    await parts.registry.promote('m@1', 'production', by);
    const { deployment } = deploy(parts, new Models());
    await deployment.ready();
    await expect(deployment.predict({ x: 0 }, { version: 2 })).rejects.toMatchObject({ code: 'not-found' });
    await deployment.load(2);
    expect(await deployment.predict({ x: 0 }, { version: 2 })).toMatchObject({ output: 200, version: 2, reason: 'override' });
    await expect(deployment.unload(1)).rejects.toMatchObject({ code: 'conflict' });
    await deployment.unload(2);
    await expect(deployment.predict({ x: 0 }, { version: 2 })).rejects.toMatchObject({ code: 'not-found' });
    await expect(deployment.load(7)).rejects.toMatchObject({ code: 'not-found' });
    await deployment.close();
  });
});

describe('a load that fails', () => {
  it('leaves the version before it serving, is told, and is tried again', async () => {
    const parts = await registryOf(2);
    await parts.registry.promote('m@1', 'production', by);
    let broken = true;
    const models = new Models({
      load: (version) => {
        if (version === 2 && broken) throw new Error('weights are short');
      },
    });
    const { deployment, clock, errors } = deploy(parts, models);
    await deployment.ready();
    await parts.registry.promote('m@2', 'production', by);
    await deployment.refresh();
    await settled();
    expect(deployment.status()).toMatchObject({ stable: 1, versions: [{ version: 1, state: 'ready' }, { version: 2, state: 'failed', error: 'weights are short' }] });
    expect(errors).toMatchObject([{ code: 'unavailable', message: 'm@2 could not be loaded: weights are short' }]);
    await clock.advance(10_000);
    expect(errors.length).toBeGreaterThan(2);
    expect((await deployment.predict({ x: 1 })).output).toBe(101);
    broken = false;
    await clock.advance(60_000);
    expect((await deployment.predict({ x: 1 })).output).toBe(201);
    await deployment.close();
    expect(models.gone).toEqual([1, 2]);
  });

  it('gives back what it had made when the warm-up fails, and what comes too late', async () => {
    const parts = await registryOf(2);
    await parts.registry.promote('m@1', 'production', by);
    const late = deferred();
    const models = new Models({
      warmUp: (version) => {
        if (version === 1) throw new Error('no device');
      },
      load: (version) => (version === 2 ? late.promise : undefined),
    });
    const { deployment, clock, errors } = deploy(parts, models, { loadTimeout: '10s' });
    await expect(deployment.ready()).rejects.toMatchObject({ code: 'unavailable', message: 'm@1 could not be loaded: no device' });
    expect(models.gone).toEqual([1]);
    await parts.registry.promote('m@2', 'production', by);
    await deployment.refresh();
    await clock.advance(10_000);
    expect(errors.at(-1)).toMatchObject({ code: 'unavailable', message: expect.stringContaining('was not ready within 10000 ms') as string });
    late.resolve();
    await settled();
    await deployment.close();
    const { loaded, disposed } = deployment.status();
    expect(loaded).toBeGreaterThan(1);
    expect(disposed).toBe(loaded);
    expect([...models.gone].sort()).toEqual([...models.made].sort());
  });

  it('does not hold up the end of the deployment when it hangs', async () => {
    const parts = await registryOf(1);
    await parts.registry.promote('m@1', 'production', by);
    let told = false;
    const models = new Models({ load: (_, signal) => new Promise(() => signal.addEventListener('abort', () => (told = true))) });
    const { deployment, clock, errors } = deploy(parts, models, { drainTimeout: '5s' });
    const waiting = deployment.predict({ x: 1 });
    await settled();
    let closed = false;
    const closing = deployment.close().then(() => (closed = true));
    await expect(waiting).rejects.toMatchObject({ code: 'closed' });
    await clock.advance(4_000);
    expect([told, closed]).toEqual([true, false]);
    await clock.advance(2_000);
    await closing;
    expect(errors).toMatchObject([{ code: 'timeout' }]);
  });
});
