import { MemoryStorage, Pipeline, type PipelineEvent, type PipelineOptions, type PipelineResult, type StorageAdapter } from 'modelkeep';
import { HttpStorage } from 'modelkeep/http';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import '../../../src/pipelines/cancelling/cancel-run.ts';
import '../../../src/pipelines/cancelling/child-runs.ts';
import '../../../src/pipelines/launching/launch-worker.ts';
import '../../../src/pipelines/schedules/schedule.ts';
import '../../../src/pipelines/triggers/trigger.ts';
import '../../../src/pipelines/waiting/wait-worker.ts';
import { serveStorage } from '../../storage/http/storage-server.ts';
import { ManualClock, settled } from '../manual-clock.ts';
import { loadAll } from './load-all.ts';

let clock: ManualClock;
let storage: StorageAdapter;
let cleaned: string[];
let stopped: unknown[];

const ada = { by: 'ada', reason: 'it costs too much' };

beforeAll(loadAll);

beforeEach(() => {
  clock = new ManualClock();
  storage = new MemoryStorage();
  cleaned = [];
  stopped = [];
});

/** A pipeline as each process would define it, with a step at its end that tells how the others ended. */
function define(add: (pipeline: Pipeline) => void, options: Partial<PipelineOptions<undefined, undefined>> = {}): Pipeline {
  const pipeline = new Pipeline({ name: 'retrain', storage, clock, grace: '1s', lease: '30m', ...options });
  add(pipeline);
  pipeline.finally('clean', {}, ({ states }) => {
    cleaned.push(`${pipeline.name}: ${Object.entries(states).map(([step, { status }]) => `${step} ${status}`).join(', ')}`);
  });
  return pipeline;
}

const heeding = ({ signal }: { readonly signal: AbortSignal }): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => (stopped.push(signal.reason), reject(signal.reason as Error)), { once: true }));
const slow = (pipeline: Pipeline): void => {
  const train = pipeline.step('train', {}, heeding);
  pipeline.step('publish', { after: [train] }, () => 1);
};
const asking = (pipeline: Pipeline): void => {
  const approved = pipeline.approval('approve', { ask: () => 'Go?' });
  pipeline.step('publish', { after: [approved] }, () => 1);
};

/** The same store without hints of what others change. */
function silent(): StorageAdapter {
  return new Proxy(storage, {
    get: (of, name) => {
      const value: unknown = name === 'onChange' ? undefined : Reflect.get(of, name, of);
      return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(of) : value;
    },
  });
}

async function over<T>(work: Promise<T>, ms = 10_000): Promise<T> {
  work.catch(() => undefined);
  await clock.advance(ms);
  return work;
}

const typesOf = async (pipeline: Pipeline, id: string): Promise<string[]> => (await pipeline.history(id)).map(({ type }) => type);

/** A run that goes on, and its id. */
async function begun(pipeline: Pipeline, events: PipelineEvent[] = []): Promise<{ id: string; running: Promise<PipelineResult> }> {
  const running = pipeline.run({ onEvent: (event) => events.push(event) });
  running.catch(() => undefined);
  await settled();
  return { id: events[0]!.run, running };
}

