import { MemoryStorage, Pipeline, type StaleCause, type StepCacheOptions } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { writeValue } from '../../../src/storage/records.ts';
import type { CacheFacts } from '../../../src/pipelines/caching/cache-key.ts';
import { cacheKey } from '../../../src/pipelines/caching/cache-key.ts';
import cases from '../../fixtures/pipelines.json' with { type: 'json' };
import { ManualClock } from '../manual-clock.ts';

const params = z.object({ lr: z.number(), grid: z.optional(z.object({ depth: z.array(z.number()) })) });
type Params = z.infer<typeof params>;

/** A store, and definitions of one pipeline over it that differ in what they are told. */
class Trial {
  readonly storage = new MemoryStorage();
  readonly clock = new ManualClock();
  ran = 0;

  define({ rows = 1, fails = false, ...cache }: Partial<StepCacheOptions<Params>> & { rows?: number; fails?: boolean } = {}): Pipeline<Params> {
    const pipeline = new Pipeline({ name: 'p', storage: this.storage, clock: this.clock, params });
    const source = pipeline.step('ingest', {}, () => {
      if (fails) throw new Error('no rows');
      return rows;
    });
    pipeline.step('train', { needs: { rows: source }, trigger: 'all_done', cache: { version: '1', ...cache } }, () => ++this.ran);
    pipeline.step('plain', {}, () => 1);
    return pipeline;
  }

  /** Runs and explains. */
  async causes(options: Parameters<Trial['define']>[0] = {}, given: Params = { lr: 1 }, refresh = false): Promise<{ causes: readonly StaleCause[]; comparedWith?: string | undefined; run: string }> {
    const pipeline = this.define(options);
    this.clock.jump(1);
    const { id } = await pipeline.run({ params: given, refresh });
    const explained = await pipeline.explain('train');
    expect(explained).toEqual(await pipeline.explain('train', { run: id }));
    expect(explained).toMatchObject({ step: 'train', run: id });
    return explained;
  }
}

const told = ({ causes }: { causes: readonly StaleCause[] }): unknown[] => causes.map(({ kind, name, from, to }) => [kind, name, from, to]);

describe('explain', () => {
  it('names each thing that has changed since an output was last made or taken', async () => {
    const trial = new Trial();
    const first = await trial.causes();
    expect(told(first)).toEqual([['never-run', undefined, undefined, undefined]]);
    const hit = await trial.causes();
    expect(hit).toMatchObject({ causes: [], cache: { run: first.run }, comparedWith: first.run });
    const code = await trial.causes({ version: '2' });
    expect(told(code)).toEqual([['code', undefined, '1', '2']]);
    expect(code).toMatchObject({ comparedWith: hit.run, causes: [{ because: 'the version of its code is "2" instead of "1"' }] });
    const input = await trial.causes({ version: '2', rows: 2 });
    expect(told(input)).toEqual([['input', 'rows', expect.stringMatching(/^sha256:/), expect.stringMatching(/^sha256:/)]]);
    expect(input.causes[0]!.from).not.toBe(input.causes[0]!.to);
    expect(told(await trial.causes({ version: '2', rows: 2 }, { lr: 2 }))).toEqual([['params', 'params.lr', 1, 2]]);
    expect(told(await trial.causes({ version: '2', rows: 2 }, { lr: 2, grid: { depth: [3, 4] } }))).toEqual([['params', 'params.grid', undefined, { depth: [3, 4] }]]);
    expect(told(await trial.causes({ version: '2', rows: 2 }, { lr: 2, grid: { depth: [3, 5, 6] } }))).toEqual([['params', 'params.grid.depth[1]', 4, 5], ['params', 'params.grid.depth[2]', undefined, 6]]);
    expect(told(await trial.causes({ version: '2', rows: 2, params: ['lr'] }, { lr: 3, grid: { depth: [3, 5, 6] } }))).toEqual([['params', 'params.grid', { depth: [3, 5, 6] }, undefined], ['params', 'params.lr', 2, 3]]);
    expect(told(await trial.causes({ version: '2', rows: 2, params: [], environment: { node: '20', os: 'a' } }))).toEqual([
      ['params', 'params.lr', 3, undefined],
      ['environment', 'node', undefined, '20'],
      ['environment', 'os', undefined, 'a'],
    ]);
    expect(told(await trial.causes({ version: '2', rows: 2, params: [], environment: { node: '22' } }))).toEqual([['environment', 'node', '20', '22'], ['environment', 'os', 'a', undefined]]);
    expect(told(await trial.causes({ version: '2', fails: true, params: [], environment: { node: '22' } }))).toEqual([['input', 'rows', expect.any(String), undefined], ['upstream', 'ingest', 'succeeded', 'failed']]);
  });

  it('tells an output that expired, was cleared, is damaged or was not wanted', async () => {
    const trial = new Trial();
    const { run } = await trial.causes();
    const madeAt = trial.clock.now();
    trial.clock.jump(10_000);
    const expired = await trial.causes({ ttl: '10s' });
    expect(told(expired)).toEqual([['expired', undefined, madeAt, undefined]]);
    expect(expired.comparedWith).toBe(run);
    expect(told(await trial.causes({}, { lr: 2 }))).toEqual([['params', 'params.lr', 1, 2]]);
    expect(await trial.define().clearCache()).toBe(2);
    // It is not told that lr is 1 again: with that it was made before.
    const cleared = await trial.causes();
    expect(told(cleared)).toEqual([['cleared', undefined, undefined, undefined]]);
    expect(cleared.comparedWith).toBe(expired.run);
    expect(told(await trial.causes({}, { lr: 1 }, true))).toEqual([['refresh', undefined, undefined, undefined]]);
    const { key } = (await trial.storage.list({ prefix: 'pipelines/p/cache/' })).entries[0]!;
    await trial.storage.write([{ kind: 'put', key, bytes: new Uint8Array(3) }]);
    const damaged = await trial.causes();
    expect(told(damaged)).toEqual([['damaged', undefined, undefined, undefined]]);
    expect(damaged.causes[0]!.because).toContain(key);
  });

  it('is not misled by runs that are damaged, or had no output', async () => {
    const trial = new Trial();
    const { run } = await trial.causes();
    const broken = (await trial.causes({}, { lr: 2 })).run;
    await trial.storage.write([{ kind: 'put', key: `pipelines/p/steps/${broken}/train`, bytes: new Uint8Array(3) }]);
    expect(await trial.causes({}, { lr: 3 })).toMatchObject({ comparedWith: run, causes: [{ from: 1, to: 3 }] });
    expect((await trial.define().explain('train', { run })).causes).toMatchObject([{ kind: 'never-run' }]);
  });

  it('refuses what has no explanation', async () => {
    const trial = new Trial();
    const pipeline = trial.define();
    await expect(pipeline.explain('train')).rejects.toMatchObject({ code: 'not-found', message: expect.stringContaining('run the pipeline first') as string });
    const { id } = await pipeline.run({ params: { lr: 1 } });
    for (const step of ['plain', 'none', undefined, { name: 'train', pipeline: 'p' }]) await expect(pipeline.explain(step as never)).rejects.toMatchObject({ code: 'validation' });
    await expect(pipeline.explain('train', { run: 'none' })).rejects.toMatchObject({ code: 'not-found' });
    await expect(pipeline.explain('train', { runs: id } as never)).rejects.toMatchObject({ code: 'validation' });
    const skipped = new Pipeline({ name: 'p', storage: trial.storage, clock: trial.clock });
    const never = skipped.step('train', { cache: { version: '1' }, when: () => false }, () => 1);
    const second = await skipped.run();
    await expect(skipped.explain(never, { run: second.id })).rejects.toMatchObject({ code: 'not-found', message: expect.stringContaining('has not come to its turn') as string });
    expect((await skipped.explain(never)).run).toBe(id);
  });
});

