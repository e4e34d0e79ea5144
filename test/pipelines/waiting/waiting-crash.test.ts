import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { expect, it } from 'vitest';
import { childProgram } from '../../child-program.ts';
import { release } from './release.ts';

interface Word {
  readonly run?: string;
  readonly status?: string;
  readonly decided?: boolean;
  readonly code?: string;
  readonly message?: string;
}

const hour = 3_600_000;

it('processes that are killed while a run waits lose nothing, of two that decide at once one does, and whoever keeps the pipeline goes on', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'modelkeep-waiting-'));
  const [store, journal] = [join(directory, 'store'), join(directory, 'journal')];
  const children: ChildProcess[] = [];
  const child = (...what: string[]): ChildProcess => {
    const forked = fork(childProgram('release-child.ts', import.meta.url), [store, journal, ...what], { execArgv: [] });
    children.push(forked);
    return forked;
  };
  const word = async (of: ChildProcess): Promise<Word> => ((await once(of, 'message')) as [Word])[0];
  try {
    // A moment that comes while nobody works on the run: the clock of who keeps the pipeline is beyond it.
    const until = Date.now() + hour;
    const first = child('hang', '', String(until));
    const { run = '' } = await word(first);
    first.kill('SIGKILL');
    await once(first, 'exit');

    const deciders = await Promise.all([word(child('approve', run, 'ada')), word(child('reject', run, 'bob'))]);
    const winner = deciders.findIndex(({ decided }) => decided);
    expect(deciders[1 - winner]).toMatchObject({ code: 'conflict', message: expect.stringContaining(['by ada, who approved it', 'by bob, who rejected it'][winner]!) as string });

    const keeper = child('keep', String(hour));
    expect((await word(keeper)).status).toBe(['succeeded', 'failed'][winner]);
    keeper.disconnect();
    await once(keeper, 'exit');
    expect(readFileSync(journal, 'utf8').trim().split('\n')).toEqual(winner === 0 ? ['evaluate', 'ask', 'release'] : ['evaluate', 'ask']);

    const storage = new FilesystemStorage(store);
    const { pipeline } = release(storage);
    const { steps } = await pipeline.getRun(run);
    expect(steps['beside']!.endedAt).toBeGreaterThanOrEqual(until);
    expect((await pipeline.history(run)).map(({ type }) => type)).toEqual(['started', ['approved', 'rejected'][winner], 'resumed', ['succeeded', 'failed'][winner]]);
    expect((await pipeline.waiting()).items).toEqual([]);
    await storage.close();
  } finally {
    for (const each of children) each.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  }
});
