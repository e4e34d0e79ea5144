import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { IntegrityError, MemoryStorage, Tracker } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import type { ImportDamage, ImportedArtifact, ImportedPoints, ImportedRun } from 'modelkeep/interchange';
import { isId } from '../../../src/core/ids.ts';
import { MoodyStorage } from '../moody-storage.ts';
import { all, Imported } from './imported.ts';
import { of, points, run, startedAt } from './made-runs.ts';

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

  it('writes nothing at all when it is imported again and nothing is new', async () => {
    const inner = new MemoryStorage();
    const { adapter, calls } = new MoodyStorage(inner);
    const tracker = new Tracker({ storage: adapter });
    const artifacts = async function* (): AsyncGenerator<ImportedArtifact> { yield { name: 'a', content: 'x' }; };
    const full = run('x:1', [points(1_000)], { artifacts, params: { lr: 1 }, tags: { t: 'u' }, environment: { runtime: 'node', code: { commit: 'c' } }, parent: { source: 'x:2', startedAt } });
    await tracker.importRuns(of(run('x:2', []), full));
    calls.splice(0);
    expect(await tracker.importRuns(of(run('x:2', []), full))).toMatchObject({ imported: [], damaged: [], unchanged: [{ points: 0 }, { points: 0 }] });
    expect(calls.filter((call) => call === 'write' || call === 'append' || call === 'writeBlob')).toEqual([]);
  });

  it('has its extremes again when their record was damaged', async () => {
    const store = new Imported();
    const source = (): ImportedRun => run('x:1', [points(10)]);
    const { id } = (await store.add(of(source()))).imported[0]!;
    const before = await store.contents();
    const { key } = (await store.storage.list({ prefix: `tracking/extremes/${id}/` })).entries[0]!;
    await store.storage.write([{ kind: 'put', key, bytes: new Uint8Array([123]) }]);
    expect((await store.add(of(source()))).damaged).toEqual([]);
    expect(await store.contents()).toEqual(before);
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
      throw new IntegrityError('the file ends');
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
    await new Tracker({ storage }).importRuns(source());
    const tracker = new Tracker({ storage });
    const [found] = await all(tracker.runs());
    expect(Object.keys(found!.metrics)).toHaveLength(1_000);
    expect(found).toMatchObject({ status: 'finished' });
    expect((await tracker.metricHistory(found!.id, 'metric/999')).total).toBe(3);
    expect((await new Tracker({ storage }).importRuns(source())).unchanged).toHaveLength(1);
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
      const { renamed, imported } = await new Tracker({ storage }).importRuns(source());
      expect(renamed).toEqual([{ source: 'x:1', kind: 'artifact', from: 'a [1].txt', to: expect.stringMatching(/^a _1_-[0-9a-f]{8}\.txt$/) }]);
      expect((await new Tracker({ storage }).importRuns(source())).unchanged).toHaveLength(1);
      expect(await new Tracker({ storage }).readArtifactText(imported[0]!.id, 'a/b c.txt')).toBe('hi');
    } finally {
      await rm(path, { recursive: true });
    }
  });
});
