import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryStorage, Tracker } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { systemClock } from '../../src/core/clock.ts';
import { isId } from '../../src/core/ids.ts';
import { exportRuns } from '../../src/tracking/interchange/export-runs.ts';
import { exportRunsCsv } from '../../src/tracking/interchange/export-csv.ts';
import { exportRunsJsonl } from '../../src/tracking/interchange/export-jsonl.ts';
import { csvRuns } from '../../src/tracking/interchange/csv-runs.ts';
import { jsonlRuns } from '../../src/tracking/interchange/jsonl-runs.ts';
import { importRuns } from '../../src/tracking/interchange/import-runs.ts';
import type { ImportDamage, ImportedArtifact, ImportedPoints, ImportedRun } from '../../src/tracking/interchange/imported-run.ts';
import { sourceFile } from '../../src/tracking/interchange/source-directory.ts';
import { all, Imported, textOf } from './imported.ts';

const startedAt = 1_700_000_000_000;

function points(count: number, from = 0, metrics = ['loss', 'acc']): ImportedPoints {
  const index = Array.from({ length: count }, (_, i) => from + i);
  return {
    names: metrics,
    codes: Uint32Array.from(index, (i) => i % metrics.length),
    steps: Float64Array.from(index, (i) => Math.floor(i / metrics.length)),
    timestamps: Float64Array.from(index, (i) => startedAt + i),
    values: Float64Array.from(index, (i) => 1 / (i + 1)),
  };
}

function run(source: string, parts: (ImportedPoints | ImportDamage)[], more: Partial<ImportedRun> = {}): ImportedRun {
  return {
    source, experiment: 'e', status: 'finished', startedAt, params: {}, tags: {}, datasets: [],
    async *metrics() { yield* parts; },
    async *artifacts() {},
    ...more,
  };
}

async function* of<T>(...items: T[]): AsyncGenerator<T> {
  yield* items;
}

/** A storage whose log fails after some appends. */
class Failing extends MemoryStorage {
  appends = Infinity;
  override async append(...args: Parameters<MemoryStorage['append']>): ReturnType<MemoryStorage['append']> {
    if (this.appends-- <= 0) throw new Error('the disk is gone');
    return super.append(...args);
  }
}

