import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryStorage, Pipeline, type PipelineEvent, type PipelineResult, type StepCacheOptions } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, expectTypeOf, it } from 'vitest';
import * as z from 'zod';
import { seededRandom } from '../../../src/core/random.ts';
import type { StorageAdapter } from '../../../src/storage/contract.ts';
import { faultyStorage, type Fault } from '../faulty-storage.ts';
import { ManualClock, settled } from '../manual-clock.ts';

const params = z.object({ lr: z.number(), note: z.optional(z.string()) });
type Params = z.infer<typeof params>;

/** Two cached steps in a chain; the first rounds, so that different params can give it the same output. */
class Bench {
  readonly ran: string[] = [];
  readonly events: PipelineEvent[] = [];
  readonly storage: StorageAdapter;
  readonly clock: ManualClock;
  readonly #options: Partial<StepCacheOptions<Params>>;
  readonly #size: number;

  constructor({ storage = new MemoryStorage(), clock = new ManualClock(), size = 1, ...options }: Partial<StepCacheOptions<Params>> & { storage?: StorageAdapter; clock?: ManualClock; size?: number } = {}) {
    this.storage = storage;
    this.clock = clock;
    this.#options = options;
    this.#size = size;
  }

  /** A fresh definition, as another process has it. */
  pipeline(storage = this.storage, work: () => unknown = () => undefined): Pipeline<Params> {
    const pipeline = new Pipeline({ name: 'cached', storage, clock: this.clock, params });
    const rounded = pipeline.step('round', { cache: { version: '1', ...this.#options } }, async ({ params: { lr } }) => {
      this.ran.push('round');
      await work();
      return new Float64Array(this.#size).fill(Math.round(lr));
    });
    pipeline.step('double', { needs: { rounded }, cache: { version: '1', params: [] } }, ({ inputs }) => {
      this.ran.push('double');
      return inputs.rounded.map((value) => value * 2);
    });
    return pipeline;
  }

  async run(lr: number, options: { note?: string; refresh?: boolean | string[] } = {}): Promise<PipelineResult> {
    const { note, refresh } = options;
    return this.pipeline().run({ params: { lr, note }, refresh, onEvent: (event) => this.events.push(event) });
  }

  /** What ran since this was asked last. */
  executed(): string[] {
    return this.ran.splice(0);
  }
}

describe('a cached step', () => {
  it('takes the output of an earlier run, and says from which', async () => {
    const bench = new Bench();
    const first = await bench.run(1);
    expect(bench.executed()).toEqual(['round', 'double']);
    expect(first.steps['round']!.cache).toBeUndefined();
    bench.events.length = 0;
    bench.clock.jump(5000);
    const second = await bench.run(1);
    expect(second.status).toBe('succeeded');
    expect(bench.executed()).toEqual([]);
    const made = first.steps['round']!;
    expect(second.steps['round']).toMatchObject({ status: 'succeeded', attempts: 0, failures: [], cache: { run: first.id, at: made.endedAt, durationMs: made.durationMs } });
    expect(second.steps['round']!.startedAt).toBeUndefined();
    expect(bench.events.filter(({ type }) => type.startsWith('step-'))).toEqual([
      expect.objectContaining({ type: 'step-succeeded', step: 'round', attempt: 0, durationMs: 0, cache: { run: first.id, at: made.endedAt, durationMs: 0 } }),
      expect.objectContaining({ type: 'step-succeeded', step: 'double', attempt: 0, cache: expect.objectContaining({ run: first.id }) as unknown }),
    ]);
    const pipeline = bench.pipeline();
    expect((await pipeline.getRun(second.id)).steps).toMatchObject(second.steps);
    expect((await pipeline.resume(second.id)).steps).toEqual(second.steps);
    expect(bench.executed()).toEqual([]);
  });

  it('gives what it takes to those who need it, and to the result', async () => {
    for (const size of [1, 5000]) {
      const storage = new MemoryStorage();
      const values: unknown[] = [];
      const run = async (): Promise<void> => {
        const pipeline = new Pipeline({ name: 'p', storage });
        const made = pipeline.step('make', { cache: { version: '1' } }, () => ({ x: new Float32Array(size).fill(3), at: new Date(0) }));
        const nothing = pipeline.step('nothing', { after: [made], cache: { version: '1' } }, () => {});
        const seen = pipeline.step('see', { needs: { made, nothing } }, ({ inputs }) => [inputs.made, inputs.nothing === undefined]);
        const result = await pipeline.run();
        values.push([result.output(made), result.output(nothing), result.output(seen)]);
      };
      await run();
      await run();
      expect(values[1]).toEqual(values[0]);
      expect(values[1]).toEqual([{ x: new Float32Array(size).fill(3), at: new Date(0) }, undefined, [{ x: new Float32Array(size).fill(3), at: new Date(0) }, true]]);
    }
  });

  it('runs when what it depends on has changed, and what comes after only when its output did', async () => {
    const bench = new Bench({ params: ['lr'] });
    await bench.run(1);
    expect(bench.executed()).toEqual(['round', 'double']);
    await bench.run(1.2);
    expect(bench.executed()).toEqual(['round']);
    await bench.run(2);
    expect(bench.executed()).toEqual(['round', 'double']);
    await bench.run(1, { note: 'another' });
    expect(bench.executed()).toEqual([]);
    for (const [options, ran] of [
      [{ version: '2' }, ['round']],
      [{ environment: { node: '20' } }, ['round']],
      [{ environment: { node: '22' } }, ['round']],
      [{ environment: { node: '22' } }, []],
      // All of them are the same as long as there is no other.
      [{ params: undefined }, []],
    ] as const) {
      const changed = new Bench({ storage: bench.storage, params: ['lr'], ...options });
      await changed.run(1);
      expect(changed.executed(), JSON.stringify(options)).toEqual(ran);
    }
  });

  it('does not know what other pipelines and steps have made', async () => {
    const storage = new MemoryStorage();
    const ran: string[] = [];
    for (const [pipelineName, stepName] of [['a', 'x'], ['a', 'y'], ['b', 'x']] as const) {
      const pipeline = new Pipeline({ name: pipelineName, storage });
      pipeline.step(stepName, { cache: { version: '1' } }, () => void ran.push(pipelineName + stepName));
      await pipeline.run();
    }
    expect(ran).toEqual(['ax', 'ay', 'bx']);
  });

  it('asks its condition first', async () => {
    const storage = new MemoryStorage();
    const asked: boolean[] = [];
    const run = async (wanted: boolean): Promise<PipelineResult> => {
      const pipeline = new Pipeline({ name: 'p', storage });
      const rows = pipeline.step('rows', {}, () => 3);
      pipeline.step('train', { needs: { rows }, cache: { version: '1' }, when: ({ inputs }) => (asked.push(inputs.rows === 3), wanted) }, ({ inputs }) => inputs.rows);
      return pipeline.run();
    };
    expect((await run(true)).steps['train']!.cache).toBeUndefined();
    expect((await run(false)).steps['train']).toMatchObject({ status: 'skipped', attempts: 0 });
    expect((await run(true)).steps['train']).toMatchObject({ status: 'succeeded', attempts: 0, cache: {} });
    expect(asked).toEqual([true, true, true]);
  });

  it('never takes a failure', async () => {
    const bench = new Bench();
    const fails = bench.pipeline(bench.storage, () => Promise.reject(new Error('no')));
    expect((await fails.run({ params: { lr: 1 } })).status).toBe('failed');
    expect((await bench.run(1)).status).toBe('succeeded');
    expect(bench.executed()).toEqual(['round', 'round', 'double']);
    expect((await bench.storage.list({ prefix: 'pipelines/cached/flights/' })).entries).toEqual([]);
  });

  it('looks anew before each attempt, and tells the attempts that had failed', async () => {
    const [storage, clock] = [new MemoryStorage(), new ManualClock()];
    const define = (fails: boolean): Pipeline => {
      const pipeline = new Pipeline({ name: 'p', storage, clock });
      pipeline.step('train', { cache: { version: '1' }, retries: { limit: 2, backoff: '10s' } }, () => {
        if (fails) throw new Error('no');
        return 1;
      });
      return pipeline;
    };
    const retrying = define(true).run();
    await settled();
    const other = await define(false).run();
    await clock.advance(20_000);
    const result = await retrying;
    expect(result.steps['train']).toMatchObject({ status: 'succeeded', attempts: 1, failures: [{ attempt: 1 }], cache: { run: other.id } });
  });

  it('tells apart how those have ended that it may run without', async () => {
    const storage = new MemoryStorage();
    const run = async (outcome: 'fails' | 'is skipped' | 'gives nothing'): Promise<PipelineResult> => {
      const pipeline = new Pipeline({ name: 'p', storage });
      const rows = pipeline.step('rows', { when: () => outcome !== 'is skipped' }, () => {
        if (outcome === 'fails') throw new Error('no');
      });
      pipeline.step('report', { needs: { rows }, trigger: 'all_done', cache: { version: '1' } }, ({ states }) => states['rows']!.status);
      return pipeline.run();
    };
    for (const outcome of ['fails', 'is skipped', 'gives nothing'] as const) {
      expect((await run(outcome)).steps['report']!.cache, outcome).toBeUndefined();
      expect((await run(outcome)).steps['report']!.cache, outcome).toBeDefined();
    }
  });

  it('takes an output until its time is over', async () => {
    const bench = new Bench({ ttl: '10s' });
    await bench.run(1);
    bench.executed();
    bench.clock.jump(10_000);
    expect((await bench.run(1)).steps['round']!.cache).toBeDefined();
    bench.clock.jump(1);
    expect((await bench.run(1)).steps['round']!.cache).toBeUndefined();
    expect(bench.executed()).toEqual(['round']);
    expect((await bench.run(1)).steps['round']!.cache).toBeDefined();
  });

  it('makes it anew and puts it in when told to', async () => {
    const bench = new Bench();
    await bench.run(1);
    bench.executed();
    const one = await bench.run(1, { refresh: ['round'] });
    expect(bench.executed()).toEqual(['round']);
    expect(one.steps['double']!.cache).toBeDefined();
    expect((await bench.run(1)).steps['round']!.cache!.run).toBe(one.id);
    const all = await bench.run(1, { refresh: true });
    expect(bench.executed()).toEqual(['round', 'double']);
    expect((await bench.run(1)).steps['double']!.cache!.run).toBe(all.id);
    await bench.run(1, { refresh: false });
    expect(bench.executed()).toEqual([]);
  });

  it('makes it anew also when the run is resumed', async () => {
    const bench = new Bench();
    await bench.run(1);
    bench.executed();
    const fails = await bench.pipeline(bench.storage, () => Promise.reject(new Error('no'))).run({ params: { lr: 1 }, refresh: true });
    expect(fails.status).toBe('failed');
    bench.executed();
    expect((await bench.pipeline().resume(fails.id)).status).toBe('succeeded');
    expect(bench.executed()).toEqual(['round', 'double']);
  });

  it('refuses what cannot be meant, before anything is stored', async () => {
    const storage = new MemoryStorage();
    const pipeline = new Pipeline({ name: 'p', storage });
    const other = new Pipeline({ name: 'p', storage });
    const plain = pipeline.step('plain', {}, () => 1);
    pipeline.step('cached', { cache: { version: '1' } }, () => 1);
    for (const [cache, words] of [
      [{}, 'cache.version is missing'],
      [{ version: '' }, 'cache.version must not be empty'],
      [{ version: 1 }, 'cache.version must be a string'],
      [{ version: '\ud800' }, 'lone surrogate'],
      [{ version: '1', ttl: 0 }, 'no output could ever be taken'],
      [{ version: '1', ttl: 'soon' }, 'cache.ttl'],
      [{ version: '1', params: 'lr' }, 'cache.params'],
      [{ version: '1', environment: { node: 20 } }, 'cache.environment.node'],
      [{ version: '1', environment: { node: '\udc00' } }, 'lone surrogate'],
      [{ version: '1', key: 'x' }, 'unknown options: key'],
      [true, 'cache must be an object'],
    ] as const) {
      expect(() => pipeline.step('bad', { cache: cache as never }, () => 1), JSON.stringify(cache)).toThrow(expect.objectContaining({ code: 'validation', message: expect.stringContaining(words) as string }));
    }
    expect(() => pipeline.finally('end', { cache: { version: '1' } } as never, () => 1)).toThrow('unknown options: cache');
    for (const refresh of [['none'], [plain], ['plain'], [other.step('cached', { cache: { version: '1' } }, () => 1)], 'cached', [3]]) {
      await expect(pipeline.run({ refresh: refresh as never })).rejects.toMatchObject({ code: 'validation' });
    }
    expect((await storage.list()).entries).toEqual([]);
  });

  it('is typed by the params of its pipeline', () => {
    const pipeline = new Pipeline({ name: 'p', storage: new MemoryStorage(), params });
    expectTypeOf<StepCacheOptions<Params>['params']>().toEqualTypeOf<readonly ('lr' | 'note')[] | undefined>();
    // @ts-expect-error there is no such param
    pipeline.step('a', { cache: { version: '1', params: ['rate'] } }, () => 1);
    // @ts-expect-error a pipeline without params has none to choose
    new Pipeline({ name: 'q', storage: new MemoryStorage() }).step('a', { cache: { version: '1', params: ['lr'] } }, () => 1);
  });
});

describe('runs that miss the same at once', () => {
  it('make it once: the others wait and take it', async () => {
    const bench = new Bench();
    let finish!: () => void;
    const work = new Promise<void>((resolve) => (finish = resolve));
    const runs = [1, 2, 3].map(() => bench.pipeline(bench.storage, () => work).run({ params: { lr: 1 } }));
    await bench.clock.advance(100_000);
    expect(bench.ran).toEqual(['round']);
    finish();
    await settled();
    await bench.clock.advance(3000);
    const results = await Promise.all(runs);
    expect(bench.executed()).toEqual(['round', 'double']);
    const maker = results.find(({ steps }) => steps['round']!.cache === undefined)!;
    for (const { steps } of results.filter((result) => result !== maker)) expect(steps['round']!.cache!.run).toBe(maker.id);
    expect((await bench.storage.list({ prefix: 'pipelines/cached/flights/' })).entries).toEqual([]);
  });

  it('make it in turn while it fails', async () => {
    const bench = new Bench();
    let calls = 0;
    const work = async (): Promise<void> => {
      await new Promise<void>((resolve) => void bench.clock.setTimer(resolve, 100));
      if (++calls < 3) throw new Error(`call ${calls}`);
    };
    const runs = [1, 2, 3].map(() => bench.pipeline(bench.storage, work).run({ params: { lr: 1 } }));
    await bench.clock.advance(10_000);
    expect((await Promise.all(runs)).map(({ status }) => status).sort()).toEqual(['failed', 'failed', 'succeeded']);
    expect(calls).toBe(3);
  });

  it('do not count the wait as work: who takes over has its whole timeout', async () => {
    const [storage, clock] = [new MemoryStorage(), new ManualClock()];
    const define = (workMs: number): Pipeline => {
      const pipeline = new Pipeline({ name: 'p', storage, clock });
      pipeline.step('train', { cache: { version: '1' }, timeout: '10s' }, async ({ signal }) => {
        await new Promise<void>((resolve, reject) => {
          clock.setTimer(resolve, workMs);
          signal.addEventListener('abort', () => reject(signal.reason as Error));
        });
      });
      return pipeline;
    };
    const first = define(1_000_000).run();
    await clock.advance(5000);
    const second = define(8000).run();
    await clock.advance(30_000);
    expect((await first).steps['train']!.failure).toMatchObject({ code: 'timeout' });
    expect((await second).status).toBe('succeeded');
  });

  it('stop waiting when they are cancelled', async () => {
    const bench = new Bench();
    const first = bench.pipeline(bench.storage, () => new Promise(() => undefined)).run({ params: { lr: 1 } });
    first.catch(() => undefined);
    await settled();
    const controller = new AbortController();
    const second = bench.pipeline().run({ params: { lr: 1 }, signal: controller.signal });
    await bench.clock.advance(1000);
    controller.abort();
    await settled();
    expect((await second).status).toBe('cancelled');
    expect((await second).steps['round']).toMatchObject({ status: 'cancelled' });
    expect(bench.executed()).toEqual(['round']);
  });

  it('take over from one that has fallen silent, and what that puts in later does not count', async () => {
    const bench = new Bench();
    // Its heartbeats reach nobody, as those of a process that sleeps.
    const asleep: StorageAdapter = { ...faultyStorage(bench.storage, { call: 1e9, effect: 'none', then: 'alive' }) };
    const write = asleep.write.bind(asleep);
    let silent = false;
    asleep.write = async (operations, options) => (silent && operations[0]!.key.includes('/flights/') ? operations.map(() => ({ ok: true as const, version: 'lost' })) : write(operations, options));
    let wake!: () => void;
    const slow = bench.pipeline(asleep, () => new Promise<void>((resolve) => (wake = resolve))).run({ params: { lr: 1 } });
    await settled();
    silent = true;
    const next = bench.pipeline().run({ params: { lr: 1 } });
    await bench.clock.advance(29_000);
    expect(bench.ran).toEqual(['round']);
    await bench.clock.advance(3000);
    const successor = await next;
    expect(bench.executed()).toEqual(['round', 'round', 'double']);
    expect(successor.steps['round']!.cache).toBeUndefined();
    wake();
    await bench.clock.advance(3000);
    expect((await slow).status).toBe('succeeded');
    expect((await bench.run(1)).steps['round']!.cache!.run).toBe(successor.id);
  });
});

describe('an entry that is no good', () => {
  const entryOf = async (storage: StorageAdapter): Promise<string> => (await storage.list({ prefix: 'pipelines/cached/cache/round/' })).entries[0]!.key;

  it('is none: its record is garbage', async () => {
    const bench = new Bench();
    await bench.run(1);
    bench.executed();
    await bench.storage.write([{ kind: 'put', key: await entryOf(bench.storage), bytes: new Uint8Array([1, 2, 3]) }]);
    expect((await bench.run(1)).status).toBe('succeeded');
    expect(bench.executed()).toEqual(['round']);
    expect((await bench.run(1)).steps['round']!.cache).toBeDefined();
  });

  it('is none: its blob is gone, or damaged on the disk, which is mended by making it again', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'modelkeep-cache-'));
    const storage = new FilesystemStorage(directory);
    try {
      const bench = new Bench({ storage, size: 5000 });
      const blobs = join(directory, 'blobs', 'sha256');
      const files = (): string[] => readdirSync(blobs, { recursive: true, withFileTypes: true }).filter((each) => each.isFile()).map(({ parentPath, name }) => join(parentPath, name));
      await bench.run(1);
      for (const spoil of [(file: string) => rmSync(file), (file: string) => writeFileSync(file, readFileSync(file).fill(7, 1000, 1001))]) {
        bench.executed();
        files().forEach(spoil);
        const result = await bench.run(1);
        expect(result.status).toBe('succeeded');
        expect(bench.executed()).toEqual(['round', 'double']);
      }
      await bench.run(1);
      expect(bench.executed()).toEqual([]);
    } finally {
      await storage.close();
      rmSync(directory, { recursive: true, force: true });
    }
  });
});

