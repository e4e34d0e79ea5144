import { featureView, FeatureStore, MemoryStorage } from 'modelkeep';

export const day = 86_400_000;
export const start: number = Date.UTC(2001, 0, 1);

/** Uniform numbers in [0, 1), the same in every run. */
export function uniform(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
}

/** A join that benchmarks measure. */
export interface Join {
  readonly store: FeatureStore;
  readonly spine: { key: Float64Array; t: Float64Array };
  /** The keys and times of the rows in one double each, for the baseline. */
  readonly packed: Float64Array;
}

const snapshots = featureView({ name: 'stats', entity: ['key'], timestamp: 'at', ttl: '30d', features: { value: 'float64' } });

/** Rows and moments over ninety days. */
export async function joinOf(rows: number, keys: number, moments: number): Promise<Join> {
  const random = uniform(1);
  const key = Float64Array.from({ length: rows }, () => Math.floor(random() * keys));
  const at = Float64Array.from({ length: rows }, () => start + Math.floor(random() * 90 * day));
  const store = new FeatureStore({ storage: new MemoryStorage() });
  await store.apply([snapshots]);
  await store.ingest(snapshots, { key, at, value: Float64Array.from(at, () => random()) });
  const spine = {
    key: Float64Array.from({ length: moments }, () => Math.floor(random() * keys)),
    t: Float64Array.from({ length: moments }, () => start + Math.floor(random() * 90 * day)),
  };
  return { store, spine, packed: key.map((code, i) => code * 2 ** 33 + (at[i]! - start)) };
}

/** One more row makes the index anew, as after every ingestion. */
export async function forget({ store }: Join): Promise<void> {
  await store.ingest(snapshots, { key: [0], at: [start - 1], value: [0] }, { batchId: `${performance.now()}` });
}

export const query = ({ store, spine }: Join) => store.getHistoricalFeatures({ entities: spine, timestamp: 't', features: ['stats:value'] });
