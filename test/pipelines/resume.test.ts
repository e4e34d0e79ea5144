import { MemoryStorage, Pipeline, type PipelineEvent, type PipelineResult, type StepHandle } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { seededRandom } from '../../src/core/random.ts';
import type { StepRecord } from '../../src/pipelines/run-store.ts';
import type { StorageAdapter } from '../../src/storage/contract.ts';
import { readValue } from '../../src/storage/records.ts';
import { faultyStorage, type Fault } from './faulty-storage.ts';
import { ManualClock, settled } from './manual-clock.ts';

const lease = 30_000;

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

/** A graph with all there is: a chain, a fan-out and fan-in, a large output, a step that fails once. */
function define(storage: StorageAdapter, clock: ManualClock, count: (step: string) => number): { pipeline: Pipeline<{ size: number }>; sum: StepHandle<number> } {
  const pipeline = new Pipeline({ name: 'resumed', storage, clock, lease, params: z.object({ size: z.number() }) });
  const values = pipeline.step('values', {}, async ({ params }) => {
    count('values');
    return { x: Float64Array.from({ length: params.size }, (_, i) => i) };
  });
  const left = pipeline.step('left', { needs: { values } }, async ({ inputs }) => {
    count('left');
    return inputs.values.x.reduce((a, b) => a + b, 0);
  });
  const right = pipeline.step('right', { needs: { values }, retries: { limit: 2, backoff: 1 } }, async ({ inputs }) => {
    if (count('right') === 1) throw new Error('once');
    return inputs.values.x.length;
  });
  const sum = pipeline.step('sum', { needs: { left, right } }, async ({ inputs }) => {
    count('sum');
    return inputs.left + inputs.right;
  });
  pipeline.step('last', { after: [sum] }, async () => void count('last'));
  return { pipeline, sum };
}

function counter(): { counts: Record<string, number>; count: (step: string) => number } {
  const counts: Record<string, number> = {};
  return { counts, count: (step) => (counts[step] = (counts[step] ?? 0) + 1) };
}

async function driven<T>(promise: Promise<T>, clock: ManualClock): Promise<T | Error> {
  const outcome = promise.catch((error: unknown) => error as Error);
  await clock.advance(100);
  return outcome;
}

describe.each<Omit<Fault, 'call'>>([
  { effect: 'none', then: 'alive' },
  { effect: 'done', then: 'alive' },
  { effect: 'none', then: 'dead' },
  { effect: 'done', then: 'dead' },
])('a store that fails at any one call (effect: $effect, then: $then)', (kind) => {
  it('leaves a run that a fresh process brings to its end without repeating what was recorded', async () => {
    let call = 0;
    let interrupted = 0;
    for (;;) {
      call++;
      const storage = new MemoryStorage();
      const clock = new ManualClock();
      const { counts, count } = counter();
      const faulty = faultyStorage(storage, { call, ...kind });
      const first = await driven(define(faulty, clock, count).pipeline.run({ params: { size: 5000 } }), clock);

      // Another process, when the lease has run out in case it was not given back.
      clock.jump(lease);
      const { pipeline, sum } = define(storage, clock, count);
      const runs = [];
      for await (const run of pipeline.runs()) runs.push(run);
      expect(runs.length).toBeLessThanOrEqual(1);
      if (runs.length === 1) {
        const recorded = await pipeline.getRun(runs[0]!.id);
        expect(recorded.status).toBe(first instanceof Error && recorded.status !== 'succeeded' ? 'interrupted' : 'succeeded');
        const before = { ...counts };
        const result = (await driven(pipeline.resume(runs[0]!.id), clock)) as PipelineResult;
        expect(result.status, `call ${call}`).toBe('succeeded');
        expect(result.output(sum)).toBe(12_497_500 + 5000);
        for (const { name, status } of Object.values(recorded.steps)) {
          if (status === 'succeeded') expect(counts[name], `call ${call}: step ${name} ran again`).toBe(before[name]);
        }
        expect(Math.max(...Object.values(counts))).toBeLessThanOrEqual(3);
        expect((await pipeline.history(result.id)).map(({ type }) => type)).toEqual(
          recorded.status === 'succeeded' ? ['started', 'succeeded'] : ['started', 'resumed', 'succeeded'],
        );
        if (recorded.status === 'interrupted') expect((await storage.list({ prefix: 'pipelines/resumed/leases/' })).entries).toEqual([]);
        interrupted += recorded.status === 'interrupted' ? 1 : 0;
      }
      if (faulty.calls < call) break;
    }
    expect(interrupted).toBeGreaterThanOrEqual(7);
  });
});

