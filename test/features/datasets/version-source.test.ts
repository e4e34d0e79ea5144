import { FeatureStore, featureView, MemoryStorage, Pipeline, type DatasetFacts, type TriggerSource } from 'modelkeep';
import { describe, expect, it, onTestFinished } from 'vitest';
import * as z from 'zod';
import '../../../src/pipelines/launching/launch-worker.ts';
import '../../../src/pipelines/triggers/trigger.ts';
import { ManualClock, settled } from '../../pipelines/manual-clock.ts';

const T = Date.UTC(2026, 0, 1);
const spend = featureView({ name: 'spend', entity: ['customer'], timestamp: 'at', features: { amount: 'float64' } });

interface World {
  readonly storage: MemoryStorage;
  readonly clock: ManualClock;
  readonly store: FeatureStore;
  /** Saves contents that the number decides; gives the version. */
  readonly save: (n: number, name?: string) => Promise<number>;
}

async function world(): Promise<World> {
  const [storage, clock] = [new MemoryStorage(), new ManualClock(T)];
  const store = new FeatureStore({ storage, clock });
  await store.apply([spend]);
  await store.ingest(spend, [{ customer: 'a', at: T - 1, amount: 3 }]);
  const save = async (n: number, name = 'churn'): Promise<number> => {
    clock.jump(1_000);
    return (await store.saveDataset(name, { entities: [{ customer: 'a', t: T, label: n }], timestamp: 't', features: ['spend:*'] })).version;
  };
  return { storage, clock, store, save };
}

async function told(source: TriggerSource<DatasetFacts>, after: string | undefined, limit?: number): Promise<{ ids: string[]; next: string | undefined }> {
  const { events, next } = await source.poll(after, { limit });
  return { ids: events.map(({ id }) => id), next };
}

describe('the versions of a dataset', () => {
  it('are told once each, in order and page by page, with what is known of them', async () => {
    const { store, save } = await world();
    const source = store.datasetVersions('churn');
    expect(source.id).toBe('features/datasets/churn');
    expect(await told(source, undefined)).toEqual({ ids: [], next: undefined });
    for (const n of [1, 2, 3]) await save(n);
    await save(1, 'churn2');
    // What is the same is saved once.
    expect(await save(2)).toBe(2);
    const first = await told(source, undefined, 2);
    expect(first.ids).toEqual(['churn@1', 'churn@2']);
    const second = await told(source, first.next, 2);
    expect(second.ids).toEqual(['churn@3']);
    expect(await told(source, second.next, 2)).toEqual({ ids: [], next: second.next });
    const facts = (await store.listDatasets({ name: 'churn' })).items[1]!;
    const { events } = await store.datasetVersions('churn').poll('1', { limit: 1 });
    expect(events).toEqual([{ id: 'churn@2', at: T + 2_000, ref: { kind: 'dataset', id: 'churn', version: 2, digest: facts.digest }, data: facts }]);
  });

  it('are told from now on where that is asked for, and those that are deleted are passed over', async () => {
    const { store, save } = await world();
    const source = store.datasetVersions('churn');
    const beginning = await source.now!();
    await save(1);
    expect((await told(source, beginning)).ids).toEqual(['churn@1']);
    const now = await source.now!();
    expect(await told(source, now)).toEqual({ ids: [], next: now });
    for (const n of [2, 3, 4]) await save(n);
    await store.deleteDataset('churn@2');
    await store.deleteDataset('churn@4');
    const { ids, next } = await told(source, now);
    expect(ids).toEqual(['churn@3']);
    await store.deleteDataset('churn');
    expect(await told(source, next)).toEqual({ ids: [], next });
    await save(5);
    expect((await told(source, next)).ids).toEqual(['churn@5']);
  });

  it('are refused for a name that none can have, and by a cursor that is none', async () => {
    const { store } = await world();
    expect(() => store.datasetVersions('churn@2')).toThrow(expect.objectContaining({ code: 'validation' }));
    for (const cursor of ['', '-1', '1.5', 'later']) await expect(store.datasetVersions('churn').poll(cursor)).rejects.toMatchObject({ code: 'validation', details: { path: 'after' } });
  });

  it('start a pipeline once each, which says what started it', async () => {
    const { storage, clock, store, save } = await world();
    await save(1);
    const retrain = new Pipeline({ name: 'retrain', storage, clock, params: z.object({ dataset: z.string() }) });
    const train = retrain.step('train', {}, async ({ params }) => (await (await store.getDataset(params.dataset)).read()).columns['label']![0]);
    await retrain.triggerOn(store.datasetVersions('churn'), { params: ({ id }) => ({ dataset: id }) });
    const keeper = retrain.start();
    onTestFinished(() => keeper.close({ signal: AbortSignal.abort() }));
    await settled();
    for (const n of [2, 2, 3]) await save(n);
    await clock.advance(10_000);
    const runs: unknown[] = [];
    for await (const { id, status, triggeredBy } of retrain.runs()) {
      const result = await retrain.resume(id);
      runs.push([status, result.output(train), triggeredBy?.kind === 'trigger' && [triggeredBy.source, triggeredBy.event, triggeredBy.ref.version]]);
    }
    expect(runs.sort()).toEqual([
      ['succeeded', 2, ['features/datasets/churn', 'churn@2', 2]],
      ['succeeded', 3, ['features/datasets/churn', 'churn@3', 3]],
    ]);
  });
});
