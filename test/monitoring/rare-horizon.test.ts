import { DriftMonitor, MemoryStorage, profileData } from 'modelkeep';
import { expect, it } from 'vitest';
import { Sampler } from './samples.ts';

const columns = ['a', 'b', 'c', 'd', 'e', 'f'];
const horizon = 200;
const rows = 60;

// Levels are 4e-5 there, and a window expects one of these values: the chi-squared law finds every second horizon to have changed.
it('a horizon holds its alpha for what is rare in small windows', async () => {
  const sampler = new Sampler(20010101);
  const draw = (): Record<string, boolean | null> => Object.fromEntries(columns.map((name, i) => [name, i < 3 ? sampler.random() < 0.02 : sampler.random() < 0.02 ? null : false]));
  let alarmed = 0;
  for (let run = 0; run < 8; run++) {
    const reference = profileData(Array.from({ length: 1000 }, draw));
    const monitor = new DriftMonitor({ storage: new MemoryStorage(), name: 'quiet', reference, window: { rows }, drift: { alpha: 0.05, horizon, minEffect: 0 }, flushInterval: '1h' });
    let windows = 0;
    let alarms = 0;
    monitor.on('verdict', ({ drifted }) => {
      windows++;
      if (drifted) alarms++;
    });
    for (let i = 1; i <= horizon * rows; i++) {
      monitor.observe({ features: draw() });
      if (i % (8 * rows) === 0) await monitor.flush();
    }
    await monitor.close();
    expect(windows).toBe(horizon);
    if (alarms > 0) alarmed++;
  }
  // Two of eight would be there in one of twenty such simulations at 5 %.
  expect(alarmed).toBeLessThanOrEqual(2);
});