describe('a store that fails again and again', () => {
  it('is outlasted by resuming, and no recorded step runs twice', async () => {
    for (let seed = 0; seed < 60; seed++) {
      const random = seededRandom(seed);
      const storage = new MemoryStorage();
      const clock = new ManualClock();
      const { counts, count } = counter();
      const recorded = new Set<string>();
      const onEvent = (event: PipelineEvent): void => {
        if (event.type === 'step-started') expect(recorded.has(event.step), `seed ${seed}: ${event.step} ran again`).toBe(false);
        if (event.type === 'step-succeeded') recorded.add(event.step);
      };
      let result: PipelineResult | Error | undefined;
      for (let tries = 0; !(result && 'status' in result); tries++) {
        expect(tries, `seed ${seed}`).toBeLessThan(100);
        const fault: Fault = { call: 1 + Math.floor(random() * 20), effect: random() < 0.5 ? 'none' : 'done', then: random() < 0.5 ? 'alive' : 'dead' };
        const { pipeline } = define(faultyStorage(storage, fault), clock, count);
        const healthy = define(storage, clock, count).pipeline;
        const [run] = await all(healthy.runs());
        for (const { name, status } of Object.values(run ? (await healthy.getRun(run.id)).steps : {})) if (status === 'succeeded') recorded.add(name);
        result = await driven(run ? pipeline.resume(run.id, { onEvent }) : pipeline.run({ params: { size: 5000 }, onEvent }), clock);
        clock.jump(lease);
      }
      expect(result.status).toBe('succeeded');
      expect(Object.keys(counts).sort()).toEqual(['last', 'left', 'right', 'sum', 'values']);
    }
  });
});

