import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { sourceDirectory, sourceFile, wandbSource } from 'modelkeep/interchange';
import { nodeFile } from 'modelkeep/node';
import { all, Imported } from '../tracking/interchange/imported.ts';
import { item, nested, number, wandbFile } from './wandb-file.ts';

const killed = fileURLToPath(new URL('../fixtures/killed-run.wandb', import.meta.url));

const run = nested(17, [nested(1, 'abc'), nested(3, 'proj'), nested(4, [nested(1, item('lr', '0.1')), nested(1, item('_wandb', '{}'))]), nested(6, 'grp'), nested(8, 'brave-cat'), nested(9, 'a note'), nested(10, 'base'), nested(13, 'vm'), nested(17, [number(1, 1_700_000_000), number(2, 5_000_000)])]);
const exit = (code: number): Uint8Array => nested(18, [number(1, code), number(2, 60)]);
const row = (step: number, ...items: Uint8Array[][]): Uint8Array => nested(2, [...items.map((each) => nested(1, each)), nested(1, item('_timestamp', `${1_700_000_000 + step}.25`)), nested(2, [number(1, step)])]);

describe('the file of a W&B run that was killed', () => {
  it('gives every row that is whole in it, and the byte where it was torn', async () => {
    const store = new Imported();
    const report = await store.add(wandbSource(nodeFile(killed)));
    // What is expected was found by a parser of its own, in another language.
    expect(report.damaged).toEqual([{ source: 'wandb:/p/q7c3xyoe', where: 'killed-run.wandb', offset: 1_376_206, message: expect.stringContaining('torn') }]);
    expect(report.imported).toMatchObject([{ source: 'wandb:/p/q7c3xyoe', points: 4889 }]);
    const { id } = report.imported[0]!;
    const points = await store.points(id, 'loss');
    expect(points.map(([step]) => step)).toEqual(Array.from({ length: 4889 }, (_, i) => i));
    expect(points.every(([step, , value]) => Math.abs(value - step / 10) < 1e-9)).toBe(true);
    expect([points[0]![1], points.at(-1)![1]]).toEqual([1795466495837, 1795466496373]);
    expect(await store.tracker.getRun(id)).toMatchObject({ experiment: 'p', name: 'q7c3xyoe', status: 'crashed', startedAt: 1795466495769, endedAt: 1795466496373, params: {}, tags: { 'wandb.host': 'vm' } });
    expect((await store.add(wandbSource(nodeFile(killed)))).unchanged).toHaveLength(1);
  });

  it('goes on where it was when more of it is there', async () => {
    const bytes = readFileSync(killed);
    const store = new Imported();
    const first = await store.add(wandbSource(sourceFile('a.wandb', bytes.subarray(0, 500_001))));
    const second = await store.add(wandbSource(sourceFile('a.wandb', bytes)));
    expect(first.imported[0]!.points).toBeGreaterThan(1000);
    expect(first.imported[0]!.points + second.imported[0]!.points).toBe(4889);
    expect(await store.points(second.imported[0]!.id, 'loss')).toHaveLength(4889);
  });
});

