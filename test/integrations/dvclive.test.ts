import { describe, expect, it } from 'vitest';
import { dvcliveSource, sourceDirectory } from 'modelkeep/interchange';
import { Imported } from '../tracking/interchange/imported.ts';

const files = {
  'params.yaml': 'lr: 1e-05\nmodel:\n  layers:\n  - 64\n  - 32\n  name: mlp\nseed: 7\n',
  'metrics.json': '{"train": {"loss": 0.25, "only-here": NaN}, "acc": 0.75, "step": 4}',
  'plots/metrics/train/loss.tsv': 'step\tloss\n0\t1.0\n1\t0.5\n2\t0.25\n',
  'plots/metrics/acc.tsv': 'timestamp\tstep\tacc\n1700000001000\t0\tnan\n1700000002000\t1\t0.75\n',
  'plots/images/confusion.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>',
  'artifacts/model.bin': new Uint8Array([1, 2, 3]),
  'report.md': '# Report',
};
const options = { experiment: 'exp', name: 'first', startedAt: 1_700_000_000_000 };

describe('a DVCLive directory', () => {
  it('gives metrics, params and files', async () => {
    const store = new Imported();
    const { imported, damaged } = await store.add(dvcliveSource(sourceDirectory(files), options));
    expect(damaged).toEqual([]);
    const { id } = imported[0]!;
    expect(await store.tracker.getRun(id)).toMatchObject({
      experiment: 'exp', name: 'first', status: 'finished', startedAt: 1_700_000_000_000,
      params: { lr: 1e-5, model: { layers: [64, 32], name: 'mlp' }, seed: 7 },
      metrics: { acc: { step: 1, timestamp: 1_700_000_002_000, value: 0.75 }, 'train/loss': { step: 2, value: 0.25 }, 'train/only-here': { step: 4, value: NaN } },
    });
    expect(await store.points(id, 'train/loss')).toEqual([[0, 1_700_000_000_000, 1], [1, 1_700_000_000_000, 0.5], [2, 1_700_000_000_000, 0.25]]);
    expect((await store.tracker.listArtifacts(id)).items.map(({ name, mediaType }) => [name, mediaType])).toEqual([['artifacts/model.bin', 'application/octet-stream'], ['plots/images/confusion.svg', 'image/svg+xml']]);
    expect((await store.add(dvcliveSource(sourceDirectory(files), options))).unchanged).toHaveLength(1);
  });

  it('tells what is damaged, and gives the rest', async () => {
    const store = new Imported();
    const broken = { ...files, 'params.yaml': 'lr: "1\n', 'metrics.json': '{"acc": ', 'plots/metrics/train/loss.tsv': 'step\tloss\n0\t1.0\nx\t0.5\n2\t0.25\n3\t0.1', 'plots/metrics/odd.tsv': 'a\tb\n1\t2\n' };
    const { imported, damaged } = await store.add(dvcliveSource(sourceDirectory(broken), options));
    expect(damaged.map(({ where, offset }) => [where, offset])).toEqual([
      ['params.yaml', 4], ['plots/metrics/odd.tsv', 0], ['plots/metrics/train/loss.tsv', 16], ['plots/metrics/train/loss.tsv', 29], ['metrics.json', 0],
    ]);
    expect((await store.points(imported[0]!.id, 'train/loss')).map(([step]) => step)).toEqual([0, 2]);
  });

  it('may be empty', async () => {
    const store = new Imported();
    const { imported, damaged } = await store.add(dvcliveSource(sourceDirectory({}), options));
    expect([imported.length, damaged]).toEqual([1, []]);
  });
});
