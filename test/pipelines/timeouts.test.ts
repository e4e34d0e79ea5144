import { MemoryStorage, Pipeline, isModelkeepError, type PipelineEvent, type PipelineResult } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { leftOf } from '../../src/pipelines/timeouts.ts';
import type { StorageAdapter } from '../../src/storage/contract.ts';
import { faultyStorage } from './faulty-storage.ts';
import { ManualClock, settled } from './manual-clock.ts';

const forever = (): Promise<never> => new Promise(() => undefined);
const statuses = ({ steps }: { steps: Readonly<Record<string, { status: string }>> }): Record<string, string> =>
  Object.fromEntries(Object.entries(steps).map(([name, { status }]) => [name, status]));

/** Lets time pass until a run has ended, and tells how much did. */
async function timed(clock: ManualClock, running: Promise<PipelineResult>, most: number): Promise<{ result: PipelineResult; ms: number }> {
  const began = clock.now();
  const ended = running.then((result) => ({ result, ms: clock.now() - began }));
  ended.catch(() => undefined);
  await clock.advance(most);
  return ended;
}

/** Starts a run whose process dies at its first heartbeat, a third of its lease later. */
async function die(storage: StorageAdapter, clock: ManualClock, name: string, make: (storage: StorageAdapter) => Pipeline, after: number): Promise<string> {
  const dying = faultyStorage(storage, { call: { write: `pipelines/${name}/leases/`, nth: 2 }, effect: 'none', then: 'dead' });
  make(dying).run().catch(() => undefined);
  await clock.advance(after);
  for await (const { id } of make(storage).runs()) return id;
  throw new Error('There is no run.');
}

