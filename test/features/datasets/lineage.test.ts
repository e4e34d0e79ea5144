import { featureService, featureView, FeatureStore, MemoryStorage, Registry, Tracker } from 'modelkeep';
import { describe, expect, it } from 'vitest';

const T = Date.UTC(2024, 4, 1);
const view = featureView({ name: 'spend', entity: ['customer'], timestamp: 'at', features: { amount: 'float64' } });

async function make() {
  const storage = new MemoryStorage();
  const store = new FeatureStore({ storage });
  await store.apply([view, featureService({ name: 'service', features: ['spend:*'] })]);
  await store.ingest(view, ['a', 'b'].map((customer, i) => ({ customer, at: T + i, amount: i })));
  const save = (customers: string[]) => store.saveDataset('d', { entities: customers.map((customer) => ({ customer, t: T + 5 })), timestamp: 't', features: 'service' });
  return { storage, store, save, tracker: new Tracker({ storage }) };
}

describe('the lineage of a saved dataset', () => {
  it('leads from a model over its run to the dataset and the features, and back', async () => {
    const { storage, store, save, tracker } = await make();
    const other = await save(['b']);
    const dataset = await save(['a', 'b']);
    const run = await tracker.startRun({ experiment: 'e' });
    const logged = await run.logDataset({ ...dataset, role: 'training', source: 'd@2' });
    await run.end();
    expect(logged).toMatchObject({ name: 'd', role: 'training', source: 'd@2', fingerprint: dataset.digest, rowCount: 2, schema: { customer: 'string', t: 'timestamp', amount: 'float64' } });
    expect(logged.profile).toBeUndefined();
    expect(await tracker.datasets(run.id)).toEqual([logged]);

    const registry = new Registry({ storage });
    await registry.createModel('m');
    await registry.registerVersion('m', { files: { 'model.json': '{}' }, run, datasets: [{ dataset, role: 'training' }], features: dataset.query.service });
    const { nodes, edges } = await registry.lineage('m@1');
    expect(nodes).toContainEqual({ kind: 'dataset', id: 'd', digest: dataset.digest });
    expect(nodes).toContainEqual(expect.objectContaining({ kind: 'feature-view', id: 'spend', version: 1 }));
    expect(nodes).toContainEqual(expect.objectContaining({ kind: 'feature-service', id: 'service', version: 1 }));
    expect(nodes.some(({ digest }) => digest === other.digest)).toBe(false);
    expect(edges.filter(({ to }) => to.kind === 'dataset').map(({ from }) => from.kind).sort()).toEqual(['model-version', 'run']);
    // From the model to the rows.
    const found = (await registry.getVersion('m@1')).datasets![0]!;
    expect((await store.listDatasets({ name: found.name })).items.find(({ digest }) => digest === found.digest)).toMatchObject({ version: 2 });

    const kinds = async (from: Parameters<typeof registry.impact>[0]) => (await registry.impact(from)).nodes.map(({ kind }) => kind).sort();
    expect(await kinds(dataset)).toEqual(['dataset', 'model-version', 'run']);
    expect(await kinds(dataset.digest)).toEqual(['dataset', 'model-version', 'run']);
    expect(await kinds(other)).toEqual(['dataset']);

    // What is left after forgetting comes from what it was.
    await store.forget(view, [{ customer: 'a' }]);
    const left = await store.getDataset('d@2');
    expect(left.forgotten[0]!.digest).toBe(dataset.digest);
    expect((await registry.impact(dataset)).nodes).toContainEqual({ kind: 'dataset', id: 'd', digest: left.digest });
  });

  it('takes what its columns are like along where that is asked for, and only a digest that is one', async () => {
    const { save, tracker } = await make();
    const dataset = await save(['a', 'b']);
    const run = await tracker.startRun({ experiment: 'e' });
    expect((await run.logDataset({ ...dataset, role: 'test', profile: true })).profile).toEqual(dataset.statistics);
    for (const [change, message] of [
      [{ digest: 'abc' }, 'The digest of dataset \'d\' is "abc"'],
      [{ rowCount: -1 }, "The rowCount of dataset 'd' is -1"],
      [{ schema: null }, "The schema of dataset 'd' is null"],
      [{ rows: [] }, "Dataset 'd' comes with a digest and with contents"],
    ] as const) {
      await expect(run.logDataset({ ...dataset, role: 'test', ...change } as never)).rejects.toThrow(message);
    }
    await run.end();
  });
});
