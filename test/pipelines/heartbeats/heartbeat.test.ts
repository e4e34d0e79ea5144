import { isModelkeepError, MemoryStorage, Pipeline, type PipelineResult, type StepContext, type StorageAdapter } from 'modelkeep';
import { beforeAll, describe, expect, it } from 'vitest';
import { faultyStorage } from '../faulty-storage.ts';
import { ManualClock } from '../manual-clock.ts';

type Context = StepContext<Record<never, never>, undefined>;

/** Rests by the clock; rejects with the signal's reason. */
const rest = (clock: ManualClock, ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
    clock.setTimer(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
  });

async function ended(clock: ManualClock, running: Promise<PipelineResult>, most = 1_000_000): Promise<{ result: PipelineResult; ms: number }> {
  const began = clock.now();
  const end = running.then((result) => ({ result, ms: clock.now() - began }));
  end.catch(() => undefined);
  await clock.advance(most);
  return end;
}

/** A store in which something is done before a heartbeat is written. */
function heard(storage: StorageAdapter, onHeartbeat: () => void): StorageAdapter {
  return Object.assign(faultyStorage(storage, { call: -1, effect: 'none', then: 'alive' }), {
    write: async (...[operations, options]: Parameters<StorageAdapter['write']>) => {
      if (operations.some(({ key }) => key.includes('/heartbeats/'))) onHeartbeat();
      return storage.write(operations, options);
    },
  });
}

// It is loaded when a step first asks for it, which no clock of a test waits for.
beforeAll(() => import('../../../src/pipelines/heartbeats/heartbeat.ts'));

