import { ABTest } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';

// Records orders of users, some of them also recorded by others, until it is killed, and says after each write how many are stored.
const [directory, process_] = process.argv.slice(2) as [string, string];
const test = new ABTest({ storage: new FilesystemStorage(directory), name: 't', variants: [{ name: 'A' }, { name: 'B' }], metrics: [{ name: 'orders', kind: 'mean' }], flushInterval: '1h' });
for (let stored = 0; ; stored += 10) {
  if (stored > 0) process.stdout.write(`${stored}\n`);
  for (let i = 0; i < 10; i++) {
    const user = `${process_}-${stored + i}`;
    test.expose(user, { at: 1_000 });
    test.record(user, { orders: 1 }, { at: 2_000 });
    // Every process records these, as after a redelivery.
    test.expose(`shared-${stored + i}`, { at: 1_000 });
    test.record(`shared-${stored + i}`, { orders: 1 }, { id: `order-${stored + i}`, at: 2_000 });
  }
  await test.flush();
}
