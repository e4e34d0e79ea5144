import process from 'node:process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isModelkeepError, MemoryStorage, type StorageAdapter } from 'modelkeep';
import { HttpStorage } from 'modelkeep/http';
import { serve } from 'srvx';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { utf8 } from '../../src/core/bytes.ts';

const users = { train: { actor: 'training@ci', team: 'team-a', role: 'writer' }, look: { actor: 'dashboard', team: 'team-a', role: 'reader' } } as const;

describe('the modules that a host loads', () => {
  const [before, usersBefore] = [process.cwd(), process.env['MODEL_USERS']];
  let directory: string;
  // They open the directory `models` of the place that they are started in, as a host would start them.
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'modelkeep-server-'));
    process.chdir(directory);
    process.env['MODEL_USERS'] = JSON.stringify(users);
  });
  afterAll(async () => {
    process.chdir(before);
    if (usersBefore === undefined) delete process.env['MODEL_USERS'];
    else process.env['MODEL_USERS'] = usersBefore;
    await rm(directory, { recursive: true, force: true });
  });

  /** What a client does who writes and reads, and who may not. */
  async function use(name: string, open: (token: string) => StorageAdapter): Promise<void> {
    const put = (key: string) => ({ kind: 'put', key, bytes: utf8('one'), condition: 'absent' }) as const;
    expect(await open('train').write([put(`runs/${name}`)])).toEqual([{ ok: true, version: expect.any(String) }]);
    const [read] = await open('look').read([`runs/${name}`]);
    expect(new TextDecoder().decode(read?.bytes)).toBe('one');
    for (const [token, code] of [['look', 'forbidden'], ['nobody', 'unauthorized']] as const) {
      await expect(open(token).write([put('runs/other')])).rejects.toSatisfy((error) => isModelkeepError(error, code));
    }
  }

  it('answers as a route of Next.js', async () => {
    const route = await import('../../examples/server/next-route.ts');
    const answer = (request: Request): Promise<Response> => route[request.method as keyof typeof route](request);
    await use('next', (token) => new HttpStorage('http://next.example.test/api', { fetch: answer, token }));
  });

  it('answers as what Deno, Bun and srvx serve', async () => {
    const { default: served } = await import('../../examples/server/fetch.ts');
    const server = serve({ fetch: served.fetch, port: 0, hostname: '127.0.0.1', silent: true });
    await server.ready();
    await use('served', (token) => new HttpStorage(server.url!, { token }));
    await server.close(true);
  });

  it('answers as a Worker, which is given its storage with each request', async () => {
    const { default: worker } = await import('../../examples/server/worker.ts');
    const env = { storage: new MemoryStorage(), findUser: (token: string) => users[token as keyof typeof users] };
    await use('worker', (token) => new HttpStorage('http://worker.example.test', { fetch: (request) => worker.fetch(request, env), token }));
  });
});
