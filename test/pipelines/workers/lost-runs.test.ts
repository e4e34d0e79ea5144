import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { PipelineEvent } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { spread } from './spread.ts';
import { kill, told, units, Workplace, type Message } from './workplace.ts';

let workplace: Workplace;

beforeEach(() => {
  workplace = new Workplace();
});

afterEach(() => workplace.end());

const startDriver = (lease: number, executor: 'workers' | 'here', id = ''): ChildProcess => workplace.start('driver-child.ts', workplace.journal, String(lease), executor, id);

const begins = (child: ChildProcess, unit: string): Promise<Message> => told(child, ({ begun }) => begun === unit);

/** Resolves when all that a worker has made is recorded. */
const quiet = async (worker: ChildProcess): Promise<void> => {
  const idle = told(worker, (message) => message.idle === true);
  worker.send({ idle: true });
  await idle;
};

describe('a run whose own process is killed', () => {
  it('twice, while a worker in another goes on: what that made meanwhile is taken by whoever resumes, once, and nothing is made again', async () => {
    const worker = workplace.startWorker();
    await told(worker, ({ ready }) => ready === true);
    const first = startDriver(1_000, 'workers');
    const atIngest = begins(worker, 'ingest');
    const { run = '' } = await told(first, ({ run: id }) => id !== undefined);
    await atIngest;
    await kill(first);
    // Made while nobody has the run.
    worker.send({ name: 'ingest', word: 'go' });
    await quiet(worker);

    const atSquare = begins(worker, 'square-0');
    const second = startDriver(1_000, 'workers', run);
    await atSquare;
    await kill(second);

    const storage = new FilesystemStorage(workplace.store);
    const { pipeline, report } = spread(storage, () => Promise.reject(new Error('Nothing is made in the process of the run.')));
    const events: PipelineEvent[] = [];
    const resumed = pipeline.resume(run, { takeOver: true, onEvent: (event) => events.push(event) });
    worker.on('message', ({ begun }: Message) => begun !== undefined && worker.send({ name: begun, word: begun === 'report' ? 'done' : 'go' }));
    // Begun for a process that is dead, and made for this one.
    worker.send({ name: 'square-0', word: 'go' });
    expect((await resumed).output(report)).toBe('done 2 8 18 32 50 72');
    expect(workplace.begun()).toEqual(units);
    expect(workplace.effects()).toEqual(units);
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
    // Before the run is told of: both may come at once.
    const atIngest = begins(stopped, 'ingest');
    const { run = '' } = await told(stopped, ({ event }) => event === 'run-started');
    await atIngest;
    stopped.kill('SIGSTOP');
    const storage = new FilesystemStorage(workplace.store);
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
    expect(workplace.begun()).toEqual(['ingest']);
    await storage.close();
  });

  it('is refused what a worker comes to for it, which is taken by the other', async () => {
    const worker = workplace.startWorker();
    await told(worker, ({ ready }) => ready === true);
    const stopped = startDriver(lease, 'workers');
    const atIngest = begins(worker, 'ingest');
    const { run = '' } = await told(stopped, ({ event }) => event === 'run-started');
    await atIngest;
    stopped.kill('SIGSTOP');
    const storage = new FilesystemStorage(workplace.store);
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
    expect([workplace.begun(), taken]).toEqual([units, []]);
    await storage.close();
  });
});
