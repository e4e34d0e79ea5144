import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryStorage, Tracker, type MetricPoint, type TrackerOptions } from 'modelkeep';
import { ManualClock, settled } from './manual-clock.ts';
import { MoodyStorage } from './moody-storage.ts';

interface Setup {
  moody: MoodyStorage;
  clock: ManualClock;
  tracker: Tracker;
  told: unknown[];
}

function setUp(options: Partial<TrackerOptions> = {}, supports: { maxEntryBytes?: number; maxRecordBytes?: number } = {}): Setup {
  const moody = new MoodyStorage(new MemoryStorage(), supports);
  const clock = new ManualClock();
  const told: unknown[] = [];
  const tracker = new Tracker({ storage: moody.adapter, clock, onError: (error) => told.push(error), ...options });
  return { moody, clock, tracker, told };
}

describe('logMetrics', () => {
  it('writes nothing by itself, and everything within a second', async () => {
    const { tracker, clock, moody } = setUp();
    const run = await tracker.startRun({ experiment: 'e' });
    run.logMetrics({ loss: 1, acc: 0.5 }, { step: 3, timestamp: 77 });
    await settled();
    expect(moody.calls).not.toContain('append');
    await clock.pass(999);
    expect(moody.calls.filter((call) => call === 'append')).toHaveLength(1);
    expect((await tracker.getRun(run.id)).metrics).toEqual({ loss: { step: 3, timestamp: 77, value: 1 }, acc: { step: 3, timestamp: 77, value: 0.5 } });
    // That of the signs of life.
    expect(clock.timers).toBe(1);
  });

  it('has step 0 and the present time unless told otherwise', async () => {
    const { tracker } = setUp();
    const run = await tracker.startRun({ experiment: 'e' });
    run.logMetrics({ loss: 1 });
    await run.flush();
    expect((await tracker.getRun(run.id)).metrics).toEqual({ loss: { step: 0, timestamp: 1_000_000, value: 1 } });
  });

  it.each([
    ['a text', { loss: '1' }, /"loss" is "1"/],
    ['a bigint', { loss: 1n }, /1n/],
    ['a boolean', { ok: true }, /true/],
    ['nothing', { loss: undefined }, /undefined/],
    ['null', { loss: null }, /null/],
  ])('refuses %s, naming the metric, and takes none of the values', async (_, bad, message) => {
    const { tracker } = setUp();
    const run = await tracker.startRun({ experiment: 'e' });
    expect(() => run.logMetrics({ good: 1, ...(bad as unknown as { loss: number }) })).toThrow(message);
    expect(() => run.logMetrics({ good: 1, ...(bad as unknown as { loss: number }) })).toThrow(expect.objectContaining({ code: 'validation' }));
    run.logMetrics({ after: 1 });
    const { metrics } = await run.end();
    expect(Object.keys(metrics)).toEqual(['after']);
  });

  it('refuses steps that are not whole and timestamps that are none', async () => {
    const { tracker } = setUp();
    const run = await tracker.startRun({ experiment: 'e' });
    for (const step of [0.5, NaN, Infinity, 2 ** 53, '1']) expect(() => run.logMetrics({ a: 1 }, { step: step as number })).toThrow(/^step is/);
    for (const timestamp of [-1, NaN, Infinity, '5']) expect(() => run.logMetrics({ a: 1 }, { timestamp: timestamp as number })).toThrow(/^timestamp is/);
    expect(() => run.logMetrics(null as unknown as Record<string, number>)).toThrow(/^metrics are null/);
    expect(() => run.logMetrics({ a: 1 }, 5 as unknown as { step: number })).toThrow(/^options are 5/);
    run.logMetrics({});
    expect((await run.end()).metrics).toEqual({});
  });

  it('keeps every kind of number, step and timestamp exactly, in order of step, timestamp and logging', async () => {
    const double = fc.oneof(fc.double(), fc.constantFrom(NaN, Infinity, -Infinity, -0, 5e-324));
    const point = fc.record({
      name: fc.constantFrom('loss', 'val/auc', '精度', '__proto__', 'constructor'),
      value: double,
      step: fc.oneof(fc.integer({ min: -3, max: 3 }), fc.maxSafeInteger()),
      timestamp: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.double({ min: 0, max: 1e15, noNaN: true })),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(point, { maxLength: 30 }), { maxLength: 6 }), async (flushes) => {
        const { tracker } = setUp();
        const run = await tracker.startRun({ experiment: 'e' });
        for (const points of flushes) {
          for (const { name, value, step, timestamp } of points) run.logMetrics({ [name]: value }, { step, timestamp });
          await run.flush();
        }
        const logged = flushes.flat();
        const running = (await tracker.getRun(run.id)).metrics;
        expect(await run.end()).toEqual(expect.objectContaining({ metrics: running }));
        for (const name of new Set(logged.map((each) => each.name))) {
          const expected = logged.filter((each) => each.name === name).sort((a, b) => a.step - b.step || a.timestamp - b.timestamp);
          const history = await tracker.metricHistory(run.id, name);
          expect([...history.values]).toEqual(expected.map((each) => each.value));
          expect([...history.steps]).toEqual(expected.map((each) => each.step + 0));
          expect([...history.timestamps]).toEqual(expected.map((each) => each.timestamp));
          const last = expected.at(-1)!;
          const latest = Object.entries(running).find(([key]) => key === name)![1];
          expect([latest.step, latest.timestamp]).toEqual([last.step + 0, last.timestamp]);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('keeps points apart that were logged twice, and counts batches once that a retry wrote twice', async () => {
    const { tracker, moody, told, clock } = setUp();
    const run = await tracker.startRun({ experiment: 'e' });
    run.logMetrics({ a: 1 }, { step: 1, timestamp: 5 });
    run.logMetrics({ a: 1 }, { step: 1, timestamp: 5 });
    moody.losesAnswerOf.add('append');
    await clock.pass(1_000);
    expect(told).toHaveLength(1);
    await clock.pass(10_000);
    await run.end();
    expect([...(await tracker.metricHistory(run.id, 'a')).values]).toEqual([1, 1]);
  });

  it('splits a batch that is too large for one entry, and loses nothing', async () => {
    const { tracker } = setUp({}, { maxEntryBytes: 600 });
    const run = await tracker.startRun({ experiment: 'e' });
    for (let step = 0; step < 500; step++) run.logMetrics({ [`metric ${step % 7}`]: step, b: -step }, { step });
    await run.end();
    expect([...(await tracker.metricHistory(run.id, 'b')).values]).toEqual(Array.from({ length: 500 }, (_, i) => -i));
    expect([...(await tracker.metricHistory(run.id, 'metric 3')).values]).toEqual(Array.from({ length: 71 }, (_, i) => 3 + 7 * i));
  });

  it('takes more metrics at once than a batch holds, and more than a record holds', async () => {
    const { tracker } = setUp({}, { maxRecordBytes: 100_000 });
    const run = await tracker.startRun({ experiment: 'e' });
    run.logMetrics(Object.fromEntries(Array.from({ length: 70_000 }, (_, i) => [`m${i}`, i])));
    const ended = await run.end();
    expect(Object.keys(ended.metrics)).toHaveLength(70_000);
    const read = await tracker.getRun(run.id);
    expect(read.status).toBe('finished');
    expect(read.metrics['m69999']?.value).toBe(69_999);
  });
});

describe('the latest value of a metric', () => {
  const log = async (points: readonly MetricPoint[], flushEach: boolean): Promise<MetricPoint | undefined> => {
    const { tracker } = setUp();
    const run = await tracker.startRun({ experiment: 'e' });
    for (const { value, ...at } of points) {
      run.logMetrics({ m: value }, at);
      if (flushEach) await run.flush();
    }
    const running = (await tracker.getRun(run.id)).metrics;
    const ended = (await run.end()).metrics;
    if (flushEach) expect(running).toEqual(ended);
    return ended['m'];
  };
  const p = (value: number, timestamp: number, step: number): MetricPoint => ({ value, timestamp, step });

  it.each([
    ['the greatest step, however old', [p(9, 1000, 0), p(3, 1000, 0), p(2, 2000, -5)], 9],
    ['then the greatest timestamp', [p(9, 1000, 1), p(3, 2000, 1)], 3],
    ['then the greatest value', [p(3, 1000, 1), p(9, 1000, 1), p(4, 1000, 1)], 9],
    ['and NaN loses ties to any number', [p(NaN, 1, 1), p(-Infinity, 1, 1), p(NaN, 1, 1)], -Infinity],
    ['but NaN at a later step is later', [p(1, 1, 1), p(NaN, 1, 2)], NaN],
  ])('is at %s', async (_, points, value) => {
    for (const flushEach of [false, true]) {
      expect((await log(points, flushEach))?.value).toBe(value);
      expect((await log([...points].reverse(), flushEach))?.value).toBe(value);
    }
  });
});

describe('names', () => {
  it.each(['a', 'Ab-5_', 'a/b/c', '.a', 'b.', 'a..a/._./o_O/.e.', 'a b/c d', 'a:b', 'aé', '日本', 'x'.repeat(250)])('may be %j', async (name) => {
    const { tracker } = setUp();
    const run = await tracker.startRun({ experiment: 'e', params: { [name]: 1 }, tags: { [name]: 't' } });
    run.logMetrics({ [name]: 1 });
    await run.logArtifact(name, 'x');
    const record = await run.end();
    expect([record.params[name], record.tags[name], record.metrics[name]?.value]).toEqual([1, 't', 1]);
    expect(await tracker.readArtifact(run.id, name)).toEqual(new TextEncoder().encode('x'));
  });

  it.each([
    ['', 'empty'],
    ['.', "'.'"],
    ['/', "'/'"],
    ['..', "'..'"],
    ['//', "'/'"],
    ['a//b', "'//'"],
    ['a/./b', "'.'"],
    ['/a', "'/'"],
    ['a/', "'/'"],
    ['\\', '"\\\\"'],
    ['./', "'/'"],
    ['a%b', '"%" at position 1'],
    ['a=b', '"=" at position 1'],
    ['a[0]', '"[" at position 1'],
    ['a\nb', '"\\n" at position 1'],
    ['x'.repeat(251), '250'],
    ['../../etc', "'..'"],
    ['a\ud800', 'position 1'],
  ])('may not be %j, and the error says why', async (name, why) => {
    const { tracker } = setUp();
    const run = await tracker.startRun({ experiment: 'e' });
    const attempts = [() => run.logMetrics({ [name]: 1 }), () => run.setTags({ [name]: 'x' })];
    for (const attempt of attempts) expect(attempt).toThrow(expect.objectContaining({ code: 'validation', message: expect.stringContaining(why) }));
    await expect(run.logParams({ [name]: 1 })).rejects.toThrow(why);
    await expect(run.logArtifact(name, 'x')).rejects.toThrow(why);
    await expect(tracker.startRun({ experiment: 'e', params: { [name]: 1 } })).rejects.toThrow(why);
  });

  it('of experiments may be any text', async () => {
    const { tracker } = setUp();
    const names = ['flight-delay', 'Flight Delay', '../up', 'con', '実験', '%', 'x'.repeat(500)];
    for (const experiment of names) await (await tracker.startRun({ experiment })).end();
    const found: string[] = [];
    for await (const { name } of tracker.experiments()) found.push(name);
    expect(found.sort()).toEqual([...names].sort());
    for (const experiment of names) expect((await tracker.listRuns({ experiments: [experiment] })).items.map((run) => run.experiment)).toEqual([experiment]);
  });
});

describe('a storage that fails', () => {
  it('never reaches logMetrics; onError is told, awaited calls reject, and nothing is lost once it recovers', async () => {
    const { tracker, moody, clock, told } = setUp();
    const run = await tracker.startRun({ experiment: 'e' });
    moody.broken.add('append').add('write');
    for (let step = 0; step < 100; step++) {
      run.logMetrics({ a: step }, { step });
      run.setTags({ step: String(step) });
      await clock.pass(100);
    }
    expect(told.length).toBeGreaterThan(2);
    expect(told[0]).toMatchObject({ code: 'storage', message: expect.stringContaining('append') });
    await expect(run.flush()).rejects.toMatchObject({ code: 'storage' });
    await expect(run.end()).rejects.toMatchObject({ code: 'storage' });
    run.logMetrics({ a: 100 }, { step: 100 });

    moody.broken.clear();
    await clock.pass(60_000);
    expect((await tracker.metricHistory(run.id, 'a')).values).toHaveLength(101);
    expect(await run.end()).toMatchObject({ status: 'finished', tags: { step: '99' }, metrics: { a: { value: 100 } }, droppedPoints: 0 });
    expect([...(await tracker.metricHistory(run.id, 'a')).steps]).toEqual(Array.from({ length: 101 }, (_, i) => i));
  });

  it('is tried again less and less often, and at once by flush()', async () => {
    const { tracker, moody, clock } = setUp();
    const run = await tracker.startRun({ experiment: 'e' });
    moody.broken.add('append');
    run.logMetrics({ a: 1 });
    const attempts = (): number => moody.calls.filter((call) => call === 'append').length;
    await clock.pass(10_000);
    const soon = attempts();
    expect(soon).toBeGreaterThanOrEqual(4);
    await clock.pass(10_000);
    expect(attempts() - soon).toBeLessThan(soon);
    moody.broken.clear();
    await run.flush();
    expect((await tracker.getRun(run.id)).metrics['a']?.value).toBe(1);
  });

  it('does not end the run twice when only the answer of the end was lost', async () => {
    const { tracker, moody } = setUp({ maxBufferedPoints: 2 });
    const run = await tracker.startRun({ experiment: 'e' });
    run.logMetrics({ a: 1, b: 2, c: 3 });
    moody.losesAnswerOf.add('write');
    await expect(run.end()).rejects.toMatchObject({ code: 'storage' });
    expect(await run.end()).toMatchObject({ status: 'finished', droppedPoints: 3 });
  });

  it('drops and counts what exceeds the bound of the buffer, and keeps what came before and after', async () => {
    const { tracker, moody } = setUp({ maxBufferedPoints: 10 });
    const run = await tracker.startRun({ experiment: 'e' });
    moody.broken.add('append');
    for (let step = 0; step < 8; step++) run.logMetrics({ a: step, b: step }, { step });
    await expect(run.flush()).rejects.toMatchObject({ code: 'storage' });
    run.logMetrics({ a: 8 }, { step: 8 });
    moody.broken.clear();
    await run.flush();
    run.logMetrics({ a: 9 }, { step: 9 });
    const record = await run.end();
    expect(record.droppedPoints).toBe(7);
    expect([...(await tracker.metricHistory(run.id, 'a')).steps]).toEqual([0, 1, 2, 3, 4, 9]);
    expect((await tracker.getRun(run.id)).droppedPoints).toBe(7);
  });

  it('does not hurt when onError itself throws', async () => {
    const lines: string[] = [];
    const line = (text: string): void => void lines.push(text);
    const logger = { debug: line, info: line, warn: line, error: line };
    const moody = new MoodyStorage(new MemoryStorage());
    const clock = new ManualClock();
    const tracker = new Tracker({
      storage: moody.adapter,
      clock,
      logger,
      onError: () => {
        throw new Error('clumsy');
      },
    });
    const run = await tracker.startRun({ experiment: 'e' });
    moody.broken.add('append');
    run.logMetrics({ a: 1 });
    await clock.pass(1_000);
    moody.broken.clear();
    await run.end();
    expect(lines.join('\n')).toMatch(/out of order[^]*clumsy/);
  });

  it('leaves no rejection behind when onError rejects or the logger throws', async () => {
    const rejections: unknown[] = [];
    const listen = (reason: unknown): void => void rejections.push(reason);
    process.on('unhandledRejection', listen);
    try {
      const fail = (): never => {
        throw new Error('no log');
      };
      for (const options of [{ onError: async () => Promise.reject(new Error('late')) }, { logger: { debug: () => undefined, info: fail, warn: fail, error: fail } }]) {
        const moody = new MoodyStorage(new MemoryStorage());
        const clock = new ManualClock();
        const run = await new Tracker({ storage: moody.adapter, clock, ...options }).startRun({ experiment: 'e' });
        moody.broken.add('append');
        run.logMetrics({ a: 1 });
        await clock.pass(1_000);
        moody.broken.clear();
        await run.end();
      }
      await new Promise((resolve) => setImmediate(resolve));
      expect(rejections).toEqual([]);
    } finally {
      process.off('unhandledRejection', listen);
    }
  });
});

describe('flush', () => {
  it('covers what was logged while an earlier write was under way', async () => {
    const { tracker, moody } = setUp();
    const run = await tracker.startRun({ experiment: 'e' });
    let release = (): void => undefined;
    moody.held = new Promise((resolve) => (release = resolve));
    run.logMetrics({ a: 1 }, { step: 1 });
    const first = run.flush();
    await settled();
    run.logMetrics({ a: 2 }, { step: 2 });
    const second = run.flush();
    const third = run.flush();
    release();
    moody.held = undefined;
    await first;
    await Promise.all([second, third]);
    expect(moody.calls.filter((call) => call === 'append')).toHaveLength(2);
    expect([...(await tracker.metricHistory(run.id, 'a')).values]).toEqual([1, 2]);
  });

  it('starts at once when batches are full, without waiting for the interval', async () => {
    const { tracker, moody, clock } = setUp();
    const run = await tracker.startRun({ experiment: 'e' });
    for (let step = 0; step < 70_000; step++) run.logMetrics({ a: step }, { step });
    await clock.pass(0);
    expect(moody.calls).toContain('append');
    await run.end();
    expect((await tracker.metricHistory(run.id, 'a')).values).toHaveLength(70_000);
  });

  it('happens at the exit of the environment, which is left alone when no run is open', async () => {
    const listeners = new Set<() => void | Promise<void>>();
    const environment = {
      describe: async () => ({ runtime: 'test' }),
      onExit: (listener: () => void | Promise<void>) => {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
    };
    const { tracker, moody, told } = setUp({ environment });
    const run = await tracker.startRun({ experiment: 'e' });
    const other = await tracker.startRun({ experiment: 'e' });
    expect(listeners.size).toBe(1);
    run.logMetrics({ a: 1 });
    for (const listener of listeners) await listener();
    expect((await tracker.getRun(run.id)).metrics['a']?.value).toBe(1);

    moody.broken.add('append');
    run.logMetrics({ a: 2 });
    for (const listener of listeners) await listener();
    const attempts = moody.calls.length;
    for (const listener of listeners) await listener();
    expect(moody.calls).toHaveLength(attempts);
    expect(told).toHaveLength(1);

    moody.broken.clear();
    await run.end();
    expect(listeners.size).toBe(1);
    await other.end();
    expect(listeners.size).toBe(0);
  });
});
