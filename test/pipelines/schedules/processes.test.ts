import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/core/clock.ts';
import { hourly } from './hourly-pipeline.ts';

const hours = 8;
const hourMs = 3_600_000;
// Long ago, so that every hour is due whenever the test runs.
const start = Date.UTC(2026, 0, 1);
const end = start + hours * hourMs;
let directory: string;
let journal: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'modelkeep-schedule-'));
  journal = join(directory, 'journal');
  writeFileSync(journal, '');
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

function child(hang = 0): ChildProcess {
  const script = fileURLToPath(new URL('schedule-child.ts', import.meta.url));
  return fork(script, [join(directory, 'store'), journal, String(start), String(end), String(hang)], { execArgv: ['--import', 'tsx'] });
}

const executed = (): number[] =>
  readFileSync(journal, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map(Number)
    .sort((a, b) => a - b);

describe('processes that keep one schedule', () => {
  it('begin one run for each interval together, though one of them is killed in a run, which the next goes on with', async () => {
    const killed = child(3);
    const [told] = (await once(killed, 'message')) as [{ hanging: number }];
    expect(told).toEqual({ hanging: 3 });
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    const others = [child(), child()];
    const codes = await Promise.all(others.map(async (process) => ((await once(process, 'exit')) as [number])[0]));
    expect(codes).toEqual([0, 0]);
    const storage = new FilesystemStorage(join(directory, 'store'));
    try {
      // By a clock at which the lease of the one that was killed has run out.
      const later = { ...systemClock, now: () => Date.now() + 3_600_000 };
      const pipeline = await hourly(storage, { start, end }, (hour) => writeFileSync(journal, `${hour}\n`, { flag: 'a' }), { clock: later });
      await using keeper = pipeline.start();
      await keeper.idle();
      const runs: [number, string][] = [];
      for await (const { interval, status } of pipeline.runs()) runs.push([(interval!.end - start) / hourMs, status]);
      expect(runs.sort(([a], [b]) => a - b)).toEqual(Array.from({ length: hours }, (_, i) => [i + 1, 'succeeded']));
      // Each once, but for the one that was killed: once by it, and once by its successor.
      expect(executed()).toEqual([1, 2, 3, 3, 4, 5, 6, 7, 8]);
    } finally {
      await storage.close();
    }
  });
});
