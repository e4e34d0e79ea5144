import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FeatureStore, featureView, MemoryStorage, type SavedDataset, type StorageAdapter } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { compare, peakMemory, type Benchmark } from './harness.ts';

const day = 86_400_000;
const start = Date.UTC(2001, 0, 1);
const size = 1_000_000;
const keys = 10_000;
const names = Array.from({ length: 10 }, (_, i) => `f${i}`);
const view = featureView({ name: 'stats', entity: ['key'], timestamp: 'at', features: Object.fromEntries(names.map((name) => [name, 'float64' as const])) });

/** Uniform numbers in [0, 1), the same in every run. */
function uniform(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
}

interface Million {
  readonly storage: StorageAdapter;
  readonly store: FeatureStore;
  readonly query: { readonly entities: { key: Float64Array; t: Float64Array }; readonly timestamp: string; readonly features: readonly string[] };
  readonly directory: string | undefined;
  /** Saved, and the same arrays in a blob. */
  dataset?: SavedDataset;
  plain?: Awaited<ReturnType<StorageAdapter['writeBlob']>>;
}

async function million(directory?: string): Promise<Million> {
  const random = uniform(1);
  const storage = directory === undefined ? new MemoryStorage() : new FilesystemStorage(directory);
  const store = new FeatureStore({ storage });
  await store.apply([view]);
  const rows = keys * 10;
  const columns = { key: Float64Array.from({ length: rows }, (_, i) => i % keys), at: Float64Array.from({ length: rows }, () => start + Math.floor(random() * 90 * day)) };
  await store.ingest(view, { ...columns, ...Object.fromEntries(names.map((name) => [name, Float64Array.from({ length: rows }, random)])) });
  const entities = { key: Float64Array.from({ length: size }, () => Math.floor(random() * keys)), t: Float64Array.from({ length: size }, () => start + Math.floor((90 + random() * 60) * day)) };
  return { storage, store, query: { entities, timestamp: 't', features: ['stats:*'] }, directory };
}

const onDisk = (): Promise<Million> => million(mkdtempSync(join(tmpdir(), 'modelkeep-bench-')));

async function remove({ storage, directory }: Million): Promise<void> {
  await storage.close();
  if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
}

/** Another name each time, for the same under one name is only recognised. */
async function save({ store, query }: Million): Promise<SavedDataset> {
  return store.saveDataset(`million ${performance.now()}`, query);
}

/** The same question, and the arrays of the answer as they are in one blob. */
async function writePlain({ store, storage, query }: Million): Promise<NonNullable<Million['plain']>> {
  const { columns } = await store.getHistoricalFeatures(query);
  return storage.writeBlob((async function* () {
    for (const values of Object.values(columns)) {
      const array = values instanceof Float64Array ? values : Float64Array.from(values as ArrayLike<number | null>, (value) => value ?? NaN);
      yield new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    }
  })());
}

async function readPlain({ storage, plain }: Million): Promise<Float64Array[]> {
  const bytes = new Uint8Array(plain!.size);
  let at = 0;
  for await (const chunk of (await storage.readBlob(plain!.digest))!) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return Array.from({ length: 12 }, (_, i) => new Float64Array(bytes.buffer, i * size * 8, size));
}

async function written(): Promise<Million> {
  const state = await onDisk();
  return { ...state, dataset: await save(state), plain: await writePlain(state) };
}

async function stream({ dataset }: Million, columns?: readonly string[]): Promise<number> {
  let rows = 0;
  for await (const { rowCount } of dataset!.columns({ columns })) rows += rowCount;
  return rows;
}

/** For the measure of memory: what saving needs beyond the entities and the rows of the view. */
export async function saveMillion(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'modelkeep-bench-'));
  const state = await million(directory);
  await save(state);
  await remove(state);
}

/** Only the making of the same input. */
export async function inputOfMillion(): Promise<void> {
  await remove(await onDisk());
}

const bytesPerRow: Benchmark = {
  name: 'bytes of a row of 12 numbers in a saved dataset, against JSON of the rows',
  async run() {
    const state = await million();
    const dataset = await save(state);
    let text = 0;
    let rows = 0;
    for await (const row of dataset.rows()) {
      text += JSON.stringify(row).length + 1;
      if (++rows === 100_000) break;
    }
    const value = dataset.size / size;
    return { value, unit: 'bytes', baseline: text / rows, ratio: value / (text / rows), target: { atMost: 110 } };
  },
};

export const benchmarks: readonly Benchmark[] = [
  compare('save 1M rows × 10 features on disk, against asking for them and writing the arrays in one blob', save, writePlain, { setup: onDisk, teardown: remove, runs: 3, target: { ratioAtMost: 4 } }),
  compare('read 1M rows × 10 features from disk, every digest checked, against reading that blob', ({ dataset }: Million) => dataset!.read(), readPlain, { setup: written, teardown: remove, runs: 5 }),
  compare('read 1M rows × 10 features from disk in pieces, against reading that blob', (state: Million) => stream(state), readPlain, { setup: written, teardown: remove, runs: 5 }),
  compare('read 2 of the 12 columns in pieces, against reading that blob', (state: Million) => stream(state, ['f3', 'f7']), readPlain, { setup: written, teardown: remove, runs: 5 }),
  peakMemory('save 1M rows × 10 features (a plain answer is 96 MB), entities and rows included', import.meta.url, 'saveMillion'),
  peakMemory('the entities and rows of that dataset, without saving it', import.meta.url, 'inputOfMillion'),
  bytesPerRow,
];
