import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryStorage, Pipeline, type Clock, type KeeperOptions, type PipelineKeeper, type PipelineOptions, type ScheduleTiming, type Undo } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { afterEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import '../../../src/pipelines/launching/launch-worker.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { runIdFor } from '../../../src/pipelines/launching/launch.ts';
import '../../../src/pipelines/schedules/backfill.ts';
import '../../../src/pipelines/schedules/cron-timetable.ts';
import '../../../src/pipelines/schedules/schedule.ts';
import type { StorageAdapter } from '../../../src/storage/contract.ts';
import { faultyStorage } from '../faulty-storage.ts';
import { ManualClock, settled } from '../manual-clock.ts';

const hour = 3_600_000;
const midnight = Date.UTC(2026, 0, 1);
const keepers: PipelineKeeper[] = [];

afterEach(async () => {
  await Promise.all(keepers.splice(0).map((keeper) => keeper.close({ signal: AbortSignal.abort() })));
});

interface Process {
  readonly pipeline: Pipeline;
  readonly errors: unknown[];
}

/** A clock whose time of day can be set while its timers go on, as that of a host. */
class SetClock implements Clock {
  readonly #clock: ManualClock;
  #ahead = 0;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  set(ahead: number): void {
    this.#ahead = ahead;
  }

  now(): number {
    return this.#clock.now() + this.#ahead;
  }

  monotonic(): number {
    return this.#clock.monotonic();
  }

  setTimer(callback: () => void, ms: number, options?: { keepAlive?: boolean }): Undo {
    return this.#clock.setTimer(callback, ms, options);
  }
}

/** What one process defines: a step that notes the hour of its run. */
function define(storage: StorageAdapter, clock: Clock, journal: number[], work: () => unknown = () => undefined, more: Partial<PipelineOptions<undefined, undefined>> = {}): Process {
  const errors: unknown[] = [];
  const pipeline: Pipeline = new Pipeline({ name: 'retrain', storage, clock, onError: (error) => errors.push(error), grace: 0, ...more });
  pipeline.step('train', {}, async ({ run }) => {
    const { interval } = await pipeline.getRun(run.id);
    journal.push((interval!.end - midnight) / hour);
    return (await work()) ?? null;
  });
  return { pipeline, errors };
}