describe('a store that fails at any one call', () => {
  it.each<Omit<Fault, 'call'>>([
    { effect: 'none', then: 'alive' },
    { effect: 'done', then: 'alive' },
    { effect: 'none', then: 'dead' },
    { effect: 'done', then: 'dead' },
  ])('leaves a run that goes on, and a cache that gives what was made ($effect, $then)', async (kind) => {
    let interrupted = 0;
    for (let call = 1; ; call++) {
      const bench = new Bench({ size: 5000 });
      const faulty = faultyStorage(bench.storage, { call, ...kind });
      const first = bench.pipeline(faulty).run({ params: { lr: 1 } });
      first.catch(() => undefined);
      await bench.clock.advance(100);
      bench.clock.jump(30_000);
      const pipeline = bench.pipeline();
      for await (const { id, status } of pipeline.runs()) {
        if (status === 'interrupted') interrupted++;
        const resumed = pipeline.resume(id);
        await bench.clock.advance(2000);
        expect((await resumed).status, `call ${call}`).toBe('succeeded');
        // What was put in is not made again, also when its step was not recorded.
        expect(bench.ran.filter((step) => step === 'round').length, `call ${call}`).toBeLessThanOrEqual(2);
      }
      const again = bench.pipeline().run({ params: { lr: 1 } });
      await bench.clock.advance(2000);
      expect((await again).status, `call ${call}`).toBe('succeeded');
      if (faulty.calls < call) break;
    }
    expect(interrupted).toBeGreaterThan(10);
  });
});

