import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DriftMonitor, gates, MemoryStorage, profileData, Registry } from 'modelkeep';
import { HttpStorage } from 'modelkeep/http';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { actingToken, actorOf } from '../../examples/internal-tool/acting-token.ts';
import { serveTool } from '../../examples/internal-tool/serve.ts';
import { readSettings, type User } from '../../examples/internal-tool/settings.ts';
import { serveStore, type RunningServer } from '../../examples/internal-tool/store-server.ts';
import { childProgram } from '../child-program.ts';

const secret = 'a secret of the tool and the store';
const users: Readonly<Record<string, User>> = {
  'token-of-vera': { name: 'vera', role: 'viewer' },
  'token-of-emil': { name: 'emil', role: 'engineer' },
  'token-of-anna': { name: 'anna', role: 'approver' },
};
const storage = new MemoryStorage();
let store!: RunningServer;
let tool!: RunningServer;

beforeAll(async () => {
  // What the team that trains has made, in a process of its own.
  const registry = new Registry({ storage });
  await registry.createModel('fraud');
  for (const trees of [10, 20]) await registry.registerVersion('fraud', { files: { 'model.json': JSON.stringify({ trees }) }, createdBy: 'training' });
  await registry.setPolicy('fraud', { production: [gates.approvals(1, { notBy: 'author' })] });
  const reference = profileData({ amount: Float64Array.from({ length: 2000 }, (_, i) => i % 500) });
  await using monitor = new DriftMonitor({ storage, name: 'fraud', reference, window: { rows: 1000 } });
  await monitor.flush();
  store = await serveStore(storage, secret);
  tool = await serveTool({ url: store.url, secret }, (token) => users[token], 0);
});
afterAll(async () => {
  await tool.close();
  await store.close();
});

/** Asks the tool over HTTP: the status, and the body. */
async function ask(token: string | undefined, method: string, path: string, body?: unknown): Promise<[number, Record<string, unknown>]> {
  const headers = { ...(token && { authorization: `Bearer ${token}` }), 'content-type': 'application/json' };
  const response = await fetch(`${tool.url}${path}`, { method, headers, ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }) });
  return [response.status, (await response.json()) as Record<string, unknown>];
}

describe('who may do what', () => {
  it('is asked of everybody, and told to nobody who is not known', async () => {
    for (const token of [undefined, 'nobody', '']) expect((await ask(token, 'GET', '/models'))[0]).toBe(401);
    expect(await ask('token-of-vera', 'GET', '/models')).toMatchObject([200, { models: [{ name: 'fraud' }] }]);
    expect(await ask('token-of-vera', 'POST', '/models/fraud/versions/1/promotion', { stage: 'production', reason: 'mine' })).toMatchObject([403, { error: { message: expect.stringContaining('vera is viewer') } }]);
    expect((await ask('token-of-emil', 'POST', '/models/fraud/versions/1/approval', { reason: 'mine' }))[0]).toBe(403);
  });

  it('is known to the store: its history names the user, whatever anybody else says', async () => {
    expect(await ask('token-of-emil', 'POST', '/models/fraud/versions/1/promotion', { stage: 'production', reason: 'first' })).toMatchObject([422, { error: { code: 'gate', gates: [{ passed: false }] } }]);
    expect(await ask('token-of-anna', 'POST', '/models/fraud/versions/1/approval', { reason: 'reviewed' })).toMatchObject([200, { by: 'anna' }]);
    expect(await ask('token-of-vera', 'GET', '/models/fraud/versions/1/gates')).toMatchObject([200, { passed: true }]);
    expect(await ask('token-of-emil', 'POST', '/models/fraud/versions/1/promotion', { stage: 'production', reason: 'first' })).toMatchObject([200, { version: 1, by: 'emil' }]);
    await ask('token-of-anna', 'POST', '/models/fraud/versions/2/approval', { reason: 'reviewed' });
    await ask('token-of-emil', 'POST', '/models/fraud/versions/2/promotion', { stage: 'production', reason: 'more trees' });
    expect(await ask('token-of-anna', 'POST', '/models/fraud/rollback', { reason: 'too slow' })).toMatchObject([200, { version: 1, by: 'anna' }]);

    const told = (await new Registry({ storage }).history('fraud')).map(({ type, by }) => `${type} ${by ?? ''}`).slice(-5);
    expect(told).toEqual(['version-approved anna', 'stage-changed emil', 'version-approved anna', 'stage-changed emil', 'rolled-back anna']);
    // Who has the token of one user cannot act as another by saying so.
    await using direct = new HttpStorage(store.url, { token: actingToken(secret, 'emil') });
    await new Registry({ storage: direct }).updateVersion('fraud@1', { description: 'mine', by: 'anna' });
    expect((await new Registry({ storage }).history('fraud')).at(-1)).toMatchObject({ type: 'version-updated', by: 'emil' });
  });

  it('is what a token says that was made with the secret, and no other', async () => {
    const token = actingToken(secret, 'Zoë ♥');
    expect(actorOf(secret, token)).toBe('Zoë ♥');
    const [name, signature] = token.split('.') as [string, string];
    for (const forged of ['', '.', name, `${name}.`, `${Buffer.from('anna').toString('base64url')}.${signature}`, `${name}.${signature}x`, actingToken('another', 'Zoë ♥')]) expect(actorOf(secret, forged)).toBeUndefined();
    await using stranger = new HttpStorage(store.url, { token: actingToken('another', 'emil') });
    await expect(stranger.read(['a'])).rejects.toMatchObject({ code: 'unauthorized' });
  });
});