async function keep(pipeline: Pipeline, timing: Partial<ScheduleTiming> = {}, options: KeeperOptions = {}): Promise<PipelineKeeper> {
  await pipeline.schedule({ name: 'hourly', cron: '0 * * * *', ...timing });
  const keeper = pipeline.start(options);
  keepers.push(keeper);
  await settled();
  return keeper;
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

describe('a schedule', () => {
  it('runs once for each interval, when it is over, though ten processes keep it', async () => {
    const [storage, clock, journal] = [new MemoryStorage(), new ManualClock(midnight + hour / 2), [] as number[]];
    const processes = Array.from({ length: 10 }, () => define(storage, clock, journal));
    for (const { pipeline } of processes) await keep(pipeline);
    expect(journal).toEqual([]);
    await clock.advance(2 * hour);
    expect(journal).toEqual([1, 2]);
    expect(processes.flatMap(({ errors }) => errors)).toEqual([]);
    const runs = await all(processes[0]!.pipeline.runs());
    expect(runs.map(({ status, interval, triggeredBy }) => [status, interval!.start - midnight, triggeredBy])).toEqual([1, 0].map((start) => ['succeeded', start * hour, { kind: 'schedule', name: 'hourly' }]));
  });

  it('does so over one directory', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'modelkeep-schedule-'));
    // The time of day stands still, but who loses a compare-and-swap several times waits a few real milliseconds.
    const clock: Clock = { now: () => midnight + 6 * hour, monotonic: () => systemClock.monotonic(), setTimer: (...timer) => systemClock.setTimer(...timer) };
    const journal: number[] = [];
    const storages = Array.from({ length: 3 }, () => new FilesystemStorage(directory));
    try {
      const kept = await Promise.all(storages.map((storage) => keep(define(storage, clock, journal).pipeline, { start: midnight, catchup: true, maxActiveRuns: 3 })));
      // Each ends when it finds nothing to do; what another works on is that one's.
      await Promise.all(kept.map((keeper) => keeper.idle()));
      await Promise.all(kept.map((keeper) => keeper.close()));
      expect(journal.sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6]);
    } finally {
      await Promise.all(storages.map((storage) => storage.close()));
      rmSync(directory, { recursive: true, force: true });
    }
  });

  it('makes up for what was missed while no process kept it: for the latest interval, or with catchup for all in order', async () => {
    for (const [catchup, expected] of [[false, [1, 9]], [true, [1, 2, 3, 4, 5, 6, 7, 8, 9]]] as const) {
      const [storage, clock, journal] = [new MemoryStorage(), new ManualClock(midnight), [] as number[]];
      const before = await keep(define(storage, clock, journal).pipeline, { catchup });
      await clock.advance(hour);
      await before.close();
      await clock.advance(8.5 * hour);
      const after = await keep(define(storage, clock, journal).pipeline, { catchup });
      await clock.advance(1000);
      await after.idle();
      expect(journal, String(catchup)).toEqual(expected);
    }
  });

  it('goes on where it was when its pattern is changed', async () => {
    const [storage, clock, journal] = [new MemoryStorage(), new ManualClock(midnight), [] as number[]];
    await (await keep(define(storage, clock, journal).pipeline, { cron: '0 */6 * * *', catchup: true })).close();
    await clock.advance(6 * hour);
    const six = await keep(define(storage, clock, journal).pipeline, { cron: '0 */6 * * *', catchup: true });
    await six.idle();
    await six.close();
    await clock.advance(2 * hour);
    await (await keep(define(storage, clock, journal).pipeline, { catchup: true })).idle();
    expect(journal).toEqual([6, 7, 8]);
  });

  it('has at most maxActiveRuns open in all processes together', async () => {
    for (const [maxActiveRuns, expected] of [[1, [1]], [2, [1, 2]]] as const) {
      const [storage, clock, journal] = [new MemoryStorage(), new ManualClock(midnight), [] as number[]];
      let release = (): void => undefined;
      const gate = new Promise<void>((resolve) => (release = resolve));
      for (let i = 0; i < 3; i++) await keep(define(storage, clock, journal, () => gate).pipeline, { maxActiveRuns }, { interval: '10m' });
      await clock.advance(4 * hour);
      expect(journal).toEqual(expected);
      release();
      await clock.advance(600_000);
      // Without catchup, only the latest of those that had to wait is made up for.
      expect(journal).toEqual([...expected, 4]);
    }
  });

  it('is paused and resumed for all processes, and tells by whom', async () => {
    const [storage, clock, journal] = [new MemoryStorage(), new ManualClock(midnight), [] as number[]];
    await keep(define(storage, clock, journal).pipeline);
    await clock.advance(hour);
    const elsewhere = await define(storage, clock, journal).pipeline.schedule({ name: 'hourly', cron: '0 * * * *' });
    await elsewhere.pause({ by: 'ops', reason: 'the source is down' });
    await elsewhere.pause({ by: 'someone else' });
    await clock.advance(3 * hour);
    expect(journal).toEqual([1]);
    expect(await elsewhere.status()).toMatchObject({ paused: true, last: { end: midnight + hour }, next: { at: midnight + 4 * hour }, open: [] });
    await elsewhere.resume({ by: 'ops' });
    await clock.advance(60_000);
    expect(journal).toEqual([1, 4]);
    const history = await elsewhere.history();
    expect(history.map(({ type, by, reason }) => [type, by, reason])).toEqual([
      ['created', undefined, undefined], ['run-claimed', undefined, undefined], ['paused', 'ops', 'the source is down'], ['resumed', 'ops', undefined], ['run-claimed', undefined, undefined],
    ]);
  });

  it('computes the params of each run, passes over an interval that has none, and tells and records why', async () => {
    const [storage, clock] = [new MemoryStorage(), new ManualClock(midnight)];
    const errors: unknown[] = [];
    const pipeline = new Pipeline({ name: 'retrain', storage, clock, params: z.object({ hour: z.number().max(3) }), onError: (error) => errors.push(error) });
    const seen: number[] = [];
    pipeline.step('train', {}, ({ params }) => {
      seen.push(params.hour);
      return null;
    });
    const schedule = await pipeline.schedule({
      name: 'hourly',
      cron: '0 * * * *',
      params: ({ interval }) => {
        if (interval.end === midnight + 2 * hour) throw new Error('no such partition');
        return { hour: new Date(interval.end).getUTCHours() };
      },
    });
    keepers.push(pipeline.start());
    await settled();
    await clock.advance(4 * hour);
    expect(seen).toEqual([1, 3]);
    expect(errors).toMatchObject([{ code: 'validation', message: expect.stringContaining('no such partition') as unknown }, { code: 'validation', message: expect.stringContaining('params.hour') as unknown }]);
    const refused = (await schedule.history()).filter(({ type }) => type === 'run-refused');
    expect(refused.map(({ data }) => data)).toMatchObject([{ schedule: 'hourly', interval: { end: midnight + 2 * hour }, failure: { message: 'no such partition' } }, { interval: { end: midnight + 4 * hour } }]);
    // @ts-expect-error the schema requires params
    await expect(pipeline.schedule({ name: 'bare', cron: '0 * * * *' })).resolves.toBeDefined();
  });

  it('delays its runs by a jitter that all processes agree on', async () => {
    const [storage, clock, journal] = [new MemoryStorage(), new ManualClock(midnight), [] as number[]];
    for (let i = 0; i < 3; i++) await keep(define(storage, clock, journal).pipeline, { jitter: '30m' });
    const { pipeline } = define(storage, clock, journal);
    const [next] = await (await pipeline.schedule({ name: 'hourly', cron: '0 * * * *', jitter: '30m' })).nextRuns(1);
    await clock.advance(next!.at - midnight - 1);
    expect(journal).toEqual([]);
    await clock.advance(100);
    expect(journal).toEqual([1]);
    expect(next!.at).toBeGreaterThan(next!.interval.end);
  });

  it('tells what is next, to its end', async () => {
    const [storage, clock] = [new MemoryStorage(), new ManualClock(midnight + 1)];
    const schedule = await define(storage, clock, []).pipeline.schedule({ name: 'nightly', cron: '0 3 * * *', timezone: 'Europe/Paris', end: '2026-01-04' });
    expect((await schedule.nextRuns(10)).map(({ at }) => new Date(at).toISOString())).toEqual(['2026-01-01T02:00:00.000Z', '2026-01-02T02:00:00.000Z', '2026-01-03T02:00:00.000Z']);
    await clock.advance(5 * 24 * hour);
    expect(await schedule.status()).toMatchObject({ paused: false, next: undefined });
    await expect(schedule.nextRuns(-1)).rejects.toMatchObject({ code: 'validation' });
    await expect(schedule.nextRuns(NaN)).rejects.toMatchObject({ code: 'validation' });
  });
});