describe('random pipelines', () => {
  it('give with the cache what they give without it', async () => {
    for (let seed = 0; seed < 8; seed++) {
      const random = seededRandom(seed);
      const pick = (n: number): number => Math.floor(random() * n);
      const shape = Array.from({ length: 6 }, (_, i) => ({ needs: Array.from({ length: i }, (_, j) => j).filter(() => random() < 0.4), modulus: 2 + pick(3), usesA: random() < 0.5, usesB: random() < 0.5 }));
      const storage = new MemoryStorage();
      const define = (cached: boolean, into: StorageAdapter): { run: (given: { a: number; b: number }) => Promise<unknown[]> } => {
        const pipeline = new Pipeline({ name: 'random', storage: into, params: z.object({ a: z.number(), b: z.number() }) });
        const handles: ReturnType<typeof pipeline.step<number>>[] = [];
        shape.forEach(({ needs, modulus, usesA, usesB }, i) => {
          const cache: StepCacheOptions<{ a: number; b: number }> | undefined = cached && i % 5 !== 4 ? { version: `${modulus}`, params: [...(usesA ? ['a' as const] : []), ...(usesB ? ['b' as const] : [])] } : undefined;
          handles.push(
            pipeline.step<number>(`s${i}`, { needs: Object.fromEntries(needs.map((j) => [`in${j}`, handles[j]!])), cache }, ({ inputs, params: { a, b } }) => {
              const sum = Object.values(inputs as Record<string, number>).reduce((total, value) => total * 3 + value, (usesA ? a : 0) + (usesB ? 2 * b : 0));
              return sum % modulus;
            }),
          );
        });
        return {
          run: async (given) => {
            const result = await pipeline.run({ params: given });
            return handles.map((handle) => result.output(handle));
          },
        };
      };
      for (let round = 0; round < 8; round++) {
        const given = { a: pick(3), b: pick(3) };
        if (random() < 0.3) shape[pick(6)]!.modulus = 2 + pick(3);
        expect(await define(true, storage).run(given), `seed ${seed}, round ${round}`).toEqual(await define(false, new MemoryStorage()).run(given));
      }
    }
  });
});
