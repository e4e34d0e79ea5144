import { DriftMonitor, MemoryStorage, gates, profileData, type Registry } from 'modelkeep';
import { beforeEach, describe, expect, it } from 'vitest';
import { driftCheck } from '../../../src/serving/rollout/drift-check.ts';
import type { RolloutCheckResult } from '../../../src/serving/rollout/guardrail.ts';
import { reduceRollout } from '../../../src/serving/rollout/rollout-reducer.ts';
import type { RolloutEvent } from '../../../src/serving/rollout/rollout-event.ts';
import type { RolloutInput, RolloutState } from '../../../src/serving/rollout/rollout-state.ts';
import { ManualClock } from '../../pipelines/manual-clock.ts';
import { boundTo, minute, model, productions, registryOf, replicaOf, type Replica } from './rollout-harness.ts';

let clock: ManualClock;
let storage: MemoryStorage;
let registry: Registry;
let replica: Replica;

beforeEach(async () => {
  clock = new ManualClock();
  storage = new MemoryStorage();
  registry = await registryOf(storage, clock);
  replica = replicaOf(storage, registry, clock);
});

const canary = { candidate: 2, steps: [{ weight: 5, hold: '10m' }, { weight: 50, hold: '1h' }, { weight: 100 }], guardrails: [{ metric: 'error_rate', max: 0.05 }, { metric: 'error_rate', notWorseThan: 'stable' }] } as const;
/** What happened, without what looks found in between. */
const types = (events: readonly RolloutEvent[]): string[] => events.map(({ type }) => type).filter((type) => type !== 'judged');