describe('a run that another process works on', () => {
  it('is stopped within five seconds by who and why, and its last steps run; whoever asks is told of both', async () => {
    const events: PipelineEvent[] = [];
    const { id, running } = await begun(define(slow, { storage: silent() }), events);
    await clock.advance(60_000);
    const other = define(slow);
    const at = clock.now();
    const cancellation = await other.cancel(id, ada);
    expect(cancellation).toEqual({ ...ada, at, round: 1 });
    await settled();
    expect([stopped, cleaned]).toEqual([[], []]);
    const result = await over(running, 5_000);
    expect(stopped).toMatchObject([{ code: 'aborted', message: "Step 'train' was stopped, for its run was cancelled by ada: it costs too much." }]);
    expect(result).toMatchObject({ status: 'cancelled', cancellation, steps: { train: { because: 'the run was cancelled by ada while it ran: it costs too much' }, publish: { because: 'the run was cancelled by ada before it ran: it costs too much' } } });
    expect(cleaned).toEqual(['retrain: train cancelled, publish cancelled']);
    expect(events.find(({ type }) => type === 'run-cancelling')).toMatchObject({ run: id, ...ada });
    expect(await other.getRun(id)).toMatchObject({ status: 'cancelled', cancellation });
    expect((await other.searchRuns({ filter: "cancelledBy = 'ada'" })).items.map((run) => [run.id, run.cancellation])).toEqual([[id, cancellation]]);
    expect((await other.searchRuns({ filter: "cancelledBy = 'bob'" })).items).toEqual([]);
    expect((await other.history(id)).slice(1)).toMatchObject([{ type: 'cancel-requested', ...ada, data: { round: 1 } }, { type: 'cancelled', ...ada }]);
    expect((await storage.list({ prefix: 'pipelines/retrain/waiting/' })).entries).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it('looks each third of a short lease, soon where the storage hints at changes, and at once for a call in its own process', async () => {
    const short = await begun(define(slow, { storage: silent(), lease: '3s' }));
    await define(slow).cancel(short.id);
    expect((await over(short.running, 1_000)).steps['train']!.because).toBe('the run was cancelled while it ran');
    const hinted = await begun(define(slow));
    await define(slow).cancel(hinted.id);
    expect((await over(hinted.running, 250)).status).toBe('cancelled');
    const own = define(slow);
    const { id, running } = await begun(own);
    await own.cancel(id);
    expect((await over(running, 0)).status).toBe('cancelled');
  });

  it('is cancelled once, by the first of those who ask, and the next round is another', async () => {
    const pipeline = define(slow);
    const { id, running } = await begun(pipeline);
    const answers = await Promise.all([define(slow).cancel(id, ada), define(slow).cancel(id, { by: 'bob' }), pipeline.cancel(id)]);
    expect(answers).toEqual([answers[0], answers[0], answers[0]]);
    await over(running);
    expect(await pipeline.cancel(id, { by: 'late' })).toEqual(answers[0]);
    expect(await typesOf(pipeline, id)).toEqual(['started', 'cancel-requested', 'cancelled']);
    const again = pipeline.resume(id);
    await clock.advance(60_000);
    expect((await pipeline.getRun(id)).cancellation).toBeUndefined();
    expect(await over(pipeline.cancel(id, { reason: 'again' }))).toMatchObject({ round: 2, reason: 'again' });
    expect(await over(again)).toMatchObject({ status: 'cancelled', cancellation: { round: 2 } });
    expect(cleaned).toHaveLength(2);
  });

  it('has the items of its maps stopped, also those that other processes make', async () => {
    const mapping = (pipeline: Pipeline): void => void pipeline.map('fit', { over: [0, 1, 2, 3, 4], concurrency: 2 }, heeding);
    const spread = (): Pipeline => define(mapping, { executor: 'workers' });
    const worker = spread().work({ concurrency: 2 });
    const running = spread().run();
    await clock.advance(5_000);
    const { id } = (await spread().searchRuns()).items[0]!;
    await spread().cancel(id, ada);
    const result = await over(running);
    expect(result.steps['fit']).toMatchObject({ status: 'cancelled', items: { total: 5, cancelled: 5, running: 0 } });
    expect(stopped).toHaveLength(2);
    expect(stopped[0]).toMatchObject({ message: expect.stringContaining('cancelled by ada: it costs too much') as string });
    expect((await storage.list({ prefix: 'pipelines/retrain/tasks/' })).entries).toEqual([]);
    void worker.close();
    await clock.advance(60_000);
  });

  it('has the runs within it cancelled first, by the same and with their own last steps', async () => {
    const within = (): Pipeline => define(slow, { name: 'inner' });
    const nesting = (pipeline: Pipeline): void => void pipeline.step('nested', {}, within().asStep());
    const { id, running } = await begun(define(nesting));
    await clock.advance(5_000);
    await define(nesting).cancel(id, ada);
    expect((await over(running)).status).toBe('cancelled');
    expect(cleaned).toEqual(['inner: train cancelled, publish cancelled', 'retrain: nested cancelled']);
    const { run } = (await define(nesting).getRun(id)).subRuns['nested']!;
    const inner = await within().getRun(run);
    expect(inner).toMatchObject({ status: 'cancelled', cancellation: ada, steps: { train: { because: 'the run was cancelled by ada while it ran: it costs too much' } } });
    expect((await storage.list({ prefix: 'pipelines/inner/waiting/' })).entries).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it('over HTTP', async () => {
    const server = await serveStorage(storage);
    const [here, there] = [new HttpStorage(server.url), new HttpStorage(server.url)];
    try {
      let ready!: (id: string) => void;
      const started = new Promise<string>((resolve) => (ready = resolve));
      const running = define(slow, { storage: here, clock: undefined, lease: '300ms' }).run({ onEvent: (event) => event.type === 'step-started' && ready(event.run) });
      const cancellation = await define(slow, { storage: there, clock: undefined }).cancel(await started, ada);
      expect(await running).toMatchObject({ status: 'cancelled', cancellation });
      expect(cleaned).toEqual(['retrain: train cancelled, publish cancelled']);
    } finally {
      await here.close();
      await there.close();
      await server.close();
    }
  });
});

describe('a run that nobody works on', () => {
  it('is brought to its end by who cancels it, or by one of two who do so at once, and nobody decides about it any more', async () => {
    const { id, status } = await over(define(asking).run());
    expect(status).toBe('waiting');
    const [first, second] = await over(Promise.all([define(asking).cancel(id, ada), define(asking).cancel(id, { by: 'bob' })]));
    expect(second).toEqual(first);
    const pipeline = define(asking);
    const who = first.by;
    expect(await pipeline.getRun(id)).toMatchObject({ status: 'cancelled', cancellation: first, steps: { approve: { because: expect.stringContaining(`the run was cancelled by ${who} while it waited`) as string } } });
    expect(cleaned).toEqual(['retrain: approve cancelled, publish cancelled']);
    expect((await pipeline.waiting()).items).toEqual([]);
    await expect(pipeline.approve(id, 'approve', { by: 'eve' })).rejects.toMatchObject({ code: 'conflict' });
    expect((await over(pipeline.resume(id))).status).toBe('waiting');
    expect(clock.pending).toBe(0);
  });

  it('ends once it is recorded, whoever is next to look: a keeper, though the pipeline asks nobody, when who cancelled it has died', async () => {
    const sleeping = (pipeline: Pipeline): void => void pipeline.sleep('night', { for: '8h' });
    // Its process dies with the lease in its hands.
    const dying = new AbortController();
    const frozen = new ManualClock(clock.now());
    const { id, running } = await begun(define(sleeping, { clock: frozen, lease: '1m' }));
    running.catch(() => undefined);
    await define(sleeping).cancel(id, ada);
    expect((await define(sleeping).getRun(id)).status).toBe('running');
    await using keeper = define(sleeping).start();
    await clock.advance(30_000);
    expect(cleaned).toEqual([]);
    await clock.advance(60_000);
    await keeper.idle();
    expect(await define(sleeping).getRun(id)).toMatchObject({ status: 'cancelled', cancellation: ada, steps: { night: { status: 'cancelled' } } });
    expect(cleaned).toEqual(['retrain: night cancelled']);
    dying.abort();
  });

  it('that was decided upon and not begun never begins, and makes room for the next', async () => {
    const begins: number[] = [];
    const quick = (pipeline: Pipeline): void => void pipeline.step('train', {}, () => void begins.push(clock.now()));
    const terms = { name: 'hourly', every: '1h', start: clock.now() - 2 * 3_600_000, catchup: true, maxActiveRuns: 1 } as const;
    // The process that claims the first run dies before it begins it.
    const dies = new Proxy(storage, {
      get: (of, name) => {
        if (name === 'write') return (...[operations, options]: Parameters<StorageAdapter['write']>) => (operations.some(({ key }) => key.includes('/leases/')) ? new Promise(() => undefined) : of.write(operations, options));
        const value: unknown = Reflect.get(of, name, of);
        return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(of) : value;
      },
    });
    const dead = define(quick, { storage: dies });
    const claiming = await dead.schedule(terms);
    void dead.start();
    await clock.advance(1_000);
    const [run] = (await claiming.status()).open as [string];
    const pipeline = define(quick, { lease: '1m' });
    const schedule = await pipeline.schedule(terms);
    await expect(pipeline.getRun(run)).rejects.toMatchObject({ code: 'not-found' });
    expect(await pipeline.cancel(run, ada)).toMatchObject({ ...ada, round: 1 });
    expect(await pipeline.cancel(run)).toMatchObject(ada);
    expect(await pipeline.getRun(run)).toMatchObject({ status: 'cancelled', cancellation: ada, triggeredBy: { kind: 'schedule', name: 'hourly' }, steps: { train: { status: 'pending' } } });
    await using keeper = pipeline.start();
    await clock.advance(10 * 60_000);
    await keeper.idle();
    expect((await pipeline.searchRuns({ orderBy: ['intervalStart'] })).items.map(({ status }) => status)).toEqual(['cancelled', 'succeeded']);
    expect(begins).toHaveLength(1);
    expect((await schedule.status()).open).toEqual([]);
    const { runs } = await over(schedule.backfill({ from: terms.start, to: terms.start + 2 * 3_600_000 }));
    expect(runs.map(({ status, before }) => [status, before])).toEqual([['cancelled', true], ['succeeded', true]]);
    const ends = await pipeline.ends().poll(undefined);
    expect(ends.events.map(({ data }) => data.status).sort()).toEqual(['cancelled', 'succeeded']);
  });
});

describe('a cancel', () => {
  it('is refused for a run that is not there or has ended, and for what is no name', async () => {
    const pipeline = define((made) => made.step('quick', {}, () => 1));
    const { id } = await over(pipeline.run());
    await expect(pipeline.cancel(id, ada)).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('it is succeeded') as string, details: { status: 'succeeded' } });
    await expect(pipeline.cancel('01900000-0000-7000-8000-000000000000')).rejects.toMatchObject({ code: 'not-found' });
    await expect(pipeline.cancel('../x')).rejects.toMatchObject({ code: 'not-found' });
    await expect(pipeline.cancel(id, { by: '' })).rejects.toMatchObject({ code: 'validation' });
    await expect(pipeline.cancel(id, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
    expect(await typesOf(pipeline, id)).toEqual(['started', 'succeeded']);
    expect((await storage.list({ prefix: 'pipelines/retrain/waiting/' })).entries).toEqual([]);
  });

  it('that meets the end of the run, at whatever moment, is refused or holds, and never leaves it open', async () => {
    const outcomes = new Set<string>();
    for (let ticks = 0; ticks < 180; ticks += 2) {
      storage = new MemoryStorage();
      const pipeline = define((made) => {
        const a = made.step('a', {}, async () => {
          for (let i = 0; i < 60; i++) await Promise.resolve();
        });
        made.step('b', { after: [a] }, () => 1);
      });
      let id = '';
      const running = pipeline.run({ onEvent: ({ run }) => void (id = run) });
      for (let i = 0; i < ticks || id === ''; i++) await Promise.resolve();
      const asked = await pipeline.cancel(id, ada).then(({ round }) => `recorded in round ${round}`, ({ code }: { code: string }) => code);
      const { status, cancellation } = await over(running, 0);
      expect((await pipeline.getRun(id)).status).toBe(status);
      expect(cancellation === undefined).toBe(asked === 'conflict');
      if (status === 'cancelled') expect(asked).toBe('recorded in round 1');
      expect((await storage.list({ prefix: 'pipelines/retrain/leases/' })).entries).toEqual([]);
      outcomes.add(`${status}, ${asked}`);
    }
    expect(outcomes).toContain('cancelled, recorded in round 1');
    expect(outcomes).toContain('succeeded, conflict');
    expect(clock.pending).toBe(0);
  });

  it('that meets the moment at which a run is let go of, because it waits for somebody, ends it', async () => {
    for (let ticks = 0; ticks < 120; ticks++) {
      storage = new MemoryStorage();
      cleaned = [];
      const pipeline = define(asking, { storage: silent() });
      let id = '';
      const running = pipeline.run({ onEvent: ({ run }) => void (id = run) });
      for (let i = 0; i < ticks || id === ''; i++) await Promise.resolve();
      await over(define(asking).cancel(id, ada), 5_000);
      await over(running, 0);
      expect((await pipeline.getRun(id)).status).toBe('cancelled');
      expect(cleaned).toEqual(['retrain: approve cancelled, publish cancelled']);
    }
  });
});