describe('an imported run', () => {
  it('has an id that follows from its identity and start', async () => {
    const store = new Imported();
    const { imported } = await store.add(of(run('x:1', []), run('x:2', []), run('x:3', [], { startedAt: startedAt + 1 })));
    const ids = imported.map(({ id }) => id);
    expect(new Set(ids).size).toBe(3);
    expect(ids.every(isId)).toBe(true);
    expect(ids[0]!.slice(0, 13)).toBe('018bcfe5-6800');
    expect((await new Imported().add(of(run('x:1', [])))).imported[0]!.id).toBe(ids[0]);
    expect((await store.runs()).map(({ id }) => id)[0]).toBe(ids[2]);
  });

  it('gets each point once, however often an import is cut off', async () => {
    const storage = new Failing();
    const parts = Array.from({ length: 30 }, (_, i) => points(8_000, i * 8_000));
    const add = () => importRuns(storage, systemClock, of(run('x:1', parts)));
    for (const appends of [0, 1, 2]) {
      storage.appends = appends;
      await expect(add()).rejects.toThrow('the disk is gone');
      expect(await all(new Tracker({ storage }).runs())).toEqual([]);
    }
    storage.appends = Infinity;
    expect((await add()).imported).toMatchObject([{ points: 240_000 - 3 * 65_536 }]);
    expect((await add()).unchanged).toHaveLength(1);
    const tracker = new Tracker({ storage });
    const [found] = await all(tracker.runs());
    const series = await tracker.metricHistory(found!.id, 'loss');
    expect(series.total).toBe(120_000);
    expect([...series.steps].every((step, i) => step === i)).toBe(true);
    expect(found!.metrics).toMatchObject({ loss: { step: 119_999 }, acc: { step: 119_999 } });
  });

  it('gets each point once when two import it at the same time', async () => {
    const storage = new MemoryStorage();
    const parts = [points(100_000)];
    const results = await Promise.allSettled([importRuns(storage, systemClock, of(run('x:1', parts))), importRuns(storage, systemClock, of(run('x:1', parts)))]);
    expect(results).toMatchObject([{ status: 'fulfilled', value: { damaged: [] } }, { status: 'fulfilled', value: { damaged: [] } }]);
    const tracker = new Tracker({ storage });
    const [found] = await all(tracker.runs());
    expect((await tracker.metricHistory(found!.id, 'loss')).total).toBe(50_000);
  });

  it('that has grown gets what is new, metric by metric, and keeps what people changed', async () => {
    const store = new Imported();
    const first = await store.add(of(run('x:1', [points(10, 0, ['a']), points(10, 0, ['b'])], { status: 'running', params: { lr: 1 }, tags: { t: 'source' } })));
    const { id } = first.imported[0]!;
    expect(await store.tracker.getRun(id)).toMatchObject({ status: 'crashed', endedAt: startedAt + 9 });
    await store.tracker.updateRun(id, { tags: { t: 'mine' }, notes: 'seen' });
    const grown = run('x:1', [points(12, 0, ['a']), points(11, 0, ['b']), points(1, 0, ['c'])], { status: 'failed', endedAt: startedAt + 50, reason: 'boom', params: { lr: 2, more: true }, tags: { t: 'source', u: 'new' }, notes: 'from the source' });
    const second = await store.add(of(grown));
    expect(second.imported).toEqual([{ source: 'x:1', id, points: 4 }]);
    expect(second.damaged).toEqual([{ source: 'x:1', where: 'param lr', message: expect.any(String) }]);
    expect(await store.tracker.getRun(id)).toMatchObject({ status: 'failed', endedAt: startedAt + 50, reason: 'boom', params: { lr: 1, more: true }, tags: { t: 'mine', u: 'new' }, notes: 'seen', metrics: { a: { step: 11 }, b: { step: 10 }, c: { step: 0 } } });
    expect((await store.points(id, 'a')).map(([step]) => step)).toEqual(Array.from({ length: 12 }, (_, i) => i));
  });

  it('stays deleted where it was deleted, and comes back after it was purged', async () => {
    const store = new Imported();
    const source = (): ImportedRun => run('x:1', [points(10)]);
    const { id } = (await store.add(of(source()))).imported[0]!;
    await store.tracker.deleteRun(id);
    expect((await store.add(of(source()))).unchanged).toHaveLength(1);
    expect(await all(store.tracker.runs())).toEqual([]);
    await store.tracker.purgeDeleted({ olderThan: 0 });
    expect((await store.add(of(source()))).imported).toEqual([{ source: 'x:1', id, points: 10 }]);
    expect(await store.points(id, 'loss')).toHaveLength(5);
  });

  it('is tried without a trace by a dry run', async () => {
    const store = new Imported();
    const artifacts = async function* (): AsyncGenerator<ImportedArtifact> { yield { name: 'a', content: 'x' }; };
    const source = (): ImportedRun => run('x:1', [points(10), { source: 'x:1', where: 'f', message: 'torn' }], { artifacts });
    const tried = await store.add(of(source()), { dryRun: true });
    expect(await store.contents()).toEqual({});
    expect(await store.add(of(source()))).toEqual(tried);
  });

  it('that cannot be kept hides no other, and each fault is told', async () => {
    const store = new Imported();
    const broken = async function* (): AsyncGenerator<ImportedPoints> {
      yield points(10);
      throw Object.assign(new (await import('../../src/core/errors.ts')).IntegrityError('the file ends'), {});
    };
    const odd: ImportedPoints = { names: ['step%', 'time'], codes: [0, 1, 0], steps: [0.5, 1, 3], timestamps: [1, NaN, 1], values: Float64Array.of(1, 2, 3) };
    const report = await store.add(
      of<ImportedRun | ImportDamage>(
        run('x:0', [], { experiment: '' }),
        run('x:1', [], { startedAt: -1 }),
        run('x:2', [], { metrics: broken }),
        run('x:3', [odd], { tags: { long: 'x'.repeat(9_000), 'a%b': 'ok' }, parent: { source: 'x:nobody', startedAt: 5 } }),
        { source: 'x', where: 'file', offset: 3, message: 'torn' },
        run('x:4', [points(2)]),
      ),
    );
    expect(report.imported.map(({ source, points: count }) => [source, count])).toEqual([['x:2', 10], ['x:3', 1], ['x:4', 2]]);
    expect(report.damaged.map(({ source, where }) => [source, where])).toEqual([
      ['x:0', 'run'], ['x:1', 'run'], ['x:2', 'metrics'], ['x:3', 'tag long'], ['x:3', expect.stringMatching(/^metric step_-/)], ['x:3', 'metric time'], ['x', 'file'], ['x:3', 'parent'],
    ]);
    expect(report.renamed.map(({ kind, from }) => [kind, from])).toEqual([['tag', 'a%b'], ['metric', 'step%']]);
  });

  it('may have more metrics than a record holds', async () => {
    class Small extends MemoryStorage {
      override readonly supports = { ...new MemoryStorage().supports, maxRecordBytes: 20_000, maxEntryBytes: 20_000 };
    }
    const storage = new Small();
    const names = Array.from({ length: 1_000 }, (_, i) => `metric/${i}`);
    const source = (): AsyncGenerator<ImportedRun> => of(run('x:1', [points(3_000, 0, names)]));
    await importRuns(storage, systemClock, source());
    const tracker = new Tracker({ storage });
    const [found] = await all(tracker.runs());
    expect(Object.keys(found!.metrics)).toHaveLength(1_000);
    expect(found).toMatchObject({ status: 'finished' });
    expect((await tracker.metricHistory(found!.id, 'metric/999')).total).toBe(3);
    expect((await importRuns(storage, systemClock, source())).unchanged).toHaveLength(1);
  });

  it('can be aborted, and tells how far it has come', async () => {
    const store = new Imported();
    const controller = new AbortController();
    const told: string[] = [];
    const source = async function* (): AsyncGenerator<ImportedRun> {
      yield run('x:1', [points(70_000)]);
      controller.abort();
      yield run('x:2', []);
    };
    await expect(store.add(source(), { signal: controller.signal, onProgress: ({ phase, done }) => told.push(`${phase} ${done}`) })).rejects.toMatchObject({ code: 'aborted' });
    expect(told).toEqual(['importing points of x:1 65536', 'importing runs 1']);
    await expect(store.add([] as never)).rejects.toMatchObject({ code: 'validation' });
  });

  it('goes into files like any other', async () => {
    const path = await mkdtemp(join(tmpdir(), 'import-'));
    try {
      await using storage = new FilesystemStorage(path);
      const source = (): AsyncGenerator<ImportedRun> => of(run('x:1', [points(1_000)], { async *artifacts() { yield { name: 'a/b c.txt', content: 'hi', size: 2 }; yield { name: 'a [1].txt', content: 'odd' }; } }));
      const { renamed, imported } = await importRuns(storage, systemClock, source());
      expect(renamed).toEqual([{ source: 'x:1', kind: 'artifact', from: 'a [1].txt', to: expect.stringMatching(/^a _1_-[0-9a-f]{8}\.txt$/) }]);
      expect((await importRuns(storage, systemClock, source())).unchanged).toHaveLength(1);
      expect(await new Tracker({ storage }).readArtifactText(imported[0]!.id, 'a/b c.txt')).toBe('hi');
    } finally {
      await rm(path, { recursive: true });
    }
  });
});

