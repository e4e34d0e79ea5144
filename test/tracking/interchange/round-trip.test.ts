import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryStorage, Tracker } from 'modelkeep';
import { csvRuns, exportRunsCsv, exportRunsJsonl, jsonlRuns, sourceFile } from 'modelkeep/interchange';
import { Imported, textOf } from './imported.ts';

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

describe('a run that goes on in its store after it was exported', () => {
  it('is taken up by the next import, once its points are more or its end is known', async () => {
    const storage = new MemoryStorage();
    const tracker = new Tracker({ storage });
    const started = await tracker.startRun({ experiment: 'e' });
    started.logMetrics({ loss: 1 }, { step: 0, timestamp: 5 });
    await started.flush();
    const other = new Imported();
    await other.add(tracker.exportRuns());
    expect(await other.tracker.getRun(started.id)).toMatchObject({ status: 'crashed' });
    started.logMetrics({ loss: 0.5 }, { step: 1, timestamp: 6 });
    await started.end('finished');
    expect((await other.add(tracker.exportRuns())).imported).toMatchObject([{ id: started.id, points: 1 }]);
    expect(await other.points(started.id, 'loss')).toEqual([[0, 5, 1], [1, 6, 0.5]]);
    expect(await other.tracker.getRun(started.id)).toEqual(await tracker.getRun(started.id));
    expect((await other.add(tracker.exportRuns())).unchanged).toHaveLength(1);
  });
});

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
    await other.add(tracker.exportRuns());
    expect(await other.tracker.getRun(started.id)).toEqual(await tracker.getRun(started.id));
    expect(await other.tracker.environment(started.id)).toEqual(await tracker.environment(started.id));
    expect(await other.tracker.readArtifact(started.id, 'model.bin')).toEqual(new Uint8Array([1, 2]));
    expect((await tracker.importRuns(tracker.exportRuns())).unchanged).toHaveLength(1);
  });
});
