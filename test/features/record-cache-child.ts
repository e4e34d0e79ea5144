/** A process, started with `--expose-gc`, that measures what instances hold that have read all records of a view. Arguments: how many bytes one of them may keep, and the name of the view. */
import { setImmediate } from 'node:timers/promises';
import { aggregate, featureView, FeatureStore, MemoryStorage, type FeatureSource, type FeatureStoreOptions } from 'modelkeep';
import { utf8 } from '../../src/core/bytes.ts';
import { digestOf } from '../../src/core/digest.ts';
import { simulatedClock } from './simulated-clock.ts';

const T = Date.UTC(2026, 0, 1);
const minute = 60_000;
const ten = Array.from({ length: 10 }, (_, i) => i);

const [cacheBytes = '', name = ''] = process.argv.slice(2);
const numbers = Object.fromEntries(ten.map((i) => [`x${i}`, 'float64'] as const));

/** The features of a view, and of how many entities records take many times what is allowed. */
const views: Record<string, { features: Record<string, FeatureSource>; entities: number }> = {
  'columns of numbers': { features: numbers, entities: 1_000 },
  'texts and plain data': { features: { note: 'string', more: 'json', ...numbers }, entities: 800 },
  'aggregates': { features: Object.fromEntries(ten.map((i) => [`mean${i}`, aggregate.mean(`x${i}`, { window: '1d' })])), entities: 800 },
  'aggregates by category and of order': { features: { by: aggregate.sum('x0', { window: '1d', by: 'note' }), median: aggregate.quantile('x1', 0.5, { window: '1d' }), most: aggregate.max('x2', { window: '1d' }) }, entities: 300 },
};

async function storeWith(features: Record<string, FeatureSource>, entities: number) {
  const given = { ...numbers, note: 'string', more: 'json' } as const;
  const columns = Object.fromEntries(Object.entries(given).filter(([name]) => !Object.hasOwn(features, name)));
  const how = { storage: new MemoryStorage(), clock: simulatedClock(T) };
  const store = new FeatureStore(how);
  await store.apply([featureView({ name: 'v', entity: ['id'], timestamp: 'at', columns, features })]);
  const size = entities * 8;
  const values = Object.fromEntries(ten.map((i) => [`x${i}`, Float64Array.from({ length: size }, (_, row) => Math.sin(row * (i + 1)))]));
  const note = Array.from({ length: size }, (_, row) => `note ${row} of what happened`);
  const at = Array.from({ length: size }, (_, row) => T - (8 - Math.floor(row / entities)) * minute);
  await store.ingest('v', { id: at.map((_, row) => row % entities), at, ...values, note, more: note.map((text) => ({ text, words: text.split(' ') })) });
  await store.materialize('v');
  return how;
}

/** What is held once all that was going on has come to its end, and with it what only that held. */
async function memory(): Promise<number> {
  await setImmediate();
  // What was found to be unused the first time is let go by the second.
  for (let i = 0; i < 3; i++) globalThis.gc!();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** The answers for all entities, twice. */
async function readTwice(store: FeatureStore, entities: number): Promise<string[]> {
  const passes: string[] = [];
  for (let pass = 0; pass < 2; pass++) {
    const parts: string[] = [];
    for (let id = 0; id < entities; id += 10) {
      const { columns } = await store.getOnlineFeatures({ entities: ten.map((i) => ({ id: id + i })), features: ['v:*'] });
      parts.push(digestOf(utf8(JSON.stringify(columns))));
    }
    passes.push(parts.join());
  }
  return passes;
}

/** Kept to the end, so that nothing of one is let go while another is measured. */
const instances: FeatureStore[] = [];

/** What an instance holds after it has read all entities twice. */
async function heldAfterReading(options: FeatureStoreOptions, entities: number): Promise<{ held: number; answers: string[] }> {
  const before = await memory();
  const store = new FeatureStore(options);
  instances.push(store);
  const answers = await readTwice(store, entities);
  return { held: (await memory()) - before, answers };
}

/** The median of three: the heap of Node 24 tells some per cent more or less each time, of what is neither the instance's nor its records'. */
async function typicalOf(measure: () => Promise<{ held: number; answers: string[] }>): Promise<{ held: number; answers: string[] }> {
  const measured = [];
  for (let i = 0; i < 3; i++) measured.push(await measure());
  return measured.toSorted((a, b) => a.held - b.held)[1]!;
}

const { features, entities } = views[name]!;
const how = await storeWith(features, entities);
// What is compiled and made once for a process is not any instance's.
await heldAfterReading(how, entities);
await heldAfterReading({ ...how, cacheBytes: Number(cacheBytes) }, entities);
const bounded = await typicalOf(() => heldAfterReading({ ...how, cacheBytes: Number(cacheBytes) }, entities));
const unbounded = await heldAfterReading(how, entities);
process.send!({ bounded, unbounded });
process.disconnect();
