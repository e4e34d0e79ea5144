import { describe, expect, it } from 'vitest';
import { FeatureStore, MemoryStorage, type FeatureView, type StorageAdapter } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { temporaryDirectories } from '../storage/filesystem/temporary-directory.ts';
import { ever, longer, plain, wider } from './changing-view.ts';
import { simulatedClock } from './simulated-clock.ts';

const directory = temporaryDirectories();
const hour = 3_600_000;
const T = Date.UTC(2026, 0, 1);
const entities = [{ id: 'a' }, { id: 'b' }];

/** Rows of both entities, a minute apart, from `from` on. */
const rows = (from: number, size: number) => Array.from({ length: size }, (_, i) => ({ id: i % 2 === 0 ? 'a' : 'b', at: from + i * 60_000, x: ((i * 7919) % 1000) / 7, y: i }));

/** A view of a store where, just before a write of online records for the first time, something else happens. */
function stalling(storage: StorageAdapter, meanwhile: () => Promise<void>): StorageAdapter {
  let left = 1;
  return new Proxy(storage, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (name === 'write') {
        return async (...[operations, how]: Parameters<StorageAdapter['write']>) => {
          if (operations.some(({ key }) => key.startsWith('features/online/')) && left-- > 0) await meanwhile();
          return target.write(operations, how);
        };
      }
      return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
    },
  });
}

async function agree(store: FeatureStore, t: number): Promise<void> {
  const features = ['v:*'];
  const online = await store.getOnlineFeatures({ entities, features });
  const offline = await store.getHistoricalFeatures({ entities: entities.map((each) => ({ ...each, t })), timestamp: 't', features });
  for (const name of Object.keys(online.statuses)) expect([name, online.columns[name]]).toEqual([name, Array.from(offline.columns[name]!)]);
}

const storages: [string, () => StorageAdapter][] = [['memory', () => new MemoryStorage()], ['filesystem', () => new FilesystemStorage(directory())]];
const changes: [string, FeatureView, FeatureView][] = [['records of rows', plain, longer], ['records that get tiles', plain, ever], ['records with tiles', ever, wider]];
const cases = storages.flatMap(([where, open]) => changes.map(([what, before, after]) => ({ where, what, open, before, after })));

describe('a process that was overtaken', () => {
  it.each(cases)('making records anew does not take out again what came since: $what, $where', async ({ open, before, after }) => {
    await using storage = open();
    const clock = simulatedClock(T);
    const store = new FeatureStore({ storage, clock });
    await store.apply([before]);
    await store.ingest('v', rows(T - 50 * hour, 1000));
    clock.set(T + hour);
    await store.materialize('v');
    await store.apply([after]);
    const slow = stalling(storage, async () => {
      await store.materialize('v');
      await store.ingest('v', rows(T, 60));
      clock.set(T + 2 * hour);
      await store.materialize('v');
    });
    await new FeatureStore({ storage: slow, clock }).materialize('v');
    await agree(store, T + 2 * hour);
    await store.materialize('v');
    await agree(store, T + 2 * hour);
  });
});
