import { describe, expect, it } from 'vitest';
import { settled } from '../pipelines/manual-clock.ts';
import { by, deploy, Models, registryOf } from './served-model.ts';

describe('feedback', () => {
  it('on an id that the caller gave is of the prediction that had it here, though another deployment made the id', async () => {
    const parts = await registryOf(2);
    await parts.registry.promote('m@1', 'production', by);
    const { deployment } = deploy(parts, new Models());
    await deployment.ready();
    const before = await deployment.predict({ x: 1 });
    const foreign = before.id.replace('.1.stable', '.2.candidate');
    await deployment.startRollout({ candidate: 2, steps: [{ weight: 50, hold: '1h' }], guardrails: [{ metric: 'clicks', max: 1_000, minSamples: 1 }] as never });
    await settled();
    const key = await keyOf('control');
    await deployment.predict({ x: 1 }, { id: foreign, key });
    deployment.feedback({ id: foreign, metrics: { clicks: 7 } });
    const { verdicts } = (await deployment.rollout())!;
    expect(verdicts.find(({ guardrail }) => guardrail.startsWith('clicks'))?.samples?.candidate ?? 0).toBe(0);
    await deployment.close();

    async function keyOf(arm: string): Promise<string> {
      for (let i = 0; ; i++) if ((await deployment.predict({ x: 1 }, { key: `u${i}` })).reason === arm) return `u${i}`;
    }
  });

  it('that is sent again is not counted again', async () => {
    const parts = await registryOf(2);
    await parts.registry.promote('m@1', 'production', by);
    const { deployment } = deploy(parts, new Models());
    await deployment.ready();
    await deployment.startRollout({ candidate: 2, steps: [{ weight: 100, hold: '1h' }], guardrails: [{ metric: 'clicks', max: 1_000, minSamples: 1 }, { metric: 'views', max: 1_000, minSamples: 1 }] as never });
    await settled();
    const [one, two] = [await deployment.predict({ x: 1 }), await deployment.predict({ x: 1 })];
    for (const metrics of [{ clicks: 1 }, { clicks: 1 }, { views: 1 }, { views: 1, clicks: 1 }] as Record<string, number>[]) deployment.feedback({ id: one.id, metrics });
    deployment.feedback({ id: two.id, metrics: { clicks: 1 } });
    const { verdicts } = (await deployment.rollout())!;
    const samples = (metric: string): unknown => verdicts.find(({ guardrail }) => guardrail.startsWith(metric))?.samples?.candidate;
    expect([samples('clicks'), samples('views')]).toEqual([2, 1]);
    await deployment.close();
  });
});

describe('a shadow', () => {
  it('is asked what its request was, though the caller writes over that when it is answered', async () => {
    const parts = await registryOf(2);
    await parts.registry.promote('m@1', 'production', by);
    const seen: number[] = [];
    const { deployment } = deploy(parts, new Models({ predict: (version, x) => void (version === 2 && seen.push(x)) }));
    await deployment.ready();
    await deployment.startRollout({ candidate: 2, shadow: { share: 100, hold: '1h' }, steps: [{ weight: 100 }] });
    await settled();
    const input = { x: 0 };
    for (let x = 0; x < 4; x++) {
      input.x = x;
      await deployment.predict(input);
    }
    input.x = -1;
    await settled();
    expect(seen).toEqual([0, 1, 2, 3]);
    await deployment.close();
  });
});