describe('when something breaks', () => {
  // The first write below a prefix, after which the process is gone.
  it.each([
    ['before its claim', 'pipelines/retrain/schedules', 3],
    ['between the claim and the run', 'pipelines/retrain/leases', 1],
    ['when the run is recorded', 'pipelines/retrain/runs', 1],
    ['in the run', 'pipelines/retrain/steps', 1],
    ['at the end of the run', 'pipelines/retrain/runs', 3],
  ])('a process that dies %s: another begins or ends the run, which there is once', async (_, write, nth) => {
    for (const effect of ['none', 'done'] as const) {
      const [storage, clock, journal] = [new MemoryStorage(), new ManualClock(midnight), [] as number[]];
      const dying = faultyStorage(storage, { call: { write, nth }, effect, then: 'dead' });
      await keep(define(dying, clock, journal).pipeline);
      await clock.advance(hour);
      const { pipeline, errors } = define(storage, clock, journal);
      await keep(pipeline);
      await clock.advance(120_000);
      const runs = await all(pipeline.runs());
      expect(runs.map(({ status, interval }) => [status, interval?.end]), effect).toEqual([['succeeded', midnight + hour]]);
      expect(new Set(journal)).toEqual(new Set([1]));
      expect(errors).toEqual([]);
      expect(await (await new Pipeline({ name: 'retrain', storage, clock }).schedule({ name: 'hourly', cron: '0 * * * *' })).status()).toMatchObject({ open: [] });
      await Promise.all(keepers.splice(0).map((keeper) => keeper.close({ signal: AbortSignal.abort() })));
    }
  });

  it('a clock that jumps ahead by a year and back: no interval runs twice, and those to come are run', async () => {
    const [storage, clock, journal] = [new MemoryStorage(), new ManualClock(midnight), [] as number[]];
    const wall = new SetClock(clock);
    await keep(define(storage, wall, journal).pipeline);
    await clock.advance(2.5 * hour);
    wall.set(365 * 24 * hour);
    await clock.advance(hour);
    wall.set(0);
    await clock.advance(3 * hour);
    // What was passed over by the wrong clock is made up for as far as the policy goes.
    expect(journal).toEqual([1, 2, 365 * 24 + 2, 365 * 24 + 3, 3, 4, 5, 6]);
  });

  it('a clock that is set back over a tick does not run it again', async () => {
    const [storage, clock, journal] = [new MemoryStorage(), new ManualClock(midnight), [] as number[]];
    const wall = new SetClock(clock);
    await keep(define(storage, wall, journal).pipeline);
    await clock.advance(2 * hour + 1000);
    wall.set(-90 * 60_000);
    await clock.advance(3 * hour);
    expect(journal).toEqual([1, 2, 3]);
  });

  it('a store that fails is told and asked again', async () => {
    const [storage, clock, journal] = [new MemoryStorage(), new ManualClock(midnight), [] as number[]];
    const flaky = faultyStorage(storage, { call: { write: 'pipelines/retrain/schedules', nth: 3 }, effect: 'none', then: 'alive' });
    const { pipeline, errors } = define(flaky, clock, journal);
    await keep(pipeline);
    await clock.advance(hour + 60_000);
    expect(journal).toEqual([1]);
    expect(errors).toMatchObject([{ code: 'storage' }]);
  });

  it('a run whose pipeline has changed meanwhile is abandoned, told and recorded, and holds up nothing', async () => {
    const [storage, clock, journal] = [new MemoryStorage(), new ManualClock(midnight), [] as number[]];
    await keep(define(faultyStorage(storage, { call: { write: 'pipelines/retrain/steps' }, effect: 'none', then: 'dead' }), clock, journal).pipeline);
    await clock.advance(hour);
    const { pipeline, errors } = define(storage, clock, journal);
    pipeline.step('report', {}, () => null);
    await keep(pipeline);
    await clock.advance(2 * hour);
    expect(journal).toEqual([1, 2, 3]);
    expect(errors).toMatchObject([{ code: 'validation' }]);
    const schedule = await new Pipeline({ name: 'retrain', storage, clock }).schedule({ name: 'hourly', cron: '0 * * * *' });
    expect((await schedule.history()).map(({ type }) => type)).toContain('run-abandoned');
  });

  it('a run that fails is not repeated, and the next one begins', async () => {
    const [storage, clock, journal] = [new MemoryStorage(), new ManualClock(midnight), [] as number[]];
    await keep(define(storage, clock, journal, () => Promise.reject(new Error('diverged'))).pipeline);
    await clock.advance(2 * hour);
    expect(journal).toEqual([1, 2]);
  });
});

