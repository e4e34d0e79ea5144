import { FeatureStore, featureView, MemoryStorage, Pipeline, Registry, type PipelineKeeper, type TriggerEvent, type TriggerSource } from 'modelkeep';
import { afterEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import '../../../src/pipelines/launching/launch-worker.ts';
import '../../../src/pipelines/triggers/trigger.ts';
import type { StorageAdapter } from '../../../src/storage/contract.ts';
import { faultyStorage } from '../faulty-storage.ts';
import { ManualClock, settled } from '../manual-clock.ts';

const midnight = Date.UTC(2026, 0, 1);
const keepers: PipelineKeeper[] = [];

afterEach(async () => {
  await Promise.all(keepers.splice(0).map((keeper) => keeper.close({ signal: AbortSignal.abort() })));
});

/** A source in memory whose cursor is a count. */
class Events implements TriggerSource<number> {
  readonly id = 'events';
  readonly #events: TriggerEvent<number>[] = [];
  broken = 0;

  add(data: number, id = `event-${data}`): void {
    this.#events.push({ id, at: midnight + data, ref: { kind: 'dataset', id: 'numbers' }, data });
  }

  async poll(after = '0', { limit = 100 }: { limit?: number | undefined } = {}): Promise<{ events: TriggerEvent<number>[]; next: string }> {
    if (this.broken > 0 && this.broken-- > 0) throw new Error('the source is down');
    const events = this.#events.slice(Number(after), Number(after) + limit);
    return { events, next: String(Number(after) + events.length) };
  }

  async now(): Promise<string> {
    return String(this.#events.length);
  }
}

interface Process {
  readonly pipeline: Pipeline<{ n: number }>;
  readonly errors: unknown[];
}

function define(storage: StorageAdapter, clock: ManualClock, journal: number[], work: () => unknown = () => undefined): Process {
  const errors: unknown[] = [];
  const pipeline = new Pipeline({ name: 'retrain', storage, clock, params: z.object({ n: z.number().max(99) }), onError: (error) => errors.push(error), grace: 0 });
  pipeline.step('train', {}, async ({ params }) => {
    journal.push(params.n);
    return (await work()) ?? null;
  });
  return { pipeline, errors };
}

const params = ({ data }: TriggerEvent<number>): { n: number } => {
  if (data === 13) throw new Error('bad luck');
  return { n: data };
};

async function keep({ pipeline }: Process, source: TriggerSource<number>, options: object = {}): Promise<PipelineKeeper> {
  await pipeline.triggerOn(source, { params, ...options });
  const keeper = pipeline.start();
  keepers.push(keeper);
  await settled();
  return keeper;
}

async function causes(pipeline: Pipeline<{ n: number }>): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const { triggeredBy } of pipeline.runs()) found.unshift(triggeredBy);
  return found;
}

