import fc from 'fast-check';
import { MemoryStorage, StorageError, type StorageAdapter } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/core/random.ts';
import type { StateKind } from '../../../src/storage/replication-shard.ts';
import { printOfList } from '../../../src/storage/replication-shard.ts';
import { ReplicationState } from '../../../src/storage/replication-state.ts';
import { changedWindows } from '../../../src/storage/replication-walk.ts';
import { ObservedStorage } from './observed-storage.ts';

const counters: StateKind<number> = { name: 'counters', splitAt: 4, toJson: (count) => count, fromJson: (json) => json as number, settledAt: String, isGone: () => false };
const root = 'replication/x/y';

function open(storage: StorageAdapter): ReplicationState<number> {
  return new ReplicationState(storage, root, counters, new AbortController().signal);
}

async function all(storage: StorageAdapter): Promise<[string, number][]> {
  const state = open(storage);
  const found: [string, number][] = [];
  for (let bound: string | undefined = ''; bound !== undefined; ) {
    const shard = await state.shard(bound);
    found.push(...shard.entries);
    bound = shard.upper;
  }
  return found;
}

const increment = (key: string) => ({ key, change: (now: number | undefined) => ({ to: (now ?? 0) + 1 }) });
const seed = Math.floor(Math.random() * 2 ** 31);

describe(`what a link knows (seed ${seed})`, () => {
  it('is exact, whichever instances change it and whatever dies in between', async () => {
    const key = fc.stringMatching(/^[abz](?:[a-b./_-]{0,3}[0-9])?$/);
    const step = fc.record({ instance: fc.nat(2), keys: fc.array(key, { minLength: 1, maxLength: 12 }), failing: fc.constantFrom(0, 0, 0.2) });
    const property = fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.nat(), async (steps, luck) => {
      const random = seededRandom(luck);
      let probability = 0;
      const fail = (): void => {
        if (random() < probability) throw new StorageError('unavailable', 'No luck.');
      };
      const storage = new MemoryStorage();
      const instances = [0, 1, 2].map(() => open(new ObservedStorage(storage, { before: fail, after: fail })));
      const atLeast = new Map<string, number>();
      const atMost = new Map<string, number>();
      for (const { instance, keys, failing } of steps) {
        probability = failing;
        if (random() < 0.2) await instances[instance]!.begin().catch(() => undefined);
        const changes = [...new Set(keys)].map(increment);
        const saved = await Promise.allSettled(changes.map((change) => instances[instance]!.save([change])));
        changes.forEach((change, i) => {
          if (saved[i]!.status === 'fulfilled') atLeast.set(change.key, (atLeast.get(change.key) ?? 0) + 1);
          atMost.set(change.key, (atMost.get(change.key) ?? 0) + 1);
        });
      }
      probability = 0;
      const found = await all(storage);
      expect(found.map(([name]) => name)).toEqual([...new Set(found.map(([name]) => name))].sort());
      const counts = new Map(found);
      for (const [name, least] of atLeast) expect(counts.get(name)).toBeGreaterThanOrEqual(least);
      for (const [name, count] of counts) expect(count).toBeLessThanOrEqual(atMost.get(name)!);
    });
    await fc.assert(property, { numRuns: 200, seed });
  });

  it('is exact when instances change it at once', async () => {
    const storage = new MemoryStorage();
    const keys = Array.from({ length: 30 }, (_, i) => `key-${i % 15}/${i}`);
    const dawdle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    const instances = [0, 1, 2].map(() => open(new ObservedStorage(storage, { before: dawdle })));
    await Promise.all(instances.flatMap((state) => keys.map((key) => state.save([increment(key)]))));
    expect(await all(storage)).toEqual(keys.sort().map((key) => [key, 3]));
  });

  it('is walked beside a list by reading only where the two differ', async () => {
    const storage = new MemoryStorage();
    const keys = Array.from({ length: 200 }, (_, i) => `key/${String(i).padStart(3, '0')}`);
    await open(storage).save(keys.map(increment));
    const observed = new ObservedStorage(storage);
    const state = open(observed);
    const listOf = (versions: ReadonlyMap<string, string>) =>
      (async function* () {
        for (const [key, version] of [...versions].sort()) yield { key, version, size: 1 };
      })();
    const versions = new Map(keys.map((key) => [key, '1']));
    const changed = async (): Promise<string[]> => {
      await state.begin();
      const found: string[] = [];
      for await (const { listed, states } of changedWindows(state, listOf(versions), () => true)) {
        found.push(...listed.filter(({ key, version }) => String(states.get(key)) !== version).map(({ key }) => key));
        found.push(...[...states.keys()].filter((key) => !versions.has(key)));
      }
      return found;
    };
    expect(await changed()).toEqual([]);
    observed.calls.length = 0;
    expect(await changed()).toEqual([]);
    expect(observed.calls.map(({ method }) => method)).toEqual(['list']);
    versions.set('key/100', '2').set('key/150a', '1').delete('key/050');
    expect((await changed()).sort()).toEqual(['key/050', 'key/100', 'key/150a']);
    expect(observed.calls.filter(({ method }) => method === 'read').length).toBeLessThanOrEqual(3);
  });

  it('tells lists apart by their prints', () => {
    const list = Array.from({ length: 1000 }, (_, i) => ({ key: `runs/${i}`, version: `${i * 7}` }));
    const prints = new Set([printOfList(list)]);
    for (let i = 0; i < 1000; i++) {
      const { key, version } = list[i]!;
      prints.add(printOfList([...list.slice(0, i), { key, version: `${version}1` }, ...list.slice(i + 1)]));
      prints.add(printOfList([...list.slice(0, i), { key: `${key}${version[0]}`, version: version.slice(1) }, ...list.slice(i + 1)]));
      prints.add(printOfList([...list.slice(0, i), ...list.slice(i + 1)]));
    }
    expect(prints.size).toBe(3001);
  });
});
