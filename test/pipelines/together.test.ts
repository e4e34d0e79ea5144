import { MemoryStorage, Pipeline, Tracker, type Duration, type PipelineResult, type StepHandle, type StepLogLine } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/core/random.ts';
import type { StorageAdapter } from '../../src/storage/contract.ts';
import { faultyStorage } from './faulty-storage.ts';
import { ManualClock, settled } from './manual-clock.ts';

const seed = Number(process.env['TOGETHER_SEED'] ?? Math.floor(Math.random() * 2 ** 32));
const forever = (): Promise<never> => new Promise(() => undefined);

async function linesOf(pipeline: Pipeline, run: string, step: string): Promise<string[]> {
  const lines: StepLogLine[] = [];
  for await (const line of pipeline.logs(run, { step })) lines.push(line);
  return lines.map(({ text }) => text);
}

async function trackedRuns(tracker: Tracker): Promise<Record<string, string>> {
  const runs: [string, string][] = [];
  for await (const { pipelineRun, status } of tracker.runs()) runs.push([pipelineRun!, status]);
  return Object.fromEntries(runs);
}

/** A pipeline with one step that has all there is: a condition and a cache, a log and a run of the Tracker, a slot of a pool and time limits. */
class Everything {
  readonly clock = new ManualClock();
  readonly storage: StorageAdapter = new MemoryStorage();
  readonly tracker = new Tracker({ storage: this.storage, clock: this.clock });
  readonly errors: unknown[] = [];
  wanted = true;
  worked = 0;

  /** A definition as a process has it. */
  pipeline(work: () => unknown = () => 'model', { storage = this.storage, runTimeout }: { storage?: StorageAdapter; runTimeout?: Duration | undefined } = {}): Pipeline {
    const pipeline = new Pipeline({ name: 'all', storage, clock: this.clock, tracker: this.tracker, pools: { gpu: 1 }, grace: '1s', runTimeout, onError: (error) => this.errors.push(error) });
    pipeline.step('train', {
      cache: { version: '1' },
      pool: 'gpu',
      timeout: '100s',
      totalTimeout: '200s',
      retries: { limit: 1, backoff: 0, jitter: 0 },
      when: async ({ log, track }) => {
        log.info('asked');
        (await track()).logMetrics({ asked: 1 });
        return this.wanted;
      },
    }, ({ log }) => {
      this.worked++;
      log.info('works');
      return work();
    });
    return pipeline;
  }

  /** What a run comes to when time passes. */
  async ended(running: Promise<PipelineResult>, ms = 0): Promise<PipelineResult> {
    running.catch(() => undefined);
    await this.clock.advance(ms);
    return running;
  }
}

