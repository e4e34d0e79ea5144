import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MemoryStorage, type StorageAdapter } from 'modelkeep';
import type { Authorize } from 'modelkeep/server';
import { describe, expect, it } from 'vitest';
import { authorizeBy } from '../../examples/server/authorize.ts';
import * as express from '../../examples/server/express.ts';
import * as hono from '../../examples/server/hono.ts';
import * as nodeHttp from '../../examples/server/node-http.ts';
import { digestOf } from '../../src/core/digest.ts';

const users = {
  train: { actor: 'training@ci', team: 'team-a', role: 'writer' },
  look: { actor: 'dashboard', team: 'team-a', role: 'reader' },
  lead: { actor: 'lead', team: 'team-a', role: 'maintainer' },
} as const;
const authorize = authorizeBy((token) => users[token as keyof typeof users]);

type Serve = (storage: StorageAdapter, authorize: Authorize, port: number) => unknown;

describe.each<[string, Serve, boolean]>([
  ['node:http', nodeHttp.serve, false],
  ['Hono', hono.serve, true],
  ['Express', express.serve, true],
])('the recipe for %s', (_, serve, hasFront) => {
  it('serves a store', async () => {
    const storage = new MemoryStorage();
    const server = serve(storage, authorize, 0) as Server;
    try {
      if (!server.listening) await once(server, 'listening');
      const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const ask = (token: string, method: string, path: string, body?: BodyInit, headers: Record<string, string> = {}): Promise<Response> =>
        fetch(`${base}/api/${path}`, { method, headers: { authorization: `Bearer ${token}`, ...headers }, ...(body !== undefined && { body }) });

      const created = await ask('train', 'PUT', 'v1/records/runs/1', 'one', { 'if-none-match': '*' });
      expect(created.status).toBe(200);
      const read = await ask('look', 'GET', 'v1/records/runs/1');
      expect([read.status, await read.text(), read.headers.get('etag')]).toEqual([200, 'one', created.headers.get('etag')]);
      expect((await ask('train', 'PUT', 'v1/records/runs/1', 'two', { 'if-match': '"other"' })).status).toBe(412);
      expect((await ask('train', 'PUT', 'v1/records/runs/1', 'two', { 'if-match': read.headers.get('etag')! })).status).toBe(200);
      expect((await (await ask('look', 'GET', 'v1/records?prefix=runs/')).json()) as object).toMatchObject({ entries: [{ key: 'runs/1', size: 3 }] });
      const blob = new Uint8Array(3_000_000).fill(1);
      expect((await ask('train', 'PUT', `v1/blobs/${digestOf(blob)}`, blob)).status).toBe(200);
      expect((await (await ask('look', 'GET', `v1/blobs/${digestOf(blob)}`)).arrayBuffer()).byteLength).toBe(blob.length);
      expect((await ask('look', 'HEAD', `v1/blobs/${digestOf(blob)}`)).headers.get('content-length')).toBe('3000000');
      expect((await ask('train', 'DELETE', 'v1/records/runs/1')).status).toBe(403);
      expect((await ask('lead', 'DELETE', 'v1/records/runs/1')).status).toBe(200);
      expect((await ask('look', 'GET', 'v1/records/runs/1')).status).toBe(404);

      expect((await ask('look', 'PUT', 'v1/records/a', 'x')).status).toBe(403);
      expect((await ask('nobody', 'GET', 'v1/records')).status).toBe(401);
      expect((await ask('train', 'PUT', 'workspaces/team-a/v1/records/a', 'x')).status).toBe(200);
      expect((await ask('train', 'GET', 'workspaces/team-b/v1/records')).status).toBe(403);
      expect((await fetch(`${base}/api/v1/health`)).status).toBe(200);
      if (hasFront) expect(await (await fetch(base)).text()).toBe('models of the department');
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