describe('a step that must give signs of life', () => {
  it('lives on while it does, however long it takes', async () => {
    const clock = new ManualClock();
    const pipeline = new Pipeline({ name: 'p', storage: new MemoryStorage(), clock });
    const long = pipeline.step('long', { heartbeatTimeout: '30s' }, async ({ heartbeat, signal }) => {
      for (let i = 0; i < 20; i++) {
        await rest(clock, 29_000, signal);
        heartbeat();
      }
      return 'done';
    });
    const { result, ms } = await ended(clock, pipeline.run());
    expect([result.output(long), ms]).toEqual(['done', 580_000]);
    expect(clock.pending).toBe(0);
  });

  it('fails its attempt when it is silent, fires its signal, and begins the next with what it said last', async () => {
    const clock = new ManualClock();
    const pipeline = new Pipeline({ name: 'p', storage: new MemoryStorage(), clock });
    const began: unknown[] = [];
    const reasons: unknown[] = [];
    const asked: unknown[] = [];
    const retries = { limit: 5, backoff: '1s', jitter: 0, retryIf: (error: unknown) => (asked.push(isModelkeepError(error, 'timeout')), true) } as const;
    const rows = pipeline.step('rows', { heartbeatTimeout: '10s', timeout: '1h', retries }, async ({ heartbeat, lastHeartbeat, signal, run }: Context) => {
      began.push([run.attempt, run.heartbeatTimeoutMs, lastHeartbeat]);
      let { row } = (lastHeartbeat as { row: number } | undefined) ?? { row: 0 };
      for (; row < 5; row++) {
        if (row === run.attempt * 2) {
          signal.addEventListener('abort', () => reasons.push(signal.reason));
          await rest(clock, 60_000, signal);
        }
        heartbeat({ row: row + 1, weights: new Float32Array([row]) });
        await rest(clock, 1_000, signal);
      }
      return row;
    });
    const { result, ms } = await ended(clock, pipeline.run());
    expect(result.output(rows)).toBe(5);
    expect(began).toEqual([[1, 10_000, undefined], [2, 10_000, { row: 2, weights: new Float32Array([1]) }], [3, 10_000, { row: 4, weights: new Float32Array([3]) }]]);
    expect(reasons.map((reason) => isModelkeepError(reason, 'timeout'))).toEqual([true, true]);
    expect(asked).toEqual([true, true]);
    // Silence counts from the last sign of life, a second before each rest.
    expect(ms).toBe(2_000 + 9_000 + 1_000 + 2_000 + 9_000 + 2_000 + 1_000);
    const silent = { failure: { code: 'timeout', message: expect.stringContaining("Step 'rows' gave no heartbeat for 10000 ms") as string } };
    expect(result.steps['rows']!.failures).toMatchObject([{ attempt: 1, ...silent }, { attempt: 2, ...silent }]);
    expect((await pipeline.getRun(result.id)).steps['rows']!.failures).toEqual(result.steps['rows']!.failures);
    expect(clock.pending).toBe(0);
  });

  it('does so in whatever process makes its attempts', async () => {
    const storage = new MemoryStorage();
    const make = (): { pipeline: Pipeline; result: (result: PipelineResult) => unknown } => {
      const pipeline = new Pipeline({ name: 'p', storage, executor: 'workers' });
      const rows = pipeline.step('rows', { heartbeatTimeout: '150ms', retries: { limit: 1, backoff: 0 } }, async ({ heartbeat, lastHeartbeat, signal }) => {
        heartbeat('some');
        if (lastHeartbeat === undefined) await new Promise((resolve) => signal.addEventListener('abort', resolve));
        return lastHeartbeat;
      });
      return { pipeline, result: (result) => result.output(rows) };
    };
    await using worker = make().pipeline.work();
    const { pipeline, result: outputOf } = make();
    const result = await pipeline.run();
    await worker.idle();
    expect(outputOf(result)).toBe('some');
    expect(result.steps['rows']!.failures).toMatchObject([{ attempt: 1, failure: { code: 'timeout', message: expect.stringContaining('no heartbeat for 150 ms') as string } }]);
  });

  it('stores what it says once a second at most, and the last of it before its attempt ends', async () => {
    const clock = new ManualClock();
    let writes = 0;
    const storage = heard(new MemoryStorage(), () => writes++);
    const pipeline = new Pipeline({ name: 'p', storage, clock });
    const seen: unknown[] = [];
    pipeline.step('rows', { heartbeatTimeout: '10s', retries: { limit: 1, backoff: 0 } }, async ({ heartbeat, lastHeartbeat, signal }) => {
      seen.push(lastHeartbeat);
      for (let row = 0; row < 5_000 && lastHeartbeat === undefined; row++) {
        heartbeat(row);
        if (row % 100 === 99) await rest(clock, 100, signal);
      }
      heartbeat();
      if (lastHeartbeat === undefined) throw new Error('the disk is full');
    });
    const { result } = await ended(clock, pipeline.run());
    expect(result.status).toBe('succeeded');
    expect(seen).toEqual([undefined, 4_999]);
    expect(writes).toBe(6);
  });

  it('goes on where it was in a run that is resumed after a crash, and after a failure', async () => {
    const clock = new ManualClock();
    const storage = new MemoryStorage();
    const began: unknown[] = [];
    const make = (view: StorageAdapter, end: (row: number) => void): Pipeline => {
      const pipeline = new Pipeline({ name: 'p', storage: view, clock, lease: '30s', grace: 0 });
      pipeline.map('rows', { over: ['a', 'b'], heartbeatTimeout: '1h' }, async ({ item, heartbeat, lastHeartbeat, signal }) => {
        began.push([item, lastHeartbeat]);
        for (let row = (lastHeartbeat as number | undefined) ?? 0; ; row++) {
          heartbeat(row);
          end(row);
          await rest(clock, 2_000, signal);
        }
      });
      pipeline.finally('clean', { heartbeatTimeout: '1h' }, ({ heartbeat, lastHeartbeat }) => {
        began.push(['clean', lastHeartbeat]);
        heartbeat('half way');
      });
      return pipeline;
    };
    // Its process dies at the first sign of life of its lease, ten seconds in.
    const dying = faultyStorage(storage, { call: { write: 'pipelines/p/leases/', nth: 2 }, effect: 'none', then: 'dead' });
    make(dying, () => undefined).run().catch(() => undefined);
    await clock.advance(20_000);
    const fails = make(storage, (row) => {
      if (row > 6) throw new Error(`row ${row} is bad`);
    });
    let id = '';
    for await (const run of fails.runs()) ({ id } = run);
    expect((await ended(clock, fails.resume(id, { takeOver: true }), 60_000)).result.status).toBe('failed');
    const broken = (row: number): void => {
      if (row > 7) throw new Error(`row ${row} is bad`);
    };
    expect((await ended(clock, make(storage, broken).resume(id), 60_000)).result.status).toBe('failed');
    // What runs at the end is run once more in each round, from its beginning.
    expect(began.slice(2)).toEqual([['a', 4], ['b', 4], ['clean', undefined], ['a', 7], ['b', 7], ['clean', undefined]]);
  });

  it('loses no run by a store that takes no heartbeat, nor by one that has a damaged one', async () => {
    const clock = new ManualClock();
    const storage = new MemoryStorage();
    const errors: string[] = [];
    const onError = (error: unknown): void => void errors.push((error as Error).message);
    const seen: unknown[] = [];
    const refusing = heard(storage, () => {
      throw new Error('no room');
    });
    const make = (view: StorageAdapter, fails: boolean): Pipeline => {
      const pipeline = new Pipeline({ name: 'p', storage: view, clock, onError });
      pipeline.step('rows', { heartbeatTimeout: '1h' }, ({ heartbeat, lastHeartbeat }) => {
        seen.push(lastHeartbeat);
        heartbeat({ row: 3 });
        if (fails) throw new Error('bad');
      });
      return pipeline;
    };
    const { result } = await ended(clock, make(refusing, true).run());
    expect(result.steps['rows']!.failure?.message).toBe('bad');
    expect(errors).toEqual(['no room', 'no room']);
    await storage.write([{ kind: 'put', key: `pipelines/p/heartbeats/${result.id}/rows`, bytes: new Uint8Array([1, 2, 3]) }]);
    expect((await ended(clock, make(storage, true).resume(result.id))).result.status).toBe('failed');
    expect(errors).toHaveLength(3);
    expect((await ended(clock, make(storage, false).resume(result.id))).result.status).toBe('succeeded');
    expect(seen).toEqual([undefined, undefined, { row: 3 }]);
  });

  it('is refused what cannot be kept, and where nobody waits for it; one that is left behind is not heard', async () => {
    const clock = new ManualClock();
    const pipeline = new Pipeline({ name: 'p', storage: new MemoryStorage(), clock, grace: '1s' });
    pipeline.step('function', { heartbeatTimeout: '1m' }, ({ heartbeat }) => heartbeat({ at: [() => 1] }));
    pipeline.step('large', { heartbeatTimeout: '1m' }, ({ heartbeat }) => heartbeat(new Uint8Array(70_000)));
    pipeline.step('unasked', {}, ({ heartbeat }) => heartbeat());
    const last: unknown[] = [];
    const retries = { limit: 1, backoff: '1s', jitter: 0 } as const;
    pipeline.step('deaf', { heartbeatTimeout: '2s', retries }, ({ heartbeat, lastHeartbeat, run }) => {
      last.push(lastHeartbeat);
      if (run.attempt === 2) return undefined;
      heartbeat('in time');
      return new Promise((resolve) => clock.setTimer(() => resolve(heartbeat('too late')), 3_500));
    });
    const { steps } = (await ended(clock, pipeline.run())).result;
    expect(steps['function']!.failure).toMatchObject({ code: 'validation', message: expect.stringContaining('heartbeat.details.at[0]') as string });
    expect(steps['large']!.failure).toMatchObject({ code: 'validation', message: expect.stringContaining('more than 65536') as string });
    expect(steps['unasked']!.failure).toMatchObject({ code: 'validation', message: expect.stringContaining('heartbeatTimeout') as string });
    expect(last).toEqual([undefined, 'in time']);
  });
});

describe('a definition', () => {
  it('is refused whose heartbeatTimeout could not be kept to, never be passed, or not be given', () => {
    const storage = new MemoryStorage();
    const pipeline = new Pipeline({ name: 'p', storage });
    const inner = new Pipeline({ name: 'inner', storage });
    inner.step('a', {}, () => 1);
    expect(() => pipeline.step('a', { heartbeatTimeout: 0 }, () => 1)).toThrow("step 'a'.heartbeatTimeout is 0");
    expect(() => pipeline.step('a', { heartbeatTimeout: '1m', timeout: '60s' }, () => 1)).toThrow('give a shorter one');
    expect(() => pipeline.step('a', { heartbeatTimeout: 'soon' as never }, () => 1)).toThrow('heartbeatTimeout');
    expect(() => pipeline.step('a', { heartbeatTimeout: '1m' }, inner.asStep())).toThrow('steps of that pipeline');
    expect(() => pipeline.sleep('a', { for: '1s', heartbeatTimeout: '1m' } as never)).toThrow('heartbeatTimeout');
  });
});
