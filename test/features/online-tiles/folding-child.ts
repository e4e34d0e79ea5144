/** A process that takes rows in, brings them online and folds old ones, until it is killed. It tells of each write before it begins, and of the rows that are in. Arguments: store, seed, the moment at which its clock begins. */
import { systemClock, type Clock } from '../../../src/core/clock.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { FilesystemStorage } from '../../../src/filesystem.ts';
import { FeatureStore } from '../../../src/index.ts';
import type { StorageAdapter } from '../../../src/storage/contract.ts';
import { people, tiledView } from './tiled-view.ts';

const [directory = '', seed = '0', start = '0'] = process.argv.slice(2);
const random = seededRandom(Number(seed));
const minute = 60_000;
let time = Number(start);
const clock: Clock = { ...systemClock, now: () => time };
const files = new FilesystemStorage(directory);
const storage: StorageAdapter = new Proxy(files, {
  get(target, name) {
    const value: unknown = Reflect.get(target, name, target);
    if (typeof value !== 'function') return value;
    return (...args: unknown[]) => {
      if (name === 'write' || name === 'append') process.send?.({ writes: true });
      return (value as (...args: unknown[]) => unknown).apply(target, args);
    };
  },
});
const store = new FeatureStore({ storage, clock });
await store.apply([tiledView]);
// Without anyone to kill it, it ends by itself.
for (let batch = 0; batch < 100; batch++) {
  time += 2 * minute;
  // Rows of some days, so that many come to where others were folded already.
  const rows = Array.from({ length: 300 }, (_, i) => ({ who: people[i % people.length]!, at: time - Math.floor(random() * 4000) * minute, amount: random() * 1000 - 300, shop: `shop ${Math.floor(random() * 4)}` }));
  await store.ingest(tiledView, rows, { online: random() < 0.3 });
  process.send?.({ rows: rows.length });
  if (random() < 0.7) await store.materialize(tiledView);
}
process.disconnect?.();
