import { DriftMonitor, profileData } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { ManualClock } from '../../pipelines/manual-clock.ts';

// Predicts and labels by a clock of its own, hour after hour, judges what is final, and says how many hours it came, until it is killed.
const reference = profileData({ x: [1, 2, 3], class: ['a', 'b', 'a'] }, { prediction: 'class' });
const performance = { metric: 'accuracy', maxLabelDelay: '2h', every: '1h', concept: {} } as const;
const [, , directory, own, from] = process.argv;
const hour = 3_600_000;
const clock = new ManualClock(Number(from) * hour);
const monitor = new DriftMonitor({ storage: new FilesystemStorage(directory!), name: 'm', reference, window: { rows: 1e9 }, flushInterval: '1h', clock, performance });
for (let hours = 1; ; hours++) {
  for (let i = 0; i < 100; i++) {
    const id = `${own}-${hours}-${i}`;
    monitor.observe({ id, version: 'v', features: { x: i % 4 }, prediction: 'a' });
    monitor.feedback({ id, label: i % 10 === 3 ? 'b' : 'a' });
  }
  await monitor.flush();
  clock.jump(hour);
  await monitor.check();
  process.stdout.write(`${hours}\n`);
}