describe('a keeper', () => {
  it('refuses what is wrong before anything runs', async () => {
    const { pipeline } = define(new MemoryStorage(), new ManualClock(midnight), []);
    await pipeline.schedule({ name: 'hourly', cron: '0 * * * *' });
    await expect(pipeline.schedule({ name: 'hourly', cron: '0 0 * * *' })).rejects.toMatchObject({ code: 'validation', details: { path: 'options.name' } });
    await expect(pipeline.schedule({ name: 'wrong', cron: '0 0 31 2 *' })).rejects.toMatchObject({ code: 'validation', details: { path: 'options.cron' } });
    await expect(pipeline.schedule(undefined as never)).rejects.toMatchObject({ code: 'validation' });
    // A name whose schedule was refused is free.
    await pipeline.schedule({ name: 'wrong', cron: '0 0 * * *' });
    expect(() => pipeline.start({ interval: 0 })).toThrow(expect.objectContaining({ code: 'validation' }));
    expect(() => pipeline.start({ concurrency: 0 })).toThrow(expect.objectContaining({ code: 'validation' }));
    expect(() => new Pipeline({ name: 'empty', storage: new MemoryStorage() }).start()).toThrow('no steps');
  });

  it('keeps a schedule that is defined after it was started, and each once', async () => {
    const [storage, clock, journal] = [new MemoryStorage(), new ManualClock(midnight), [] as number[]];
    const { pipeline } = define(storage, clock, journal);
    const keeper = pipeline.start();
    keepers.push(keeper);
    await pipeline.schedule({ name: 'hourly', cron: '0 * * * *' });
    await settled();
    // One for the schedule, and one for runs that wait.
    expect(clock.pending).toBe(2);
    await clock.advance(hour);
    expect(journal).toEqual([1]);
  });

  it('waits at its end for the runs that go on, or cancels them', async () => {
    for (const cancel of [false, true]) {
      const [storage, clock, journal] = [new MemoryStorage(), new ManualClock(midnight), [] as number[]];
      let release = (): void => undefined;
      const gate = new Promise<void>((resolve) => (release = resolve));
      const { pipeline } = define(storage, clock, journal, () => gate);
      const keeper = await keep(pipeline);
      await clock.advance(hour);
      expect(keeper.running).toBe(1);
      const waiting = expect(keeper.idle()).rejects.toMatchObject({ code: 'closed' });
      const closed = keeper.close({ signal: cancel ? AbortSignal.abort() : undefined });
      if (!cancel) release();
      await settled();
      await clock.advance(10);
      await closed;
      await waiting;
      await expect(keeper.idle()).rejects.toMatchObject({ code: 'closed' });
      expect((await all(pipeline.runs())).map(({ status }) => status)).toEqual([cancel ? 'cancelled' : 'succeeded']);
      expect(clock.pending).toBe(0);
      await clock.advance(5 * hour);
      expect(journal).toEqual([1]);
      release();
    }
  });
});

