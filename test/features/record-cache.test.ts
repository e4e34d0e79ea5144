import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { aggregate, featureView, FeatureStore, MemoryStorage, type FeatureSource, type FeatureStoreOptions } from 'modelkeep';
import { utf8 } from '../../src/core/bytes.ts';
import { digestOf } from '../../src/core/digest.ts';
import { simulatedClock } from './simulated-clock.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const T = Date.UTC(2026, 0, 1);
const minute = 60_000;
const ten = Array.from({ length: 10 }, (_, i) => i);

const cacheBytes = 1024 * 1024;
const numbers = Object.fromEntries(ten.map((i) => [`x${i}`, 'float64'] as const));

/** The features of a view, and of how many entities records take many times what is allowed. */
const views: Record<string, { features: Record<string, FeatureSource>; entities: number }> = {
  'columns of numbers': { features: numbers, entities: 1_000 },
  'texts and plain data': { features: { note: 'string', more: 'json', ...numbers }, entities: 800 },
  'aggregates': { features: Object.fromEntries(ten.map((i) => [`mean${i}`, aggregate.mean(`x${i}`, { window: '1d' })])), entities: 200 },
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

function memory(): number {
  // What was found to be unused the first time is let go by the second.
  for (let i = 0; i < 3; i++) collectGarbage();
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

/** What an instance holds after it has read all entities twice: what is free when it is gone. */
async function heldAfterReading(options: FeatureStoreOptions, entities: number): Promise<{ held: number; answers: string[] }> {
  const instance: { store?: FeatureStore } = { store: new FeatureStore(options) };
  const answers = await readTwice(instance.store!, entities);
  const before = memory();
  delete instance.store;
  return { held: before - memory(), answers };
}

/** The least of up to three measures, for what others of this process let go meanwhile counts as well: of a bound that is kept one of them is below it. */
async function leastHeld(options: FeatureStoreOptions, entities: number, bound: number): Promise<{ held: number; answers: string[] }> {
  let least = await heldAfterReading(options, entities);
  for (let more = 2; more > 0 && least.held >= bound; more--) {
    const again = await heldAfterReading(options, entities);
    if (again.held < least.held) least = again;
  }
  return least;
}

describe('records that were decoded', () => {
  it.each(Object.entries(views))('take no more memory than cacheBytes says, and are decoded again when they were let go: %s', async (_, { features, entities }) => {
    const how = await storeWith(features, entities);
    const bounded = await leastHeld({ ...how, cacheBytes }, entities, cacheBytes);
    const unbounded = await heldAfterReading(how, entities);
    expect(bounded.answers).toEqual(unbounded.answers);
    expect(bounded.answers[1]).toBe(bounded.answers[0]);
    expect(bounded.held).toBeLessThan(cacheBytes);
    expect(unbounded.held).toBeGreaterThan(2 * cacheBytes);
  });
});