describe('the drift of a model', () => {
  it('is judged by what is reported, which is stored when it is acknowledged', async () => {
    const observations = Array.from({ length: 1000 }, (_, i) => ({ version: 1, features: { amount: 1000 + i } }));
    expect((await ask('token-of-vera', 'POST', '/models/fraud/observations', { observations }))[0]).toBe(403);
    expect(await ask('token-of-emil', 'POST', '/models/fraud/observations', { observations })).toEqual([202, { taken: 1000 }]);
    await using elsewhere = await DriftMonitor.open({ storage, name: 'fraud', window: { rows: 1000 } });
    expect((await elsewhere.verdicts()).items).toMatchObject([{ status: 'drifted', window: { rows: 1000, versions: { 1: 1000 } } }]);
    expect(await ask('token-of-vera', 'GET', '/models/fraud/drift')).toMatchObject([200, { status: 'drifted', driftedColumns: ['amount'] }]);
    expect(await ask('token-of-vera', 'GET', '/models/fraud/alerts')).toMatchObject([200, { events: [{ data: { kind: 'data-drift', status: 'firing' } }] }]);
  });
});

describe('what goes wrong', () => {
  it('is told with what the caller can do, and nothing else', async () => {
    expect((await ask('token-of-vera', 'GET', '/models/none'))[0]).toBe(404);
    expect((await ask('token-of-vera', 'GET', '/models/none/drift'))[0]).toBe(404);
    expect((await ask('token-of-vera', 'GET', '/else'))[0]).toBe(404);
    expect(await ask('token-of-emil', 'POST', '/models/fraud/rollback', '{')).toEqual([400, { error: { code: 'refused', message: 'The body is no JSON text.' } }]);
    expect(await ask('token-of-emil', 'POST', '/models/fraud/rollback', { reason: '', by: 'anna' })).toMatchObject([400, { error: { message: expect.stringContaining('reason') } }]);
    expect((await ask('token-of-emil', 'POST', '/models/fraud/versions/x/promotion', { stage: 'production', reason: 'x' }))[0]).toBe(404);
    expect((await ask('token-of-emil', 'POST', '/models/fraud/observations', { observations: [{ features: { amount: 'x'.repeat(9 << 20) } }] }))[0]).toBe(413);
  });

  it('is said of a store that does not answer, by the health of the tool too', async () => {
    const gone = await serveStore(new MemoryStorage(), secret);
    const lonely = await serveTool({ url: gone.url, secret, retryWithin: '300ms' }, (token) => users[token], 0);
    onTestFinished(() => lonely.close());
    expect((await fetch(`${lonely.url}/ready`)).status).toBe(200);
    await gone.close();
    expect((await fetch(`${lonely.url}/health`)).status).toBe(200);
    expect((await fetch(`${lonely.url}/ready`)).status).toBe(503);
    const answer = await fetch(`${lonely.url}/models`, { headers: { authorization: 'Bearer token-of-vera' } });
    expect([answer.status, ((await answer.json()) as { error: { code: string } }).error.code]).toEqual([503, 'unavailable']);
  });

  it('is refused at the start, where the environment is not as it must be', () => {
    expect(() => readSettings({ PORT: 'many' })).toThrow(/PORT/);
    expect(() => readSettings({ USERS: '{"short":{"name":"x","role":"king"}}' })).toThrow(/USERS/);
    expect(() => readSettings({ STORE_URL: 'https://mlops.example.test' })).toThrow(/STORE_SECRET/);
    expect(readSettings({ USERS: '{"0123456789abcdef":{"name":"ann","role":"viewer"}}' }).USERS['0123456789abcdef']).toEqual({ name: 'ann', role: 'viewer' });
  });
});

describe('the whole of it, in a process of its own', () => {
  it('begins with nothing but a command, keeps its store, and ends by a signal', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'modelkeep-tool-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const program = spawn(process.execPath, [childProgram('../../examples/internal-tool/main.ts', import.meta.url)], { cwd: directory, env: { ...process.env, PORT: '0' }, stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void program.kill('SIGKILL'));
    let said = '';
    program.stdout.on('data', (part) => (said += String(part)));
    while (!said.includes('The tool is at')) await once(program.stdout, 'data');
    const [, token] = /Bearer (\S+)/.exec(said)!;
    const [, url] = /The tool is at (\S+),/.exec(said)!;
    const answer = await fetch(`${url}/models`, { headers: { authorization: `Bearer ${token}` } });
    expect([answer.status, await answer.json()]).toEqual([200, { models: [] }]);
    expect((await fetch(`${url}/ready`)).status).toBe(200);
    program.kill('SIGTERM');
    expect(await once(program, 'exit')).toEqual([0, null]);
  });
});

describe('its end', () => {
  it('answers what goes on, stores what was observed, and takes nothing more', async () => {
    const ending = await serveTool({ url: store.url, secret }, (token) => users[token], 0);
    const { port } = new URL(ending.url);
    const body = JSON.stringify({ observations: [{ features: { amount: 7 } }] });
    const socket = connect(Number(port), '127.0.0.1');
    const answered = new Promise<string>((resolve) => {
      let text = '';
      socket.on('data', (part) => (text += String(part))).on('close', () => resolve(text));
    });
    const sent = new Promise<void>((resolve) => {
      socket.write(`POST /models/fraud/observations HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer token-of-emil\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 10)}`, () => resolve());
    });
    await sent;
    // Another request of its own has been answered, so the first has come in.
    expect((await fetch(`${ending.url}/health`)).status).toBe(200);
    const closed = ending.close();
    socket.write(body.slice(10));
    expect(await answered).toContain('202');
    await closed;
    await expect(fetch(`${ending.url}/health`)).rejects.toThrow();
    await using monitor = await DriftMonitor.open({ storage, name: 'fraud', window: { rows: 1000 } });
    expect((await monitor.check()).window).toMatchObject({ number: 2, rows: 1 });
  });
});