describe('a rollout by one process', () => {
  it('goes from step to step and is promoted once, with the whole of it in the history', async () => {
    const { controller } = replica;
    expect(await controller.start({ ...canary, by: 'ada', reason: 'auc +0.1' })).toMatchObject({ phase: 'step', stage: 0, stages: 3, weight: 5, by: 'ada', why: 'auc +0.1', nextAt: clock.now() + 10 * minute });
    replica.serve(200);
    clock.jump(10 * minute);
    await controller.look();
    expect(controller.traffic.candidate).toMatchObject({ weight: 0.5, controlWeight: 0.5 });
    replica.serve(200);
    clock.jump(60 * minute);
    await controller.look();
    expect(await controller.status()).toMatchObject({ phase: 'ended', outcome: 'promoted', weight: 100 });
    expect(controller.traffic).toEqual({});
    expect(replica.traffic.map(({ candidate }) => candidate?.weight)).toEqual([0.05, 0.5, undefined]);
    expect(await productions(registry)).toEqual(['stage-changed 1', 'stage-changed 2']);
    expect(types(await controller.history())).toEqual(['started', 'stage-entered', 'stage-entered', 'promoting', 'promoted']);
    expect(await controller.history()).toEqual(replica.events);
    // Nothing of the counts is left.
    await controller.look();
    expect((await storage.list({ prefix: 'serving/flight-delay/' })).entries).toEqual([]);
  });

  it('rolls back with the evidence, and replays from its history', async () => {
    const { controller } = replica;
    await controller.start(canary);
    replica.serve(300, 60);
    await controller.look();
    expect(controller.traffic).toEqual({});
    const status = await controller.status();
    expect(status).toMatchObject({ outcome: 'rolled-back', weight: 0 });
    expect(status!.why).toContain("Guardrail 'error_rate max 0.05' failed: the candidate's 0.2 is above 0.05, for sure.");
    expect(await productions(registry)).toEqual(['stage-changed 1']);
    const history = await controller.history();
    expect(types(history)).toEqual(['started', 'rolled-back']);
    expect(history.at(-1)!.data.input).toMatchObject({ type: 'look', verdicts: [{ guardrail: 'sample_ratio', status: 'success' }, { status: 'failed', candidate: 0.2, samples: { candidate: 300 } }, { status: 'failed', control: 0 }] });
    const replayed = history.reduce<RolloutState | undefined>((state, { data }) => reduceRollout(state, data.input as unknown as RolloutInput, data.decidedAt)[0], undefined);
    expect(replayed).toMatchObject({ phase: 'ended', outcome: 'rolled-back', why: status!.why, endedAt: clock.now() });
  });

  it('tells where it stands at any moment, with the numbers', async () => {
    const { controller } = replica;
    expect(await controller.status()).toBeUndefined();
    await controller.start(canary);
    replica.serve(50, 1);
    expect((await controller.status())!.verdicts).toMatchObject([
      { guardrail: 'sample_ratio' },
      { guardrail: 'error_rate max 0.05', status: 'inconclusive', cause: 'few-samples', candidate: 0.02, limit: 0.05, samples: { candidate: 50 } },
      { status: 'inconclusive', candidate: 0.02, control: 0, samples: { candidate: 50, control: 50 } },
    ]);
  });

  it('counts only what was left to chance', async () => {
    const { controller } = replica;
    await controller.start(canary);
    const request = { id: 'x', at: 0, shadow: false, input: 1, cached: false, latencyMs: 1, queueMs: 0, computeMs: 1, batchSize: 1 } as const;
    controller.count({ ...request, version: 2, arm: 'candidate', reason: 'override', error: new Error('no') });
    controller.count({ ...request, version: 1, arm: 'control', reason: 'fallback' });
    controller.count({ ...request, version: 1, arm: 'stable', reason: 'stable' });
    controller.count({ ...request, version: 2, arm: 'candidate', reason: 'canary', shadow: true });
    controller.count({ ...request, version: 2, arm: 'candidate', reason: 'sticky' });
    expect((await controller.status())!.verdicts[2]!.samples).toEqual({ candidate: 1, control: 0 });
  });

  it('does not promote what no request could reach', async () => {
    const { controller } = replica;
    await controller.start({ candidate: 2, steps: [{ weight: 50, hold: '1m' }] });
    clock.jump(5 * minute);
    await controller.look();
    expect(await controller.status()).toMatchObject({ phase: 'step', stage: 0 });
    clock.jump(24 * 60 * minute);
    await controller.look();
    expect((await controller.status())!.paused?.reason).toContain('an arm has 0 of the 1 requests that it needs');
  });

  it('judges metrics that come as feedback', async () => {
    const { controller } = replica;
    await controller.start({ ...canary, guardrails: [{ metric: 'clicked', notWorseThan: 'stable' }] });
    replica.serve(400);
    for (let i = 0; i < 400; i++) {
      controller.measure({ version: 1, arm: 'control' }, { clicked: i % 2, other: 5 });
      controller.measure({ version: 2, arm: 'candidate' }, { clicked: i % 10 === 0 ? 1 : 0 });
      controller.measure({ version: 1, arm: 'stable' }, { clicked: 0 });
    }
    await controller.look();
    expect(await controller.status()).toMatchObject({ outcome: 'rolled-back', verdicts: [{}, { guardrail: 'clicked not worse than stable', status: 'failed', candidate: 0.1, control: 0.5 }] });
  });

  it('asks checks, of which one that is missing or throws is an error and no failure', async () => {
    const said: object[] = [];
    replica = replicaOf(storage, registry, clock, {
      drift: (context) => {
        said.push(context);
        return { status: 'inconclusive', reason: 'too few rows', evidence: { rows: 3 } };
      },
      broken: () => Promise.reject(new Error('no connection')),
      odd: () => ({ status: 'success', evidence: { code: () => 1 } }),
      none: () => undefined as never,
      slow: () => new Promise(() => undefined),
    });
    const started = replica.controller.start({ ...canary, guardrails: [{ metric: 'drift' }, ...['broken', 'absent', 'odd', 'none', 'slow'].map((check) => ({ check }))], budgets: { error: 1 } });
    await clock.advance(30_000);
    await started;
    clock.jump(-30_000);
    expect(said).toEqual([{ model, candidate: 2, stable: 1, since: clock.now() }]);
    expect((await replica.controller.status())!.verdicts.slice(1)).toMatchObject([
      { guardrail: 'drift', status: 'inconclusive', reason: 'too few rows', evidence: { rows: 3 } },
      { guardrail: 'broken', status: 'error', reason: 'no connection' },
      { guardrail: 'absent', status: 'error', reason: "there is no check 'absent' in this process; give it to the deployment." },
      { guardrail: 'odd', status: 'error' },
      { guardrail: 'none', status: 'error', reason: "check 'none' gave undefined; it gives { status: 'success' | 'failed' | 'inconclusive' }." },
      { guardrail: 'slow', status: 'error', reason: 'it took longer than 30 s.' },
    ]);
    const look = replica.controller.look();
    await clock.advance(30_000);
    await look;
    expect((await replica.controller.status())!.paused?.reason).toContain("'broken' could not be looked at 2 times in a row: no connection");
  });

  it('is a source of events, read by a cursor', async () => {
    const { controller } = replica;
    const source = controller.events();
    expect(await source.poll(undefined)).toEqual({ events: [], next: undefined });
    await controller.start(canary);
    const first = await source.poll(undefined, { limit: 1 });
    expect(first.events).toMatchObject([{ ref: { kind: 'deployment', id: model }, data: { type: 'started' } }]);
    const before = await source.now();
    await controller.abort({ by: 'ada' });
    expect((await source.poll(before)).events.map(({ data }) => data.type)).toEqual(['aborted']);
    expect((await source.poll(first.next)).events.at(-1)).toMatchObject({ data: { type: 'aborted', by: 'ada' } });
    // What is left out is passed over all the same.
    const wanted = controller.events({ types: ['aborted'] });
    expect(wanted.id).not.toBe(source.id);
    const none = await wanted.poll(undefined, { limit: 1 });
    expect(none).toEqual({ events: [], next: first.next });
    expect((await wanted.poll(none.next)).events.map(({ data }) => data.type)).toEqual(['aborted']);
    expect(() => controller.events({ types: ['exploded' as 'aborted'] })).toThrow(expect.objectContaining({ code: 'validation' }));
    await expect(source.poll('soon')).rejects.toMatchObject({ code: 'validation' });
  });

  it('goes by the windows of a monitor that began in its stage and have rows of the candidate', async () => {
    const monitor = new DriftMonitor({ storage, clock, name: 'inputs', reference: profileData({ x: Float64Array.from({ length: 1000 }, (_, i) => i) }), window: { rows: 200 } });
    const observe = async (version: number, from: number): Promise<void> => {
      clock.jump(1);
      for (let i = 0; i < 200; i++) monitor.observe({ version, features: { x: from + 5 * i } });
      await monitor.flush();
    };
    await observe(1, 5000);
    clock.jump(minute);
    replica = replicaOf(storage, registry, clock, { drift: driftCheck(monitor) });
    const { controller } = replica;
    await controller.start({ ...canary, guardrails: [{ metric: 'drift' }] });
    const drift = async () => (await controller.status())!.verdicts.find(({ guardrail }) => guardrail === 'drift');
    expect(await drift()).toMatchObject({ status: 'inconclusive', reason: 'no window with rows of the candidate has begun and ended in this stage yet.' });
    await observe(1, 0);
    await controller.look();
    expect((await drift())!.status).toBe('inconclusive');
    await observe(2, 0);
    await controller.look();
    expect(await drift()).toMatchObject({ status: 'success', evidence: { window: 3, rows: 200 } });
    // A window without rows of the candidate takes nothing away from the one before.
    await observe(2, 5000);
    await observe(1, 0);
    await controller.look();
    expect(await controller.status()).toMatchObject({ outcome: 'rolled-back' });
    await monitor.close();
  });

  it('is paused, resumed, promoted and aborted by hand, with who and why', async () => {
    const { controller } = replica;
    await expect(controller.pause()).rejects.toMatchObject({ code: 'not-found' });
    await controller.start(canary);
    expect((await controller.pause({ by: 'ada', reason: 'lunch' })).paused).toEqual({ at: clock.now(), by: 'ada', reason: 'lunch' });
    expect((await controller.resume({ by: 'ada' })).paused).toBeUndefined();
    expect(await controller.promote({ by: 'bo', reason: 'urgent' })).toMatchObject({ outcome: 'promoted', why: 'urgent' });
    expect((await registry.history(model)).at(-1)).toMatchObject({ type: 'stage-changed', by: 'bo', reason: 'urgent' });
    expect((await controller.history()).filter(({ by }) => by).map(({ type, by, reason }) => [type, by, reason])).toEqual([['paused', 'ada', 'lunch'], ['resumed', 'ada', 'It was resumed.'], ['promoting', 'bo', 'urgent']]);
    await registry.rollback(model, { by: 'bo', reason: 'back' });
    await controller.start(canary);
    expect(await controller.abort({ by: 'ada', reason: 'never mind' })).toMatchObject({ outcome: 'aborted', weight: 0 });
    await expect(controller.resume({ reason: '' })).rejects.toMatchObject({ code: 'validation' });
  });
});

