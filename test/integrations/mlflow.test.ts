import { cp, mkdtemp, rm, symlink, writeFile, appendFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { mlrunsSource, sourceDirectory } from 'modelkeep/interchange';
import { nodeDirectory } from 'modelkeep/node';
import { all, Imported } from '../tracking/interchange/imported.ts';

const fixture = fileURLToPath(new URL('../fixtures/mlruns', import.meta.url));
const experiment = '457445465455752081';
const run = `${experiment}/51352e44f17541049d6101d03142cbfd`;
const temporary: string[] = [];

afterAll(async () => {
  for (const path of temporary) await rm(path, { recursive: true, force: true });
});

async function copied(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'mlruns-'));
  temporary.push(path);
  await cp(fixture, path, { recursive: true });
  return path;
}

describe('an mlruns directory', () => {
  it('gives each run with all that MLflow stored of it', async () => {
    const store = new Imported();
    const report = await store.add(mlrunsSource(nodeDirectory(fixture)));
    expect(report).toMatchObject({ damaged: [], damageCount: 0, renamed: [], unchanged: [] });
    expect(report.imported.map(({ source, points }) => [source, points])).toEqual([
      ['mlflow:51352e44f17541049d6101d03142cbfd', 8],
      ['mlflow:708f3217fe0541bc951716341431b981', 0],
    ]);
    const id = report.imported[0]!.id;
    expect(await store.tracker.getRun(id)).toEqual({
      id,
      experiment: 'exp1',
      name: 'rn',
      status: 'finished',
      startedAt: 1795466098187,
      endedAt: 1795466098202,
      params: { 'a/b': 'x\ny', empty: '', lr: '0.1' },
      tags: { 'mlflow.runName': 'rn', 'mlflow.user': 'me', multi: 'l1\nl2', 'modelkeep.source': 'mlflow:51352e44f17541049d6101d03142cbfd' },
      droppedPoints: 0,
      metrics: {
        acc: { step: 3, timestamp: 2000, value: Infinity },
        mid: { step: 0, timestamp: 1, value: 1 },
        'train/loss': { step: 0, timestamp: 1, value: 1 },
        withmodel: { step: 1, timestamp: 5, value: 0.9 },
      },
    });
    expect(await store.points(id, 'acc')).toEqual([[-1, 2000, 1e-10], [0, 1000, 0.5], [1, 1000, 0.75], [2, 2000, NaN], [3, 2000, Infinity]]);
    expect(await store.points(id, 'withmodel')).toEqual([[1, 5, 0.9]]);
    expect(await store.tracker.datasets(id)).toEqual([
      { name: 'd', role: 'train', fingerprint: expect.stringMatching(/^sha256:/), rowCount: NaN, schema: {}, loggedAt: 1795466098187, sourceDigest: 'abc' },
    ]);
    expect((await store.tracker.listArtifacts(id)).items.map(({ name, size }) => [name, size])).toEqual([
      ['models/m-1e29bddbd75142a8ae2e2fd273050a7e/logged-model.json', expect.any(Number)],
      ['sub/x.txt', 2],
    ]);
    expect(await store.tracker.readArtifactText(id, 'sub/x.txt')).toBe('hi');
    expect(await store.tracker.readArtifactJson(id, 'models/m-1e29bddbd75142a8ae2e2fd273050a7e/logged-model.json')).toMatchObject({ name: 'lm', model_type: 'T', step: '1', params: { p: '1' }, tags: { t: 'v' } });
  });

  it('gives a deleted run as deleted, and one without an end as crashed', async () => {
    const store = new Imported();
    const { imported } = await store.add(mlrunsSource(nodeDirectory(fixture)));
    expect(await store.tracker.getRun(imported[1]!.id)).toMatchObject({ name: 'luxuriant-chimp-232', status: 'crashed', startedAt: 1795466098203, deletedAt: 1795466098206 });
    expect((await all(store.tracker.runs())).map(({ name }) => name)).toEqual(['rn']);
  });

  it('can be limited to experiments', async () => {
    expect((await new Imported().add(mlrunsSource(nodeDirectory(fixture), { experiments: ['Default'] }))).imported).toEqual([]);
  });

  it('writes nothing the second time, and adds what has come since', async () => {
    const path = await copied();
    const store = new Imported();
    const { imported } = await store.add(mlrunsSource(nodeDirectory(path)));
    const before = await store.contents();
    expect((await store.add(mlrunsSource(nodeDirectory(path)))).unchanged).toHaveLength(2);
    expect(await store.contents()).toEqual(before);
    await appendFile(join(path, run, 'metrics/acc'), '3000 0.8 4\n3000 0.9 5\n');
    await store.tracker.updateRun(imported[0]!.id, { name: 'renamed here' });
    const again = await store.add(mlrunsSource(nodeDirectory(path)));
    expect(again.imported).toEqual([{ ...imported[0]!, points: 2 }]);
    expect((await store.points(imported[0]!.id, 'acc')).slice(-2)).toEqual([[4, 3000, 0.8], [5, 3000, 0.9]]);
    expect(await store.tracker.getRun(imported[0]!.id)).toMatchObject({ name: 'renamed here', metrics: { acc: { step: 5 } } });
  });

  it('names file and byte of a torn or foreign line, and hides nothing else', async () => {
    const path = await copied();
    await appendFile(join(path, run, 'metrics/acc'), '3000 abc 4\n\n3000 0.8 5\n3000 0.9 1');
    const store = new Imported();
    const report = await store.add(mlrunsSource(nodeDirectory(path)));
    expect(report.damaged.map(({ where, offset }) => [where, offset])).toEqual([[`${run}/metrics/acc`, 59], [`${run}/metrics/acc`, 82]]);
    expect(report.damaged[1]!.message).toContain('torn');
    expect((await store.points(report.imported[0]!.id, 'acc')).at(-1)).toEqual([5, 3000, 0.8]);
    expect(report.imported[0]!.points).toBe(9);
  });

  it.each([
    ['', 'is empty'],
    ['run_id: "abc\n', 'before its closing quote'],
    ['[1, 2]\n', 'is no mapping'],
  ])('tells of a run whose meta.yaml is %j, and gives the others', async (meta, message) => {
    const path = await copied();
    await writeFile(join(path, run, 'meta.yaml'), meta);
    const report = await new Imported().add(mlrunsSource(nodeDirectory(path)));
    expect(report.damaged).toEqual([{ source: 'mlflow:51352e44f17541049d6101d03142cbfd', where: `${run}/meta.yaml`, offset: expect.any(Number), message: expect.stringContaining(message) }]);
    expect(report.imported.map(({ source }) => source)).toEqual(['mlflow:708f3217fe0541bc951716341431b981']);
  });

  it('whose experiment is damaged still gives the runs', async () => {
    const path = await copied();
    await writeFile(join(path, experiment, 'meta.yaml'), '');
    const store = new Imported();
    const report = await store.add(mlrunsSource(nodeDirectory(path)));
    expect(report.imported).toHaveLength(2);
    expect(report.damaged).toMatchObject([{ where: `${experiment}/meta.yaml` }]);
    expect((await store.runs())[0]).toMatchObject({ experiment });
  });

  it('does not lead out of itself', async () => {
    const path = await copied();
    const outside = await mkdtemp(join(tmpdir(), 'outside-'));
    temporary.push(outside);
    await writeFile(join(outside, 'secret'), 'secret');
    await symlink(join(outside, 'secret'), join(path, run, 'artifacts/link'));
    await symlink(outside, join(path, run, 'artifacts/folder'));
    await writeFile(join(path, run, 'artifacts/back\\..\\slash'), 'as on Windows');
    await writeFile(join(path, run, 'tags/mlflow.parentRunId'), '../../../etc');
    const store = new Imported();
    const { imported, damaged } = await store.add(mlrunsSource(nodeDirectory(path)));
    expect(damaged).toMatchObject([{ where: `${run}/tags/mlflow.parentRunId` }]);
    expect((await store.tracker.listArtifacts(imported[0]!.id, { prefix: 'f' })).items).toEqual([]);
    expect((await store.tracker.listArtifacts(imported[0]!.id, { prefix: 'l' })).items).toEqual([]);
    expect((await store.tracker.listArtifacts(imported[0]!.id, { prefix: 'back_' })).items).toHaveLength(1);
    await expect(all(nodeDirectory(path).open(`${run}/artifacts/link`))).rejects.toMatchObject({ code: 'integrity' });
    await expect(all(nodeDirectory(path).open('../outside'))).rejects.toMatchObject({ code: 'validation' });
    await expect(all(nodeDirectory(join(path, 'nowhere')).list(''))).rejects.toMatchObject({ code: 'not-found' });
  });

  it('gives parents, notes, legacy lines and remote artifacts as they are, from files in memory too', async () => {
    const meta = (id: string, start: number, uri = ''): string => `artifact_uri: ${uri}\nend_time: 20\nlifecycle_stage: active\nrun_id: ${id}\nrun_name: ${id}\nstart_time: ${start}\nstatus: 4\n`;
    const directory = sourceDirectory({
      '1/meta.yaml': "experiment_id: '1'\nname: a very long name of an experiment that is folded over two lines because\n  it is longer than eighty characters\n",
      '1/child/meta.yaml': meta('child', 11, 's3://bucket/1/child/artifacts'),
      '1/child/tags/mlflow.parentRunId': 'parent',
      '1/child/tags/mlflow.note.content': '# What I saw',
      '1/child/metrics/legacy': '5 0.25\n6 -inf\n',
      '1/child/params/model (1)': 'x',
      '2/meta.yaml': "experiment_id: '2'\nname: other\n",
      '2/parent/meta.yaml': meta('parent', 10),
      '2/parent/tags/mlflow.source.git.commit': 'abc123',
    });
    const store = new Imported();
    const report = await store.add(mlrunsSource(directory));
    const [child, parent] = report.imported;
    expect(report.damaged).toMatchObject([{ source: 'mlflow:child', message: expect.stringContaining('s3://bucket') }]);
    expect(report.renamed).toEqual([{ source: 'mlflow:child', kind: 'param', from: 'model (1)', to: expect.stringMatching(/^model _1_-[0-9a-f]{8}$/) }]);
    expect(await store.tracker.getRun(child!.id)).toMatchObject({
      experiment: 'a very long name of an experiment that is folded over two lines because it is longer than eighty characters',
      status: 'failed',
      notes: '# What I saw',
      parent: parent!.id,
      metrics: { legacy: { step: 0, timestamp: 6, value: -Infinity } },
    });
    expect(await store.tracker.getRun(parent!.id)).toMatchObject({ code: { commit: 'abc123' } });
    const edges = await store.tracker.lineage(parent!.id);
    expect(edges.map(({ from, relation, to }) => [from.id, relation, to.kind, to.id]).sort()).toEqual([
      [child!.id, 'partOf', 'run', parent!.id], [parent!.id, 'used', 'code', 'abc123'],
    ].sort());
  });

  it('ignores folders that are no experiments', async () => {
    const path = await copied();
    await mkdir(join(path, 'notes', 'deep'), { recursive: true });
    expect((await new Imported().add(mlrunsSource(nodeDirectory(path)))).damaged).toEqual([]);
  });
});
