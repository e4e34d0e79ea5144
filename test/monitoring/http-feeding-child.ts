import { DriftMonitor } from 'modelkeep';
import { HttpStorage } from 'modelkeep/http';
import { feedBatch } from './fed-rows.ts';

// Feeds a monitor over HTTP until it is told to stop, and says after each write how many of its rows are stored.
const [url, name, feeder, rows] = process.argv.slice(2) as [string, string, string, string];
const monitor = await DriftMonitor.open({ storage: new HttpStorage(url), name, window: { rows: Number(rows) }, flushInterval: '1h' });
let stopped = false;
process.once('SIGTERM', () => (stopped = true));
for (let stored = 0; !stopped; ) {
  stored = await feedBatch(monitor, Number(feeder), stored);
  process.stdout.write(`${stored}\n`);
}
await monitor.close();
