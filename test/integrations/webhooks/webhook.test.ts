import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemoryStorage, Registry, verifyWebhook, webhook, webhookMemory, type AuditEvent, type WebhookOptions } from 'modelkeep';
import { seededRandom } from '../../../src/core/random.ts';

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What a receiver answers to its nth request; nothing means that it hangs up. */
type Answer = { readonly status: number; readonly headers?: Record<string, string> } | undefined;

let server: Server;
let url: string;
let received: Received[];
let answer: (request: Received, n: number) => Answer | Promise<Answer>;

beforeEach(async () => {
  received = [];
  answer = () => ({ status: 204 });
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const one = { headers: request.headers, body: Buffer.concat(chunks).toString() };
      received.push(one);
      void Promise.resolve(answer(one, received.length)).then((given) => {
        if (given === undefined) request.socket.destroy();
        else response.writeHead(given.status, given.headers).end('thanks');
      });
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks?token=hidden`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function event(id: string, model = 'fraud', data: unknown = {}): AuditEvent {
  return { id, sequence: 1, type: 'stage-changed', at: 1_614_265_330_000, by: 'ada', subject: { kind: 'model', id: model }, data };
}

/** A clock whose short waits are real and whose long ones are over at once; `waits` are those between attempts. */
function hurried(): { clock: NonNullable<WebhookOptions['clock']>; waits: number[] } {
  const waits: number[] = [];
  return {
    waits,
    clock: {
      now: () => Date.now(),
      monotonic: () => performance.now(),
      setTimer(callback, ms) {
        // The limit of an attempt, and not a wait.
        if (ms === 20_000) return () => undefined;
        waits.push(ms);
        const handle = setTimeout(callback, 0);
        return () => clearTimeout(handle);
      },
    },
  };
}

describe('a webhook', () => {
  it('is signed as Standard Webhooks say', async () => {
    let sent: Request | undefined;
    const send = webhook({ url, secret, fetch: async (request) => ((sent = request), new Response()), clock: { now: () => 1_614_265_330_000, monotonic: () => 0, setTimer: () => () => undefined } });
    send(event('msg_p5jXN8AQM9LWM0D4loKWxJek'));
    await send.close();
    expect(sent!.headers.get('webhook-timestamp')).toBe('1614265330');
    // The vector that the reference implementations are tested with.
    const headers = { 'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek', 'webhook-timestamp': '1614265330', 'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=' };
    const clock = { now: () => 1_614_265_330_000, monotonic: () => 0, setTimer: () => () => undefined };
    expect((await verifyWebhook({ headers, body: '{"test": 2432232314}' }, { secret, clock })).event).toEqual({ test: 2432232314 });
  });

  it('brings each change of a registry to a server, which can tell that it is genuine', async () => {
    const send = webhook({ url, secret, types: ['model-created', 'stage-changed', 'alias-set'] });
    const registry = new Registry({ storage: new MemoryStorage(), onEvent: send });
    await registry.createModel('fraud');
    await registry.registerVersion('fraud', { files: { f: 'x' } });
    await registry.promote('fraud@1', 'production', { by: 'ada', reason: 'better' });
    await send.flush();
    expect(send.queued).toBe(0);
    const events = await Promise.all(received.map((one) => verifyWebhook(one, { secret })));
    const history = (await registry.history('fraud')).filter(({ type }) => type !== 'version-registered');
    expect(events.map((each) => each.event)).toEqual(history.map((each) => ({ ...JSON.parse(JSON.stringify(each)), timestamp: new Date(each.at).toISOString() })));
    expect(events.map(({ id }) => id)).toEqual(history.map(({ id }) => id));
    expect(received[0]!.headers['content-type']).toBe('application/json');
  });

  it('is sent again, with the same id, after what may pass', async () => {
    const failures: Answer[] = [{ status: 503 }, { status: 429, headers: { 'retry-after': '90' } }, undefined, { status: 408 }, { status: 500, headers: { 'retry-after': 'soon' } }];
    answer = (_, n) => (n <= failures.length ? failures[n - 1] : { status: 200 });
    const { clock, waits } = hurried();
    const failed: unknown[] = [];
    const send = webhook({ url, secret, clock, random: seededRandom(1), onError: (error) => failed.push(error) });
    send(event('a'));
    await send.flush();
    expect(received.map(({ headers }) => headers['webhook-id'])).toEqual(Array(6).fill('a'));
    expect(failed).toEqual([]);
    expect(waits).toHaveLength(5);
    expect(waits[1]).toBe(90_000);
    expect(waits.every((wait, i) => i === 1 || (wait >= 500 * 2 ** i && wait <= 1000 * 2 ** i))).toBe(true);
    for (const one of received) expect((await verifyWebhook(one, { secret })).id).toBe('a');
  });

  it.each([301, 400, 401, 404, 410])('is given up at once after %d', async (status) => {
    answer = () => ({ status, headers: status === 301 ? { location: url } : {} });
    const failed: unknown[] = [];
    const send = webhook({ url, secret, onError: (error) => failed.push(error) });
    send(event('a'));
    await send.flush();
    expect(received).toHaveLength(1);
    expect(failed).toEqual([expect.objectContaining({ code: 'unavailable', details: { event: 'a', type: 'stage-changed', attempts: 1, status } })]);
    expect(String(failed[0])).not.toMatch(/hidden|whsec/);
  });

  it('is given up after its attempts, and the next one goes on', async () => {
    answer = ({ headers }) => (headers['webhook-id'] === 'a' ? undefined : { status: 200 });
    const failed: unknown[] = [];
    const { clock } = hurried();
    const send = webhook({ url, secret, clock, retry: { attempts: 3 }, onError: (error) => failed.push(error) });
    for (const id of ['a', 'b']) send(event(id));
    await send.flush();
    expect(received.map(({ headers }) => headers['webhook-id'])).toEqual(['a', 'a', 'a', 'b']);
    expect(failed).toEqual([expect.objectContaining({ code: 'unavailable', message: expect.stringContaining('3 attempts') })]);
  });

  it('is given up when there is no answer in time', async () => {
    answer = () => new Promise(() => undefined);
    const failed: unknown[] = [];
    const send = webhook({ url, secret, timeout: 30, retry: { attempts: 1 }, onError: (error) => failed.push(error) });
    send(event('a'));
    await send.flush();
    expect(failed).toEqual([expect.objectContaining({ message: expect.stringContaining('no answer within 30 ms') })]);
  });

  it('keeps the order of each model, while another one waits for nobody', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    answer = async ({ headers }) => {
      if (headers['webhook-id'] === 'slow-1') await held;
      return { status: 200 };
    };
    const send = webhook({ url, secret });
    for (const id of ['slow-1', 'slow-2']) send(event(id, 'slow'));
    // What happens to a version belongs to the story of its model.
    send({ ...event('slow-3'), subject: { kind: 'model-version', id: 'slow', version: 1 } });
    for (const id of ['quick-1', 'quick-2']) send(event(id, 'quick'));
    while (received.length < 3) await new Promise((resolve) => setImmediate(resolve));
    const ids = (): unknown[] => received.map(({ headers }) => headers['webhook-id']);
    expect([...ids()].sort()).toEqual(['quick-1', 'quick-2', 'slow-1']);
    release();
    await send.close();
    expect(ids().filter((id) => String(id).startsWith('slow'))).toEqual(['slow-1', 'slow-2', 'slow-3']);
    expect(ids().filter((id) => String(id).startsWith('quick'))).toEqual(['quick-1', 'quick-2']);
  });

  it('tells what does not fit into the queue, and what comes after the end', async () => {
    const failed: { details: unknown; code: string }[] = [];
    const send = webhook({ url, secret, maxQueued: 2, onError: (error) => void failed.push(error as never) });
    for (const id of ['a', 'b', 'c']) send(event(id));
    expect(send.queued).toBe(2);
    await send.close();
    send(event('d'));
    expect(failed).toEqual([
      expect.objectContaining({ code: 'unavailable', details: { event: 'c', type: 'stage-changed' } }),
      expect.objectContaining({ code: 'closed', details: { event: 'd', type: 'stage-changed' } }),
    ]);
    expect(received).toHaveLength(2);
  });

  it('gives up what is left when whoever closes it waits no longer', async () => {
    answer = () => new Promise(() => undefined);
    const failed: unknown[] = [];
    const send = webhook({ url, secret, onError: (error) => failed.push(error) });
    for (const id of ['a', 'b']) send(event(id));
    const stop = new AbortController();
    const closed = send.close({ signal: stop.signal });
    await expect(send.flush({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
    stop.abort();
    await closed;
    expect(failed).toEqual([expect.objectContaining({ code: 'closed' }), expect.objectContaining({ code: 'closed' })]);
    expect(send.queued).toBe(0);
  });

  it('never throws into whoever sends, whatever the event and the listener do', async () => {
    const send = webhook({ url, secret, onError: () => { throw new Error('listener'); } });
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    send(event('a', 'fraud', circular));
    send(event('b', 'fraud', { auc: NaN, loss: Infinity, count: 5n }));
    await send.close();
    expect(JSON.parse(received[0]!.body)).toMatchObject({ id: 'b', data: { auc: 'NaN', loss: 'Infinity', count: '5' } });
  });

  it.each<[Partial<WebhookOptions>, string]>([
    [{ url: 'ftp://a.test' }, 'options.url'],
    [{ url: '/hooks' }, 'options.url'],
    [{ url: 'https://u:pw@a.test' }, 'options.url'],
    [{ secret: 'whsec_c2hvcnQ=' }, 'options.secret'],
    [{ secret: 'not base64 !' }, 'options.secret'],
    [{ secret: [] }, 'options.secret'],
    [{ secret: [secret, ''] }, 'options.secret[1]'],
    [{ headers: { 'Webhook-Id': 'x' } }, 'options.headers.Webhook-Id'],
    [{ headers: { a: 'line\nbreak-hidden' } }, 'options.headers'],
    [{ retry: { attempts: 0 } }, 'options.retry.attempts'],
    [{ timeout: 'soon' as never }, 'options.timeout'],
    [{ surprise: 1 } as never, 'options'],
  ])('is not made with %j', (options, path) => {
    const make = (): unknown => webhook({ url, secret, ...options });
    expect(make).toThrow(expect.objectContaining({ code: 'validation' }));
    try {
      make();
    } catch (error) {
      expect(JSON.stringify((error as { details: object }).details)).toContain(path);
      expect(String(error)).not.toMatch(/hidden|pw@|c2hvcnQ/);
    }
  });
});

describe('a receiver', () => {
  const now = 1_700_000_000_000;
  const clock = { now: () => now, monotonic: () => 0, setTimer: () => () => undefined };

  async function signed(options: Partial<WebhookOptions> = {}): Promise<Request> {
    let sent: Request | undefined;
    const send = webhook({ url, secret, clock, fetch: async (request) => ((sent = request.clone()), new Response()), ...options });
    send(event('a'));
    await send.close();
    return sent!;
  }

  async function plain(options: Partial<WebhookOptions> = {}): Promise<{ headers: Record<string, string>; body: string }> {
    const request = await signed(options);
    return { headers: Object.fromEntries(request.headers), body: await request.text() };
  }

  it('takes a Request, its bytes and its text, with headers in any case', async () => {
    expect(await verifyWebhook(await signed(), { secret, clock })).toMatchObject({ id: 'a', at: now, repeated: false, event: { type: 'stage-changed', by: 'ada' } });
    const { headers, body } = await plain();
    const upper = Object.fromEntries(Object.entries(headers).map(([key, value]) => [key.toUpperCase(), [value]]));
    expect((await verifyWebhook({ headers: upper, body: new TextEncoder().encode(body) }, { secret, clock })).id).toBe('a');
  });

  it('takes either secret while one replaces the other', async () => {
    const next = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
    const both = await plain({ secret: [next, secret] });
    for (const each of [secret, next]) expect((await verifyWebhook(both, { secret: each, clock })).id).toBe('a');
    expect((await verifyWebhook(await plain(), { secret: [next, secret], clock })).id).toBe('a');
    await expect(verifyWebhook(await plain(), { secret: next, clock })).rejects.toMatchObject({ code: 'unauthorized', details: { reason: 'signature' } });
  });

  it('refuses whatever was changed', async () => {
    const { headers, body } = await plain();
    const changed: [Record<string, string>, string, string][] = [
      [headers, body.replace('ada', 'eve'), 'signature'],
      [{ ...headers, 'webhook-id': 'b' }, body, 'signature'],
      [{ ...headers, 'webhook-timestamp': '1700000001' }, body, 'signature'],
      [{ ...headers, 'webhook-timestamp': 'now' }, body, 'headers'],
      [{ ...headers, 'webhook-signature': headers['webhook-signature']!.replace('v1,', 'v1a,') }, body, 'signature'],
      [{ ...headers, 'webhook-signature': 'v1,' }, body, 'signature'],
      [{ ...headers, 'webhook-signature': `${'v1,AAAA '.repeat(10)}${headers['webhook-signature']}` }, body, 'signature'],
      [{ 'webhook-id': 'a' }, body, 'headers'],
    ];
    for (const [given, text, reason] of changed) {
      await expect(verifyWebhook({ headers: given, body: text }, { secret, clock })).rejects.toMatchObject({ code: 'unauthorized', details: { reason } });
    }
  });

  it('refuses what is too old or from the future', async () => {
    const sent = await plain();
    const at = (ms: number): typeof clock => ({ ...clock, now: () => now + ms });
    for (const ms of [300_000, -300_000]) expect((await verifyWebhook(sent, { secret, clock: at(ms) })).id).toBe('a');
    for (const ms of [300_001, -300_001]) await expect(verifyWebhook(sent, { secret, clock: at(ms) })).rejects.toMatchObject({ details: { reason: 'time' } });
    await expect(verifyWebhook(sent, { secret, clock: at(20_000), tolerance: '10s' })).rejects.toMatchObject({ details: { reason: 'time' } });
  });

  it('knows what it has dealt with, and not what it failed at', async () => {
    const memory = webhookMemory();
    const sent = await plain();
    expect((await verifyWebhook(sent, { secret, clock, memory })).repeated).toBe(false);
    const second = await verifyWebhook(sent, { secret, clock, memory });
    expect(second.repeated).toBe(false);
    await second.done();
    expect((await verifyWebhook(sent, { secret, clock, memory })).repeated).toBe(true);
  });

  it('forgets the oldest', () => {
    const memory = webhookMemory(2);
    for (const id of ['a', 'b', 'a', 'c']) void memory.add(id);
    expect(['a', 'b', 'c'].map((id) => memory.has(id))).toEqual([true, false, true]);
    expect(() => webhookMemory(0)).toThrow(/limit is 0/);
  });

  it('reads no more than it is asked to, and only what came as it was', async () => {
    await expect(verifyWebhook(await signed(), { secret, clock, maxBytes: 10 })).rejects.toMatchObject({ code: 'validation', details: { path: 'body' } });
    const { headers } = await plain();
    await expect(verifyWebhook({ headers, body: { type: 'parsed' } as never }, { secret, clock })).rejects.toThrow(/as they came/);
  });
});
