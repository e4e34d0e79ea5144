import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PipelineEvent } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { childProgram } from '../../child-program.ts';
import { spread } from './spread.ts';

interface Message {
  readonly ready?: boolean;
  readonly idle?: boolean;
  readonly begun?: string;
  readonly run?: string;
  readonly event?: string;
  readonly ended?: string;
  readonly message?: string;
}

const units = ['ingest', 'report', ...Array.from({ length: 6 }, (_, i) => `square-${i}`)];
let directory: string;
let store: string;
let effects: string;
let journal: string;
let children: ChildProcess[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'modelkeep-lost-'));
  [store, effects, journal] = [join(directory, 'store'), join(directory, 'effects'), join(directory, 'journal')];
  mkdirSync(effects);
  writeFileSync(journal, '');
  children = [];
});

afterEach(async () => {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  rmSync(directory, { recursive: true, force: true });
});

function start(program: string, ...terms: string[]): ChildProcess {
  const child = fork(childProgram(program, import.meta.url), [store, ...terms], { execArgv: [] });
  children.push(child);
  return child;
}

const startDriver = (lease: number, executor: 'workers' | 'here', id = ''): ChildProcess => start('driver-child.ts', journal, String(lease), executor, id);

const told = (child: ChildProcess, is: (message: Message) => boolean): Promise<Message> => new Promise((resolve) => child.on('message', (message: Message) => is(message) && resolve(message)));

const begins = (child: ChildProcess, unit: string): Promise<Message> => told(child, ({ begun }) => begun === unit);

/** Resolves when all that a worker has made is recorded. */
const quiet = async (worker: ChildProcess): Promise<void> => {
  const idle = told(worker, (message) => message.idle === true);
  worker.send({ idle: true });
  await idle;
};

const die = async (child: ChildProcess): Promise<void> => {
  child.kill('SIGKILL');
  await once(child, 'exit');
};

const journalled = (): string[] => readFileSync(journal, 'utf8').split('\n').filter(Boolean).sort();

describe('a run whose own process is killed', () => {
  it('twice, while a worker in another goes on: what that made meanwhile is taken by whoever resumes, once, and nothing is made again', async () => {
    const worker = start('worker-child.ts', effects, journal);
    await told(worker, ({ ready }) => ready === true);
    const first = startDriver(1_000, 'workers');
    const atIngest = begins(worker, 'ingest');
    const { run = '' } = await told(first, ({ run: id }) => id !== undefined);
    await atIngest;
    await die(first);
    // Made while nobody has the run.
    worker.send({ name: 'ingest', word: 'go' });
    await quiet(worker);

    const atSquare = begins(worker, 'square-0');
    const second = startDriver(1_000, 'workers', run);
    await atSquare;
    await die(second);

    const storage = new FilesystemStorage(store);
    const { pipeline, report } = spread(storage, () => Promise.reject(new Error('Nothing is made in the process of the run.')));
    const events: PipelineEvent[] = [];
    const resumed = pipeline.resume(run, { takeOver: true, onEvent: (event) => events.push(event) });
    worker.on('message', ({ begun }: Message) => begun !== undefined && worker.send({ name: begun, word: begun === 'report' ? 'done' : 'go' }));
    // Begun for a process that is dead, and made for this one.
    worker.send({ name: 'square-0', word: 'go' });
    expect((await resumed).output(report)).toBe('done 2 8 18 32 50 72');
    expect(journalled()).toEqual([...units].sort());
    expect(readdirSync(effects).sort()).toEqual([...units].sort());
    const ends = events.flatMap((event) => (event.type === 'step-succeeded' ? [`${event.step} ${event.index ?? ''}`] : []));
    expect(ends.filter((end) => end.startsWith('ingest'))).toEqual([]);
    expect(new Set(ends).size).toBe(ends.length);
    expect((await pipeline.history(run)).map(({ type }) => type)).toEqual(['started', 'resumed', 'resumed', 'succeeded']);
    expect((await storage.list({ prefix: 'pipelines/spread/tasks/' })).entries).toEqual([]);
    await storage.close();
  });
});

describe('a run whose process is stopped, and wakes when another has the run', () => {
  // So long that the one that was stopped still takes it for its own.
  const lease = 3_600_000;

  it('is refused what it comes to itself', async () => {
    const stopped = startDriver(lease, 'here');
    const { run = '' } = await told(stopped, ({ event }) => event === 'run-started');
    await begins(stopped, 'ingest');
    stopped.kill('SIGSTOP');
    const storage = new FilesystemStorage(store);
    const { pipeline, report } = spread(storage, (unit) => Promise.resolve(unit.endsWith('report') ? 'done' : 'go'), { executor: 'here', lease });
    const result = await pipeline.resume(run, { takeOver: true });
    expect(result.output(report)).toBe('done 2 8 18 32 50 72');
    const end = told(stopped, ({ ended }) => ended !== undefined);
    stopped.kill('SIGCONT');
    stopped.send({ name: 'ingest', word: 'too late' });
    expect(await end).toMatchObject({ ended: 'conflict', message: expect.stringMatching(/is no longer '.*'s to work on: another process has finished it/) as string });
    await once(stopped, 'exit');
    expect((await pipeline.resume(run)).output(report)).toBe('done 2 8 18 32 50 72');
    expect((await pipeline.history(run)).map(({ type }) => type)).toEqual(['started', 'resumed', 'succeeded']);
    expect(journalled()).toEqual(['ingest']);
    await storage.close();
  });

  it('is refused what a worker comes to for it, which is taken by the other', async () => {
    const worker = start('worker-child.ts', effects, journal);
    await told(worker, ({ ready }) => ready === true);
    const stopped = startDriver(lease, 'workers');
    const atIngest = begins(worker, 'ingest');
    const { run = '' } = await told(stopped, ({ event }) => event === 'run-started');
    await atIngest;
    stopped.kill('SIGSTOP');
    const storage = new FilesystemStorage(store);
    const { pipeline, report } = spread(storage, () => Promise.reject(new Error('Nothing is made in the process of the run.')), { lease });
    let begin!: () => void;
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const resumed = pipeline.resume(run, { takeOver: true, onEvent: ({ type }) => type === 'run-started' && begin() });
    await begun;
    // Both look for its end now.
    const end = told(stopped, ({ ended }) => ended !== undefined);
    const taken: unknown[] = [];
    stopped.on('message', ({ event }: Message) => event === 'step-succeeded' && taken.push(event));
    stopped.kill('SIGCONT');
    worker.on('message', ({ begun: unit }: Message) => unit !== undefined && worker.send({ name: unit, word: unit === 'report' ? 'done' : 'go' }));
    worker.send({ name: 'ingest', word: 'go' });
    expect((await resumed).output(report)).toBe('done 2 8 18 32 50 72');
    expect(await end).toMatchObject({ ended: 'conflict' });
    expect([journalled(), taken]).toEqual([[...units].sort(), []]);
    await storage.close();
  });
});