describe('a trigger', () => {
  it('runs once for each event from now on, in order, though ten processes keep it, and tells the cause', async () => {
    const [storage, clock, journal, source] = [new MemoryStorage(), new ManualClock(midnight), [] as number[], new Events()];
    source.add(1);
    const processes = Array.from({ length: 10 }, () => define(storage, clock, journal));
    for (const process of processes) await keep(process, source);
    for (const n of [2, 3, 4]) source.add(n);
    await clock.advance(30_000);
    expect(journal).toEqual([2, 3, 4]);
    expect(processes.flatMap(({ errors }) => errors)).toEqual([]);
    expect((await causes(processes[0]!.pipeline))[0]).toEqual({ kind: 'trigger', name: 'events', source: 'events', event: 'event-2', at: midnight + 2, ref: { kind: 'dataset', id: 'numbers' }, events: 1 });
  });

  it('keeps its place when no process does, and begins at the beginning when asked', async () => {
    const [storage, clock, journal, source] = [new MemoryStorage(), new ManualClock(midnight), [] as number[], new Events()];
    source.add(1);
    const first = await keep(define(storage, clock, journal), source, { from: 'beginning' });
    await clock.advance(1000);
    await first.close();
    source.add(2);
    await keep(define(storage, clock, journal), source);
    await clock.advance(1000);
    expect(journal).toEqual([1, 2]);
  });

  it('makes one run of an event that comes twice', async () => {
    const [storage, clock, journal, source] = [new MemoryStorage(), new ManualClock(midnight), [] as number[], new Events()];
    await keep(define(storage, clock, journal), source, { maxActiveRuns: 3 });
    for (const n of [1, 1, 2]) source.add(n);
    await clock.advance(20_000);
    source.add(1);
    await clock.advance(20_000);
    expect(journal).toEqual([1, 2]);
  });

  it('takes together what comes close together, in one run for the last, and waits no longer than it may', async () => {
    const [storage, clock, journal, source] = [new MemoryStorage(), new ManualClock(midnight), [] as number[], new Events()];
    const process = define(storage, clock, journal);
    await keep(process, source, { debounce: '1m', maxWait: '3m' });
    for (const n of [1, 2]) source.add(n);
    await clock.advance(50_000);
    source.add(3);
    await clock.advance(50_000);
    expect(journal).toEqual([]);
    await clock.advance(30_000);
    expect(journal).toEqual([3]);
    // One that was taken together with others is not run for when it comes again.
    source.add(1);
    await clock.advance(120_000);
    expect(journal).toEqual([3]);
    for (let n = 10; n < 20; n++) {
      if (n !== 13) source.add(n);
      await clock.advance(30_000);
    }
    expect(journal).toHaveLength(2);
    expect((await causes(process.pipeline))[0]).toMatchObject({ event: 'event-3', events: 3 });
  });

  it('lets what waits together outlive its process', async () => {
    const [storage, clock, journal, source] = [new MemoryStorage(), new ManualClock(midnight), [] as number[], new Events()];
    const first = await keep(define(storage, clock, journal), source, { debounce: '1m' });
    source.add(1);
    await clock.advance(10_000);
    await first.close();
    const { pipeline } = define(storage, clock, journal);
    const trigger = await pipeline.triggerOn(source, { params, debounce: '1m' });
    expect(await trigger.status()).toEqual({ paused: false, waiting: 1, open: [] });
    keepers.push(pipeline.start());
    await settled();
    await clock.advance(60_000);
    expect(journal).toEqual([1]);
  });

  it('has events wait while as many runs go on as may', async () => {
    const [storage, clock, journal, source] = [new MemoryStorage(), new ManualClock(midnight), [] as number[], new Events()];
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    for (let i = 0; i < 2; i++) await keep(define(storage, clock, journal, () => gate), source, { maxActiveRuns: 2 });
    for (const n of [1, 2, 3, 4]) source.add(n);
    await clock.advance(20_000);
    expect(journal).toEqual([1, 2]);
    release();
    await clock.advance(20_000);
    expect(journal).toEqual([1, 2, 3, 4]);
  });

  it('tells and records an event whose params throw or do not validate, and goes on with the others', async () => {
    const [storage, clock, journal, source] = [new MemoryStorage(), new ManualClock(midnight), [] as number[], new Events()];
    const process = define(storage, clock, journal);
    await keep(process, source);
    for (const n of [12, 13, 100, 14]) source.add(n);
    await clock.advance(30_000);
    expect(journal).toEqual([12, 14]);
    expect(process.errors).toMatchObject([{ code: 'validation', details: { event: 'event-13' } }, { code: 'validation', details: { event: 'event-100' } }]);
    const elsewhere = await define(storage, clock, journal).pipeline.triggerOn(source, { params });
    expect((await elsewhere.history()).map(({ type }) => type)).toEqual(['created', 'run-claimed', 'run-refused', 'run-refused', 'run-claimed']);
  });

  it('asks a source that fails again, after a growing time, and tells of each failure', async () => {
    const [storage, clock, journal, source] = [new MemoryStorage(), new ManualClock(midnight), [] as number[], new Events()];
    const process = define(storage, clock, journal);
    await keep(process, source);
    source.broken = 3;
    source.add(1);
    await clock.advance(30_000);
    expect(journal).toEqual([1]);
    expect(process.errors).toHaveLength(3);
  });

  it('is paused for all processes, and then goes on with what happened meanwhile', async () => {
    const [storage, clock, journal, source] = [new MemoryStorage(), new ManualClock(midnight), [] as number[], new Events()];
    await keep(define(storage, clock, journal), source);
    const elsewhere = await define(storage, clock, journal).pipeline.triggerOn(source, { params });
    await elsewhere.pause({ by: 'ops' });
    source.add(1);
    await clock.advance(30_000);
    expect(journal).toEqual([]);
    await elsewhere.resume();
    await clock.advance(30_000);
    expect(journal).toEqual([1]);
  });

  it.each([
    ['between the claim and the run', 'pipelines/retrain/leases', 1],
    ['before the claim', 'pipelines/retrain/triggers', 3],
    ['in the run', 'pipelines/retrain/steps', 1],
  ])('a process that dies %s: the event has its run, once', async (_, write, nth) => {
    for (const effect of ['none', 'done'] as const) {
      const [storage, clock, journal, source] = [new MemoryStorage(), new ManualClock(midnight), [] as number[], new Events()];
      await keep(define(faultyStorage(storage, { call: { write, nth }, effect, then: 'dead' }), clock, journal), source);
      source.add(1);
      await clock.advance(10_000);
      const survivor = define(storage, clock, journal);
      await keep(survivor, source);
      await clock.advance(120_000);
      const statuses: string[] = [];
      for await (const { status } of survivor.pipeline.runs()) statuses.push(status);
      expect(statuses, effect).toEqual(['succeeded']);
      await Promise.all(keepers.splice(0).map((keeper) => keeper.close({ signal: AbortSignal.abort() })));
    }
  });

  it('refuses what is no source, wrong options and a name that is taken, and requires params where the schema does', async () => {
    const { pipeline } = define(new MemoryStorage(), new ManualClock(midnight), []);
    const source = new Events();
    await pipeline.triggerOn(source, { params });
    await expect(pipeline.triggerOn(source, { params })).rejects.toMatchObject({ code: 'validation', details: { path: 'options.name' } });
    for (const [wrong, options] of [
      [undefined, { params }],
      [{ id: 'x' }, { params }],
      [{ id: '', poll: () => undefined }, { params }],
      [source, { name: 'a', params: 1 }],
      [source, { name: 'a', params, debounce: NaN }],
      [source, { name: 'a', params, from: 'yesterday' }],
      [source, undefined],
    ]) {
      await expect(pipeline.triggerOn(wrong as never, options as never)).rejects.toMatchObject({ code: 'validation' });
    }
    // @ts-expect-error the schema requires params
    await pipeline.triggerOn(source, { name: 'bare' });
  });
});