const label = fc.stringMatching(/^[\p{L}\d_.:"=+@',;\- \n\r\t<]{1,12}$/u).filter((text) => text.trim() !== '');
const name = fc.stringMatching(/^[A-Za-z\u00e9_=]?[\w:\- .]{1,10}$/).filter((text) => /^[\w:\- .\u00e9]+$/.test(text) && !/^\.{1,2}$/.test(text));
const data = fc.oneof(fc.double(), fc.string({ unit: 'grapheme' }), fc.boolean(), fc.constant(null), fc.constantFrom('1', '01', 'true', '[1]', '{"$number":"NaN"}', '', '"', '=1+1', "'=x", '-5', 'a,b\r\n"c"'), fc.bigInt(), fc.array(fc.integer(), { maxLength: 3 }));
const point = fc.record({
  metric: name, value: fc.oneof(fc.double(), fc.constantFrom(NaN, Infinity, -Infinity, -0, 1e-300)), step: fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -5, max: 5 })), timestamp: fc.oneof(fc.integer({ min: 0, max: 2 ** 42 }), fc.double({ min: 0, max: 1e13, noNaN: true })),
});
const logged = fc.record({
  experiment: label, name: fc.option(label, { nil: undefined }), group: fc.option(label, { nil: undefined }), notes: fc.option(fc.string(), { nil: undefined }), seed: fc.option(fc.oneof(fc.integer(), label), { nil: undefined }),
  params: fc.dictionary(name, data, { maxKeys: 4 }), tags: fc.dictionary(name, fc.oneof(fc.string(), fc.constantFrom('', '=cmd', '"x"', "'=", '1')), { maxKeys: 3 }), points: fc.array(point, { maxLength: 30 }), status: fc.constantFrom('finished' as const, 'failed' as const, 'killed' as const), nested: fc.boolean(),
});

