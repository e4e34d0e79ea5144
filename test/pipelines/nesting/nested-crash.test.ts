import { fork } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { expect, it } from 'vitest';
import { childProgram } from '../../child-program.ts';
import { gathered } from './gathered.ts';
import { names, nested } from './nested-chain.ts';

const later = (process: number): number => process * 3_600_000;

it('processes that are killed in each step in turn make one run of the inner pipeline, in which no finished step runs again', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'modelkeep-nested-'));
  const [store, journal] = [join(directory, 'store'), join(directory, 'journal')];
  let id = 'new';
  for (const [i, hang] of names.entries()) {
    const child = fork(childProgram('nested-child.ts', import.meta.url), [store, journal, id, hang, String(later(i))], { execArgv: [] });
    const hangs = new Promise((resolve) => {
      child.on('exit', resolve);
      child.on('message', (message: { run?: string; hanging?: string }) => {
        id = message.run ?? id;
        if (message.hanging !== undefined) resolve(message.hanging);
      });
    });
    expect(await hangs).toBe(hang);
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  const storage = new FilesystemStorage(store);
  try {
    const { outer, inner, last } = nested(storage, later(names.length), (step) => appendFileSync(journal, `${step}\n`));
    const result = await outer.resume(id);
    expect(result.output(last)).toBe('sum 2000');
    expect(readFileSync(journal, 'utf8').trim().split('\n')).toEqual(names.flatMap((name) => [name, name]));
    const runs = await gathered(inner.runs());
    expect(runs).toMatchObject([{ status: 'succeeded', params: { rows: 1_000 }, triggeredBy: { kind: 'pipeline', pipeline: 'outer', run: id, step: 'train' } }]);
    expect((await inner.history(runs[0]!.id)).map(({ type }) => type)).toEqual(['started', 'resumed', 'resumed', 'succeeded']);
  } finally {
    await storage.close();
    rmSync(directory, { recursive: true, force: true });
  }
});