describe('clearCache', () => {
  it('forgets the outputs of a step or of all, and of no other pipeline', async () => {
    const storage = new MemoryStorage();
    const ran: string[] = [];
    const define = (name: string): Pipeline => {
      const pipeline = new Pipeline({ name, storage });
      for (const step of ['a', 'a b', 'A']) pipeline.step(step, { cache: { version: '1' } }, () => void ran.push(step));
      return pipeline;
    };
    const [one, two] = [define('one'), define('two')];
    await one.run();
    await two.run();
    ran.length = 0;
    expect(await one.clearCache({ step: 'a' })).toBe(1);
    expect(await one.clearCache({ step: 'a' })).toBe(0);
    await one.run();
    expect(ran.splice(0)).toEqual(['a']);
    expect(await one.clearCache()).toBe(3);
    await two.run();
    expect(ran).toEqual([]);
    await expect(one.clearCache({ step: '' })).rejects.toMatchObject({ code: 'validation' });
    await expect(one.clearCache({ steps: ['a'] } as never)).rejects.toMatchObject({ code: 'validation' });
    await expect(one.clearCache({ olderThan: 'long' as never })).rejects.toMatchObject({ code: 'validation', message: expect.stringContaining('olderThan') as string });
    await expect(one.clearCache({ expired: 'yes' as never })).rejects.toMatchObject({ code: 'validation', message: expect.stringContaining('expired') as string });
  });

  it('forgets only what has expired by the ttl of its step, or was made some time ago, and what was put in anew stays', async () => {
    const storage = new MemoryStorage();
    const clock = new ManualClock();
    const ran: string[] = [];
    const pipeline = new Pipeline({ name: 'one', storage, clock });
    for (const [step, ttl] of [['short', '1h'], ['long', '2d'], ['ever', undefined]] as const) pipeline.step(step, { cache: { version: '1', ttl } }, () => void ran.push(step));
    await pipeline.run();
    const hour = 3_600_000;
    clock.jump(hour);
    expect(await pipeline.clearCache({ expired: true })).toBe(0);
    expect(await pipeline.clearCache({ olderThan: '1h' })).toBe(0);
    clock.jump(1);
    expect(await pipeline.clearCache({ expired: true, step: 'long' })).toBe(0);
    expect(await pipeline.clearCache({ expired: true, olderThan: '2h' })).toBe(0);
    expect(await pipeline.clearCache({ expired: true })).toBe(1);
    await pipeline.run();
    expect(ran.splice(0)).toEqual(['short', 'long', 'ever', 'short']);
    expect(await pipeline.clearCache({ olderThan: '1h', step: 'long' })).toBe(1);
    // What cannot be read has no age.
    const [entry] = (await storage.list({ prefix: 'pipelines/one/cache/ever/' })).entries;
    await storage.write([{ kind: 'put', key: entry!.key, bytes: new TextEncoder().encode('{') }]);
    expect(await pipeline.clearCache({ olderThan: '1h' })).toBe(0);
    expect(await pipeline.clearCache()).toBe(2);
  });

  it('forgets who died long ago while they made an output, and nobody who may live', async () => {
    const storage = new MemoryStorage();
    const clock = new ManualClock();
    const pipeline = new Pipeline({ name: 'one', storage, clock });
    pipeline.step('a', { cache: { version: '1' } }, () => 1);
    const flight = (name: string, expiresAt: number) => writeValue(storage, `pipelines/one/flights/a/${name}`, { owner: name, fence: 1, expiresAt });
    await flight('dead', clock.now() - 86_400_001);
    await flight('silent', clock.now() - 86_400_000);
    await flight('alive', clock.now() + 1);
    expect(await pipeline.clearCache({ expired: true })).toBe(0);
    expect((await storage.list({ prefix: 'pipelines/one/flights/' })).entries.map(({ key }) => key)).toEqual(['pipelines/one/flights/a/alive', 'pipelines/one/flights/a/silent']);
  });
});

