import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { MemoryStorage, TimeoutError, exportPredictions, readPredictions, type LoggedPrediction, type PredictionLogOptions, type PredictionQuery, type StorageAdapter } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/core/random.ts';
import { PredictionLog } from '../../src/serving/log/prediction-log.ts';
import type { ServedOutcome } from '../../src/serving/prediction.ts';
import { ManualClock } from '../tracking/manual-clock.ts';
import { MoodyStorage } from '../tracking/moody-storage.ts';
import { outcome } from './outcome.ts';

const start = 1_790_000_000_000;
const hour = 3_600_000;

/** An id as a deployment makes it: a UUIDv7 of a moment, and where the prediction came from. */
function idAt(at: number, n: number, tail = '.1.stable'): string {
  const time = at.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${n.toString(16).padStart(12, '0')}${tail}`;
}

function world({ storage = new MemoryStorage(), clock = new ManualClock(start), ...options }: PredictionLogOptions & { storage?: StorageAdapter; clock?: ManualClock } = {}) {
  const errors: unknown[] = [];
  const log = new PredictionLog({ storage, model: 'flight-delay', clock, random: seededRandom(1), onError: (error) => errors.push(error), options });
  let n = 0;
  const serve = (of: Partial<ServedOutcome> = {}): ServedOutcome => {
    const at = of.at ?? clock.now();
    const served = outcome({ at, id: idAt(at, ++n), ...of });
    log.record(served);
    return served;
  };
  /** All that is stored, by a reader of its own. */
  const stored = (query?: PredictionQuery): Promise<LoggedPrediction[]> => all(readPredictions({ storage, model: 'flight-delay' }, query));
  return { storage, clock, errors, log, serve, stored };
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

const ids = (predictions: readonly LoggedPrediction[]): string[] => predictions.map(({ id }) => id);

describe('the prediction log', () => {
  it('gives back what was served, the newest first, with what came of it', async () => {
    const { log, serve, clock } = world({ keys: true });
    const first = serve({ input: { distance: NaN, big: 2n ** 63n, days: Float32Array.of(1.5, 2), when: new Date(5) }, key: 'user-1', variant: 'B', arm: 'candidate', version: 2, reason: 'experiment' });
    await clock.pass(3 * hour);
    const second = serve({ error: new TimeoutError('Too late.') });
    log.feedback({ id: first.id, label: true });
    await clock.pass(24 * hour);
    log.feedback({ id: first.id, label: false, metrics: { revenue: 3 } });
    const { items, next } = await log.list();
    expect(next).toBeUndefined();
    expect(items).toEqual([
      { id: second.id, at: second.at, version: 1, arm: 'stable', reason: 'stable', shadow: false, input: { distance: 400 }, error: { name: 'TimeoutError', message: 'Too late.', code: 'timeout' }, cached: false, latencyMs: 4, queueMs: 1, computeMs: 2, batchSize: 1, feedback: [] },
      {
        id: first.id, at: start, version: 2, arm: 'candidate', reason: 'experiment', variant: 'B', key: 'user-1', shadow: false, input: { distance: NaN, big: 2n ** 63n, days: [1.5, 2], when: new Date(5) }, output: { delay: 12 }, cached: false, latencyMs: 4, queueMs: 1, computeMs: 2, batchSize: 1,
        feedback: [{ at: start + 3 * hour, label: true }, { at: start + 27 * hour, label: false, metrics: { revenue: 3 } }],
      },
    ]);
  });

  it('keeps what was meant, whatever becomes of the objects afterwards', async () => {
    const { log, serve } = world();
    const input = { rows: [1, 2] };
    serve({ input });
    input.rows.push(3);
    expect((await log.list()).items[0]!.input).toEqual({ rows: [1, 2] });
  });

  it('gives back whatever a record can hold, as it was', async () => {
    const leaf = fc.oneof(fc.double({ noNaN: false }), fc.bigInt(), fc.string({ unit: 'binary' }), fc.constantFrom('$x', '$number', null, true), fc.date({ noInvalidDate: true }), fc.uint8Array({ maxLength: 5 }));
    const name = fc.oneof(fc.constantFrom('$number', '$$date', '$', 'toJSON', '__proto__'), fc.string());
    const tree = fc.letrec((tie) => ({ node: fc.oneof({ maxDepth: 3 }, leaf, fc.array(tie('node'), { maxLength: 4 }), fc.dictionary(name, tie('node'), { maxKeys: 4 })) })).node;
    const { log, serve } = world();
    const inputs = fc.sample(tree, { seed: 5, numRuns: 150 });
    inputs.forEach((input, i) => serve({ input, at: start + i }));
    const { items } = await log.list({ limit: 1000 });
    expect(items.filter(({ omitted }) => omitted)).toEqual([]);
    expect(items.map(({ input }) => input).reverse()).toEqual(inputs);
  });

  it('finds feedback on ids of a caller, by the moment when it came', async () => {
    const { log, serve, clock } = world();
    serve({ id: 'order-1' });
    await clock.pass(2 * hour);
    serve({ id: 'order-2' });
    await clock.pass(50 * hour);
    log.feedback({ id: 'order-1', label: 1 });
    log.feedback({ id: 'order-2', label: 2 });
    const { items } = await log.list();
    expect(items.map(({ id, feedback }) => [id, feedback.map(({ label }) => label)])).toEqual([['order-2', [2]], ['order-1', [1]]]);
  });

  it('selects, and reads on page by page without a gap or a repeat, while others write', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'modelkeep-log-'));
    const clock = new ManualClock(start);
    const stores = [new FilesystemStorage(directory), new FilesystemStorage(directory)];
    try {
      const writers = stores.map((storage) => world({ storage, clock }));
      const random = seededRandom(11);
      const served: ServedOutcome[] = [];
      for (let i = 0; i < 400; i++) {
        const writer = writers[i % 2]!;
        // Up to an hour late, many at the same moment: records of both overlap.
        const at = clock.now() - Math.floor(random() * 10) * 360_000;
        served.push(writer.serve({ id: idAt(at, i), at, version: 1 + (i % 3), shadow: i % 7 === 0, ...(i % 5 === 0 && { error: new Error('It broke.') }) }));
        if (i % 29 === 0) await writer.log.flush();
        await clock.pass(7_000);
      }
      for (const { log } of writers) await log.flush();
      const expected = [...served].sort((a, b) => b.at - a.at || (b.id < a.id ? -1 : 1));
      const pages: LoggedPrediction[] = [];
      for (let after: string | undefined, page = 0; page === 0 || after !== undefined; page++) {
        const found = await writers[0]!.log.list({ limit: 37, ...(after !== undefined && { after }) });
        pages.push(...found.items);
        after = found.next;
        // What comes meanwhile is newer than all pages.
        writers[1]!.serve({ id: idAt(clock.now(), 1000 + page) });
        await writers[1]!.log.flush();
      }
      expect(ids(pages)).toEqual(expected.map(({ id }) => id));
      const [from, to] = [start + 600_000, new Date(start + 1_500_000)];
      const some = await writers[0]!.stored({ from, to, version: 2, outcome: 'answered', shadow: false });
      expect(ids(some)).toEqual(expected.filter((of) => of.at >= from && of.at <= to.getTime() && of.version === 2 && of.error === undefined && !of.shadow).map(({ id }) => id));
      expect(some.length).toBeGreaterThan(5);
    } finally {
      for (const store of stores) await store.close();
      await rm(directory, { recursive: true, force: true });
    }
  });

  it('writes each once, also where the answer of the store was lost', async () => {
    const moody = new MoodyStorage(new MemoryStorage());
    const { log, serve, clock, errors } = world({ storage: moody.adapter });
    serve();
    moody.losesAnswerOf.add('write');
    await clock.pass(1_000);
    expect(errors).toHaveLength(1);
    serve();
    await clock.pass(60_000);
    expect((await log.list()).items).toHaveLength(2);
    expect(log.dropped).toBe(0);
  });

  it('goes on within its bounds while the store is away, drops the oldest, and writes what is left when it is back', async () => {
    const moody = new MoodyStorage(new MemoryStorage());
    const { log, serve, clock, errors } = world({ storage: moody.adapter, maxBuffered: 100, maxBufferedBytes: 1_000_000 });
    moody.broken.add('write');
    const served: ServedOutcome[] = [];
    for (let i = 0; i < 500; i++) {
      served.push(serve());
      await clock.pass(100);
      expect(log.buffered).toBeLessThanOrEqual(100);
    }
    expect(log.dropped).toBe(400);
    expect(errors.length).toBeGreaterThan(0);
    moody.broken.delete('write');
    const { items } = await log.list({ limit: 1000 });
    expect(items).toHaveLength(100);
    expect(log.buffered).toBe(0);
    // What was being written when the store went away was never let go; besides it, the newest are there.
    const kept = ids(items).filter((id) => served.slice(0, 50).some((of) => of.id === id)).length;
    expect(kept).toBe(10);
    expect(ids(items)).toEqual([...served.slice(0, kept), ...served.slice(kept - 100)].map(({ id }) => id).reverse());
  });

  it('is bounded in bytes, too', () => {
    const moody = new MoodyStorage(new MemoryStorage());
    const { log, serve } = world({ storage: moody.adapter, maxBufferedBytes: 20_000 });
    for (let i = 0; i < 100; i++) serve({ input: 'x'.repeat(1000) });
    expect(log.buffered).toBeGreaterThan(10);
    expect(log.buffered).toBeLessThan(20);
    expect(log.dropped).toBe(100 - log.buffered);
  });

  it('keeps what it holds in records of the size that the store takes', async () => {
    const moody = new MoodyStorage(new MemoryStorage(), { maxRecordBytes: 4_000 });
    const { log, serve, errors } = world({ storage: moody.adapter });
    for (let i = 0; i < 50; i++) serve({ input: 'é'.repeat(100) });
    serve({ input: 'x'.repeat(5_000) });
    await log.flush();
    for await (const entry of listed(moody.adapter)) expect(entry.size).toBeLessThanOrEqual(4_000);
    expect((await log.list({ limit: 1000 })).items).toHaveLength(50);
    expect(log.dropped).toBe(1);
    expect((errors[0] as Error).message).toMatch(/maxValueBytes/);
  });

  it('samples by the id alone, alike in every process, and keeps failures', async () => {
    const storage = new MemoryStorage();
    const [one, other] = [world({ storage, sample: 0.1 }), world({ storage, sample: 0.1 })];
    const served = Array.from({ length: 5_000 }, () => one.serve());
    // Feedback comes to the other process, on all of them.
    for (const { id } of served) other.log.feedback({ id, label: 1 });
    const failed = one.serve({ error: new Error('It broke.') });
    await one.log.flush();
    await other.log.flush();
    const found = await other.stored();
    expect(ids(found)).toContain(failed.id);
    const sampled = found.filter(({ error }) => error === undefined);
    // Five standard deviations of a binomial.
    expect(Math.abs(sampled.length - 500)).toBeLessThan(5 * Math.sqrt(450));
    expect(sampled.every(({ feedback }) => feedback.length === 1)).toBe(true);
    const none = world({ sample: 0 });
    none.serve();
    expect(none.log.buffered).toBe(0);
  });

  it('leaves out what is not to be kept, is too large, or cannot be stored, and tells of it now and then', async () => {
    const secret = world({ inputs: false, outputs: false });
    secret.serve({ key: 'user-1' });
    const [bare] = (await secret.log.list()).items;
    expect(bare).not.toHaveProperty('input');
    expect(bare).not.toHaveProperty('output');
    expect(bare).not.toHaveProperty('key');
    expect(bare).not.toHaveProperty('omitted');

    const { log, serve, errors, clock } = world({ maxValueBytes: 1000, redact: (input) => (input === 'fails' ? fail() : typeof input === 'object' && input !== null ? { ...input, name: undefined } : input) });
    serve({ input: { name: 'Ada', age: 36 } });
    await clock.pass(1);
    serve({ input: [[new Float32Array(500)]], output: 'y'.repeat(2_000) });
    await clock.pass(1);
    serve({ input: 'fails', output: new Map() });
    await clock.pass(1);
    serve({ input: 'fails' });
    const { items } = await log.list();
    expect(items.map(({ input, output, omitted }) => ({ input, output, omitted }))).toEqual([
      { input: undefined, output: { delay: 12 }, omitted: ['input'] },
      { input: undefined, output: undefined, omitted: ['input', 'output'] },
      { input: undefined, output: undefined, omitted: ['input', 'output'] },
      { input: { age: 36 }, output: { delay: 12 }, omitted: undefined },
    ]);
    expect(errors).toHaveLength(1);
    expect(log.dropped).toBe(0);
  });

  it('never throws, whatever was asked and answered', () => {
    const { log } = world();
    const cyclic: Record<string, unknown> = {};
    cyclic['self'] = cyclic;
    const hostile = new Proxy({}, { ownKeys: () => fail(), get: () => fail(), getPrototypeOf: () => fail() });
    for (const input of [cyclic, hostile, '\ud800', Symbol('x'), () => 1, [[[[hostile]]]]]) log.record(outcome({ input, output: input }));
    log.record(outcome({ id: '\ud800' }));
    log.feedback({ id: '\ud800', label: 'x' });
    log.record(outcome({ error: hostile }));
    fc.assert(fc.property(fc.anything({ withBigInt: true, withDate: true, withTypedArray: true, withMap: true, withNullPrototype: true }), (input) => log.record(outcome({ input, output: [input] }))), { seed: 3 });
    // Feedback on what has no name.
    expect(log.dropped).toBe(1);
  });

  it('lets go of what is older than it is to be kept, and of what came of it', async () => {
    const { log, serve, clock, storage, stored } = world({ keep: '2d' });
    const old = serve();
    log.feedback({ id: old.id, label: 1 });
    await log.flush();
    await clock.pass(47 * hour);
    const young = serve();
    await log.flush();
    expect(ids(await stored())).toEqual([young.id, old.id]);
    await clock.pass(2 * hour);
    log.feedback({ id: young.id, label: 2 });
    await log.flush();
    expect(ids(await stored())).toEqual([young.id]);
    expect((await all(listed(storage))).map(({ key }) => key.split('/').slice(0, 3).join('/'))).toEqual(['serving/flight-delay/feedback', 'serving/flight-delay/predictions']);
  });

  it('is exported as CloudEvents, one a line', async () => {
    const { log, serve, clock, storage } = world();
    const served = serve({ shadow: true, version: 2, arm: 'candidate', input: { n: 2n ** 60n, x: NaN } });
    await clock.pass(1000);
    log.feedback({ id: served.id, label: 'late', metrics: { cost: 2 } });
    await log.flush();
    const lines = await all(exportPredictions({ storage, model: 'flight-delay' }));
    expect(lines.every((line) => line.endsWith('\n') && line.indexOf('\n') === line.length - 1)).toBe(true);
    expect(lines[0]).toContain('1152921504606846976');
    const events = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const about = { specversion: '1.0', source: '/modelkeep/deployments/flight-delay', subject: 'flight-delay@2', datacontenttype: 'application/json', predictionid: served.id, modelversion: 2, arm: 'candidate', reason: 'stable', shadow: true };
    expect(events).toEqual([
      { ...about, id: `${served.id}#shadow-2`, type: 'dev.modelkeep.prediction', time: '2026-09-21T14:13:20.000Z', data: { input: { n: 2 ** 60, x: 'NaN' }, output: { delay: 12 }, cached: false, latencyMs: 4, queueMs: 1, computeMs: 2, batchSize: 1 } },
      { ...about, id: `${served.id}#shadow-2#feedback-1`, type: 'dev.modelkeep.feedback', time: '2026-09-21T14:13:21.000Z', data: { label: 'late', metrics: { cost: 2 } } },
    ]);
    // Names of attributes have lower-case letters and digits alone (CloudEvents 1.0, "Naming conventions").
    for (const event of events) for (const name of Object.keys(event)) expect(name).toMatch(/^[a-z0-9]{1,20}$/);
  });

  it('writes what is left when it is closed, and then takes nothing more', async () => {
    const { log, serve, storage } = world();
    serve();
    await log.close();
    serve();
    expect(log.dropped).toBe(1);
    expect(await all(listed(storage))).toHaveLength(1);
  });

  it('refuses wrong options and queries by name', async () => {
    for (const [options, path] of [[{ sample: 2 }, 'options.log.sample'], [{ keep: 'long' }, 'options.log.keep'], [{ redact: 1 }, 'options.log.redact'], [{ maxBuffered: 0 }, 'options.log.maxBuffered'], [{ colour: 1 }, 'colour']] as const) {
      expect(() => world(options as PredictionLogOptions)).toThrow(path);
    }
    const { log, stored, storage } = world();
    for (const [query, path] of [[{ from: 'soon' }, 'query.from'], [{ limit: 0 }, 'query.limit'], [{ after: 'x' }, 'query.after'], [{ outcome: 'good' }, 'query.outcome'], [{ colour: 1 }, 'colour']] as const) {
      await expect(log.list(query as object)).rejects.toThrow(path);
    }
    await expect(stored({ limit: 3 } as object)).rejects.toThrow('limit');
    await expect(all(readPredictions({ storage, model: '' }))).rejects.toThrow('source.model');
    await expect(log.list({ signal: AbortSignal.abort() })).rejects.toThrow('aborted');
  });
});

function fail(): never {
  throw new Error('It cannot be told.');
}

async function* listed(storage: StorageAdapter) {
  yield* (await storage.list()).entries;
}