describe('the registry', () => {
  it('is asked for its gates at the start, which force overrides', async () => {
    const { controller } = replica;
    await expect(controller.start({ ...canary, candidate: 3 })).rejects.toMatchObject({ code: 'gate', details: { version: 3, report: { passed: false } } });
    await expect(controller.start({ ...canary, candidate: 9 })).rejects.toMatchObject({ code: 'not-found' });
    await expect(controller.start({ ...canary, candidate: 1 })).rejects.toMatchObject({ code: 'conflict' });
    expect(await controller.history()).toEqual([]);
    await controller.start({ strategy: 'all-at-once', candidate: 3, force: { reason: 'the other one is on fire' } });
    expect((await registry.history(model)).at(-1)).toMatchObject({ type: 'stage-changed', reason: 'the other one is on fire', data: { version: 3 } });
  });

  it('may refuse at the end: the rollout pauses, and goes on when that is mended', async () => {
    const { controller } = replica;
    await controller.start({ candidate: 2, steps: [{ weight: 50, hold: '1m' }] });
    const policy = (await registry.getModel(model)).policy;
    replica.serve(1);
    await registry.setPolicy(model, { production: [gates.metric('auc', { goal: 'maximize', min: 0.99 })] });
    clock.jump(minute);
    await controller.look();
    const refused = await controller.status();
    expect(refused).toMatchObject({ phase: 'promoting', weight: 50 });
    expect(refused!.paused?.reason).toContain('The registry did not promote it');
    await controller.look();
    expect(types(await controller.history())).toEqual(['started', 'promoting', 'paused']);
    await registry.setPolicy(model, policy);
    expect(await controller.resume()).toMatchObject({ outcome: 'promoted' });
  });

  it('goes back when what was promoted fails while the version before is kept', async () => {
    const { controller } = replica;
    await controller.start({ candidate: 2, strategy: 'blue-green', shadow: { share: 50, hold: '1m' }, keep: '1h', guardrails: [{ metric: 'error_rate', max: 0.05 }] });
    replica.serve(150);
    clock.jump(minute);
    await controller.look();
    expect(controller.traffic).toMatchObject({ stable: 1, candidate: { weight: 1 } });
    replica.serve(200, 100);
    await controller.look();
    expect(await controller.status()).toMatchObject({ outcome: 'rolled-back' });
    expect(await productions(registry)).toEqual(['stage-changed 1', 'stage-changed 2', 'rolled-back 1']);
    expect(types(await controller.history())).toEqual(['started', 'promoting', 'promoted', 'restoring', 'rolled-back']);
  });

  it.each(['deleted', 'retired'] as const)('cannot go back to a version that was %s: the rollout ends, and another one can begin', async (how) => {
    const { controller } = replica;
    await controller.start({ candidate: 2, strategy: 'all-at-once', keep: '1h', guardrails: [{ metric: 'error_rate', max: 0.05 }] });
    await (how === 'deleted' ? registry.deleteVersion(`${model}@1`, { by: 'bo', reason: 'tidy' }) : registry.retire(`${model}@1`, { by: 'bo', reason: 'a bug' }));
    replica.serve(200, 100);
    await controller.look();
    const status = await controller.status();
    expect(status).toMatchObject({ phase: 'ended', outcome: 'aborted' });
    expect(status!.why).toContain("Guardrail 'error_rate max 0.05' failed");
    expect(status!.why).toContain('The registry cannot go back to version 1, so that version 2 stays in production: ');
    expect(replica.errors).toMatchObject([{ code: how === 'deleted' ? 'not-found' : 'conflict' }]);
    expect(controller.traffic).toEqual({});
    expect(types(await controller.history())).toEqual(['started', 'promoted', 'restoring', 'aborted']);
    expect(await controller.start({ candidate: 3, force: { reason: 'anything but this' } })).toMatchObject({ phase: 'step', stable: 2 });
  });

  it('is left to whoever promotes by hand meanwhile, and the rollout ends', async () => {
    const { controller } = replica;
    await controller.start(canary);
    await registry.promote(`${model}@3`, 'production', { by: 'bo', reason: 'because', force: true });
    await controller.look();
    expect(await controller.status()).toMatchObject({ outcome: 'aborted', weight: 0 });
    expect(replica.errors).toMatchObject([{ code: 'conflict', details: { production: 3, candidate: 2 } }]);
    expect(await productions(registry)).toEqual(['stage-changed 1', 'stage-changed 3']);
    await registry.rollback(model, { by: 'bo', reason: 'back' });
    await controller.start(canary);
    await registry.promote(`${model}@3`, 'production', { by: 'bo', reason: 'again', force: true });
    await expect(controller.promote({ by: 'ada' })).rejects.toMatchObject({ code: 'conflict', details: { production: 3 } });
  });

  it.each([false, true])('is not overwritten by a rollout whose last look was before a promotion by hand (forced: %s)', async (forced) => {
    // The registry of the rollout, to which the promotion by hand comes when it has been seen and before it is changed.
    let byHand: (() => Promise<unknown>) | undefined = () => registry.promote(`${model}@3`, 'production', { by: 'bo', reason: 'an emergency', force: true });
    const raced = replicaOf(storage, {
      ...boundTo(registry),
      promote: async (...given) => {
        await byHand?.();
        byHand = undefined;
        return registry.promote(...given);
      },
    }, clock);
    await raced.controller.start({ candidate: 2, steps: [{ weight: 50, hold: '1m' }], ...(forced && { force: { reason: 'sure' } }) });
    raced.serve(1);
    clock.jump(minute);
    await raced.controller.look();
    expect(await raced.controller.status()).toMatchObject({ phase: 'ended', outcome: 'aborted', weight: 0, why: expect.stringContaining('Version 3 is in production, which this rollout did not bring there') });
    expect(raced.errors).toMatchObject([{ code: 'conflict', details: { production: 3, candidate: 2 } }]);
    expect(await productions(registry)).toEqual(['stage-changed 1', 'stage-changed 3']);
    expect(types(await raced.controller.history())).toEqual(['started', 'promoting', 'aborted']);
  });

  it('may know the model no more: the rollout ends', async () => {
    await replica.controller.start(canary);
    await registry.promote(`${model}@1`, 'archived', { by: 'bo', reason: 'no more' });
    await registry.deleteModel(model, { by: 'bo', reason: 'no more' });
    await replica.controller.look();
    expect(await replica.controller.status()).toMatchObject({ outcome: 'aborted' });
  });

  it('may have the candidate in production already, by hand: that is what was wanted', async () => {
    await replica.controller.start(canary);
    await registry.promote(`${model}@2`, 'production', { by: 'bo', reason: 'sure' });
    await replica.controller.look();
    expect(await replica.controller.status()).toMatchObject({ outcome: 'promoted' });
    expect(await productions(registry)).toEqual(['stage-changed 1', 'stage-changed 2']);
  });
});

