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
  readonly begun?: string;
  readonly repeated?: string;
  readonly idle?: boolean;
}

let directory: string;
let effects: string;
let journal: string;
let children: ChildProcess[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'modelkeep-workers-'));
  effects = join(directory, 'effects');
  journal = join(directory, 'journal');
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

function start(listen: (message: Message, child: ChildProcess) => void): ChildProcess {
  const child = fork(childProgram('worker-child.ts', import.meta.url), [join(directory, 'store'), effects, journal], { execArgv: [] });
  children.push(child);
  child.on('message', (message: Message) => listen(message, child));
  return child;
}

const told = (child: ChildProcess, kind: keyof Message): Promise<Message> =>
  new Promise((resolve) => child.on('message', (message: Message) => kind in message && resolve(message)));

describe('processes that make the attempts of one run', () => {
  it('outlast one that is killed and one that sleeps beyond its lease, of which nothing is taken when it wakes', async () => {
    const fates = new Map<ChildProcess, 'killed' | 'asleep'>();
    const repeated: string[] = [];
    const lost: string[] = [];
    let wake!: (child: ChildProcess) => void;
    const atReport = new Promise<ChildProcess>((resolve) => (wake = resolve));
    const listen = ({ begun, repeated: again }: Message, child: ChildProcess): void => {
      if (again) repeated.push(again);
      if (begun === undefined) return;
      const has = (fate: string): boolean => [...fates.values()].includes(fate as never);
      if (begun.startsWith('square') && !has('killed')) {
        fates.set(child, 'killed');
        lost.push(begun);
        child.kill('SIGKILL');
      } else if (begun.startsWith('square') && !has('asleep') && !fates.has(child)) {
        fates.set(child, 'asleep');
        lost.push(begun);
        child.kill('SIGSTOP');
      } else if (begun === 'report') wake(child);
      else child.send({ name: begun, word: 'go' });
    };
    const workers = [start(listen), start(listen), start(listen)];
    await Promise.all(workers.map((child) => told(child, 'ready')));
    const storage = new FilesystemStorage(join(directory, 'store'));
    const { pipeline, report } = spread(storage, () => Promise.reject(new Error('Nothing is made in the process of the run.')));
    const events: PipelineEvent[] = [];
    const running = pipeline.run({ onEvent: (event) => events.push(event) });
    const last = await atReport;
    const [sleeper] = [...fates].find(([, fate]) => fate === 'asleep')!;
    const quiet = told(sleeper, 'idle');
    sleeper.kill('SIGCONT');
    sleeper.send({ name: lost[1], word: 'too late' });
    sleeper.send({ idle: true });
    await quiet;
    last.send({ name: 'report', word: 'done' });
    const result = await running;
    expect(result.status).toBe('succeeded');
    expect(result.output(report)).toBe('done 2 8 18 32 50 72');
    // Each was begun once, and what was lost once more.
    const begun = readFileSync(journal, 'utf8').split('\n').filter(Boolean).sort();
    const units = ['ingest', 'report', ...Array.from({ length: 6 }, (_, i) => `square-${i}`)];
    expect(begun).toEqual([...units, ...lost].sort());
    expect(readdirSync(effects).sort()).toEqual(units.sort());
    expect(repeated).toEqual([lost[1]]);
    const ends = events.flatMap((event) => (event.type === 'step-succeeded' ? [`${event.step} ${event.index}`] : []));
    expect(new Set(ends).size).toBe(ends.length);
    expect(ends).toHaveLength(9);
    expect((await storage.list({ prefix: 'pipelines/spread/tasks/' })).entries).toEqual([]);
    await storage.close();
  });
});