describe('the total timeout of a step', () => {
  it('ends a wait for a retry, is its failure, and takes down what comes after', async () => {
    const clock = new ManualClock();
    const pipeline = new Pipeline({ name: 'p', storage: new MemoryStorage(), clock });
    const retries = { limit: 100, backoff: '1s', factor: 1, jitter: 0 } as const;
    const flaky = pipeline.step('flaky', { totalTimeout: '2500ms', retries }, () => Promise.reject(new Error('busy')));
    pipeline.step('after', { after: [flaky] }, () => 1);
    const other = pipeline.step('other', {}, () => 2);
    const events: PipelineEvent[] = [];
    const { result, ms } = await timed(clock, pipeline.run({ onEvent: (event) => events.push(event) }), 10_000);
    expect(ms).toBe(2500);
    expect(statuses(result)).toEqual({ flaky: 'failed', after: 'upstream_failed', other: 'succeeded' });
    expect(result.output(other)).toBe(2);
    expect(result.steps['flaky']).toMatchObject({ attempts: 3, failure: { code: 'timeout', message: expect.stringContaining('total timeout of 2500 ms') as string } });
    expect(result.steps['flaky']!.failures.map(({ failure }) => failure.message)).toEqual(['busy', 'busy', 'busy']);
    expect(events.find(({ type }) => type === 'step-failed')).toMatchObject({ step: 'flaky', failure: { code: 'timeout' } });
    expect((await pipeline.getRun(result.id)).steps['flaky']!.failure).toEqual(result.steps['flaky']!.failure);
    expect(clock.pending).toBe(0);
  });

  it('stops a running attempt, and does not take what it returns, in the grace or after', async () => {
    for (const [answersAfter, ends] of [[10, 1010], [60_000, 3000]] as const) {
      const clock = new ManualClock();
      const pipeline = new Pipeline({ name: 'p', storage: new MemoryStorage(), clock, grace: '2s' });
      const reasons: unknown[] = [];
      const slow = pipeline.step('slow', { totalTimeout: '1s', retries: { limit: 5, backoff: 0 } }, ({ signal }) => {
        return new Promise((resolve) => signal.addEventListener('abort', () => {
          reasons.push(signal.reason);
          clock.setTimer(() => resolve('late'), answersAfter);
        }));
      });
      const { result, ms } = await timed(clock, pipeline.run(), 100_000);
      expect(ms).toBe(ends);
      expect(result.steps['slow']).toMatchObject({ status: 'failed', attempts: 1, failure: { code: 'timeout' } });
      expect(reasons.map((reason) => isModelkeepError(reason, 'timeout'))).toEqual([true]);
      expect(() => result.output(slow)).toThrow('total timeout');
      expect((await pipeline.getRun(result.id)).steps['slow']!.status).toBe('failed');
    }
  });

  it('goes on counting when another process goes on with the run, and what is left of it is left', async () => {
    for (const [pause, expected] of [[0, 30_000], [25_000, 5_000], [60_000, 0]] as const) {
      const clock = new ManualClock();
      const storage = new MemoryStorage();
      let begun = 0;
      const make = (view: StorageAdapter): Pipeline => {
        const pipeline = new Pipeline({ name: 'p', storage: view, clock, lease: 30_000, grace: 0 });
        pipeline.step('stuck', { totalTimeout: '40s' }, () => {
          begun++;
          return forever();
        });
        return pipeline;
      };
      const id = await die(storage, clock, 'p', make, 10_000);
      clock.jump(pause);
      expect((await make(storage).getRun(id)).steps['stuck']).toMatchObject({ status: 'pending', attempts: 0 });
      const { result, ms } = await timed(clock, make(storage).resume(id, { takeOver: true }), 100_000);
      expect(ms).toBe(expected);
      expect(result.steps['stuck']).toMatchObject({ status: 'failed', failure: { code: 'timeout' } });
      expect(begun).toBe(expected === 0 ? 1 : 2);
      // A new round has its own time.
      expect((await timed(clock, make(storage).resume(id), 100_000)).ms).toBe(40_000);
    }
  });

  it('does not let the record of a beginning take the place of a success that a former owner had still recorded', async () => {
    const clock = new ManualClock();
    const make = (storage: StorageAdapter, value: string): { pipeline: Pipeline; result: (result: PipelineResult) => unknown } => {
      const pipeline = new Pipeline({ name: 'p', storage, clock, grace: 0 });
      const work = pipeline.step('work', { totalTimeout: '1h' }, () => value);
      return { pipeline, result: (result) => result.output(work) };
    };
    const other = new MemoryStorage();
    const former = await make(other, 'former').pipeline.run();
    const [record] = await other.read([`pipelines/p/steps/${former.id}/work`]);
    const storage = new MemoryStorage();
    const late: StorageAdapter = Object.assign(faultyStorage(storage, { call: -1, effect: 'none', then: 'alive' }), {
      write: async (...[operations, options]: Parameters<StorageAdapter['write']>) => {
        const key = operations[0]!.key;
        if (key.startsWith('pipelines/p/steps/')) await storage.write([{ kind: 'put', key, bytes: record!.bytes, condition: 'absent' }]);
        return storage.write(operations, options);
      },
    });
    const { pipeline, result } = make(late, 'new');
    expect(result(await pipeline.run())).toBe('former');
    expect(clock.pending).toBe(0);
  });
});

