import { gates, isModelkeepError, MemoryStorage, Pipeline, Registry, type RegistryEvent } from 'modelkeep';
import { describe, expect, it, onTestFinished } from 'vitest';
import * as z from 'zod';
import '../../../src/pipelines/launching/launch-worker.ts';
import '../../../src/pipelines/triggers/trigger.ts';
import { ManualClock, settled } from '../manual-clock.ts';

const who = { by: 'ada', reason: 'because' };

type Change = (registry: Registry) => Promise<unknown>;

/** What starts a run of each type of event, in a model of two versions, the second of which is in production after the first. */
const changes: Record<RegistryEvent['type'], Change> = {
  'model-created': (registry) => registry.createModel('churn'),
  'model-updated': (registry) => registry.updateModel('fraud', { description: 'finds fraud', by: 'ada' }),
  'model-deleted': async (registry) => {
    await registry.createModel('churn');
    await registry.deleteModel('churn', who);
  },
  'alias-set': (registry) => registry.setAlias('fraud', 'canary', 1),
  'alias-deleted': async (registry) => {
    await registry.setAlias('fraud', 'canary', 1);
    await registry.deleteAlias('fraud', 'canary');
  },
  'version-registered': (registry) => registry.registerVersion('fraud', { files: { 'model.json': '{"n":3}' } }),
  'version-updated': (registry) => registry.updateVersion('fraud@1', { description: 'the first', by: 'ada' }),
  'version-retired': (registry) => registry.retire('fraud@1', who),
  'version-reinstated': async (registry) => {
    await registry.retire('fraud@1', who);
    await registry.reinstate('fraud@1', who);
  },
  'version-deleted': (registry) => registry.deleteVersion('fraud@1', who),
  'version-approved': (registry) => registry.approve('fraud@1', who),
  'approval-withdrawn': async (registry) => {
    await registry.approve('fraud@1', who);
    await registry.withdrawApproval('fraud@1', who);
  },
  'version-signed': async (registry) => {
    const { privateKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
    await registry.sign('fraud@1', { privateKey, ...who });
  },
  'evaluation-recorded': (registry) => registry.recordEvaluation('fraud@1', { dataset: { name: 'test', digest: `sha256:${'0'.repeat(64)}` }, metrics: { auc: 0.9 } }),
  'policy-changed': (registry) => registry.setPolicy('fraud', { staging: [gates.integrity()] }),
  'stage-changed': (registry) => registry.promote('fraud@1', 'staging', who),
  'promotion-refused': async (registry) => {
    await registry.setPolicy('fraud', { staging: [gates.approvals(1)] });
    await registry.promote('fraud@1', 'staging', who).catch((error: unknown) => {
      if (!isModelkeepError(error, 'gate')) throw error;
    });
  },
  'rolled-back': (registry) => registry.rollback('fraud', who),
};

describe('an event of a registry', () => {
  it.each(Object.entries(changes))('%s starts one run, which says by what', async (type, change) => {
    const [storage, clock] = [new MemoryStorage(), new ManualClock()];
    const registry = new Registry({ storage, clock });
    await registry.createModel('fraud');
    for (const n of [1, 2]) {
      await registry.registerVersion('fraud', { files: { 'model.json': `{"n":${n}}` } });
      await registry.promote(`fraud@${n}`, 'production', who);
    }
    const pipeline = new Pipeline({ name: 'follow', storage, clock, params: z.object({ type: z.string(), model: z.string() }) });
    pipeline.step('follow', {}, () => null);
    const source = registry.events({ types: [type as RegistryEvent['type']] });
    await pipeline.triggerOn(source, { name: 'changes', params: ({ data, ref }) => ({ type: data.type, model: ref.id }) });
    const keeper = pipeline.start();
    onTestFinished(() => keeper.close({ signal: AbortSignal.abort() }));
    await settled();
    await change(registry);
    await clock.advance(10_000);
    const events = (await registry.history(type.startsWith('model-') && type !== 'model-updated' ? 'churn' : 'fraud')).filter((event) => event.type === type);
    const last = events.at(-1)!;
    const runs: unknown[] = [];
    for await (const run of pipeline.runs()) runs.push({ status: run.status, params: (await pipeline.getRun(run.id)).params, triggeredBy: run.triggeredBy });
    expect(runs).toEqual([
      { status: 'succeeded', params: { type, model: last.subject.id }, triggeredBy: { kind: 'trigger', name: 'changes', source: source.id, event: last.id, at: last.at, ref: last.subject, events: 1 } },
    ]);
  });

  it('starts a run each time: of a promotion, another, and the way back', async () => {
    const [storage, clock] = [new MemoryStorage(), new ManualClock()];
    const registry = new Registry({ storage, clock });
    await registry.createModel('fraud');
    for (const n of [1, 2]) await registry.registerVersion('fraud', { files: { 'model.json': `{"n":${n}}` } });
    const served: string[] = [];
    const pipeline = new Pipeline({ name: 'deploy', storage, clock, params: z.object({ why: z.string(), version: z.number() }) });
    pipeline.step('deploy', {}, ({ params: { why, version } }) => void served.push(`${why} ${version}`));
    const params = ({ data }: { readonly data: RegistryEvent }): { why: string; version: number } => {
      if (data.type !== 'stage-changed' && data.type !== 'rolled-back') throw new Error('not asked for');
      return { why: data.type, version: data.data.version };
    };
    await pipeline.triggerOn(registry.events({ models: ['fraud'], types: ['stage-changed', 'rolled-back'] }), { params });
    const keeper = pipeline.start();
    onTestFinished(() => keeper.close({ signal: AbortSignal.abort() }));
    await settled();
    for (const act of [() => registry.promote('fraud@1', 'production', who), () => registry.promote('fraud@2', 'production', who), () => registry.rollback('fraud', who)]) {
      await act();
      await clock.advance(10_000);
    }
    expect(served).toEqual(['stage-changed 1', 'stage-changed 2', 'rolled-back 1']);
  });

  it('starts no runs without end when what it starts is refused each time', async () => {
    const [storage, clock] = [new MemoryStorage(), new ManualClock()];
    const registry = new Registry({ storage, clock });
    await registry.createModel('fraud');
    await registry.setPolicy('fraud', { production: [gates.metric('auc', { goal: 'maximize', min: 0.8 })] });
    const pipeline = new Pipeline({ name: 'promote', storage, clock });
    let tries = 0;
    pipeline.step('promote', {}, async () => {
      // Without end nothing would end here.
      if (++tries > 20) return;
      await registry.promote('fraud@latest', 'production', { by: 'bot', reason: 'the newest' }).catch((error: unknown) => {
        if (!isModelkeepError(error, 'gate')) throw error;
      });
    });
    await pipeline.triggerOn(registry.events({ models: ['fraud'] }), { name: 'any change' });
    const keeper = pipeline.start();
    onTestFinished(() => keeper.close({ signal: AbortSignal.abort() }));
    await settled();
    const typesAfter = async (change: () => Promise<unknown>): Promise<string[]> => {
      const before = (await registry.history('fraud')).length;
      await change();
      for (let i = 0; i < 10; i++) await clock.advance(10_000);
      return (await registry.history('fraud')).slice(before).map(({ type }) => type);
    };
    expect(await typesAfter(() => registry.registerVersion('fraud', { files: { a: '1' }, metrics: { auc: 0.5 } }))).toEqual(['version-registered', 'promotion-refused']);
    expect(await typesAfter(() => registry.registerVersion('fraud', { files: { a: '2' }, metrics: { auc: 0.6 } }))).toEqual(['version-registered', 'promotion-refused']);
    expect(await typesAfter(() => registry.setPolicy('fraud', { production: [gates.metric('auc', { goal: 'maximize', min: 0.7 })] }))).toEqual(['policy-changed', 'promotion-refused']);
    expect(await typesAfter(() => registry.registerVersion('fraud', { files: { a: '3' }, metrics: { auc: 0.75 } }))).toEqual(['version-registered', 'stage-changed']);
  });
});
