import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { childProgram } from '../../child-program.ts';
import type { BackfillOrder, BackfillReport } from './backfill-child.ts';
import { hourly } from './hourly-pipeline.ts';
import type { Order, Report } from './schedule-child.ts';

const hourMs = 3_600_000;
const start = Date.UTC(2026, 0, 1);
let directory: string;
let journal: string;
let children: ChildProcess[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'modelkeep-schedule-'));
  journal = join(directory, 'journal');
  writeFileSync(journal, '');
  children = [];
});

afterEach(async () => {
  await Promise.all(children.map(killed));
  rmSync(directory, { recursive: true, force: true });
});

const isAlive = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null;

async function killed(child: ChildProcess): Promise<void> {
  if (!isAlive(child)) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

/** What `wanted` finds in the first report of a child in which it finds anything. */
function told<R, T>(child: ChildProcess, wanted: (report: R) => T | undefined | false): Promise<T> {
  return new Promise((resolve) => {
    const listen = (report: unknown): void => {
      const found = wanted(report as R);
      if (found === undefined || found === false) return;
      child.off('message', listen);
      resolve(found);
    };
    child.on('message', listen);
  });
}

/** Processes that keep the schedule, when they are ready. */
async function keepers(count: number, hours: number, maxActiveRuns: number): Promise<readonly ChildProcess[]> {
  const program = childProgram('schedule-child.ts', import.meta.url);
  const begun = Array.from({ length: count }, () => fork(program, [join(directory, 'store'), journal, String(start), String(hours), String(maxActiveRuns)], { execArgv: [] }));
  children.push(...begun);
  await Promise.all(begun.map((child) => told(child, ({ idle }: Report) => idle === 0)));
  return begun;
}

/** Has the clocks of processes show an hour: resolves when none of them has anything left to do. */
async function come(hour: number, to: readonly ChildProcess[]): Promise<void> {
  await Promise.all(
    to.map((child) => {
      const idle = told(child, (report: Report) => report.idle === hour);
      child.send({ hour } satisfies Order);
      return idle;
    }),
  );
}

async function ended(all: readonly ChildProcess[]): Promise<unknown[]> {
  const exits = all.map((child) => once(child, 'exit'));
  for (const child of all) child.send({} satisfies Order);
  return (await Promise.all(exits)).map(([code]: unknown[]) => code);
}

const executed = (): number[] =>
  readFileSync(journal, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map(Number)
    .sort((a, b) => a - b);

const upTo = (hours: number): number[] => Array.from({ length: hours }, (_, i) => i + 1);

/** The hours that have a run and how it ended, and those for which one was claimed, in order. */
async function stored(hours: number): Promise<{ runs: readonly string[]; claimed: readonly number[] }> {
  const storage = new FilesystemStorage(join(directory, 'store'));
  try {
    const { pipeline, schedule } = await hourly(storage, { start, hours }, () => undefined);
    const runs: [number, string][] = [];
    for await (const { interval, status } of pipeline.runs()) runs.push([(interval!.end - start) / hourMs, status]);
    const claims = (await schedule.history()).filter(({ type }) => type === 'run-claimed');
    return {
      runs: runs.sort(([a], [b]) => a - b).map(([hour, status]) => `${hour} ${status}`),
      claimed: claims.map(({ data }) => ((data as { readonly interval: { readonly end: number } }).interval.end - start) / hourMs).sort((a, b) => a - b),
    };
  } finally {
    await storage.close();
  }
}

describe('processes that keep one schedule', () => {
  it('begin one run for each tick though ten of them see it come, and two are killed amid theirs', async () => {
    const hours = 12;
    const fatal = new Set([5, hours]);
    let left = await keepers(10, hours, 1);
    for (let hour = 1; hour <= hours; hour++) {
      if (!fatal.has(hour)) {
        await come(hour, left);
        continue;
      }
      const hanging = Promise.race(left.map((child) => told(child, ({ hanging: at }: Report) => at === hour && child)));
      for (const child of left) child.send({ hour, hang: true } satisfies Order);
      const lost = await hanging;
      left = left.filter((child) => child !== lost);
      await come(hour, left);
      await killed(lost);
      // When its claim and its lease have run out, before the next tick.
      await come(hour + 0.5, left);
    }
    expect(await ended(left)).toEqual(left.map(() => 0));
    expect(left).toHaveLength(8);
    expect(await stored(hours)).toEqual({ runs: upTo(hours).map((hour) => `${hour} succeeded`), claimed: upTo(hours) });
    // Each once, but for those that were killed: once by them, and once by a successor.
    expect(executed()).toEqual([...upTo(hours), ...fatal].sort((a, b) => a - b));
  });

  it('make up together for the hours in which there was none, also for one in which the first of them was killed', async () => {
    const hours = 8;
    const [first] = await keepers(1, hours, 1);
    await come(2, [first!]);
    const hanging = told(first!, ({ hanging: at }: Report) => at === 3);
    first!.send({ hour: hours, hang: true } satisfies Order);
    await hanging;
    await killed(first!);
    const others = await keepers(3, hours, 2);
    await come(hours, others);
    await come(hours + 1, others);
    expect(await ended(others)).toEqual([0, 0, 0]);
    expect(await stored(hours)).toEqual({ runs: upTo(hours).map((hour) => `${hour} succeeded`), claimed: upTo(hours) });
    expect(executed()).toEqual([...upTo(hours), 3].sort((a, b) => a - b));
  });
});

describe('processes that backfill one range at once', () => {
  const hours = 8;

  /** Processes that are about to backfill, each with the hour in which it hangs. */
  async function fillers(...hangs: readonly number[]): Promise<readonly ChildProcess[]> {
    const program = childProgram('backfill-child.ts', import.meta.url);
    const begun = hangs.map((hang) => fork(program, [join(directory, 'store'), journal, String(start), String(hours), String(hang)], { execArgv: [] }));
    children.push(...begun);
    await Promise.all(begun.map((child) => told(child, ({ ready }: BackfillReport) => ready)));
    return begun;
  }
  const fill = (child: ChildProcess, aheadMs = 0): boolean => child.send({ aheadMs } satisfies BackfillOrder);
  const result = (child: ChildProcess): Promise<BackfillReport['result']> => told(child, (report: BackfillReport) => report.result);
  const allSucceeded = { succeeded: true, statuses: upTo(hours).map(() => 'succeeded') };

  it('share it, and each is told of all runs', async () => {
    const all = await fillers(0, 0, 0);
    const results = all.map(result);
    for (const child of all) fill(child);
    expect(await Promise.all(results)).toEqual([allSucceeded, allSucceeded, allSucceeded]);
    expect(executed()).toEqual(upTo(hours));
  });

  it('go on with the run of one that is killed, and the next with what all of them left', async () => {
    const [first, second, third] = await fillers(1, 6, 0);
    const inFirst = told(first!, (report: BackfillReport) => report.hanging);
    fill(first!);
    expect(await inFirst).toBe(1);
    const inSecond = told(second!, (report: BackfillReport) => report.hanging);
    fill(second!);
    expect(await inSecond).toBe(6);
    await Promise.all([killed(first!), killed(second!)]);
    expect(executed()).toEqual([1, 2, 3, 4, 5, 6]);
    // All is done but what the two worked on, whose leases go on.
    const waits = told(third!, ({ done }: BackfillReport) => done === hours - 2);
    const end = result(third!);
    fill(third!);
    await waits;
    expect(executed()).toEqual(upTo(hours));
    fill(third!, hourMs);
    expect(await end).toEqual(allSucceeded);
    expect(executed()).toEqual([...upTo(hours), 1, 6].sort());
    expect((await stored(hours)).runs).toEqual(upTo(hours).map((hour) => `${hour} succeeded`));
  });
});
