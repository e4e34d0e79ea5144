import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, it } from 'vitest';
import { unpackOutput } from '../../../src/pipelines/output-codec.ts';
import { readValue } from '../../../src/storage/records.ts';
import { childProgram } from '../../child-program.ts';
import { ProcessRoom } from '../process-room.ts';
import { rowsPipeline } from './rows.ts';

interface Told {
  readonly row?: number;
  readonly from?: number;
  readonly ready?: boolean;
  readonly idle?: boolean;
}

const room = new ProcessRoom('heartbeats');
const heard = new WeakMap<ChildProcess, Told[]>();

/** What a child says next; nothing of it is missed while nobody asks. */
const told = async (child: ChildProcess): Promise<Told> => {
  const said = heard.get(child)!;
  while (said.length === 0) await once(child, 'message');
  return said.shift()!;
};

async function begin(name: string): Promise<ChildProcess> {
  const child = room.start(childProgram('rows-child.ts', import.meta.url), room.path('store'), name);
  const said: Told[] = [];
  heard.set(child, said);
  child.on('message', (message: Told) => said.push(message));
  expect(await told(child)).toEqual({ ready: true });
  return child;
}

/** Has an attempt go on to its next row. */
async function proceed(child: ChildProcess): Promise<void> {
  const next = told(child);
  child.send('go');
  await next;
}

describe('processes of which one goes on with what another had done', () => {
  it('are given the last heartbeat of one that was killed and of one that sleeps, which says nothing more when it wakes', async () => {
    const storage = new FilesystemStorage(room.path('store'));
    const { pipeline, rows } = rowsPipeline(storage, 'run', () => Promise.reject(new Error('Nothing is made in the process of the run.')));
    const first = await begin('first');
    const beginsFirst = told(first);
    const running = pipeline.run();
    expect(await beginsFirst).toEqual({ row: 0, from: 0 });
    let id = '';
    for await (const run of pipeline.runs()) ({ id } = run);
    const last = async (): Promise<unknown> => {
      const found = await readValue<{ readonly details: Uint8Array }>(storage, `pipelines/rows/heartbeats/${id}/count`, { fresh: true });
      return found && unpackOutput(found.value.details, 'the heartbeat');
    };
    const stored = async (row: number): Promise<void> => {
      while (((await last()) as { row: number } | undefined)?.row !== row) await new Promise((resolve) => setImmediate(resolve));
    };

    await proceed(first);
    await stored(1);
    first.kill('SIGKILL');

    const second = await begin('second');
    expect(await told(second)).toEqual({ row: 1, from: 1 });
    await proceed(second);
    await stored(2);
    second.kill('SIGSTOP');

    const third = await begin('third');
    expect(await told(third)).toEqual({ row: 2, from: 2 });
    await proceed(third);
    await stored(3);
    const quiet = new Promise<void>((resolve) => second.on('message', ({ idle }: Told) => idle && resolve()));
    second.kill('SIGCONT');
    second.send('go');
    second.send('idle');
    await quiet;
    expect(await last()).toEqual({ row: 3, by: 'third' });

    third.send('go');
    expect((await running).output(rows)).toBe('attempt 1 from 2');
    await storage.close();
  });
});
