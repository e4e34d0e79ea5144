import { describe, expect, it } from 'vitest';
import { MemoryStorage, Tracker, isModelkeepError, type Run, type RunRecord } from 'modelkeep';
import { ManualClock, settled } from './manual-clock.ts';
import { MoodyStorage } from './moody-storage.ts';

function setUp(): { storage: MemoryStorage; clock: ManualClock; tracker: Tracker } {
  const storage = new MemoryStorage();
  const clock = new ManualClock();
  return { storage, clock, tracker: new Tracker({ storage, clock }) };
}

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

describe('a run', () => {
  it('is running from its start and finished from its end', async () => {
    const { tracker, clock } = setUp();
    const run = await tracker.startRun({ experiment: 'delay', name: 'baseline', params: { lr: 0.01, layers: [64, 32] }, tags: { team: 'ops' } });
    const started = await tracker.getRun(run.id);
    expect(started).toEqual({
      id: run.id,
      experiment: 'delay',
      name: 'baseline',
      status: 'running',
      startedAt: 1_000_000,
      params: { lr: 0.01, layers: [64, 32] },
      tags: { team: 'ops' },
      metrics: {},
      droppedPoints: 0,
    });

    await clock.pass(5_000);
    const ended = await run.end();
    expect(ended).toEqual({ ...started, status: 'finished', endedAt: 1_005_000 });
    expect(await tracker.getRun(run.id)).toEqual(ended);
    expect(run.ended).toBe(true);
  });

  it('ends once: a second end gives the record of the first', async () => {
    const { tracker } = setUp();
    const run = await tracker.startRun({ experiment: 'e' });
    const [first, second] = await Promise.all([run.end('killed', { reason: 'too slow' }), run.end('finished')]);
    expect(second).toBe(first);
    expect(await tracker.getRun(run.id)).toMatchObject({ status: 'killed', reason: 'too slow' });
  });

  it('refuses to log after its end, and says how to go on', async () => {
    const { tracker } = setUp();
    const run = await tracker.startRun({ experiment: 'e' });
    await run.end();
    for (const call of [() => run.logMetrics({ a: 1 }), () => run.setTags({ a: 'b' })]) {
      expect(call).toThrow(expect.objectContaining({ code: 'closed', message: expect.stringContaining(`startRun({ resume: '${run.id}' })`) }));
    }
    await expect(run.logParams({ a: 1 })).rejects.toMatchObject({ code: 'closed' });
    await expect(run.logArtifact('a', 'b')).rejects.toMatchObject({ code: 'closed' });
    await expect(run.flush()).resolves.toBeUndefined();
  });

  it('refuses to end in a way that there is not', async () => {
    const { tracker } = setUp();
    const run = await tracker.startRun({ experiment: 'e' });
    await expect(run.end('running' as 'finished')).rejects.toMatchObject({ code: 'validation' });
    expect((await tracker.getRun(run.id)).status).toBe('running');
  });

  it('left without end() is recorded as killed, with what it had logged', async () => {
    const { tracker } = setUp();
    let id: string;
    {
      await using run = await tracker.startRun({ experiment: 'e' });
      id = run.id;
      run.logMetrics({ loss: 2 });
    }
    expect(await tracker.getRun(id)).toMatchObject({ status: 'killed', reason: 'disposed', metrics: { loss: { value: 2 } } });
  });

  it('that was ended stays as it is when it is disposed', async () => {
    const { tracker } = setUp();
    let id: string;
    {
      await using run = await tracker.startRun({ experiment: 'e' });
      id = run.id;
      await run.end('finished');
    }
    const record = await tracker.getRun(id);
    expect(record.status).toBe('finished');
    expect(record).not.toHaveProperty('reason');
  });

  it('can be part of another, which lineage tells from both sides', async () => {
    const { tracker } = setUp();
    const parent = await tracker.startRun({ experiment: 'search' });
    const child = await tracker.startRun({ experiment: 'search', parent });
    expect((await tracker.getRun(child.id)).parent).toBe(parent.id);
    for (const id of [parent.id, child.id]) {
      expect(await tracker.lineage(id)).toEqual([
        { from: { kind: 'run', id: child.id }, relation: 'partOf', to: { kind: 'run', id: parent.id }, at: 1_000_000 },
      ]);
    }
    await expect(tracker.startRun({ experiment: 'search', parent: 'nobody' })).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('withRun', () => {
  it('finishes the run and returns what the function returned', async () => {
    const { tracker } = setUp();
    let id = '';
    const value = await tracker.withRun({ experiment: 'e' }, async (run) => {
      id = run.id;
      run.logMetrics({ auc: 0.8 });
      return 42;
    });
    expect(value).toBe(42);
    expect(await tracker.getRun(id)).toMatchObject({ status: 'finished', metrics: { auc: { value: 0.8 } } });
  });

  it('fails the run with the error, and throws the very error on', async () => {
    const { tracker } = setUp();
    const error = new RangeError('exploding gradient');
    let id = '';
    const attempt = tracker.withRun({ experiment: 'e' }, (run) => {
      id = run.id;
      run.logMetrics({ loss: NaN }, { step: 7 });
      throw error;
    });
    await expect(attempt).rejects.toBe(error);
    expect(await tracker.getRun(id)).toMatchObject({
      status: 'failed',
      error: { name: 'RangeError', message: 'exploding gradient' },
      metrics: { loss: { step: 7, value: NaN } },
    });
  });

  it('leaves a run alone that the function ended itself', async () => {
    const { tracker } = setUp();
    let id = '';
    await tracker.withRun({ experiment: 'e' }, async (run) => {
      id = run.id;
      await run.end('killed', { reason: 'early stop' });
    });
    expect(await tracker.getRun(id)).toMatchObject({ status: 'killed', reason: 'early stop' });
  });

  it('throws the error of the function even when the end cannot be recorded, and tells onError of that', async () => {
    const moody = new MoodyStorage(new MemoryStorage());
    const told: unknown[] = [];
    const tracker = new Tracker({ storage: moody.adapter, onError: (error) => told.push(error) });
    const error = new Error('mine');
    const attempt = tracker.withRun({ experiment: 'e' }, () => {
      moody.broken.add('write');
      throw error;
    });
    await expect(attempt).rejects.toBe(error);
    expect(told).toEqual([expect.objectContaining({ code: 'storage' })]);
  });

  it('rejects when the function succeeded but its end cannot be recorded', async () => {
    const moody = new MoodyStorage(new MemoryStorage());
    const tracker = new Tracker({ storage: moody.adapter });
    const attempt = tracker.withRun({ experiment: 'e' }, () => void moody.broken.add('write'));
    await expect(attempt).rejects.toMatchObject({ code: 'storage' });
  });
});

describe('resuming', () => {
  it('goes on with a run that has ended, and keeps what was logged', async () => {
    const { tracker } = setUp();
    const first = await tracker.startRun({ experiment: 'e', params: { lr: 0.1 }, tags: { a: '1' } });
    first.logMetrics({ loss: 3 }, { step: 1 });
    await first.end('failed', { reason: 'power', error: new Error('x') });
    expect(await tracker.getRun(first.id)).toMatchObject({ reason: 'power', error: { name: 'Error', message: 'x' } });

    const second = await tracker.startRun({ resume: first.id, params: { lr: 0.1, depth: 2 }, tags: { b: '2' } });
    const resumed = await tracker.getRun(first.id);
    expect(resumed).toMatchObject({ status: 'running', params: { lr: 0.1, depth: 2 }, tags: { a: '1', b: '2' }, metrics: { loss: { value: 3 } } });
    for (const gone of ['endedAt', 'reason', 'error']) expect(resumed).not.toHaveProperty(gone);
    second.logMetrics({ loss: 2 }, { step: 2 });
    await second.end();
    expect(await tracker.getRun(first.id)).toMatchObject({ status: 'finished', metrics: { loss: { step: 2, value: 2 } } });
    expect([...(await tracker.metricHistory(first.id, 'loss')).values]).toEqual([3, 2]);
  });

  it('does not touch the run when a param differs or there is no such run', async () => {
    const { tracker } = setUp();
    const run = await tracker.startRun({ experiment: 'e', params: { lr: 0.1 } });
    await run.end();
    const before = await tracker.getRun(run.id);
    await expect(tracker.startRun({ resume: run.id, params: { lr: 0.2 } })).rejects.toMatchObject({ code: 'conflict' });
    expect(await tracker.getRun(run.id)).toEqual(before);
    await expect(tracker.startRun({ resume: '01a20a85-1fa3-7376-a1a2-9fe5d4ee7f7c' })).rejects.toMatchObject({ code: 'not-found' });
    await expect(tracker.startRun({ resume: '../experiments/e' })).rejects.toMatchObject({ code: 'not-found' });
  });

  it('lets two handles log to one run at once, and neither loses anything', async () => {
    const { storage, clock } = setUp();
    const [here, there] = [new Tracker({ storage, clock }), new Tracker({ storage, clock })];
    const a = await here.startRun({ experiment: 'e' });
    const b = await there.startRun({ resume: a.id });
    const work = async (run: Run, name: string): Promise<void> => {
      for (let step = 0; step < 500; step++) {
        run.logMetrics({ [name]: step, shared: step }, { step });
        if (step % 50 === 0) await run.flush();
        if (step % 100 === 0) {
          run.setTags({ [`${name}${step}`]: 'x' });
          await run.logParams({ [`${name}${step}`]: step });
        }
      }
      await run.end();
    };
    await Promise.all([work(a, 'a'), work(b, 'b')]);
    const record: RunRecord = await here.getRun(a.id);
    expect(record).toMatchObject({ status: 'finished', metrics: { a: { step: 499 }, b: { step: 499 }, shared: { step: 499 } } });
    expect(Object.keys(record.params)).toHaveLength(10);
    expect(Object.keys(record.tags)).toHaveLength(10);
    expect((await here.metricHistory(a.id, 'a')).values).toHaveLength(500);
    expect((await here.metricHistory(a.id, 'b')).values).toHaveLength(500);
    expect([...(await here.metricHistory(a.id, 'shared')).steps]).toEqual(Array.from({ length: 1000 }, (_, i) => i >> 1));
  });

  it('tells the latest metrics of a handle that died while another one ended', async () => {
    const { tracker } = setUp();
    const a = await tracker.startRun({ experiment: 'e' });
    const dies = await tracker.startRun({ resume: a.id });
    await a.end();
    dies.logMetrics({ late: 1 }, { step: 9 });
    await dies.flush();
    expect(await tracker.getRun(a.id)).toMatchObject({ status: 'finished', metrics: { late: { step: 9, value: 1 } } });
    const listed = await tracker.listRuns();
    expect(listed.items[0]?.metrics).toEqual({ late: { step: 9, value: 1, timestamp: 1_000_000 } });
  });
});

describe('params', () => {
  it('are written once: the same again is fine, another is refused and the old kept, with nothing of that call written', async () => {
    const { tracker } = setUp();
    const run = await tracker.startRun({ experiment: 'e', params: { lr: 0.1, layers: [64, { units: 3 }] } });
    await run.logParams({ lr: 0.1, layers: [64, { units: 3 }], nan: NaN, text: '' });
    await run.logParams({ nan: NaN });
    const attempt = run.logParams({ lr: 0.2, other: 1 });
    await expect(attempt).rejects.toMatchObject({ code: 'conflict', details: { key: 'lr' } });
    await expect(attempt).rejects.toThrow(/'lr'.*0\.1.*0\.2/);
    expect((await tracker.getRun(run.id)).params).toEqual({ lr: 0.1, layers: [64, { units: 3 }], nan: NaN, text: '' });
  });

  it('are exact when several write the same one at once: one wins', async () => {
    const { tracker } = setUp();
    const run = await tracker.startRun({ experiment: 'e' });
    const results = await Promise.allSettled(Array.from({ length: 20 }, (_, seed) => run.logParams({ seed })));
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
    expect(results.every((result) => result.status === 'fulfilled' || isModelkeepError(result.reason, 'conflict'))).toBe(true);
  });

  it('must be plain data with allowed names', async () => {
    const { tracker } = setUp();
    const run = await tracker.startRun({ experiment: 'e' });
    await expect(run.logParams({ f: (() => 1) as unknown as string })).rejects.toMatchObject({ code: 'validation', details: { path: 'params.f' } });
    await expect(run.logParams({ u: undefined as unknown as string })).rejects.toMatchObject({ code: 'validation' });
    await expect(run.logParams({ 'a=b': 1 })).rejects.toThrow('"="');
    await expect(run.logParams({ ['__proto__']: 1, constructor: 2 })).resolves.toBeUndefined();
    expect(Object.entries((await tracker.getRun(run.id)).params).sort()).toEqual([['__proto__', 1], ['constructor', 2]]);
  });

  it('are those of the moment of the call, whatever the caller does with its objects afterwards', async () => {
    const { tracker } = setUp();
    const params = { layers: [64, 32] };
    const tags = { stage: 'new' };
    const starting = tracker.startRun({ experiment: 'e', params, tags });
    params.layers.push(1);
    tags.stage = 'changed';
    const run = await starting;
    const logging = run.logParams({ more: params.layers });
    params.layers.push(2);
    await logging;
    expect(await tracker.getRun(run.id)).toMatchObject({ params: { layers: [64, 32], more: [64, 32, 1] }, tags: { stage: 'new' } });
  });
});

describe('values by name', () => {
  it('are refused as an array or a map, which would lose their names', async () => {
    const { tracker } = setUp();
    const run = await tracker.startRun({ experiment: 'e' });
    for (const values of [new Map([['a', 1]]), [1, 2]] as never[]) {
      expect(() => run.logMetrics(values)).toThrow('an object of numbers by name');
      expect(() => run.setTags(values)).toThrow('an object of texts by name');
      await expect(run.logParams(values)).rejects.toThrow('an object of values by name');
    }
  });

  it('are refused where a text is asked for, and the run goes on', async () => {
    const { tracker } = setUp();
    const run = await tracker.startRun({ experiment: 'e' });
    await expect(run.end('failed', { reason: 5 as never })).rejects.toThrow('reason is 5');
    await expect(run.logArtifact('a', 'x', { mediaType: 5 as never })).rejects.toThrow("mediaType of artifact 'a' is 5");
    await expect(run.logDataset({ name: 'd', role: 'test', rows: [], source: 5 as never })).rejects.toThrow("source of dataset 'd' is 5");
    await expect(run.logDataset({ name: 'd', role: 'test', rows: [{ a: 1 }], types: { a: 'flot' as never } })).rejects.toThrow('The type of d.a is "flot"');
    await expect(run.logDataset({ name: 'd', role: 'test', rows: [{ a: 1 }], types: { b: 'int64' } })).rejects.toThrow("names column 'b'");
    await expect(tracker.startRun({ experiment: 'e', name: '\ud800' })).rejects.toThrow('startRun.name has a lone surrogate');
    await expect(tracker.startRun({ experiment: 'x'.repeat(501) })).rejects.toThrow('startRun.experiment must have at most 500 characters');
    expect((await run.end()).status).toBe('finished');
  });
});

describe('tags', () => {
  it('are buffered, the last value counts, and a bad one leaves all as it was', async () => {
    const { tracker, clock } = setUp();
    const run = await tracker.startRun({ experiment: 'e', tags: { stage: 'new' } });
    run.setTags({ stage: 'a', owner: 'x' });
    run.setTags({ stage: 'b' });
    expect(() => run.setTags({ stage: 'c', n: 3 as unknown as string })).toThrow(expect.objectContaining({ code: 'validation', details: { path: 'tags.n' } }));
    expect(() => run.setTags({ long: 'x'.repeat(8_001) })).toThrow('8000');
    expect((await tracker.getRun(run.id)).tags).toEqual({ stage: 'new' });
    await clock.pass(1_000);
    expect((await tracker.getRun(run.id)).tags).toEqual({ stage: 'b', owner: 'x' });
    run.setTags({ stage: 'z' });
    await run.end();
    expect((await tracker.getRun(run.id)).tags).toEqual({ stage: 'z', owner: 'x' });
  });
});

describe('bad input', () => {
  it('is told where it enters', async () => {
    const { tracker } = setUp();
    const start = (options: unknown): Promise<Run> => tracker.startRun(options as { experiment: string });
    await expect(start({})).rejects.toThrow('startRun.experiment is missing');
    await expect(start(undefined)).rejects.toMatchObject({ code: 'validation' });
    await expect(start({ experiment: '' })).rejects.toThrow('must not be empty');
    await expect(start({ experiment: 'e', nmae: 'x' })).rejects.toThrow('nmae');
    await expect(start({ experiment: 'e', tags: { a: 1 } })).rejects.toThrow("Tag 'a'");
    await expect(start({ experiment: 'e', parent: 5 })).rejects.toMatchObject({ code: 'validation' });
    expect(() => new Tracker({} as { storage: MemoryStorage })).toThrow('needs a storage');
    expect(() => new Tracker({ storage: new MemoryStorage(), maxBufferedPoints: 0 })).toThrow('maxBufferedPoints');
    expect(() => new Tracker({ storage: new MemoryStorage(), flushInterval: '5 fortnights' as '5s' })).toThrow('flushInterval');
    await expect(tracker.getRun('../../etc/passwd')).rejects.toMatchObject({ code: 'not-found' });
    await expect(tracker.metricHistory('nobody', 'loss')).rejects.toMatchObject({ code: 'not-found' });
    expect(await all(tracker.runs())).toEqual([]);
    expect(await all(tracker.experiments())).toEqual([]);
  });

  it('is told of options that are misspelt, which would pass for ones that were left out', async () => {
    const { storage, tracker } = setUp();
    const run = await tracker.startRun({ experiment: 'e' });
    const { id } = run;
    const slip = { slip: 1 } as never;
    const rows = [{ a: 1 }];
    const calls: [string, () => unknown][] = [
      ['The tracker', () => new Tracker({ storage, slip: 1 } as never)],
      ['startRun', () => tracker.startRun({ experiment: 'e', slip: 1 } as never)],
      ['options', () => run.logMetrics({ a: 1 }, slip)],
      ["The options of artifact 'a'", () => run.logArtifact('a', 'x', slip)],
      ["The options of artifact 'a'", () => run.logArtifact('a', 'x', 'text/plain' as never)],
      ['logArtifacts', () => run.logArtifacts([], slip)],
      ["The options of table 'a'", () => run.logTable('a', rows, slip)],
      ["Dataset 'a'", () => run.logDataset({ name: 'a', role: 'test', rows, slip: 1 } as never)],
      ["Model 'a'", () => run.logModel('a', { files: { a: 'x' }, slip: 1 } as never)],
      ['The query', () => all(tracker.runs(slip))],
      ['The query', () => tracker.listRuns({ experiment: 'e' } as never)],
      ['searchRuns', () => tracker.searchRuns({ filters: '' } as never)],
      ['searchRuns', () => tracker.searchRuns(null as never)],
      ['metricHistory', () => tracker.metricHistory(id, 'a', { maxPoint: 9 } as never)],
      ['compareRuns', () => tracker.compareRuns([id, id], slip)],
      ['compareRuns', () => tracker.compareRuns(id as never)],
      ['verifyReproduction', () => tracker.verifyReproduction(id, id, slip)],
      ['listArtifacts', () => tracker.listArtifacts(id, slip)],
      ['browseArtifacts', () => tracker.browseArtifacts(id, slip)],
      ['readTable', () => tracker.readTable(id, 'a', slip)],
      ['purgeDeleted', () => tracker.purgeDeleted({ olderthan: '1d' } as never)],
      ['importRuns', () => tracker.importRuns(tracker.exportRuns(), slip)],
      ['fn', () => tracker.withRun({ experiment: 'e' }, undefined as never)],
    ];
    for (const [where, call] of calls) {
      const wrong = expect.objectContaining({ code: 'validation', message: expect.stringMatching(new RegExp(`^${where} (has unknown options: |is |was given )`)) });
      await expect((async () => call())(), String(call)).rejects.toEqual(wrong);
    }
    expect(await run.end()).toMatchObject({ metrics: {} });
    expect(await all(tracker.runs())).toHaveLength(1);
    expect(await all(tracker.artifacts(id))).toEqual([]);
  });

  it('that is cut off by a failing storage leaves nothing behind that is seen', async () => {
    const moody = new MoodyStorage(new MemoryStorage());
    const tracker = new Tracker({ storage: moody.adapter });
    moody.broken.add('write');
    await expect(tracker.startRun({ experiment: 'e' })).rejects.toMatchObject({ code: 'storage' });
    moody.broken.clear();
    expect(await all(tracker.runs())).toEqual([]);
  });
});

describe('aborting', () => {
  it('ends a wait with AbortedError and loses nothing', async () => {
    const moody = new MoodyStorage(new MemoryStorage());
    const told: unknown[] = [];
    const tracker = new Tracker({ storage: moody.adapter, onError: (error) => told.push(error) });
    const run = await tracker.startRun({ experiment: 'e' });
    run.logMetrics({ a: 1 });
    let release = (): void => undefined;
    moody.held = new Promise((resolve) => (release = resolve));
    const controller = new AbortController();
    const flushing = run.flush({ signal: controller.signal });
    controller.abort(new Error('page closed'));
    await expect(flushing).rejects.toMatchObject({ code: 'aborted', cause: { message: 'page closed' } });
    moody.broken.add('append');
    release();
    await settled();
    expect(told).toEqual([expect.objectContaining({ code: 'storage' })]);
    moody.broken.clear();
    await run.end();
    expect((await tracker.metricHistory(run.id, 'a')).values).toHaveLength(1);
    await expect(tracker.startRun({ experiment: 'e', signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
    await expect(tracker.getRun(run.id, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
  });
});