describe('a schedule that never runs', () => {
  const onNewYear = (years: string): string => `0 0 0 1 1 * ${years}`;

  it.each<[string, Partial<ScheduleTiming>, string, string]>([
    ['whose only tick is over', { cron: onNewYear('2020') }, 'options.cron', 'came for the last time at "2020-01-01T00:00:00.000Z"'],
    ['whose ticks are all over', { cron: onNewYear('2020-2025') }, 'options.cron', 'came for the last time at "2025-01-01T00:00:00.000Z"'],
    ['whose ticks are over before its start', { cron: onNewYear('2020-2025'), start: '2025-06-01' }, 'options.cron', 'came for the last time'],
    ['that has one tick left, and none before', { cron: onNewYear('2030') }, 'options.cron', 'comes once only from now on, at "2030-01-01T00:00:00.000Z"'],
    ['that has one tick from its start on', { cron: onNewYear('2027-2030'), start: '2029-06-01' }, 'options.cron', 'comes once only'],
    ['whose first interval is over after its end', { cron: '@yearly', end: '2026-06-01' }, 'options.end', 'between now and its end'],
    ['whose ticks are over, and whose end is to come', { cron: onNewYear('2020'), end: '2030-01-01' }, 'options.cron', 'came for the last time'],
  ])('%s is refused before anything is stored', async (_, timing, path, message) => {
    const storage = new MemoryStorage();
    const { pipeline } = define(storage, new ManualClock(midnight + hour), []);
    const failure: unknown = await pipeline.schedule({ name: 'never', ...timing }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'validation', details: { path }, message: expect.stringContaining(message) });
    expect((await storage.list({ prefix: '' })).entries).toEqual([]);
    // Its name is free again.
    await pipeline.schedule({ name: 'never', cron: '@daily' });
  });

  it('is none that has one tick left after others, or intervals since its start', async () => {
    const clock = new ManualClock(midnight + hour);
    const { pipeline } = define(new MemoryStorage(), clock, []);
    const one = await pipeline.schedule({ name: 'one', cron: onNewYear('2026-2027') });
    expect((await one.nextRuns(5)).map(({ at }) => new Date(at).getUTCFullYear())).toEqual([2027]);
    const past = await pipeline.schedule({ name: 'past', cron: onNewYear('2020-2025'), start: '2020-01-01', catchup: true });
    expect((await past.nextRuns(9)).map(({ at }) => new Date(at).getUTCFullYear())).toEqual([2021, 2022, 2023, 2024, 2025]);
  });

  it('is none that was kept before and is over, so that a process which defines it may start again', async () => {
    const [storage, clock, journal] = [new MemoryStorage(), new ManualClock(midnight + hour / 2), [] as number[]];
    const timing = { name: 'two hours', cron: '0 0 0-1 1 1 * 2026' };
    await keep(define(storage, clock, journal).pipeline, timing);
    await clock.advance(hour);
    expect(journal).toEqual([1]);
    clock.jump(400 * 24 * hour);
    const again = await define(storage, clock, journal).pipeline.schedule(timing);
    expect(await again.nextRuns(1)).toEqual([]);
  });
});

