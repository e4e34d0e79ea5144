import { DriftMonitor, profileData } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';

// Predicts and labels until it is killed, and says after each write how many of its predictions and labels are stored.
const reference = profileData({ x: [1, 2, 3], class: ['a', 'b', 'a'] }, { prediction: 'class' });
const performance = { metric: 'accuracy', min: 0.5, maxLabelDelay: '1d', every: '365d' } as const;
const [, , directory, own] = process.argv;
const monitor = new DriftMonitor({ storage: new FilesystemStorage(directory!), name: 'm', reference, window: { rows: 1e9 }, flushInterval: '1h', performance });
for (let stored = 0; ; stored += 10) {
  if (stored > 0) process.stdout.write(`${stored}\n`);
  for (let i = stored; i < stored + 10; i++) {
    monitor.observe({ id: `${own}-${i}`, version: own!, features: { x: i % 4 }, prediction: 'a' });
    // The label of the other process's prediction.
    monitor.feedback({ id: `${own === 'one' ? 'two' : 'one'}-${i}`, label: i % 2 === 0 ? 'a' : 'b' });
  }
  await monitor.flush();
}