describe('several processes', () => {
  it('add up what they count, and one of them decides', async () => {
    const other = replicaOf(storage, registry, clock);
    await replica.controller.start({ ...canary, guardrails: [{ metric: 'error_rate', max: 0.05 }] });
    await other.controller.look();
    expect(other.controller.traffic).toEqual(replica.controller.traffic);
    replica.serve(60);
    other.serve(60);
    clock.jump(10 * minute);
    await Promise.all([other.controller.look(), replica.controller.look()]);
    await Promise.all([other.controller.look(), replica.controller.look()]);
    expect((await replica.controller.status())!.stage).toBe(1);
    expect(types(await other.controller.history())).toEqual(['started', 'stage-entered']);
    expect(other.events).toEqual([]);
    // The one that decided falls silent.
    replica.serve(0);
    clock.jump(60 * minute);
    other.serve(150);
    await other.controller.look();
    await other.controller.look();
    expect(await productions(registry)).toEqual(['stage-changed 1', 'stage-changed 2']);
    await replica.controller.look();
    expect(replica.controller.traffic).toEqual({});
    expect(await replica.controller.history()).toEqual(await other.controller.history());
  });

  it('of two that start at once one does', async () => {
    const other = replicaOf(storage, registry, clock);
    const outcomes = await Promise.allSettled([replica.controller.start(canary), other.controller.start(canary)]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'conflict' } });
    expect(types(await other.controller.history()).filter((type) => type === 'started')).toHaveLength(1);
  });

  it('act once when the one that decides stands still and another takes over', async () => {
    let goOn = (): void => undefined;
    const held = new Promise<void>((resolve) => (goOn = resolve));
    let reached = (): void => undefined;
    const promoting = new Promise<void>((resolve) => (reached = resolve));
    const slow = replicaOf(storage, { ...boundTo(registry), promote: async (...given) => (reached(), await held, registry.promote(...given)) }, clock);
    await slow.controller.start({ candidate: 2, steps: [{ weight: 50, hold: '1m' }] });
    slow.serve(5);
    clock.jump(minute);
    const look = slow.controller.look();
    await promoting;
    clock.jump(minute);
    await replica.controller.look();
    expect(types(await replica.controller.history())).toEqual(['started', 'promoting', 'promoted']);
    goOn();
    await look;
    expect(slow.controller.traffic).toEqual({});
    expect(types(await slow.controller.history())).toEqual(['started', 'promoting', 'promoted']);
    expect(await productions(registry)).toEqual(['stage-changed 1', 'stage-changed 2']);
  });

  it('do not act upon what one of them found while another took over', async () => {
    let say = (_result: RolloutCheckResult): void => undefined;
    let reached = (): void => undefined;
    const asked = new Promise<void>((resolve) => (reached = resolve));
    let answer: () => Promise<RolloutCheckResult> = async () => ({ status: 'inconclusive' });
    const slow = replicaOf(storage, registry, clock, { health: () => answer() });
    const other = replicaOf(storage, registry, clock, { health: () => ({ status: 'success' }) });
    await slow.controller.start({ candidate: 2, steps: [{ weight: 20, hold: '1m' }, { weight: 50, hold: '1m' }], guardrails: [{ check: 'health' }], minSamples: 1 });
    slow.serve(5);
    answer = () => (reached(), new Promise((resolve) => (say = resolve)));
    const look = slow.controller.look();
    await asked;
    clock.jump(minute);
    await other.controller.look();
    expect((await other.controller.status())!.stage).toBe(1);
    say({ status: 'failed', reason: 'it was ill a minute ago' });
    await look;
    expect(await other.controller.status()).toMatchObject({ phase: 'step', stage: 1, weight: 50 });
    expect(slow.controller.traffic.candidate?.weight).toBe(0.5);
  });

  it('keep rollouts and experiments apart, and forget an experiment whose process died', async () => {
    const other = replicaOf(storage, registry, clock);
    await other.controller.claimExperiment('delay-model');
    await expect(replica.controller.start(canary)).rejects.toMatchObject({ code: 'conflict', details: { experiment: 'delay-model' } });
    clock.jump(4 * minute);
    await other.controller.look();
    clock.jump(4 * minute);
    await expect(replica.controller.start(canary)).rejects.toMatchObject({ code: 'conflict' });
    await other.controller.releaseExperiment('delay-model');
    await replica.controller.start(canary);
    await expect(other.controller.claimExperiment('delay-model')).rejects.toMatchObject({ code: 'conflict', details: { candidate: 2 } });
    await replica.controller.abort();
    await other.controller.claimExperiment('delay-model');
    clock.jump(6 * minute);
    await replica.controller.start(canary);
  });

  it('end an experiment whose process slept until a rollout began', async () => {
    const other = replicaOf(storage, registry, clock);
    await other.controller.claimExperiment('delay-model');
    clock.jump(6 * minute);
    await replica.controller.start(canary);
    expect(other.claimsLost).toEqual([]);
    await other.controller.look();
    expect(other.claimsLost).toEqual([clock.now()]);
    expect(other.errors).toMatchObject([{ code: 'conflict', details: { candidate: 2 } }]);
    expect(other.controller.traffic).toEqual(replica.controller.traffic);
    await other.controller.look();
    expect(other.errors).toHaveLength(1);
    await replica.controller.abort();
    // Nor is it in the way of the next one.
    await replica.controller.start(canary);
  });

  it('look by themselves', async () => {
    const other = replicaOf(storage, registry, clock);
    for (const { controller } of [replica, other]) controller.begin();
    await clock.advance(1);
    await replica.controller.start({ candidate: 2, steps: [{ weight: 20, hold: '1m' }], keep: '1m' });
    replica.serve(1);
    await clock.advance(5000);
    expect(other.controller.traffic.candidate?.weight).toBe(0.2);
    await clock.advance(minute);
    expect(await productions(registry)).toEqual(['stage-changed 1', 'stage-changed 2']);
    await clock.advance(80_000);
    for (const { controller } of [replica, other]) expect(controller.traffic).toEqual({});
    expect(types(await other.controller.history())).toEqual(['started', 'promoting', 'promoted', 'completed']);
    for (const { controller } of [replica, other]) await controller.close();
    await clock.advance(minute);
    expect(clock.pending).toBe(0);
  });
});
