import { DriftMonitor, profileData, type WindowOptions } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';

// Feeds a monitor until it is killed, and says after each write how many of its rows are stored.
const reference = profileData({ x: Float64Array.from({ length: 500 }, (_, i) => i) });
const window = JSON.parse(process.argv[3] ?? '{"rows":100}') as WindowOptions;
const monitor = new DriftMonitor({ storage: new FilesystemStorage(process.argv[2]!), name: 'm', reference, window, flushInterval: '1h' });
for (let stored = 0; ; stored += 10) {
  if (stored > 0) process.stdout.write(`${stored}\n`);
  for (let i = 0; i < 10; i++) monitor.observe({ features: { x: (stored + i) % 500 } });
  await monitor.flush();
}