describe('a step with a condition, a cache, a log, a tracker and a pool', () => {
  it('keeps the log and ends its run of the Tracker when it works, takes, or is declined', async () => {
    const all = new Everything();
    const pipeline = all.pipeline();
    const made = await all.ended(pipeline.run());
    const taken = await all.ended(pipeline.run());
    all.wanted = false;
    const declined = await all.ended(pipeline.run());
    expect([made, taken, declined].map(({ steps }) => steps['train']!.status)).toEqual(['succeeded', 'succeeded', 'skipped']);
    expect(taken.steps['train']).toMatchObject({ attempts: 0, cache: { run: made.id } });
    expect(await linesOf(pipeline, made.id, 'train')).toEqual(['asked', 'works']);
    expect(await linesOf(pipeline, taken.id, 'train')).toEqual(['asked']);
    expect(await linesOf(pipeline, declined.id, 'train')).toEqual(['asked']);
    expect(await trackedRuns(all.tracker)).toEqual({ [made.id]: 'finished', [taken.id]: 'finished', [declined.id]: 'finished' });
    expect([all.worked, all.clock.pending, all.errors]).toEqual([1, 0, []]);
  });

  it.each([
    ['its run is cancelled', 'cancelled', undefined, 0],
    ['its run is over time', 'cancelled', '50s', 50_000],
    ['its total timeout is over', 'failed', undefined, 200_000],
  ] as const)('stops waiting for what another makes when %s', async (_, status, runTimeout, after) => {
    const all = new Everything();
    let finish!: () => void;
    // Refuses to be timed out, as it belongs to a process with other limits.
    const other = new Pipeline({ name: 'all', storage: all.storage, clock: all.clock });
    other.step('train', { cache: { version: '1' } }, () => new Promise<string>((resolve) => (finish = () => resolve('of the other'))));
    const making = other.run();
    await settled();
    const pipeline = all.pipeline(undefined, { runTimeout });
    const stop = new AbortController();
    const waiting = pipeline.run({ signal: stop.signal });
    await all.clock.advance(after);
    if (after === 0) stop.abort();
    const stopped = await all.ended(waiting);
    expect(stopped.steps['train']!.status).toBe(status);
    expect(await trackedRuns(all.tracker)).toEqual({ [stopped.id]: 'killed' });
    expect(await linesOf(pipeline, stopped.id, 'train')).toEqual(['asked']);
    expect(await pipeline.explain('train', { run: stopped.id })).toEqual({ step: 'train', run: stopped.id, causes: [{ kind: 'never-run', because: 'no run before has made an output that could be taken' }] });
    // Its slot is free, and what the other makes is taken.
    const next = pipeline.run();
    await settled();
    finish();
    const [made, taken] = [await making, await all.ended(next, 10_000)];
    expect(taken.steps['train']!.cache?.run).toBe(made.id);
    expect(all.worked).toBe(0);
    expect([all.clock.pending, all.errors]).toEqual([0, []]);
  });

  it('does not say that an output was gone which it had found when it failed', async () => {
    const all = new Everything();
    const made = await all.ended(all.pipeline().run());
    const startRun = all.tracker.startRun.bind(all.tracker);
    all.tracker.startRun = async (options) => Object.assign(await startRun(options), { end: () => Promise.reject(new Error('the run cannot be ended')) });
    const pipeline = all.pipeline();
    const failed = await all.ended(pipeline.run());
    expect(failed.steps['train']).toMatchObject({ status: 'failed', failure: { message: 'the run cannot be ended' }, cache: undefined });
    expect(await pipeline.explain('train', { run: failed.id })).toEqual({ step: 'train', run: failed.id, causes: [] });
    expect((await pipeline.explain('train', { run: made.id })).causes).toMatchObject([{ kind: 'never-run' }]);
  });

  it('takes over from a run that is over time while it makes the output', async () => {
    const all = new Everything();
    const slow = all.ended(all.pipeline(forever, { runTimeout: '30s' }).run());
    await settled();
    const waiting = all.pipeline(() => 'by the next').run();
    await settled();
    expect(all.worked).toBe(1);
    await all.clock.advance(40_000);
    expect((await slow).steps['train']!.status).toBe('cancelled');
    expect(await waiting).toMatchObject({ status: 'succeeded', steps: { train: { attempts: 1, cache: undefined } } });
    expect((await all.pipeline().explain('train', { run: (await slow).id })).causes).toMatchObject([{ kind: 'never-run' }]);
  });

  it('gives its slot on when it is cancelled while it waits for one', async () => {
    const all = new Everything();
    let finish!: (value: string) => void;
    const pipeline = all.pipeline(() => new Promise<string>((resolve) => (finish = resolve)));
    const holder = pipeline.run();
    await settled();
    const stop = new AbortController();
    const cancelled = pipeline.run({ signal: stop.signal });
    await settled();
    const last = pipeline.run();
    await settled();
    stop.abort();
    expect((await all.ended(cancelled)).steps['train']!.status).toBe('cancelled');
    finish('made');
    const made = await all.ended(holder);
    expect((await all.ended(last, 1000)).steps['train']!.cache?.run).toBe(made.id);
    expect([all.worked, all.clock.pending]).toEqual([1, 0]);
  });

  it('goes on at once with what its own process made when that is gone', async () => {
    const all = new Everything();
    const dying = faultyStorage(all.storage, { call: { write: 'pipelines/all/leases/', nth: 2 }, effect: 'none', then: 'dead' });
    all.pipeline(forever, { storage: dying }).run().catch(() => undefined);
    await all.clock.advance(11_000);
    expect(all.worked).toBe(1);
    const pipeline = all.pipeline();
    const { id } = (await pipeline.searchRuns()).items[0]!;
    const began = all.clock.now();
    let took = Infinity;
    const resumed = await all.ended(pipeline.resume(id, { takeOver: true }).finally(() => (took = all.clock.now() - began)), 60_000);
    expect(resumed.steps['train']).toMatchObject({ status: 'succeeded', attempts: 1 });
    expect(took).toBe(0);
    expect(await trackedRuns(all.tracker)).toEqual({ [id]: 'finished' });
  });

  it.each([
    ['takes the output', 'finished', 'succeeded'],
    ['is not wanted any more', 'finished', 'skipped'],
    ['is cancelled before it works', 'killed', 'cancelled'],
  ] as const)('ends the run of the Tracker that a process which was killed left open, when its successor %s without asking for it', async (how, tracked, status) => {
    const all = new Everything();
    const define = (storage: StorageAdapter, dies: boolean): Pipeline => {
      const pipeline = new Pipeline({ name: 'left', storage, clock: all.clock, tracker: all.tracker, grace: 0, onError: (error) => !dies && all.errors.push(error) });
      const wait = pipeline.step('wait', {}, () => 0);
      pipeline.step('train', { needs: { wait }, cache: { version: '1' }, when: () => dies || how !== 'is not wanted any more' }, async ({ track }) => {
        await track();
        return dies ? forever() : 'model';
      });
      return pipeline;
    };
    // The lease is renewed first when the step works; then the process is gone.
    const dying = faultyStorage(all.storage, { call: { write: 'pipelines/left/leases/', nth: 2 }, effect: 'none', then: 'dead' });
    define(dying, true).run().catch(() => undefined);
    await all.clock.advance(11_000);
    const [{ id } = { id: '' }] = (await define(all.storage, false).searchRuns()).items;
    expect(await trackedRuns(all.tracker)).not.toEqual({ [id]: tracked });
    if (how === 'takes the output') {
      const other = new Pipeline({ name: 'left', storage: all.storage, clock: all.clock, grace: 0 });
      const wait = other.step('wait', {}, () => 0);
      other.step('train', { needs: { wait }, cache: { version: '1' } }, () => 'model');
      await all.ended(other.run(), 60_000);
    }
    const stop = new AbortController();
    const onEvent = ({ type }: { readonly type: string }): void => void (type === 'run-started' && how === 'is cancelled before it works' && stop.abort());
    const resumed = await all.ended(define(all.storage, false).resume(id, { takeOver: true, signal: stop.signal, onEvent }), 60_000);
    expect(resumed.steps['train']!.status).toBe(status);
    expect(await trackedRuns(all.tracker)).toEqual({ [id]: tracked });
    expect(all.errors).toEqual([]);
  });

  it('ends its run of the Tracker though the store fails when the cache is asked', async () => {
    const all = new Everything();
    const dying = faultyStorage(all.storage, { call: { write: 'pipelines/all/flights/' }, effect: 'none', then: 'dead' });
    await expect(all.ended(all.pipeline(undefined, { storage: dying }).run())).rejects.toMatchObject({ code: 'storage' });
    expect(Object.values(await trackedRuns(all.tracker))).toEqual(['killed']);
    await all.clock.advance(100_000);
    expect(all.clock.pending).toBe(0);
  });

  it('succeeds though its log cannot be stored, which is told', async () => {
    const all = new Everything();
    const storage = new Proxy(all.storage, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (name === 'append') return (...args: Parameters<StorageAdapter['append']>) => (args[0].includes('/logs/') ? Promise.reject(new Error('no room for logs')) : target.append(...args));
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const result = await all.ended(all.pipeline(undefined, { storage }).run());
    expect(result.status).toBe('succeeded');
    expect(all.errors).toMatchObject([{ message: 'no room for logs' }]);
    await all.clock.advance(100_000);
    expect(all.clock.pending).toBe(0);
  });
});

/** A graph that its number decides: how steps depend on each other, which fail, how often, and what else they have. */
function graph(number: number, storage: StorageAdapter, ran: (step: string) => void, wired: (before: readonly string[]) => void = () => undefined): Pipeline {
  const random = seededRandom(number);
  const one = (chance: number): boolean => random() < chance;
  const pipeline = new Pipeline({ name: 'graph', storage, pools: { gpu: 2 }, grace: 0 });
  const steps: StepHandle<unknown>[] = [];
  const size = 4 + Math.floor(random() * 6);
  for (let i = 0; i < size; i++) {
    const before = steps.filter(() => one(0.4));
    const needs = Object.fromEntries(before.filter(() => one(0.5)).map((step) => [step.name, step]));
    const after = before.filter(({ name }) => !(name in needs));
    // Those whose verdict does not hang on which step ends first, but for the mixture that isMixed tells of.
    const triggers = ['all_success', 'all_success', 'all_done', 'none_failed', 'all_failed', 'none_skipped'] as const;
    const trigger = triggers[Math.floor(random() * triggers.length)]!;
    if (trigger === 'all_success') wired(before.map(({ name }) => name));
    const [fails, wanted] = [one(0.3) ? Math.ceil(random() * 3) : 0, !one(0.15)];
    const [cached, pooled, slots, allowFailure, priority] = [one(0.5), one(0.4), one(0.5) ? 2 : 1, one(0.3), Math.floor(random() * 3)];
    const options = {
      needs,
      after,
      trigger,
      allowFailure,
      priority,
      retries: { limit: 2, backoff: 0, jitter: 0 },
      when: () => wanted,
      ...(pooled && { pool: 'gpu', slots }),
      ...(cached && { cache: { version: '1' } }),
    };
    steps.push(pipeline.step(`s${i}`, options, ({ inputs, run, log }) => {
      ran(`s${i}`);
      log.info(`attempt ${run.attempt}`);
      if (run.attempt <= fails) throw new Error(`attempt ${run.attempt} of ${fails}`);
      return { name: `s${i}`, inputs };
    }));
  }
  pipeline.finally('end', {}, ({ states }) => Object.fromEntries(Object.entries(states).map(([name, { status }]) => [name, status])));
  return pipeline;
}

/** Whether some of these were skipped and others failed: what `all_success` makes of that hangs on which was first. */
function isMixed(before: readonly string[], { steps }: PipelineResult): boolean {
  const has = (...of: string[]): boolean => before.some((name) => of.includes(steps[name]!.status));
  return has('skipped') && has('failed', 'upstream_failed');
}

/** What does not hang on which of several steps failed first. */
function endOf({ status, steps }: PipelineResult): unknown {
  return { status, steps: Object.fromEntries(Object.entries(steps).map(([name, { status: of, failure }]) => [name, { of, failure: failure?.message }])) };
}

describe(`random graphs whose process dies at any call of the store (TOGETHER_SEED=${seed})`, () => {
  it('end as they would have, and run nothing again that was recorded', async () => {
    const random = seededRandom(seed);
    let died = 0;
    for (let round = 0; round < 30; round++) {
      const number = Math.floor(random() * 2 ** 32);
      const counting = faultyStorage(new MemoryStorage(), { call: -1, effect: 'none', then: 'alive' });
      const wiring: (readonly string[])[] = [];
      const undisturbed = await graph(number, counting, () => undefined, (before) => wiring.push(before)).run();
      const storage = new MemoryStorage();
      const deaths = 1 + Math.floor(random() * 2);
      let id: string | undefined;
      const recorded = new Set<string>();
      const again: string[] = [];
      const ran = (step: string): void => void (recorded.has(step) && again.push(step));
      for (let i = 0; i < deaths; i++) {
        const call = 1 + Math.floor(random() * counting.calls);
        const dying = faultyStorage(storage, { call, effect: random() < 0.5 ? 'none' : 'done', then: 'dead' });
        const pipeline = graph(number, dying, ran);
        await (id === undefined ? pipeline.run() : pipeline.resume(id, { takeOver: true })).catch(() => died++);
        [id] = (await graph(number, storage, ran).searchRuns()).items.map((run) => run.id);
        if (id === undefined) continue;
        const { status, steps } = await graph(number, storage, ran).getRun(id);
        for (const [name, step] of Object.entries(steps)) {
          if (step.status === 'succeeded' && (name !== 'end' || status === 'succeeded')) recorded.add(name);
        }
        if (status !== 'running') break;
      }
      const finishing = graph(number, storage, ran);
      const head = id === undefined ? undefined : await finishing.getRun(id);
      const result = head === undefined ? await finishing.run() : head.status === 'running' ? await finishing.resume(id!, { takeOver: true }) : undefined;
      expect(again, `graph ${number}`).toEqual([]);
      if (result && !wiring.some((before) => isMixed(before, undisturbed))) expect(endOf(result), `graph ${number}`).toEqual(endOf(undisturbed));
    }
    expect(died).toBeGreaterThan(10);
  }, 20_000);
});
