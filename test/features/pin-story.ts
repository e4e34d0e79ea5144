import { aggregate, FeatureStore, featureService, featureView, type Clock, type StorageAdapter } from 'modelkeep';

const now = Date.UTC(2026, 0, 1, 12);
const hour = 3_600_000;
const clock: Clock = { now: () => now, monotonic: () => now, setTimer: (callback) => (queueMicrotask(callback), () => undefined) };

const mean = (window: '1h' | '6h') => aggregate.mean('delay', { window });
const common = { name: 'delays', timestamp: 'landed' } as const;
const first = featureView({ ...common, entity: ['airport'], ttl: '7d', features: { delay: { type: 'float64', default: -1 }, mean: mean('6h'), carrier: 'string' } });
const second = featureView({ ...common, entity: ['airport'], ttl: '1h', features: { delay: 'float64', mean: mean('1h') } });
const third = featureView({ ...common, entity: ['airport', 'carrier'], ttl: '7d', features: { delay: 'float64', mean: mean('6h') } });
const service = featureService({ name: 'delay_v1', features: ['delays:delay', 'delays:mean'] });

const rows = [
  { airport: 'ATL', carrier: 'DL', landed: now - 5 * hour, delay: 10 },
  { airport: 'ATL', carrier: 'UA', landed: now - 2 * hour, delay: 50 },
  { airport: 'ORD', carrier: 'UA', landed: now - hour / 2, delay: 5 },
];

/** What a query is answered, in training and in serving, for three airports of which one has no rows. */
export interface PinnedAnswer {
  readonly when: string;
  readonly query: string;
  readonly training: Readonly<Record<string, unknown>>;
  readonly serving: Readonly<Record<string, unknown>>;
}

/**
 * A view whose definition is changed twice by force, at last to another key, with rows before and after: all that is pinned to a version is read by an instance of its own after each step. `open` gives the storage to each
 * instance, which closes it.
 */
export async function pinStory(open: () => StorageAdapter): Promise<PinnedAnswer[]> {
  const answers: PinnedAnswer[] = [];
  const step = async (when: string, queries: readonly string[], work: (store: FeatureStore) => Promise<unknown>): Promise<void> => {
    await using written = open();
    await work(new FeatureStore({ storage: written, clock }));
    await using read = open();
    const store = new FeatureStore({ storage: read, clock });
    for (const query of queries) answers.push({ when, query, ...(await bothOf(store, query)) });
  };
  await step('first', ['delay_v1', 'delays@1:*'], async (store) => {
    await store.apply([first, service]);
    await store.ingest('delays', rows.slice(0, 2));
    await store.materialize('delays');
    await store.ingest('delays', rows.slice(2), { online: true });
  });
  await step('second', ['delay_v1', 'delay_v1@1', 'delays@1:*', 'delays@2:*', 'delays:*'], async (store) => {
    await store.apply([second], { force: true });
    await store.materialize('delays');
  });
  await step('third', ['delay_v1', 'delays@1:*', 'delays@2:*', 'delays:*'], async (store) => {
    await store.apply([third], { force: true });
    // Whoever goes on to send rows of the version that is pinned is understood, and so is who sends those of the newest.
    await store.ingest('delays@1', [{ airport: 'ATL', carrier: 'AA', landed: now - 2, delay: 90 }], { online: true });
    await store.ingest('delays', [{ airport: 'ORD', carrier: 'UA', landed: now - 1, delay: 7 }], { online: true });
  });
  return answers;
}

async function bothOf(store: FeatureStore, query: string): Promise<Pick<PinnedAnswer, 'training' | 'serving'>> {
  const features = query.includes(':') ? [query] : query;
  const entities = ['ATL', 'ORD', 'ZZZ'].map((airport) => ({ airport, carrier: 'UA' }));
  const { columns } = await store.getHistoricalFeatures({ entities: entities.map((row) => ({ ...row, at: now })), timestamp: 'at', features, fullFeatureNames: true });
  const { columns: serving } = await store.getOnlineFeatures({ entities, features, fullFeatureNames: true });
  const own = (all: Readonly<Record<string, ArrayLike<unknown>>>): Record<string, unknown> => Object.fromEntries(Object.entries(all).flatMap(([name, values]) => (name.includes('__') ? [[name.split('__').at(-1), Array.from(values)]] : [])));
  return { training: own(columns), serving: own(serving) };
}

const v1 = { delay: [50, 5, -1], mean: [30, 5, null] };
const v2 = { delay: [null, 5, null], mean: [null, 5, null] };
const later = { delay: [90, 5, -1], mean: [50, 5, null] };

/** What the story must come to on every storage. */
export const pinned: readonly Omit<PinnedAnswer, 'serving'>[] = [
  { when: 'first', query: 'delay_v1', training: v1 },
  { when: 'first', query: 'delays@1:*', training: { ...v1, carrier: ['UA', 'UA', null] } },
  { when: 'second', query: 'delay_v1', training: v1 },
  { when: 'second', query: 'delay_v1@1', training: v1 },
  { when: 'second', query: 'delays@1:*', training: { ...v1, carrier: ['UA', 'UA', null] } },
  { when: 'second', query: 'delays@2:*', training: v2 },
  { when: 'second', query: 'delays:*', training: v2 },
  { when: 'third', query: 'delay_v1', training: later },
  { when: 'third', query: 'delays@1:*', training: { ...later, carrier: ['AA', 'UA', null] } },
  { when: 'third', query: 'delays@2:*', training: { delay: [90, 5, null], mean: [90, 5, null] } },
  { when: 'third', query: 'delays:*', training: { delay: [null, 7, null], mean: [null, 7, null] } },
];