describe('a W&B file', () => {
  it('gives config, labels, notes, group, nested and bare values, and the exit', async () => {
    const bytes = wandbFile([
      run,
      nested(5, [nested(1, item(['model', 'layers'], '[1, NaN]')), nested(1, item('gone', '1'))]),
      nested(5, [nested(2, item('gone', ''))]),
      row(0, item('loss', 'NaN'), item('acc', '-Infinity'), item(['val', 'auc'], '0.5'), item('deep', '{"a": {"b": 1, "c": Infinity}}'), item('ok', 'true')),
      row(7, item('loss', '2e-5'), item('img', '{"_type": "image-file", "path": "x"}'), item('text', '"hello"'), item('word', '"Infinity"')),
      nested(7, [nested(2, [number(1, 1_700_000_002)]), nested(3, item('cpu', '12.5'))]),
      nested(3, [nested(1, item('best', '0.9')), nested(1, item('loss', '5')), nested(1, item('_runtime', '3'))]),
      exit(0),
    ]);
    const store = new Imported();
    const { imported, damaged } = await store.add(wandbSource(sourceFile('run-abc.wandb', bytes)));
    const { id } = imported[0]!;
    const record = await store.tracker.getRun(id);
    expect(record).toMatchObject({
      experiment: 'proj', name: 'brave-cat', group: 'grp', notes: 'a note', status: 'finished', startedAt: 1_700_000_000_005, endedAt: 1_700_000_060_005,
      params: { lr: 0.1, model: { layers: [1, NaN] } },
      tags: { base: 'true', 'wandb.host': 'vm', 'modelkeep.source': 'wandb:/proj/abc' },
    });
    expect(Object.keys(record.params)).toEqual(['lr', 'model']);
    expect(await store.points(id, 'loss')).toEqual([[0, 1_700_000_000_250, NaN], [7, 1_700_000_007_250, 2e-5]]);
    expect(record.metrics).toMatchObject({
      acc: { value: -Infinity }, 'val.auc': { value: 0.5 }, 'deep.a.b': { value: 1 }, 'deep.a.c': { value: Infinity }, ok: { value: 1 }, word: { value: Infinity },
      'system/cpu': { step: 0, timestamp: 1_700_000_002_000, value: 12.5 }, best: { step: 7, value: 0.9 },
    });
    expect(damaged.map(({ message }) => message)).toEqual([expect.stringContaining("'img' is no number in 1 rows"), expect.stringContaining("'text'")]);
  });

  it('gives a run that failed as failed', async () => {
    const store = new Imported();
    const { imported } = await store.add(wandbSource(sourceFile('a', wandbFile([run, exit(1)]))));
    expect(await store.tracker.getRun(imported[0]!.id)).toMatchObject({ status: 'failed', reason: 'exit code 1' });
    expect(await all(wandbSource(sourceFile('a', wandbFile([run, nested(18, [number(1, -9n)])]))))).toMatchObject([{ reason: 'exit code -9' }]);
  });

  const rows = Array.from({ length: 3000 }, (_, step) => row(step, item('loss', String(step)), ...(step % 1000 === 7 ? [item('long', `"${'x'.repeat(70_000)}"`)] : [])));
  const whole = wandbFile([run, ...rows]);

  it('is read over its blocks, however the bytes come', async () => {
    for (const size of [7, 32_768, 50_000]) {
      const file = { name: 'a', async *open () { for (let at = 0; at < whole.length; at += size) yield whole.subarray(at, at + size); } };
      const store = new Imported();
      const { imported, damaged } = await store.add(wandbSource(file));
      expect(imported[0]!.points).toBe(3000);
      expect(damaged).toHaveLength(1);
    }
  });

  it('keeps all rows before the place where it was torn, wherever that is', async () => {
    let seen = 0;
    for (let length = 7; length < whole.length; length += 9_973) {
      const parts = await all(wandbSource(sourceFile('a', whole.subarray(0, length))));
      const found = parts.at(-1)!;
      if (!('metrics' in found)) continue;
      const items = await all(found.metrics());
      const points = items.flatMap((each) => ('values' in each ? [...each.values] : []));
      expect(points).toEqual(Array.from({ length: points.length }, (_, i) => i));
      expect(points.length).toBeGreaterThanOrEqual(seen);
      seen = points.length;
      const damage = items.filter((each) => 'offset' in each);
      expect(damage.length).toBeLessThanOrEqual(1);
    }
    expect(seen).toBeGreaterThan(2800);
  });

  it('with a flipped bit loses no more than the rest of the block, and says where', async () => {
    const damagedBytes = whole.slice();
    damagedBytes[40_000]! ^= 4;
    const store = new Imported();
    const { imported, damaged } = await store.add(wandbSource(sourceFile('a', damagedBytes)));
    expect(damaged.filter(({ offset }) => offset !== undefined).every(({ offset }) => offset! <= 65_536)).toBe(true);
    expect(damaged[0]!.offset).toBeLessThanOrEqual(40_000);
    expect(imported[0]!.points).toBeGreaterThan(2000);
    expect(imported[0]!.points).toBeLessThan(3000);
  });

  it('that is none, or says of no run, is told', async () => {
    const store = new Imported();
    for (const bytes of [new Uint8Array(0), new TextEncoder().encode('step,loss\n0,1\n'), wandbFile([row(0, item('loss', '1'))])]) {
      const { imported, damaged } = await store.add(wandbSource(sourceFile('x.wandb', bytes)));
      expect(imported).toEqual([]);
      expect(damaged).toMatchObject([{ where: 'x.wandb', offset: 0 }]);
    }
  });
});

