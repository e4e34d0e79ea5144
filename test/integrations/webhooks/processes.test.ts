import { fork, type ChildProcess } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pipeline, webhookTrigger } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { expect, it } from 'vitest';
import { childProgram } from '../../child-program.ts';

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const other = `whsec_${Buffer.alloc(32, 8).toString('base64')}`;

/** What a sender posts, signed by Node, not by the code under test. */
function post(id: string, { at = Date.now(), key = secret }: { at?: number; key?: string } = {}): RequestInit {
  const [body, timestamp] = [JSON.stringify({ id }), String(Math.floor(at / 1000))];
  const signature = createHmac('sha256', Buffer.from(key.slice('whsec_'.length), 'base64')).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { method: 'POST', body, headers: { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` } };
}

it('several processes that take the same webhooks in, one of them with a clock that is ahead, make one run of each', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'modelkeep-hooks-'));
  const [store, journal] = [join(directory, 'store'), join(directory, 'journal')];
  writeFileSync(journal, '');
  const children: ChildProcess[] = [];
  const start = async (ahead: number): Promise<{ readonly child: ChildProcess; readonly url: string }> => {
    const child = fork(childProgram('hook-child.ts', import.meta.url), [store, journal, secret, String(ahead)], { execArgv: [] });
    children.push(child);
    const [{ port }] = (await once(child, 'message')) as [{ port: number }];
    return { child, url: `http://127.0.0.1:${port}/hooks` };
  };
  try {
    const takers = await Promise.all([start(0), start(10_000)]);
    const send = async (request: RequestInit): Promise<number[]> => Promise.all(takers.map(async ({ url }) => (await fetch(url, request)).status));
    const ids = Array.from({ length: 8 }, (_, i) => `msg_${i}`);
    // Each to both at once, and once more, signed anew, as a sender does that had no answer.
    const answers = await Promise.all(ids.map(async (id) => [await send(post(id)), await send(post(id, { at: Date.now() + 30_000 }))]));
    expect(answers.flat(2)).toEqual(Array(32).fill(204));
    // A day old for all; then from a sender whose clock only the one that is ahead agrees with.
    expect(await send(post('msg_0', { at: Date.now() - 86_400_000 }))).toEqual([401, 401]);
    expect(await send(post('forged', { key: other }))).toEqual([401, 401]);
    expect(await send(post('early', { at: Date.now() + 305_000 }))).toEqual([401, 204]);
    for (const { child } of takers) {
      const idle = once(child, 'message');
      child.send('idle');
      expect(await idle).toEqual([{ idle: true }, undefined]);
    }
    for (const { child } of takers) {
      child.disconnect();
      expect(await once(child, 'exit')).toEqual([0, null]);
    }

    // What one of them left to the other, which had no room for it, is begun by whoever comes next.
    const storage = new FilesystemStorage(store);
    const pipeline = new Pipeline({ name: 'retrain', storage });
    pipeline.step('train', {}, ({ run }) => appendFileSync(journal, `${run.id}\n`));
    const later = webhookTrigger({ name: 'pushes', storage, secret });
    await pipeline.triggerOn(later, { from: 'beginning' });
    await using keeper = pipeline.start();
    await keeper.idle();
    const runs: [string, string, string][] = [];
    for await (const { id, status, triggeredBy } of pipeline.runs()) runs.push([id, status, triggeredBy?.kind === 'trigger' ? triggeredBy.event : '']);
    expect(runs.map(([, status, event]) => [status, event]).sort()).toEqual(['early', ...ids].map((id) => ['succeeded', id]));
    const worked = runs.map(([id]) => id).sort();
    expect(readFileSync(journal, 'utf8').trim().split('\n').sort()).toEqual(worked);
    // Sent once more to a process that knows nothing but the store.
    expect((await later.handle(new Request('http://127.0.0.1/hooks', post('msg_3')))).status).toBe(204);
    await keeper.idle();
    expect(readFileSync(journal, 'utf8').trim().split('\n').sort()).toEqual(worked);
    await keeper.close();
    await storage.close();
  } finally {
    for (const child of children) child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  }
});