async function filled(runs: readonly (typeof logged extends fc.Arbitrary<infer T> ? T : never)[]): Promise<Imported> {
  const store = new Imported();
  let parent: string | undefined;
  for (const { points: given, status, nested, ...rest } of runs) {
    const started = await store.tracker.startRun({ ...rest, parent: nested ? parent : undefined });
    for (const { metric, value, step, timestamp } of given) started.logMetrics({ [metric]: value }, { step, timestamp });
    await started.logDataset({ name: 'd', role: 'test', rows: [{ a: 1 }] });
    await started.end(status, status === 'failed' ? { error: new TypeError('no') } : { reason: 'why, "so"' });
    parent = started.id;
  }
  return store;
}

async function described(store: Imported, withDatasets: boolean): Promise<unknown[]> {
  const described: unknown[] = [];
  for (const found of await store.runs()) {
    const series = [];
    for (const metric of Object.keys(found.metrics)) series.push([metric, await store.points(found.id, metric)]);
    described.push([found, series, withDatasets ? await store.tracker.datasets(found.id) : 0, await store.tracker.compareRuns([found.id, found.id], {})]);
  }
  return described;
}

describe('runs that were exported and read back', () => {
  it('are equal, through JSONL', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(logged, { minLength: 1, maxLength: 4 }), async (runs) => {
        const store = await filled(runs);
        const other = new Imported();
        const { damaged } = await other.add(jsonlRuns(sourceFile('a.jsonl', await textOf(exportRunsJsonl(store.export())))));
        expect(damaged).toEqual([]);
        expect(await described(other, true)).toEqual(await described(store, true));
      }),
      { numRuns: 40, seed: 1 },
    );
  });

  it('are equal, through CSV', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(logged, { minLength: 1, maxLength: 4 }), fc.boolean(), fc.constantFrom(',', ';', '\t'), async (runs, formulaGuard, delimiter) => {
        const store = await filled(runs);
        const write = async (rows: 'points' | 'runs'): Promise<string> => textOf(exportRunsCsv(store.export(), { rows, formulaGuard, delimiter }));
        const other = new Imported();
        const table = sourceFile('runs.csv', await write('runs'));
        const { damaged } = await other.add(csvRuns(sourceFile('points.csv', await write('points')), { runs: table, formulaGuard, delimiter }));
        expect(damaged).toEqual([]);
        expect(await described(other, true)).toEqual(await described(store, true));
      }),
      { numRuns: 40, seed: 2 },
    );
  });

  it('are equal, from store to store, artifacts and environment included', async () => {
    const storage = new MemoryStorage();
    const environment = { describe: async () => ({ runtime: 'test', code: { commit: 'abc', dirty: true, remote: 'r' } }), onExit: () => () => undefined };
    const tracker = new Tracker({ storage, environment });
    const started = await tracker.startRun({ experiment: 'e' });
    started.logMetrics({ loss: 1 });
    await started.logArtifact('model.bin', new Uint8Array([1, 2]), { mediaType: 'application/x-model' });
    await started.end();
    const other = new Imported();
    await other.add(exportRuns(storage, tracker.runs()));
    expect(await other.tracker.getRun(started.id)).toEqual(await tracker.getRun(started.id));
    expect(await other.tracker.environment(started.id)).toEqual(await tracker.environment(started.id));
    expect(await other.tracker.readArtifact(started.id, 'model.bin')).toEqual(new Uint8Array([1, 2]));
    expect((await importRuns(storage, systemClock, exportRuns(storage, tracker.runs()))).unchanged).toHaveLength(1);
  });
});