describe('a W&B run that was resumed offline', () => {
  const session = (startedAt: number, fields: Uint8Array[], ...records: Uint8Array[]): Uint8Array => wandbFile([nested(17, [nested(1, 'abc'), nested(3, 'proj'), nested(17, [number(1, startedAt)]), ...fields]), ...records]);
  const at = 1_700_000_000;
  const first = session(at, [nested(4, [nested(1, item('lr', '0.1')), nested(1, item('seed', '7'))]), nested(8, 'brave-cat'), nested(10, 'base')],
    row(0, item('loss', '3')), row(1, item('loss', '2')), nested(7, [nested(2, [number(1, at)]), nested(3, item('cpu', '1'))]), nested(3, [nested(1, item('best', '2'))]));
  const second = session(at + 100, [nested(4, [nested(1, item('lr', '0.05'))]), nested(9, 'resumed')],
    row(2, item('loss', '1')), nested(7, [nested(2, [number(1, at + 100)]), nested(3, item('cpu', '2'))]), exit(1));
  const third = session(at + 200, [], row(0, item('loss', '0.5')), row(1, item('loss', '0.25')), nested(3, [nested(1, item('best', '0.25'))]), exit(0));
  const files = { first: sourceFile('offline-run-1-abc/run-abc.wandb', first), second: sourceFile('offline-run-2-abc/run-abc.wandb', second), third: sourceFile('offline-run-3-abc/run-abc.wandb', third) };
  const { first: a, second: b, third: c } = files;

  it('is one run, whatever the order of its files, and however often they are given', async () => {
    const expected: unknown[] = [];
    for (const order of [[a, b, c], [c, b, a], [b, a, c], [c, a, b], [b, a, c, b, a]]) {
      const store = new Imported();
      const { imported, damaged } = await store.add(wandbSource(order));
      expect([imported, damaged]).toMatchObject([[{ source: 'wandb:/proj/abc', points: 9 }], []]);
      const { id } = imported[0]!;
      expect(await store.tracker.getRun(id)).toMatchObject({
        name: 'brave-cat', notes: 'resumed', status: 'finished', startedAt: at * 1000, endedAt: (at + 260) * 1000, params: { lr: 0.05, seed: 7 }, tags: { base: 'true' },
      });
      // The third process counted from 0 again.
      expect((await store.points(id, 'loss')).map(([step, , value]) => [step, value])).toEqual([[0, 3], [1, 2], [2, 1], [3, 0.5], [4, 0.25]]);
      expect((await store.points(id, 'best')).map(([step, , value]) => [step, value])).toEqual([[1, 2], [4, 0.25]]);
      expect((await store.points(id, 'system/cpu')).map(([step, , value]) => [step, value])).toEqual([[0, 1], [1, 2]]);
      const before = await store.contents();
      expect((await store.add(wandbSource(order.slice().reverse()))).unchanged).toHaveLength(1);
      expect(await store.contents()).toEqual(before);
      expected.push(before);
    }
    for (const each of expected) expect(each).toEqual(expected[0]);
  });

  it('takes in what was resumed since it was imported, with the end of then', async () => {
    const store = new Imported();
    for (const [given, points, status] of [[[a], 4, 'crashed'], [[b, a], 2, 'failed'], [[c, b, a], 3, 'finished']] as const) {
      const { imported } = await store.add(wandbSource(given));
      expect(imported).toMatchObject([{ points }]);
      expect((await store.tracker.getRun(imported[0]!.id)).status).toBe(status);
    }
    expect(await store.runs()).toHaveLength(1);
    const { id } = (await store.runs())[0]!;
    expect((await store.points(id, 'loss')).map(([step]) => step)).toEqual([0, 1, 2, 3, 4]);
  });

  it('comes from its directory, beside other runs and files', async () => {
    const other = wandbFile([nested(17, [nested(1, 'xyz'), nested(3, 'proj'), nested(17, [number(1, at)])]), row(0, item('loss', '1'))]);
    const directory = sourceDirectory({
      'offline-run-3-abc/run-abc.wandb': third, 'offline-run-1-abc/run-abc.wandb': first, 'offline-run-2-abc/run-abc.wandb': second, 'offline-run-2-abc/files/config.yaml': 'x: 1\n', 'run-9-xyz/run-xyz.wandb': other, 'junk.wandb': 'junk',
    });
    const store = new Imported();
    const { imported, damaged } = await store.add(wandbSource(directory));
    expect(imported.map(({ source, points }) => `${source} ${points}`).sort()).toEqual(['wandb:/proj/abc 9', 'wandb:/proj/xyz 1']);
    expect(damaged).toMatchObject([{ where: 'junk.wandb', offset: 0 }]);
  });

  it('keeps what is sound of a damaged session, with those before and behind it, and of a copy that was cut off the whole one', async () => {
    for (let length = 7; length < first.length; length++) {
      const cut = sourceFile('cut.wandb', first.subarray(0, length));
      const alone = new Imported();
      const { imported } = await alone.add(wandbSource([c, cut, b]));
      const steps = (await alone.points(imported[0]!.id, 'loss')).map(([step]) => step);
      expect(steps.length).toBeGreaterThanOrEqual(3);
      expect(steps).toEqual([...steps].sort((x, y) => x - y));
      const beside = new Imported();
      const report = await beside.add(wandbSource([cut, c, b, a]));
      expect((await beside.points(report.imported[0]!.id, 'loss')).map(([step]) => step)).toEqual([0, 1, 2, 3, 4]);
    }
  });

  it('is refused where it is given as anything else, and stops when it is told to', async () => {
    for (const wrong of ['wandb', undefined, null, [a, 'b'], new Map()]) await expect(all(wandbSource(wrong as never))).rejects.toMatchObject({ code: 'validation' });
    expect(await all(wandbSource([]))).toEqual([]);
    await expect(all(wandbSource([a, b], { signal: AbortSignal.abort() }))).rejects.toMatchObject({ code: 'aborted' });
  });
});
