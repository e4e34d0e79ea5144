import { describe, expect, it } from 'vitest';
import { DriftMonitor, FeatureStore, featureService, featureView, MemoryStorage, profileData, Registry } from 'modelkeep';
import { failingWrites } from './failing-writes.ts';
import { by, deploy, Models, registryOf } from './served-model.ts';

describe('the books of a deployment', () => {
  it('feed a monitor with predictions, failures and labels', async () => {
    const parts = await registryOf(1);
    await parts.registry.promote('m@1', 'production', by);
    const reference = profileData({ x: Float64Array.from({ length: 100 }, (_, i) => i), score: Float64Array.from({ length: 100 }, (_, i) => 100 + i) }, { prediction: 'score' });
    await using monitor = new DriftMonitor({ storage: parts.storage, name: 'm', reference, window: { rows: 1000 }, health: {}, performance: { metric: 'mae', max: 10, maxLabelDelay: '1d' } });
    const { deployment, errors } = deploy(parts, new Models({ predict: (_, x) => (x === 9 ? Promise.reject(new Error('broken')) : undefined) }), { monitor, observe: ({ input, output }) => ({ features: { x: input.x }, prediction: output }), fallback: false });
    for (let x = 0; x < 9; x++) {
      const { id, output } = await deployment.predict({ x });
      deployment.feedback({ id, label: output + 1 });
    }
    await expect(deployment.predict({ x: 9 })).rejects.toMatchObject({ code: 'model-failed', cause: { message: 'broken' } });
    const { window, performance } = await monitor.check();
    expect(window.rows).toBe(9);
    expect(performance?.open[0]).toMatchObject({ value: 1, coverage: 1 });
    expect(errors).toEqual([]);
    await deployment.close();
  });

  it('take a list of feedback whole or not at all', async () => {
    const parts = await registryOf(1);
    await parts.registry.promote('m@1', 'production', by);
    const recorded: unknown[] = [];
    const experiment = { name: 'e', variants: [{ name: 'A' }], assign: () => ({ variant: 'A' }), expose: () => undefined, record: (...given: readonly unknown[]) => void recorded.push(given) };
    const { deployment } = deploy(parts, new Models(), { experiment });
    const { id } = await deployment.predict({ x: 1 }, { key: 'ann' });
    const told = { id, key: 'ann', metrics: { clicked: 1 } };
    expect(() => deployment.feedback([told, { id, label: 1 }])).toThrow('neither a monitor nor a log');
    expect(() => deployment.feedback([told, { id: '' }])).toThrow('feedback');
    expect(recorded).toEqual([]);
    deployment.feedback([told]);
    expect(recorded).toEqual([['ann', { clicked: 1 }, { id: `${id} clicked` }]]);
    await deployment.close();
  });

  it('go on while the storage fails, and are written when it works again', async () => {
    const inner = new MemoryStorage();
    const parts = await registryOf(1, undefined, inner);
    await parts.registry.promote('m@1', 'production', by);
    const storage = failingWrites(inner);
    const { deployment, clock, errors } = deploy({ ...parts, storage }, new Models(), { log: true });
    await deployment.ready();
    storage.fails = true;
    for (let x = 0; x < 20; x++) expect((await deployment.predict({ x })).output).toBe(100 + x);
    await clock.advance(5_000);
    expect(errors.length).toBeGreaterThan(0);
    await expect(deployment.flush()).rejects.toThrow('no disk');
    storage.fails = false;
    await deployment.flush();
    const { items } = await deployment.predictions();
    expect(items).toHaveLength(20);
    expect(items.map(({ version, reason }) => `${version} ${reason}`)).toEqual(items.map(() => '1 stable'));
    await deployment.close();
  });

  it('let nobody who is told of a prediction fail it', async () => {
    const parts = await registryOf(1);
    await parts.registry.promote('m@1', 'production', by);
    const broken = (): never => {
      throw new Error('listener');
    };
    const { deployment, errors } = deploy(parts, new Models(), { monitor: { observe: broken, feedback: broken }, observe: broken, metrics: { price: broken } });
    deployment.on('served', broken);
    expect((await deployment.predict({ x: 1 })).output).toBe(101);
    expect(errors.map((error) => (error as Error).message)).toEqual(['listener', 'listener', 'listener']);
    await deployment.close();
  });
});

describe('features', () => {
  it('are looked up by the service that the version was registered with, and no caller makes them up', async () => {
    const storage = new MemoryStorage();
    const store = new FeatureStore({ storage });
    await store.apply([
      featureView({ name: 'airport', entity: ['origin'], timestamp: 'at', features: { delay: 'float64' } }),
      featureService({ name: 'delays', features: ['airport:delay'] }),
    ]);
    const now = Date.now();
    await store.ingest('airport', [{ origin: 'ATL', at: now - 1000, delay: 12 }]);
    await store.materialize('airport', { end: now });
    const registry = new Registry({ storage });
    await registry.createModel('m');
    await registry.registerVersion('m', { files: { 'offset.txt': '100' }, features: { service: 'delays', version: 1 } });
    await registry.promote('m@1', 'production', by);
    type Input = { x: number; origin: string; delay?: number };
    const { deployment } = deploy({ storage, registry }, new Models(), {
      load: () => (input: unknown) => (input as Input).delay!,
      features: { store, entity: (input) => ({ origin: (input as unknown as Input).origin }) },
      fallback: false,
    });
    const ask = (input: Input): Promise<unknown> => deployment.predict(input).then(({ output }) => output);
    expect(await ask({ x: 1, origin: 'ATL' })).toBe(12);
    expect(await ask({ x: 1, origin: 'ATL', delay: 99 })).toBe(12);
    await deployment.close();
    await store.close();
  });
});