describe('sources', () => {
  it('rows that arrive in a view, and events of a registry', async () => {
    const [storage, clock] = [new MemoryStorage(), new ManualClock(midnight)];
    const store = new FeatureStore({ storage, clock });
    const registry = new Registry({ storage, clock });
    const view = featureView({ name: 'clicks', entity: ['user'], timestamp: 'at', features: { count: 'float64' } });
    await store.apply([view]);
    await store.ingest(view, [{ user: 'a', at: midnight - 2, count: 1 }]);
    const pipeline = new Pipeline({ name: 'retrain', storage, clock });
    pipeline.step('train', {}, () => null);
    await pipeline.triggerOn(store.arrivals('clicks'), { name: 'rows' });
    await pipeline.triggerOn(registry.events({ types: ['model-created'] }), { name: 'models' });
    keepers.push(pipeline.start());
    await settled();
    await store.ingest(view, [{ user: 'a', at: midnight - 1, count: 2 }]);
    await registry.createModel('fraud');
    await clock.advance(20_000);
    const found: unknown[] = [];
    for await (const { triggeredBy, status } of pipeline.runs()) found.push([triggeredBy?.kind === 'trigger' && [triggeredBy.name, triggeredBy.ref.id], status]);
    expect(found).toHaveLength(2);
    expect(found).toEqual(expect.arrayContaining([[['rows', 'clicks'], 'succeeded'], [['models', 'fraud'], 'succeeded']]));
  });

  it('the ends of another pipeline: of the statuses asked for, each round once, none before it has come', async () => {
    const [storage, clock] = [new MemoryStorage(), new ManualClock(midnight)];
    let broken = true;
    const ingest = new Pipeline({ name: 'ingest', storage, clock });
    ingest.step('fetch', {}, () => {
      if (broken) throw new Error('down');
      return null;
    });
    const { id } = await ingest.run();
    const source = ingest.ends();
    const all = await source.poll(undefined);
    expect(all.events.map(({ id: event, data }) => [event, data.status])).toEqual([[`${id}/1`, 'failed']]);
    broken = false;
    await ingest.resume(id);
    expect((await source.poll(all.next)).events.map(({ id: event, data }) => [event, data.status])).toEqual([[`${id}/2`, 'succeeded']]);
    // The process dies between the note of the end and the end.
    const dying = new Pipeline({ name: 'ingest', storage: faultyStorage(storage, { call: { write: 'pipelines/ingest/runs', nth: 3 }, effect: 'none', then: 'dead' }), clock });
    dying.step('fetch', {}, () => null);
    await expect(dying.run()).rejects.toMatchObject({ code: 'storage' });
    const before = await ingest.ends({ status: ['succeeded'] }).poll(all.next);
    expect(before.events).toHaveLength(1);
    await clock.advance(60_000);
    for await (const run of ingest.runs()) if (run.status === 'interrupted') await ingest.resume(run.id);
    const after = await source.poll(before.next);
    expect(after.events.map(({ data }) => data.status)).toEqual(['succeeded']);
    expect((await source.poll(after.next)).events.filter(({ id: event }) => event !== after.events[0]!.id)).toEqual([]);
    expect((await source.poll(await source.now!())).events).toEqual([]);
    await expect(source.poll('nonsense')).rejects.toMatchObject({ code: 'validation' });
    expect(() => ingest.ends({ status: ['late' as never] })).toThrow(expect.objectContaining({ code: 'validation' }));
  });
});