type CacheCase = Readonly<Record<string, unknown>> & { readonly id: string };

async function runsOf(trial: Trial, given: Params): Promise<number> {
  await trial.define({ params: ['lr'] }).run({ params: given });
  return trial.ran;
}

/** What other engines say of a key of theirs, done here. */
const held: Readonly<Record<string, (golden: CacheCase) => void | Promise<void>>> = {
  // What is joined without a separator there has keys of its own here.
  'dagster-join-collision': (golden) => {
    const { a, b } = golden as unknown as Record<'a' | 'b', { code_version: string; inputs: CacheFacts['inputs'] }>;
    const key = ({ code_version: version, inputs }: typeof a): string => cacheKey({ version, inputs, upstream: {}, environment: {} }, undefined);
    expect(key(a)).not.toBe(key(b));
  },
  // Other contents under the same name miss.
  'kfp-artifact-content': async ({ better }) => {
    expect(better).toBe('MISS');
    const trial = new Trial();
    await trial.define({ rows: 1 }).run({ params: { lr: 1 } });
    await trial.define({ rows: 2 }).run({ params: { lr: 1 } });
    expect(trial.ran).toBe(2);
  },
  'dvc-params-partial': async ({ expect: outcome }) => {
    expect(outcome).toBe('unchanged');
    const trial = new Trial();
    expect([await runsOf(trial, { lr: 0.1 }), await runsOf(trial, { lr: 0.1, grid: { depth: [1] } })]).toEqual([1, 1]);
  },
  'dvc-runcache-restore': async ({ seq, expect: outcome }) => {
    expect(outcome).toContain('not executed');
    const trial = new Trial();
    const lrs = (seq as readonly string[]).map((step) => Number(/lr=([\d.]+)/.exec(step)![1]));
    const ran: number[] = [];
    for (const lr of lrs) ran.push(await runsOf(trial, { lr }));
    expect(ran).toEqual([1, 2, 2]);
  },
  'flyte-version-only': async ({ expect: outcome }) => {
    expect(outcome).toMatch(/^HIT/);
    const trial = new Trial();
    await runsOf(trial, { lr: 0.1 });
    const changed = new Pipeline({ name: 'p', storage: trial.storage, params });
    const rows = changed.step('ingest', {}, () => 1);
    changed.step('train', { needs: { rows }, trigger: 'all_done', cache: { version: '1', params: ['lr'] } }, () => 'other code');
    expect((await changed.run({ params: { lr: 0.1 } })).steps['train']!.cache).toBeDefined();
  },
  // Too old is a miss.
  'argo-maxAge': async ({ memoize, age_s: age, expect: outcome }) => {
    expect(outcome).toBe('MISS');
    const { maxAge: ttl } = memoize as { maxAge: '10s' };
    const trial = new Trial();
    await trial.define({ ttl }).run({ params: { lr: 1 } });
    trial.clock.jump((age as number) * 1000);
    await trial.define({ ttl }).run({ params: { lr: 1 } });
    expect(trial.ran).toBe(2);
  },
};

describe('cases of other engines', () => {
  it.each(cases.caching as unknown as readonly CacheCase[])('$id', async (golden) => {
    expect(Object.keys(held), 'nothing is held to this case').toContain(golden.id);
    await held[golden.id]!(golden);
  });
});