describe('CSV', () => {
  const read = async (text: string, options: Parameters<typeof csvRuns>[1] = { experiment: 'e', startedAt }) => {
    const store = new Imported();
    const report = await store.add(csvRuns(sourceFile('dir/my run.csv', text), options));
    const found = await store.runs();
    return { store, report, found };
  };

  it('is read point by point, runs in any order', async () => {
    const { report, found, store } = await read('value,run,metric,step,timestamp,note\r\n0.5,a,loss,1,1700000000005,x\n0.25,b,loss,0,2023-11-14T22:13:21Z,"y,\nz"\nnan,a,acc,,,\n-inf,a,loss,2,1700000000007,\n');
    expect(report.damaged).toEqual([]);
    const a = found.find((each) => each.name === 'a')!;
    expect(a).toMatchObject({ experiment: 'e', status: 'finished', startedAt, endedAt: 1_700_000_000_007, tags: { 'modelkeep.source': 'csv:e/a' } });
    expect(await store.points(a.id, 'loss')).toEqual([[1, 1_700_000_000_005, 0.5], [2, 1_700_000_000_007, -Infinity]]);
    expect(await store.points(a.id, 'acc')).toEqual([[0, startedAt, NaN]]);
    expect(found.find((each) => each.name === 'b')!.metrics).toEqual({ loss: { step: 0, timestamp: 1_700_000_001_000, value: 0.25 } });
  });

  it('is read step by step', async () => {
    const { found, report, store } = await read('\ufeffStep,train/loss,acc\n0,1,\n1,0.5,0.1\n\n2,x,0.2\n3,0.25,0.3,4\n');
    expect(found).toMatchObject([{ name: 'my run', metrics: { 'train/loss': { step: 1, value: 0.5 }, acc: { step: 1, value: 0.1 } } }]);
    expect(report.damaged.map(({ where, offset }) => [where, offset])).toEqual([['dir/my run.csv', 39], ['dir/my run.csv', 47]]);
    expect(await store.points(found[0]!.id, 'acc')).toHaveLength(1);
  });

  it.each([
    ['run,metric,value\na,loss,1\n"b,loss,2\n', 26],
    ['metric,value\nloss,1\n"a"b,2\n', 20],
    ['metric,value\nloss,1\nlo"ss,2\n', 20],
    ['metric,value,step\nloss,1,0\nloss,2,1.5\n', 27],
    ['metric,value,timestamp\nloss,1,5\nloss,2,yesterday\n', 32],
    ['metric,value\nloss,1\nloss,\n', 20],
    ['metric,value\nloss,1\n,3\n', 20],
  ])('%j is damaged at byte %i', async (text, offset) => {
    const { report } = await read(text, { experiment: 'e', startedAt: 1 });
    expect(report.damaged).toMatchObject([{ offset }]);
    expect(report.imported).toMatchObject([{ points: 1 }]);
  });

  it('that does not say enough is refused', async () => {
    await expect(read('a,b\n1,2\n')).rejects.toMatchObject({ code: 'validation', message: expect.stringContaining('header') });
    await expect(read('metric,value\nl,1\n', { startedAt })).rejects.toMatchObject({ details: { path: 'experiment' } });
    await expect(read('metric,value\nl,1\n', { experiment: 'e' })).rejects.toMatchObject({ details: { path: 'startedAt' } });
    await expect(read('metric,value\n', { delimiter: '""' })).rejects.toMatchObject({ details: { path: 'delimiter' } });
  });

  it('is safe for spreadsheets when it is asked to be', async () => {
    const store = new Imported();
    await store.add(of(run('x:1', [{ names: ['-m'], codes: [0], steps: [-1], timestamps: [1], values: Float64Array.of(-2) }], { name: '=HYPERLINK("x")', tags: { t: '@x' }, params: { p: '+1', n: -3 } })));
    expect(await textOf(exportRunsCsv(store.export(), { rows: 'runs', formulaGuard: true }))).toMatch(/,"'=HYPERLINK\(""x""\)",.*,-3,'\+1,.*,'@x,/);
    expect(await textOf(exportRunsCsv(store.export(), { formulaGuard: true }))).toMatch(/,'-m,-1,1,-2\r\n$/);
  });
});

describe('JSONL', () => {
  it('is read from what scripts write', async () => {
    const store = new Imported();
    const text = '{"step": 0, "loss": NaN, "val": {"auc": 0.5}, "text": "x", "list": [1]}\r\n{"run": "b", "metric": "loss", "value": "-Infinity", "timestamp": "2023-11-14T22:13:21Z"}\nnonsense\n{"step": 1.5}\n{"run": []}\n{"kind":"run","run":"b","experiment":"other","params":{"a":{"$number":"NaN"}}}\n{"step": 1, "loss": 0.5';
    const report = await store.add(jsonlRuns(sourceFile('log.jsonl', text), { experiment: 'e', startedAt }));
    const found = await store.runs();
    expect(found.find(({ name: each }) => each === 'log')).toMatchObject({ experiment: 'e', metrics: { loss: { value: NaN }, 'val/auc': { value: 0.5 } } });
    expect(found.find(({ name: each }) => each === 'b')).toMatchObject({ experiment: 'other', params: { a: NaN }, metrics: { loss: { value: -Infinity, timestamp: 1_700_000_001_000 } } });
    expect(report.damaged).toHaveLength(4);
    expect(report.damaged.at(-1)).toMatchObject({ where: 'log.jsonl', offset: text.lastIndexOf('{') });
  });
});
