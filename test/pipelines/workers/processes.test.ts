import type { ChildProcess } from 'node:child_process';
import type { PipelineEvent } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { spread } from './spread.ts';
import { told, units, Workplace, type Message } from './workplace.ts';

let workplace: Workplace;

beforeEach(() => {
  workplace = new Workplace();
});

afterEach(() => workplace.end());

function start(listen: (message: Message, child: ChildProcess) => void): ChildProcess {
  const child = workplace.startWorker();
  child.on('message', (message: Message) => listen(message, child));
  return child;
}

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
    await Promise.all(workers.map((child) => told(child, ({ ready }) => ready === true)));
    const storage = new FilesystemStorage(workplace.store);
    const { pipeline, report } = spread(storage, () => Promise.reject(new Error('Nothing is made in the process of the run.')));
    const events: PipelineEvent[] = [];
    const running = pipeline.run({ onEvent: (event) => events.push(event) });
    const last = await atReport;
    const [sleeper] = [...fates].find(([, fate]) => fate === 'asleep')!;
    const quiet = told(sleeper, ({ idle }) => idle === true);
    sleeper.kill('SIGCONT');
    sleeper.send({ name: lost[1], word: 'too late' });
    sleeper.send({ idle: true });
    await quiet;
    last.send({ name: 'report', word: 'done' });
    const result = await running;
    expect(result.status).toBe('succeeded');
    expect(result.output(report)).toBe('done 2 8 18 32 50 72');
    // Each was begun once, and what was lost once more.
    expect(workplace.begun()).toEqual([...units, ...lost].sort());
    expect(workplace.effects()).toEqual(units);
    expect(repeated).toEqual([lost[1]]);
    const ends = events.flatMap((event) => (event.type === 'step-succeeded' ? [`${event.step} ${event.index}`] : []));
    expect(new Set(ends).size).toBe(ends.length);
    expect(ends).toHaveLength(9);
    expect((await storage.list({ prefix: 'pipelines/spread/tasks/' })).entries).toEqual([]);
    await storage.close();
  });
});
