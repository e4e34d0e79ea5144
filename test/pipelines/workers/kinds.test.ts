import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryStorage, type PipelineResult } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { expect, it } from 'vitest';
import { childProgram } from '../../child-program.ts';
import { endOf, kinds, say, words, type Kinds } from './kinds.ts';

interface Message {
  readonly asks?: string;
  readonly status?: string;
  readonly id?: string;
  readonly said?: boolean;
  readonly failed?: string;
  readonly ready?: boolean;
}

const told = (child: ChildProcess, ...kind: (keyof Message)[]): Promise<Message> =>
  new Promise((resolve, reject) => {
    child.on('message', (message: Message) => kind.some((name) => name in message) && resolve(message));
    child.once('exit', (code) => reject(new Error(`A process ended with ${code} before it told ${kind.join(' or ')}.`)));
  });

/** What the run comes to in one process that nothing happens to. */
async function undisturbed(begun: string[]): Promise<{ readonly all: Kinds; readonly result: PipelineResult }> {
  const all: Kinds = kinds({
    storage: new MemoryStorage(),
    begun: (unit) => begun.push(unit),
    onInner: ({ type, run }) => void (type === 'step-waiting' && all.inner.approve(run, 'agree', { by: 'bob' })),
  });
  const { id } = await all.outer.run();
  for (const word of words) await say(all, id, word);
  return { all, result: await all.outer.resume(id) };
}

it('steps of all kinds whose run, attempts and decisions are in five processes end as in one', async () => {
  const begun: string[] = [];
  const alone = await undisturbed(begun);
  expect(alone.result.status).toBe('succeeded');

  const directory = mkdtempSync(join(tmpdir(), 'modelkeep-kinds-'));
  const [store, journal] = [join(directory, 'store'), join(directory, 'journal')];
  writeFileSync(journal, '');
  const children: ChildProcess[] = [];
  const child = (part: string): ChildProcess => {
    const forked = fork(childProgram('kinds-child.ts', import.meta.url), [store, journal, part], { execArgv: [] });
    children.push(forked);
    return forked;
  };
  try {
    const [first, second, decider] = [child('work'), child('work'), child('decide')];
    await Promise.all([first, second, decider].map((each) => told(each, 'ready')));
    const decide = async (run: string, word?: (typeof words)[number]): Promise<void> => {
      decider.send({ run, word });
      expect(await told(decider, 'said', 'failed')).toEqual({ said: true });
    };
    const asked = Promise.race([told(first, 'asks'), told(second, 'asks')]);
    const driver = child('drive');
    const parked = told(driver, 'status');
    // The inner run goes on in one of the workers while it waits.
    await decide((await asked).asks!);
    const { id = '', status } = await parked;
    expect(status).toBe('waiting');
    await once(driver, 'exit');
    // Now nobody has the run.
    for (const word of words) await decide(id, word);
    const storage = new FilesystemStorage(store);
    const all = kinds({ storage, executor: 'workers', begun: () => expect.unreachable('Nothing is made in the process of the run.') });
    const result = await all.outer.resume(id);
    expect(endOf(all, result)).toEqual(endOf(alone.all, alone.result));
    expect(readFileSync(journal, 'utf8').trim().split('\n').sort()).toEqual([...begun].sort());
    expect((await all.outer.waiting()).items).toEqual([]);
    await storage.close();
    for (const worker of [first, second]) {
      worker.disconnect();
      expect(await once(worker, 'exit')).toEqual([0, null]);
    }
  } finally {
    for (const each of children) each.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  }
});