describe('resume', () => {
  const start = async (fail: { at: string }) => {
    const storage = new MemoryStorage();
    const clock = new ManualClock();
    const { counts, count } = counter();
    const counting = (step: string): number => {
      const times = count(step);
      if (fail.at === step) throw new Error(`${step} fails`);
      return times;
    };
    return { storage, clock, counts, counting };
  };

  it('tries a failed run again: what succeeded is kept, what failed or was skipped runs', async () => {
    const fail = { at: 'left' };
    const { storage, clock, counts, counting } = await start(fail);
    const failed = (await driven(define(storage, clock, counting).pipeline.run({ params: { size: 3 } }), clock)) as PipelineResult;
    expect(failed.status).toBe('failed');
    expect(counts).toEqual({ values: 1, left: 1, right: 2 });
    fail.at = '';
    const { pipeline, sum } = define(storage, clock, counting);
    const events: PipelineEvent[] = [];
    const result = await pipeline.resume(failed.id, { onEvent: (event) => events.push(event) });
    expect(result.status).toBe('succeeded');
    expect(result.output(sum)).toBe(6);
    expect(counts).toEqual({ values: 1, left: 2, right: 2, sum: 1, last: 1 });
    expect(events[0]).toMatchObject({ type: 'run-started', resumed: true, steps: { total: 5, succeeded: 2 } });
    expect((await pipeline.history(result.id)).map(({ type }) => type)).toEqual(['started', 'failed', 'resumed', 'succeeded']);
  });

  it('tries a run again that fails again, as often as one likes', async () => {
    const { storage, clock, counts, counting } = await start({ at: 'sum' });
    const { pipeline } = define(storage, clock, counting);
    const first = (await driven(pipeline.run({ params: { size: 3 } }), clock)) as PipelineResult;
    for (let round = 2; round <= 4; round++) {
      expect((await pipeline.resume(first.id)).steps['last']!.status).toBe('upstream_failed');
      expect(counts).toEqual({ values: 1, left: 1, right: 2, sum: round });
    }
  });

  it('goes on with a cancelled run', async () => {
    const { storage, clock, counts, counting } = await start({ at: '' });
    const { pipeline, sum } = define(storage, clock, counting);
    const controller = new AbortController();
    const onEvent = (event: PipelineEvent): void => void (event.type === 'step-succeeded' && controller.abort());
    const cancelled = (await driven(pipeline.run({ params: { size: 3 }, signal: controller.signal, onEvent, concurrency: 1 }), clock)) as PipelineResult;
    expect(cancelled.status).toBe('cancelled');
    const result = (await driven(pipeline.resume(cancelled.id), clock)) as PipelineResult;
    expect(result.output(sum)).toBe(6);
    expect(counts['values']).toBe(1);
  });

  it('gives the result of a run that has succeeded, with its outputs, and runs nothing', async () => {
    const { storage, clock, counts, counting } = await start({ at: '' });
    const done = (await driven(define(storage, clock, counting).pipeline.run({ params: { size: 5000 } }), clock)) as PipelineResult;
    const before = { ...counts };
    const { pipeline, sum } = define(storage, clock, counting);
    const result = await pipeline.resume(done.id);
    expect(result.output(sum)).toBe(12_502_500);
    expect(result).toMatchObject({ id: done.id, status: 'succeeded', timings: done.timings, steps: done.steps });
    expect(counts).toEqual(before);
  });

  it('waits what is left of a retry that was waiting, and counts its attempts on', async () => {
    const storage = new MemoryStorage();
    const clock = new ManualClock();
    const attempts: number[] = [];
    const make = (view: StorageAdapter): Pipeline => {
      const pipeline = new Pipeline({ name: 'patient', storage: view, clock, lease });
      pipeline.step('flaky', { retries: { limit: 2, backoff: '1h', factor: 1, maxBackoff: '1h', jitter: 0 } }, async ({ run }) => {
        attempts.push(run.attempt);
        throw new Error('again');
      });
      return pipeline;
    };
    // The heartbeats of the process end with it.
    const dying = faultyStorage(storage, { call: { write: 'pipelines/patient/steps/' }, effect: 'done', then: 'dead' });
    void make(dying).run().catch(() => undefined);
    await clock.advance(1_800_000);
    const pipeline = make(storage);
    const [run] = await all(pipeline.runs());
    const resumed = pipeline.resume(run!.id);
    await clock.advance(1_700_000);
    expect(attempts).toEqual([1]);
    await clock.advance(100_000);
    expect(attempts).toEqual([1, 2]);
    await clock.advance(3_600_000);
    const result = await resumed;
    expect(attempts).toEqual([1, 2, 3]);
    expect(result.steps['flaky']).toMatchObject({ status: 'failed', attempts: 3 });
  });

  it('refuses a graph that is not the one of the run, and tells every difference', async () => {
    const storage = new MemoryStorage();
    const first = new Pipeline({ name: 'changed', storage });
    const a = first.step('a', {}, async () => 1);
    const b = first.step('b', { needs: { a } }, async () => 1);
    first.step('c', { needs: { x: b }, after: [a] }, async () => Promise.reject(new Error('no')));
    const { id } = await first.run();

    const renamed = new Pipeline({ name: 'changed', storage });
    const a2 = renamed.step('a', {}, async () => 1);
    const b2 = renamed.step('beta', { needs: { a: a2 } }, async () => 1);
    renamed.step('c', { needs: { x: a2, y: b2 } }, async () => 1);
    await expect(renamed.resume(id)).rejects.toMatchObject({
      code: 'validation',
      details: {
        differences: [
          "step 'b' is missing",
          "step 'beta' is new",
          "input 'x' of step 'c' comes from 'a' instead of 'b'",
          "input 'y' of step 'c' is new",
          "step 'c' comes after no other instead of 'a'",
        ],
      },
    });

    const tuned = new Pipeline({ name: 'changed', storage });
    const a3 = tuned.step('a', { timeout: '1m' }, async () => 1);
    const b3 = tuned.step('b', { needs: { a: a3 }, retries: { limit: 4 } }, async () => 1);
    const c3 = tuned.step('c', { needs: { x: b3 }, after: [a3, a3] }, async ({ inputs }) => inputs.x + 1);
    expect((await tuned.resume(id)).output(c3)).toBe(2);
  });

  it('rejects when there is no such run, and when an output that it needs is lost', async () => {
    const storage = new MemoryStorage();
    const make = (broken: boolean): Pipeline => {
      const pipeline = new Pipeline({ name: 'lost', storage });
      const big = pipeline.step('big', {}, async () => new Uint8Array(100_000));
      pipeline.step('next', { needs: { big } }, async ({ inputs }) => {
        if (broken) throw new Error('first time');
        return inputs.big.length;
      });
      return pipeline;
    };
    await expect(make(true).resume('0190a5c0-0000-7000-8000-000000000000')).rejects.toMatchObject({ code: 'not-found' });
    const { id } = await make(true).run();
    for (const { key } of (await storage.list({ kind: 'blob' })).entries) await storage.deleteBlob(key as `sha256:${string}`);
    await expect(make(false).resume(id)).rejects.toMatchObject({ code: 'integrity', details: { step: 'big' } });
    const [left] = await all(make(false).runs());
    expect(left!.status).toBe('interrupted');
  });

  it('names in the record of a step the blob that holds its output', async () => {
    const storage = new MemoryStorage();
    const pipeline = new Pipeline({ name: 'blobs', storage });
    pipeline.step('big', {}, async () => ({ weights: new Float32Array(50_000) }));
    const { id } = await pipeline.run();
    const [record] = await storage.read([`pipelines/blobs/steps/${id}/big`]);
    const { entries } = await storage.list({ kind: 'blob' });
    expect(record!.blobs).toEqual(entries.map(({ key }) => key));
    expect(record!.bytes.length).toBeLessThan(1000);
  });
});

