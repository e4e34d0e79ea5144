import { describe, expect, it } from 'vitest';
import { runCrashes, type CrashRunOptions } from './crash-run.ts';

// Another one at each run, so that every run tries something new; a failure names the seed to set here.
const seed = Number(process.env['CRASH_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

/** Two thousand crashes take most of a minute: CI injects them once, every other run of the tests a quarter of them. */
const share = Number(process.env['CRASH_SHARE'] ?? 0.25);

const runs: Record<string, Omit<CrashRunOptions, 'seed'>> = {
  'one process, everything flushed': { crashes: 900, durability: 'flushed', processes: 1 },
  'two processes at once, everything flushed': { crashes: 200, durability: 'flushed', processes: 2 },
  'a disk that is full or fails now and then': { crashes: 500, durability: 'flushed', processes: 1, failures: true },
  'two processes and a disk that fails': { crashes: 100, durability: 'flushed', processes: 2, failures: true },
  'nothing flushed': { crashes: 300, durability: 'buffered', processes: 1 },
};

describe(`FilesystemStorage after injected crashes (seed ${seed})`, () => {
  for (const [name, options] of Object.entries(runs)) {
    const crashes = Math.ceil(options.crashes * share);
    it(`keeps what it acknowledged and is whole: ${name}`, { timeout: 120_000 }, async () => {
      const summary = await runCrashes({ ...options, crashes, seed });
      expect(summary.crashes).toBe(crashes);
      // A workload that does nothing would prove nothing.
      expect(summary.acknowledged).toBeGreaterThan(crashes);
      expect(summary.failed > 0).toBe(options.failures === true);
    });
  }

  it('is found out when it acknowledges before it flushes', async () => {
    await expect(runCrashes({ crashes: 500, durability: 'buffered', promised: 'flushed', processes: 1, seed })).rejects.toThrow(/seed \d+, crash \d+/);
  });
});
