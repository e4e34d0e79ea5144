import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { childProgram } from '../child-program.ts';
import { chain, names } from './crash-chain.ts';

interface Message {
  readonly run?: string;
  readonly hanging?: string;
  readonly status?: string;
  readonly code?: string;
}

let directory: string;
let journal: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'modelkeep-crash-'));
  journal = join(directory, 'journal');
  writeFileSync(journal, '');
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

function child(id: string, hang: string): ChildProcess {
  const script = childProgram('crash-child.ts', import.meta.url);
  return fork(script, [join(directory, 'store'), journal, id, hang], { execArgv: [] });
}

/** What a child tells, until it tells what is asked for or ends. */
async function messages(process: ChildProcess, until: (message: Message) => boolean): Promise<Message[]> {
  const told: Message[] = [];
  return new Promise((resolve) => {
    process.on('message', (message: Message) => {
      told.push(message);
      if (until(message)) resolve(told);
    });
    process.on('exit', () => resolve(told));
  });
}

const executed = (): string[] => readFileSync(journal, 'utf8').split('\n').filter(Boolean);

describe('processes that are killed', () => {
  it('in the middle of each step in turn: the next goes on there, and no finished step runs again', async () => {
    let id = 'new';
    for (const hang of names) {
      const process = child(id, hang);
      const told = await messages(process, ({ hanging }) => hanging === hang);
      expect(told.at(-1)).toEqual({ hanging: hang });
      id = told[0]!.run!;
      process.kill('SIGKILL');
      await once(process, 'exit');
    }
    const storage = new FilesystemStorage(join(directory, 'store'));
    try {
      const { pipeline, last } = chain(storage, (step) => writeFileSync(journal, `${step}\n`, { flag: 'a' }));
      await expect(pipeline.resume(id)).rejects.toMatchObject({ code: 'conflict' });
      const result = await pipeline.resume(id, { takeOver: true });
      expect(result.status).toBe('succeeded');
      expect(result.output(last)).toEqual({ path: [...names], weights: new Float32Array(10_000).fill(4) });
      // Each was run once by the process that was killed in it, and once by its successor.
      expect(executed()).toEqual(names.flatMap((name) => [name, name]));
      expect((await pipeline.history(id)).map(({ type }) => type)).toEqual(['started', 'resumed', 'resumed', 'resumed', 'resumed', 'succeeded']);
    } finally {
      await storage.close();
    }
  });

  it('two that resume one run at once do not both run a step', async () => {
    const storage = new FilesystemStorage(join(directory, 'store'));
    const { pipeline } = chain(storage, (step) => {
      if (step === 'validate') throw new Error('first time');
    });
    const { id } = await pipeline.run();
    await storage.close();
    const outcomes = await Promise.all([child(id, 'none'), child(id, 'none')].map((process) => messages(process, () => false)));
    expect(executed()).toEqual(['validate', 'train', 'evaluate']);
    for (const told of outcomes) expect([{ status: 'succeeded' }, { code: 'conflict' }]).toContainEqual(told.at(-1));
    expect(outcomes.some((told) => told.at(-1)?.status === 'succeeded')).toBe(true);
  });
});
