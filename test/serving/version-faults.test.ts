import { describe, expect, it } from 'vitest';
import { settled } from '../pipelines/manual-clock.ts';
import { by, deferred, deploy, Models, registryOf, type Asked } from './served-model.ts';

describe('a deployment that is closed', () => {
  it('ends before its first version is ready, on a clock that stands still', async () => {
    const parts = await registryOf(1);
    const models = new Models();
    const { deployment, errors } = deploy(parts, models, { follow: 1 });
    let closed = false;
    void deployment.close().then(() => (closed = true));
    await settled();
    expect(closed).toBe(true);
    expect(errors).toEqual([]);
    expect(deployment.status()).toMatchObject({ versions: [] });
    expect(deployment.status().disposed).toBe(deployment.status().loaded);
  });

  it('gives its versions back though the registry hangs', async () => {
    const parts = await registryOf(1);
    await parts.registry.promote('m@1', 'production', by);
    const models = new Models();
    let hangs = false;
    const { registry } = parts;
    const hanging = new Proxy(registry, { get: (target, name) => (name === 'getModel' ? (...args: Parameters<typeof registry.getModel>) => (hangs ? new Promise(() => undefined) : target.getModel(...args)) : typeof Reflect.get(target, name) === 'function' ? (Reflect.get(target, name) as () => void).bind(target) : Reflect.get(target, name)) });
    const { deployment, clock } = deploy({ ...parts, registry: hanging }, models);
    await deployment.ready();
    hangs = true;
    await clock.advance(6_000);
    void deployment.close();
    await settled();
    expect(models.gone).toEqual([1]);
  });

  it('ends though a request never does, once its time to drain is up', async () => {
    const parts = await registryOf(2);
    await parts.registry.promote('m@1', 'production', by);
    const models = new Models({ predict: (version) => (version === 1 ? deferred<number>().promise : undefined) });
    const { deployment, clock } = deploy(parts, models, { drainTimeout: '5s', limits: { timeout: '60s' } });
    await deployment.ready();
    const hung = deployment.predict({ x: 1 }).catch((error: unknown) => error);
    await settled();
    let closed = false;
    void deployment.close().then(() => (closed = true));
    await clock.advance(6_000);
    expect(closed).toBe(true);
    expect(models.gone).toEqual([1]);
    await clock.advance(60_000);
    expect(await hung).toMatchObject({ code: 'timeout' });
  });
});

describe('a version that cannot be loaded', () => {
  it('is given back when its warm-up hangs, however often it is tried', async () => {
    const parts = await registryOf(1);
    const models = new Models({ warmUp: () => new Promise(() => undefined) });
    const { deployment, clock } = deploy(parts, models, { follow: 1, loadTimeout: '10s', drainTimeout: '5s' });
    await settled();
    for (let i = 0; i < 5; i++) await clock.advance(60_000);
    expect(models.made.length).toBeGreaterThan(2);
    expect(models.made.length - models.gone.length).toBeLessThanOrEqual(1);
    const closing = deployment.close();
    await clock.advance(20_000);
    await closing;
    expect(models.gone).toEqual(models.made);
  });

  it.each([NaN, -1, Infinity, '5'])('is refused when its predictor says that it holds %s bytes', async (bytes) => {
    const parts = await registryOf(1);
    const gone: number[] = [];
    const { deployment } = deploy(parts, new Models(), { follow: 1, load: async () => ({ predict: async ({ x }: Asked) => x, bytes: bytes as number, dispose: () => gone.push(1) }) });
    await expect(deployment.ready()).rejects.toThrow('bytes');
    await settled();
    expect(gone).toEqual([1]);
    await deployment.close();
  });
});
