import { describe, expect, it } from 'vitest';
import { settled } from '../pipelines/manual-clock.ts';
import { by, deferred, deploy, Models, registryOf } from './served-model.ts';

const keys = Array.from({ length: 400 }, (_, i) => `user-${i}`);

describe('a rollout', () => {
  it('moves keys to the candidate that stay there while its share grows, and promotes it at the end', async () => {
    const parts = await registryOf(2);
    await parts.registry.promote('m@1', 'production', by);
    const models = new Models();
    const { deployment, clock } = deploy(parts, models, { limits: { queue: 1000 } });
    await deployment.ready();
    const events: string[] = [];
    deployment.on('rollout', ({ type }) => events.push(type));
    await deployment.startRollout({ candidate: 2, steps: [{ weight: 10, hold: '1m' }, { weight: 25, hold: '1m' }], by: 'ann', reason: 'better' });
    await settled();
    const versionsOf = async (): Promise<number[]> => (await Promise.all(keys.map((key) => deployment.predict({ x: 0 }, { key })))).map(({ version }) => version);
    const first = await versionsOf();
    const share = (versions: readonly number[]): number => versions.filter((version) => version === 2).length / versions.length;
    expect(share(first)).toBeGreaterThan(0.05);
    expect(share(first)).toBeLessThan(0.16);
    expect(await versionsOf()).toEqual(first);
    const reasons = await Promise.all(keys.map((key) => deployment.predict({ x: 0 }, { key })));
    expect(new Set(reasons.map(({ version, reason }) => `${version} ${reason}`))).toEqual(new Set(['1 stable', '1 control', '2 canary']));

    await clock.advance(61_000);
    const second = await versionsOf();
    expect(share(second)).toBeGreaterThan(share(first));
    expect(first.every((version, i) => version === 1 || second[i] === 2)).toBe(true);

    await clock.advance(70_000);
    expect(await deployment.rollout()).toMatchObject({ candidate: 2, outcome: 'promoted' });
    expect((await parts.registry.getModel('m')).production).toBe(2);
    await deployment.refresh();
    await settled();
    expect(deployment.status()).toMatchObject({ stable: 2, loaded: 2, disposed: 1 });
    expect(events[0]).toBe('started');
    expect(events).toContain('promoted');
    await deployment.close();
  });

  it('gives copies to a shadow, which can neither delay nor fail a request, nor pile up', async () => {
    const parts = await registryOf(2);
    await parts.registry.promote('m@1', 'production', by);
    const stuck = deferred<number>();
    const { deployment } = deploy(parts, new Models({ predict: (version) => (version === 2 ? stuck.promise : undefined) }), { shadow: { inFlight: 2, queue: 3 } });
    await deployment.ready();
    await deployment.startRollout({ candidate: 2, shadow: { share: 100, hold: '1h' }, steps: [{ weight: 100 }] });
    await settled();
    const shadows: unknown[] = [];
    deployment.on('served', ({ shadow, version, error }) => shadow && shadows.push([version, error]));
    for (let i = 0; i < 8; i++) expect((await deployment.predict({ x: i })).version).toBe(1);
    await settled();
    expect(shadows).toEqual([]);
    expect(deployment.status().versions).toMatchObject([{ version: 1 }, { version: 2, inFlight: 2 }]);
    expect(deployment.status().shadowsDropped).toBeGreaterThanOrEqual(3);
    stuck.resolve(7);
    await settled();
    expect(shadows.length).toBe(8 - deployment.status().shadowsDropped);
    expect(deployment.metricsText()).toContain(`modelkeep_shadow_predictions_total{model="m",version="2"} ${shadows.length}`);
    await deployment.close();
  });

  it('has the version in use answer where the candidate fails, and says so', async () => {
    const parts = await registryOf(2);
    await parts.registry.promote('m@1', 'production', by);
    const { deployment } = deploy(parts, new Models({ predict: (version) => (version === 2 ? Promise.reject(new Error('no device')) : undefined) }));
    await deployment.ready();
    await deployment.startRollout({ candidate: 2, steps: [{ weight: 100, hold: '1h' }] });
    await settled();
    const outcomes: unknown[] = [];
    deployment.on('served', ({ version, reason, error }) => outcomes.push([version, reason, error === undefined]));
    expect(await deployment.predict({ x: 1 }, { key: 'k' })).toMatchObject({ version: 1, reason: 'fallback', output: 101 });
    expect(outcomes).toEqual([[2, 'canary', false], [1, 'fallback', true]]);
    await deployment.close();
  });
});