describe('one owner at a time', () => {
  const make = (storage: StorageAdapter, clock: ManualClock, owner: string, work: () => Promise<unknown>, errors: unknown[] = []) => {
    const pipeline = new Pipeline({ name: 'owned', storage, clock, owner, lease, onError: (error) => errors.push(error) });
    const step = pipeline.step('work', {}, work);
    pipeline.step('after', { needs: { step } }, async () => owner);
    return { pipeline, step };
  };
  const never = (): Promise<never> => new Promise(() => undefined);

  it('refuses a run that a living process works on, and names it', async () => {
    const storage = new MemoryStorage();
    const clock = new ManualClock();
    let finish!: (value: string) => void;
    const a = make(storage, clock, 'host-a', () => new Promise((resolve) => (finish = resolve)));
    const running = a.pipeline.run();
    await clock.advance(10 * lease);
    const [run] = await all(a.pipeline.runs());
    expect(run).toMatchObject({ status: 'running', owner: 'host-a' });
    let runs = 0;
    const b = make(storage, clock, 'host-b', async () => runs++);
    await expect(b.pipeline.resume(run!.id)).rejects.toMatchObject({ code: 'conflict', details: { owner: 'host-a' } });
    expect(runs).toBe(0);
    finish('done');
    expect((await running).status).toBe('succeeded');
    expect((await storage.list({ prefix: 'pipelines/owned/leases/' })).entries).toEqual([]);
  });

  it('lets exactly one of many take an interrupted run', async () => {
    const storage = new MemoryStorage();
    const clock = new ManualClock();
    const dead = faultyStorage(storage, { call: { write: 'pipelines/owned/steps/' }, effect: 'none', then: 'dead' });
    await expect(make(dead, clock, 'dead', async () => 0).pipeline.run()).rejects.toMatchObject({ code: 'storage' });
    clock.jump(lease);
    const [run] = await all(make(storage, clock, 'x', never).pipeline.runs());
    let executed = 0;
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, (_, i) =>
        make(storage, clock, `host-${i}`, async () => {
          executed++;
          await settled();
        }).pipeline.resume(run!.id),
      ),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'conflict' });
    expect(executed).toBe(1);
  });

  it('stops an owner that slept through its lease: its signal fires, its result is not recorded, its call rejects', async () => {
    const storage = new MemoryStorage();
    const clock = new ManualClock();
    let finish!: (value: string) => void;
    const a = make(storage, clock, 'sleeper', () => new Promise((resolve) => (finish = resolve)));
    const sleeping = a.pipeline.run();
    await settled();
    clock.jump(lease);
    const [run] = await all(a.pipeline.runs());
    expect(run!.status).toBe('interrupted');
    const b = make(storage, clock, 'successor', async () => 'second');
    const result = await b.pipeline.resume(run!.id);
    expect(result.output(b.step)).toBe('second');
    finish('first');
    await expect(sleeping).rejects.toMatchObject({ code: 'conflict' });
    expect((await b.pipeline.resume(run!.id)).output(b.step)).toBe('second');
  });

  it('tells a running step by its signal that the run was taken over', async () => {
    const storage = new MemoryStorage();
    const clock = new ManualClock();
    let reason: unknown;
    const pipeline = new Pipeline({ name: 'owned', storage, clock, owner: 'a', lease });
    const step = pipeline.step('work', {}, ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject((reason = signal.reason) as Error))));
    pipeline.step('after', { needs: { step } }, async () => 0);
    const sleeping = pipeline.run();
    const outcome = expect(sleeping).rejects.toMatchObject({ code: 'conflict', details: { owner: 'b' } });
    await settled();
    const [run] = await all(pipeline.runs());
    const b = make(storage, clock, 'b', never);
    await expect(b.pipeline.resume(run!.id)).rejects.toMatchObject({ code: 'conflict' });
    const controller = new AbortController();
    const taken = b.pipeline.resume(run!.id, { takeOver: true, signal: controller.signal });
    await settled();
    await clock.advance(lease / 3);
    await outcome;
    expect(reason).toMatchObject({ code: 'conflict' });
    controller.abort();
    await clock.advance(5000);
    expect((await taken).status).toBe('cancelled');
  });

  it('renews in time though a heartbeat fails, and reports it', async () => {
    const storage = new MemoryStorage();
    const clock = new ManualClock();
    const errors: unknown[] = [];
    let finish!: () => void;
    const flaky = faultyStorage(storage, { call: { write: 'pipelines/owned/leases/', nth: 2 }, effect: 'none', then: 'alive' });
    const { pipeline } = make(flaky, clock, 'a', () => new Promise<void>((resolve) => (finish = resolve)), errors);
    const running = pipeline.run();
    await clock.advance(lease);
    expect(errors).toMatchObject([{ code: 'storage' }]);
    expect((await all(make(storage, clock, 'b', never).pipeline.runs()))[0]).toMatchObject({ status: 'running', owner: 'a' });
    finish();
    expect((await running).status).toBe('succeeded');
  });

  it('gives the lease back though the answer to its last renewal was lost', async () => {
    const storage = new MemoryStorage();
    const clock = new ManualClock();
    let finish!: () => void;
    const flaky = faultyStorage(storage, { call: { write: 'pipelines/owned/leases/', nth: 2 }, effect: 'done', then: 'alive' });
    const running = make(flaky, clock, 'a', () => new Promise<void>((resolve) => (finish = resolve))).pipeline.run();
    await clock.advance(lease / 3);
    finish();
    expect((await running).status).toBe('succeeded');
    expect((await storage.list({ prefix: 'pipelines/owned/leases/' })).entries).toEqual([]);
  });

  it('adopts the success that a former owner had still recorded, and uses it', async () => {
    const storage = new MemoryStorage();
    const clock = new ManualClock();
    const dead = faultyStorage(storage, { call: { write: 'pipelines/owned/steps/' }, effect: 'none', then: 'dead' });
    await expect(make(dead, clock, 'dead', async () => 'lost').pipeline.run()).rejects.toMatchObject({ code: 'storage' });
    clock.jump(lease);
    let finish!: (value: string) => void;
    const work = (): Promise<string> => new Promise((resolve) => (finish = resolve));
    const b = new Pipeline({ name: 'owned', storage, clock, owner: 'b', lease });
    const step = b.step('work', {}, work);
    const after = b.step('after', { needs: { step } }, async ({ inputs }) => `after ${inputs.step}`);
    const [run] = await all(b.runs());
    const resumed = b.resume(run!.id);
    await settled();

    // What a write of the former owner leaves that was under way when it was declared gone.
    const other = new MemoryStorage();
    const twin = new Pipeline({ name: 'owned', storage: other, clock, owner: 'dead' });
    const twinStep = twin.step('work', {}, async () => 'of the former owner');
    twin.step('after', { needs: { step: twinStep } }, async () => 0);
    const twinRun = await twin.run();
    const [record] = await other.read([`pipelines/owned/steps/${twinRun.id}/work`]);
    await storage.write([{ kind: 'put', key: `pipelines/owned/steps/${run!.id}/work`, bytes: record!.bytes, condition: 'absent' }]);

    finish('of the new owner');
    const result = await resumed;
    expect(result.output(step)).toBe('of the former owner');
    expect(result.output(after)).toBe('after of the former owner');
  });

  it('leaves with an adopted success what its owner was given and took', async () => {
    const storage = new MemoryStorage();
    const clock = new ManualClock();
    const define = (store: StorageAdapter, version: string, work: () => unknown): Pipeline => {
      const pipeline = new Pipeline({ name: 'owned', storage: store, clock, lease });
      const source = pipeline.step('source', {}, () => 'rows');
      const broken = pipeline.step('broken', { allowFailure: true }, () => {
        if (version === '2') throw new Error('not in this process');
        return 'more rows';
      });
      pipeline.step('work', { needs: { source, broken }, trigger: 'all_done', cache: { version } }, work);
      return pipeline;
    };
    // What a process that had been given both inputs wrote last, while its successor works without one of them.
    const other = new MemoryStorage();
    const former = await define(other, '1', () => 'of the former owner').run();
    const [record] = await other.read([`pipelines/owned/steps/${former.id}/work`]);
    let finish!: (value: string) => void;
    const pipeline = define(storage, '2', () => new Promise<string>((resolve) => (finish = resolve)));
    const running = pipeline.run();
    await settled();
    const [run] = await all(pipeline.runs());
    await storage.write([{ kind: 'put', key: `pipelines/owned/steps/${run!.id}/work`, bytes: record!.bytes, condition: 'absent' }]);
    finish('of its successor');
    const { work } = (await running).steps;
    expect(work!.status).toBe('succeeded');
    const key = (store: StorageAdapter, id: string) => readValue<StepRecord>(store, `pipelines/owned/steps/${id}/work`);
    const [written, adopted] = [(await key(other, former.id))!.value, (await key(storage, run!.id))!.value];
    expect([adopted.lookup, adopted.without, adopted.output]).toEqual([written.lookup, undefined, written.output]);
    expect(adopted.lookup!.version).toBe('1');
  });
});