describe('a backfill', () => {
  const daily = { name: 'daily', cron: '@daily' };
  const range = { from: '2025-12-01', to: '2025-12-08' };

  it('runs for each interval that has no run, so many at once, in order, and tells how far it is', async () => {
    const [storage, clock, journal] = [new MemoryStorage(), new ManualClock(midnight), [] as number[]];
    let [going, most] = [0, 0];
    const { pipeline } = define(storage, clock, journal, async () => {
      most = Math.max(most, ++going);
      await settled();
      going--;
    });
    const schedule = await pipeline.schedule(daily);
    const told: number[] = [];
    const { runs, succeeded } = await schedule.backfill({ ...range, concurrency: 3, onProgress: ({ done, total }) => told.push(done, total!) });
    expect(succeeded).toBe(true);
    expect(runs.map(({ interval, status, before }) => [new Date(interval.start).toISOString().slice(0, 10), status, before])).toEqual(Array.from({ length: 7 }, (_, i) => [`2025-12-0${i + 1}`, 'succeeded', false]));
    expect(most).toBe(3);
    expect(told).toEqual([0, 7, 1, 7, 2, 7, 3, 7, 4, 7, 5, 7, 6, 7, 7, 7]);
    expect((await pipeline.getRun(runs[0]!.run)).triggeredBy).toEqual({ kind: 'backfill', name: 'daily' });
    const again = await schedule.backfill({ from: '2025-12-05', to: '2025-12-09' });
    expect(again.runs.map(({ before }) => before)).toEqual([true, true, true, false]);
    expect(journal).toHaveLength(8);
  });

  it('runs what no other works on, and then waits for what another does, whose end counts', async () => {
    const [storage, clock, journal] = [new MemoryStorage(), new ManualClock(midnight), [] as number[]];
    for (const [ends, succeeded] of [[() => null, true], [() => Promise.reject(new Error('no data')), false]] as const) {
      let release = (): void => undefined;
      const gate = new Promise<void>((resolve) => (release = resolve));
      const name = String(succeeded);
      const first = await define(storage, clock, journal, () => gate.then(ends), { name }).pipeline.schedule(daily);
      const second = await define(storage, clock, journal, () => null, { name }).pipeline.schedule(daily);
      const one = first.backfill({ from: '2025-12-01', to: '2025-12-02' });
      await settled();
      const told: number[] = [];
      const all = second.backfill({ ...range, retry: true, onProgress: ({ done }) => told.push(done) });
      await clock.advance(5_000);
      expect(told.at(-1)).toBe(6);
      release();
      await clock.advance(1_000);
      expect((await one).succeeded).toBe(succeeded);
      const result = await all;
      expect(result.succeeded).toBe(succeeded);
      expect(result.runs[0]).toMatchObject({ status: succeeded ? 'succeeded' : 'failed', before: false });
      expect(result.runs).toHaveLength(7);
      expect(journal.splice(0)).toHaveLength(7);
    }
  });

  it('leaves what another works on alone when its signal fires while it waits for that', async () => {
    const [storage, clock, journal] = [new MemoryStorage(), new ManualClock(midnight), [] as number[]];
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const one = (await define(storage, clock, journal, () => gate).pipeline.schedule(daily)).backfill({ from: '2025-12-01', to: '2025-12-02' });
    await settled();
    const stop = new AbortController();
    const all = (await define(storage, clock, journal).pipeline.schedule(daily)).backfill({ ...range, signal: stop.signal });
    const refused = expect(all).rejects.toMatchObject({ code: 'aborted' });
    await clock.advance(5_000);
    stop.abort();
    await refused;
    release();
    expect((await one).succeeded).toBe(true);
    expect(journal).toHaveLength(7);
  });

  it('has the runs of the schedule count, and the other way round', async () => {
    const [storage, clock, journal] = [new MemoryStorage(), new ManualClock(midnight), [] as number[]];
    const { pipeline } = define(storage, clock, journal);
    const schedule = await pipeline.schedule({ ...daily, start: '2025-12-28', catchup: true });
    await schedule.backfill({ from: '2025-12-29', to: '2025-12-31' });
    const keeper = pipeline.start();
    keepers.push(keeper);
    await settled();
    await clock.advance(60_000);
    await keeper.idle();
    expect(journal).toEqual([-48, -24, -72, 0]);
    const { runs } = await schedule.backfill({ from: '2025-12-28', to: '2026-01-01' });
    expect(runs.every(({ before }) => before)).toBe(true);
  });

  it('tells of failed and refused ones, goes on with the others, and tries the failed again when asked', async () => {
    const [storage, clock] = [new MemoryStorage(), new ManualClock(midnight)];
    let broken = true;
    const pipeline = new Pipeline({ name: 'retrain', storage, clock, params: z.object({ day: z.number() }) });
    pipeline.step('train', {}, ({ params }) => {
      if (broken && params.day === 2) throw new Error('diverged');
      return params.day;
    });
    const schedule = await pipeline.schedule({
      ...daily,
      params: ({ interval }) => {
        if (new Date(interval.start).getUTCDate() === 4) throw new Error('no data');
        return { day: new Date(interval.start).getUTCDate() };
      },
    });
    const first = await schedule.backfill(range);
    expect(first.succeeded).toBe(false);
    expect(first.runs.map(({ status }) => status)).toEqual(['succeeded', 'failed', 'succeeded', 'refused', 'succeeded', 'succeeded', 'succeeded']);
    expect(first.runs[3]!.failure).toMatchObject({ message: 'no data' });
    broken = false;
    expect((await schedule.backfill(range)).runs[1]).toMatchObject({ status: 'failed', before: true });
    expect((await schedule.backfill({ ...range, retry: true })).runs[1]).toMatchObject({ status: 'succeeded', before: false });
  });

  it('stops when its signal fires, and goes on when called again', async () => {
    const [storage, clock, journal] = [new MemoryStorage(), new ManualClock(midnight), [] as number[]];
    const controller = new AbortController();
    const { pipeline } = define(storage, clock, journal, () => void (journal.length === 3 && controller.abort()));
    const schedule = await pipeline.schedule(daily);
    await expect(schedule.backfill({ ...range, signal: controller.signal })).rejects.toMatchObject({ code: 'aborted' });
    expect(journal).toHaveLength(3);
    expect((await schedule.backfill({ ...range, retry: true })).succeeded).toBe(true);
    expect(new Set(journal).size).toBe(7);
  });

  it('refuses a range that is none', async () => {
    const schedule = await define(new MemoryStorage(), new ManualClock(midnight), []).pipeline.schedule(daily);
    for (const [wrong, path] of [
      [{ from: '2025-12-01' }, 'options.to'],
      [{ from: '2025-12-08', to: '2025-12-01' }, 'options.to'],
      [{ from: '2025-12-01', to: '2027-01-01' }, 'options.to'],
      [{ from: NaN, to: '2025-12-08' }, 'options.from'],
      [{ ...range, concurrency: 0 }, 'options.concurrency'],
    ] as const) {
      await expect(schedule.backfill(wrong as never)).rejects.toMatchObject({ code: 'validation', details: { path } });
    }
    expect((await schedule.backfill({ from: '2025-12-01', to: '2025-12-01T12:00' })).runs).toEqual([]);
  });
});

describe('the id of a run', () => {
  it('is the same for the same interval of the same schedule, another for any other, and in order of time', () => {
    const of = (end: number, name = 'hourly'): string => runIdFor(end, 'schedule', 'retrain', name, end);
    expect(of(midnight)).toBe(of(midnight));
    expect(new Set([of(midnight), of(midnight + 1), of(midnight, 'daily')]).size).toBe(3);
    expect(of(midnight) < of(midnight + hour)).toBe(true);
    expect(of(-1)).toMatch(/^00000000-0000-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});
