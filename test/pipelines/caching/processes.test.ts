import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { childProgram } from '../../child-program.ts';

interface Message {
  readonly began?: number;
  readonly training?: number;
  readonly run?: string;
  readonly cache?: string;
  readonly by?: number;
}

let directory: string;
let journal: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'modelkeep-cache-'));
  journal = join(directory, 'journal');
  writeFileSync(journal, '');
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

const child = (hang: 'yes' | 'no'): ChildProcess => fork(childProgram('cache-child.ts', import.meta.url), [join(directory, 'store'), journal, hang], { execArgv: [] });

/** The first message of a kind. */
function told(process: ChildProcess, kind: keyof Message): Promise<Message> {
  return new Promise((resolve, reject) => {
    process.on('message', (message: Message) => kind in message && resolve(message));
    process.on('exit', () => reject(new Error(`The process ended before it told ${kind}.`)));
  });
}

const trained = (): number[] => readFileSync(journal, 'utf8').split('\n').filter(Boolean).map(Number);

describe('processes that miss the same output', () => {
  it('make it once', async () => {
    const ends = await Promise.all(Array.from({ length: 4 }, () => told(child('no'), 'run')));
    expect(trained()).toHaveLength(1);
    const [maker] = ends.filter(({ cache }) => cache === undefined);
    for (const { run, cache, by } of ends) {
      expect(by).toBe(trained()[0]);
      expect(cache).toBe(run === maker!.run ? undefined : maker!.run);
    }
  });

  it('take over from one that is killed while it makes it', async () => {
    const killed = child('yes');
    await told(killed, 'training');
    const waiting = child('no');
    const end = told(waiting, 'run');
    await told(waiting, 'began');
    expect(trained()).toEqual([killed.pid]);
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    expect(await end).toMatchObject({ by: waiting.pid });
    expect(trained()).toEqual([killed.pid, waiting.pid]);
    expect(await told(child('no'), 'run')).toMatchObject({ by: waiting.pid, cache: (await end).run });
    expect(trained()).toHaveLength(2);
  });
});