describe('the timeout of a run', () => {
  it('stops what runs and what waits, runs the steps at the end, and fails the run with its reason', async () => {
    const clock = new ManualClock();
    const storage = new MemoryStorage();
    let quick = false;
    const pipeline = new Pipeline({ name: 'p', storage, clock, runTimeout: '10s', grace: '1s' });
    const done = pipeline.step('done', {}, () => 1);
    const slow = pipeline.step('slow', { needs: { done } }, () => (quick ? 2 : forever()));
    pipeline.step('waits', { retries: { limit: 1, backoff: '1h', maxBackoff: '1h' } }, () => (quick ? 3 : Promise.reject(new Error('once'))));
    const polite = pipeline.step('polite', {}, ({ signal }) => (quick ? 4 : new Promise((resolve) => signal.addEventListener('abort', () => resolve('late')))));
    pipeline.step('after', { after: [slow], trigger: 'all_done' }, () => 5);
    const cleaned = pipeline.finally('clean', {}, ({ signal, states }) => [signal.aborted, states['slow']!.because ?? '']);
    const events: PipelineEvent[] = [];
    const { result, ms } = await timed(clock, pipeline.run({ onEvent: (event) => events.push(event) }), 20_000);
    expect(ms).toBe(11_000);
    expect(result).toMatchObject({ status: 'failed', failure: { code: 'timeout', message: expect.stringContaining('timeout of 10000 ms') as string } });
    expect(statuses(result)).toEqual({ done: 'succeeded', slow: 'cancelled', waits: 'cancelled', polite: 'cancelled', after: 'cancelled', clean: 'succeeded' });
    expect(result.output(cleaned)).toEqual([false, 'the run passed its timeout while it ran']);
    expect(result.steps['after']!.because).toBe('the run passed its timeout before it ran');
    expect(events.at(-1)).toMatchObject({ type: 'run-finished', status: 'failed', failure: { code: 'timeout' } });
    expect(await pipeline.getRun(result.id)).toMatchObject({ status: 'failed', failure: { code: 'timeout' } });
    expect(clock.pending).toBe(0);

    quick = true;
    clock.jump(3_600_000);
    const again = (await timed(clock, pipeline.resume(result.id), 1_000)).result;
    expect(again).toMatchObject({ status: 'succeeded', failure: undefined });
    expect(again.output(polite)).toBe(4);
    expect((await pipeline.getRun(result.id)).failure).toBeUndefined();
  });

  it('goes on counting while the run is interrupted', async () => {
    for (const [pause, expected] of [[0, 30_000], [60_000, 0]] as const) {
      const clock = new ManualClock();
      const storage = new MemoryStorage();
      let begun = 0;
      const make = (view: StorageAdapter): Pipeline => {
        const pipeline = new Pipeline({ name: 'p', storage: view, clock, lease: 30_000, grace: 0, runTimeout: '40s' });
        pipeline.step('stuck', {}, () => {
          begun++;
          return forever();
        });
        return pipeline;
      };
      const id = await die(storage, clock, 'p', make, 10_000);
      clock.jump(pause);
      const { result, ms } = await timed(clock, make(storage).resume(id, { takeOver: true }), 100_000);
      expect(ms).toBe(expected);
      expect(result).toMatchObject({ status: 'failed', failure: { code: 'timeout' }, steps: { stuck: { status: 'cancelled' } } });
      expect(begun).toBe(expected === 0 ? 1 : 2);
    }
  });

  it('leaves a run alone of which only the end is left, and one that is in time', async () => {
    const clock = new ManualClock();
    const pipeline = new Pipeline({ name: 'p', storage: new MemoryStorage(), clock, runTimeout: '10s' });
    pipeline.step('work', {}, () => 1);
    pipeline.finally('clean', {}, () => new Promise<void>((resolve) => clock.setTimer(resolve, 60_000)));
    const { result, ms } = await timed(clock, pipeline.run(), 100_000);
    expect([result.status, ms]).toEqual(['succeeded', 60_000]);
    await settled();
    expect(clock.pending).toBe(0);
  });
});

describe('what is left of a limit', () => {
  it('is never more than the limit nor less than nothing, however the clock was set', () => {
    expect([0, 400, 1000, 5000, -5000].map((now) => leftOf(1000, 0, now))).toEqual([1000, 600, 0, 0, 1000]);
  });

  it('is a duration, or refused', () => {
    const storage = new MemoryStorage();
    const pipeline = new Pipeline({ name: 'p', storage });
    expect(() => pipeline.step('x', { totalTimeout: -1 }, () => 1)).toThrow("step 'x'.totalTimeout");
    expect(() => pipeline.finally('x', { totalTimeout: 'soon' as never }, () => 1)).toThrow("step 'x'.totalTimeout");
    expect(() => new Pipeline({ name: 'p', storage, runTimeout: NaN })).toThrow('options.runTimeout');
  });
});
