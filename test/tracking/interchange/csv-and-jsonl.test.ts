import { describe, expect, it } from 'vitest';
import { csvRuns, exportRunsCsv, jsonlRuns, sourceFile } from 'modelkeep/interchange';
import { Imported, textOf } from './imported.ts';
import { of, run, startedAt } from './made-runs.ts';

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
    await expect(read('step,loss,loss\n0,1,2\n')).rejects.toMatchObject({ details: { path: 'header' }, message: expect.stringContaining('loss') });
    for (const delimiter of ['""', '"', '.', '-', 'e', '1', '\n']) await expect(read('metric,value\n', { delimiter })).rejects.toMatchObject({ details: { path: 'delimiter' } });
  });

  it('is safe for spreadsheets when it is asked to be', async () => {
    const store = new Imported();
    await store.add(of(run('x:1', [{ names: ['-m'], codes: [0], steps: [-1], timestamps: [1], values: Float64Array.of(-2) }], { name: '=HYPERLINK("x")', tags: { t: '@x' }, params: { p: '+1', n: -3 } })));
    expect(await textOf(exportRunsCsv(store.export(), { rows: 'runs', formulaGuard: true }))).toMatch(/,"'=HYPERLINK\(""x""\)",.*,-3,'\+1,.*,'@x,/);
    expect(await textOf(exportRunsCsv(store.export(), { formulaGuard: true }))).toMatch(/,'-m,-1,1,-2\r\n$/);
  });
});

describe('a file that is too large to be held', () => {
  it('is read again a few times only, however its runs take turns, and gives each point once', async () => {
    // Twelve runs that take turns, and one that has more than is held of all runs at once.
    const rows = 110_000;
    const wide = Array.from({ length: 10 }, (_, i) => `m${i}`);
    const text = `run,note,step,${wide.join(',')}\n${Array.from({ length: rows }, (_, i) => `long,,${i}${`,${i}`.repeat(10)}\n${i % 12},,${i},${i}${','.repeat(9)}\n`).join('')}`;
    const bytes = new TextEncoder().encode(text);
    let read = 0;
    const file = { name: 'a.csv', async *open({ start = 0 } = {}) { for (let at = start; at < bytes.length; at += 65_536) { const piece = bytes.subarray(at, at + 65_536); read += piece.length; yield piece; } } };
    const store = new Imported();
    const { imported, damaged } = await store.add(csvRuns(file, { experiment: 'e', startedAt }));
    expect([damaged, imported.length]).toEqual([[], 13]);
    expect(imported.reduce((sum, { points }) => sum + points, 0)).toBe(rows * 11);
    expect(Math.round(read / bytes.length)).toBe(3);
    expect((await store.points(imported[1]!.id, 'm0')).map(([step]) => step)).toEqual(Array.from({ length: Math.ceil(rows / 12) }, (_, i) => 12 * i));
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
