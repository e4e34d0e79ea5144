import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { MemoryStorage } from 'modelkeep';
import { createStorageHandler, toNodeHandler, type StorageHandlerOptions } from 'modelkeep/server';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../src/core/digest.ts';
import { systemClock } from '../../src/core/clock.ts';
import { listen, type Listening } from './listening.ts';

async function serve(storage = new MemoryStorage(), options: Partial<StorageHandlerOptions> = {}): Promise<Listening & { storage: MemoryStorage }> {
  return Object.assign(await listen(toNodeHandler(createStorageHandler(storage, { authorize: 'public', ...options }))), { storage });
}

const ended = (received: string): boolean => /\r\n\r\n/.test(received) && (/content-length: 0\b/i.test(received) || /}$/.test(received));
const statusOf = (received: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(received)?.[1]);
const big = new Uint8Array(30_000_000).fill(7);
const bigDigest = digestOf(big);

describe('over node:http', () => {
  it('everything works as it does directly', async () => {
    await using server = await serve();
    const put = await fetch(`${server.url}/v1/records/a/b`, { method: 'PUT', body: 'bytes', headers: { 'if-none-match': '*' } });
    expect([put.status, await put.json()]).toEqual([200, { ok: true, version: '1' }]);
    const get = await fetch(`${server.url}/v1/records/a/b`);
    expect([get.status, get.headers.get('etag'), await get.text()]).toEqual([200, put.headers.get('etag'), 'bytes']);
    const head = await fetch(`${server.url}/v1/records/a/b`, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '5', '']);
    expect((await fetch(`${server.url}/v1/records/a/b`, { headers: { 'if-none-match': put.headers.get('etag')! } })).status).toBe(304);
    expect(await (await fetch(`${server.url}/v1/blobs/${bigDigest}`, { method: 'PUT', body: big })).json()).toEqual({ digest: bigDigest, size: big.length });
    expect(digestOf(new Uint8Array(await (await fetch(`${server.url}/v1/blobs/${bigDigest}`)).arrayBuffer()))).toBe(bigDigest);
    expect((await fetch(`${server.url}/v1/blobs/${bigDigest}`, { method: 'HEAD' })).headers.get('content-length')).toBe(String(big.length));
    expect(await (await fetch(`${server.url}/v1/records/a/b`, { method: 'DELETE' })).json()).toEqual({ ok: true });
  });

  it('authorize sees the request as it was sent', async () => {
    const seen: Request[] = [];
    await using server = await serve(new MemoryStorage(), { authorize: (request) => (seen.push(request), { actor: 'a' }) });
    await fetch(`${server.url}/v1/records/a`, { headers: { authorization: 'Bearer x', 'x-many': 'one, two' } });
    const [request] = seen;
    expect(request).toBeInstanceOf(Request);
    expect([request!.method, request!.url, request!.headers.get('Authorization'), request!.headers.get('x-none'), request!.headers.has('X-Many')]).toEqual(['GET', `${server.url}/v1/records/a`, 'Bearer x', null, true]);
    expect(Object.fromEntries(request!.headers)).toMatchObject({ authorization: 'Bearer x', 'x-many': 'one, two' });
    expect(new Headers(request!.headers).get('authorization')).toBe('Bearer x');
    expect(request!.headers).toBeInstanceOf(Headers);
    expect([request!.clone().url, request!.signal.aborted, request!.body, request!.headers.get('__proto__'), request!.headers.get('constructor')]).toEqual([request!.url, false, null, null, null]);
  });

  it('a client that reads slowly holds back the store', async () => {
    let given = 0;
    const storage = Object.assign(new MemoryStorage(), {
      async *readLog() {
        for (let i = 1; i <= 2_000; i++) {
          given++;
          yield { writer: 'w', sequence: i, bytes: new Uint8Array(100_000), position: `w:${i}` };
        }
      },
    });
    await using server = await serve(storage);
    const response = await new Promise<IncomingMessage>((resolve) => httpRequest(`${server.url}/v1/logs/l`, resolve).end());
    // Nothing is read here until the sockets between us are full.
    let before = -1;
    await expect.poll(() => (before === given ? 'waits' : ((before = given), 'goes on')), { interval: 100, timeout: 100_000 }).toBe('waits');
    expect(given).toBeLessThan(1_000);
    response.resume();
    await once(response, 'end');
    expect(given).toBe(2_000);
  });

  it('a store that is slow holds back the client', async () => {
    let release = (): void => undefined;
    let taken = 0;
    const storage = Object.assign(new MemoryStorage(), {
      async writeBlob(source: AsyncIterable<Uint8Array>) {
        for await (const chunk of source) {
          if (taken === 0) await new Promise<void>((resolve) => (release = resolve));
          taken += chunk.length;
        }
        return { digest: bigDigest, size: taken };
      },
    });
    await using server = await serve(storage);
    const socket = connect(server.port, '127.0.0.1');
    socket.write(`PUT /v1/blobs/${bigDigest} HTTP/1.1\r\nhost: x\r\ncontent-length: ${big.length}\r\n\r\n`);
    socket.write(big);
    let before = -1;
    await expect.poll(() => (before === socket.bytesWritten - socket.writableLength ? 'waits' : ((before = socket.bytesWritten - socket.writableLength), 'goes on')), { interval: 100, timeout: 100_000 }).toBe('waits');
    expect(socket.writableLength).toBeGreaterThan(0);
    release();
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect([statusOf(answer.toString()), taken]).toEqual([200, big.length]);
    socket.destroy();
  });

  it('a client that leaves ends what is done for it', async () => {
    let ended = 0;
    const signals: AbortSignal[] = [];
    const storage = Object.assign(new MemoryStorage(), {
      async *readLog(_log: string, options: { signal: AbortSignal }) {
        signals.push(options.signal);
        try {
          for (let i = 1; ; i++) yield { writer: 'w', sequence: i, bytes: new Uint8Array(100_000), position: `w:${i}` };
        } finally {
          ended++;
        }
      },
    });
    await using server = await serve(storage, { limits: { requestsInFlight: 1 } });
    const leaving = new AbortController();
    const response = await fetch(`${server.url}/v1/logs/l`, { signal: leaving.signal });
    await response.body!.getReader().read();
    expect((await fetch(`${server.url}/v1/records/a`)).status).toBe(429);
    leaving.abort();
    await expect.poll(() => [ended, signals[0]!.aborted]).toEqual([1, true]);
    expect((await fetch(`${server.url}/v1/records/a`)).status).toBe(404);
  });

  it('a client that left before its body was asked for keeps no place', async () => {
    let decide = (): void => undefined;
    const decided = new Promise<void>((resolve) => (decide = resolve));
    let asked = 0;
    const gone: Promise<unknown>[] = [];
    const authorize = async (request: Request): Promise<{ actor: string }> => {
      asked++;
      if (request.method === 'PUT') {
        gone.push(new Promise((resolve) => request.signal.addEventListener('abort', resolve)));
        await decided;
      }
      return { actor: 'a' };
    };
    await using server = await serve(new MemoryStorage(), { authorize, limits: { requestsInFlight: 1 } });
    const client = connect(server.port, '127.0.0.1');
    client.write('PUT /v1/records/a HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nabc');
    await expect.poll(() => asked).toBe(1);
    client.destroy();
    await gone[0];
    // The request itself is over only a little later than its answer.
    await new Promise((resolve) => setImmediate(resolve));
    decide();
    await expect.poll(async () => (await fetch(`${server.url}/v1/records/a`)).status).toBe(404);
  });

  it('an answer that fails midway is cut, and is never whole', async () => {
    const storage = Object.assign(new MemoryStorage(), {
      list: async () => ({ entries: [{ key: bigDigest, version: '1', size: 300_000 }] }),
      readBlob: async () =>
        (async function* () {
          yield new Uint8Array(100_000);
          yield new Uint8Array(100_000);
          throw new Error('damaged');
        })(),
    });
    await using server = await serve(storage);
    const response = await fetch(`${server.url}/v1/blobs/${bigDigest}`);
    expect(response.status).toBe(200);
    await expect(response.arrayBuffer()).rejects.toThrow();
  });

  it('any other handler is served, too', async () => {
    const web = async (request: Request): Promise<Response> => {
      if (request.url.endsWith('/fail')) throw new Error('hunter2');
      const headers = new Headers({ 'x-method': request.method });
      headers.append('set-cookie', 'a=1');
      headers.append('set-cookie', 'b=2');
      return new Response(request.body, { status: 201, headers });
    };
    await using server = await listen(toNodeHandler(web));
    const echoed = await fetch(`${server.url}/echo`, { method: 'POST', body: big });
    expect([echoed.status, echoed.headers.get('x-method'), echoed.headers.getSetCookie()]).toEqual([201, 'POST', ['a=1', 'b=2']]);
    expect(digestOf(new Uint8Array(await echoed.arrayBuffer()))).toBe(bigDigest);
    const failed = await fetch(`${server.url}/fail`);
    expect([failed.status, (await failed.text()).includes('hunter2')]).toEqual([500, false]);
    expect((await fetch(`${server.url}/none`)).status).toBe(201);
  });
});

describe('over a bare socket', () => {
  const put = (headers: string, body = ''): string => `PUT /v1/records/a HTTP/1.1\r\nhost: x\r\n${headers}\r\n\r\n${body}`;

  it('a body that is shorter than announced writes nothing', async () => {
    await using server = await serve();
    expect(statusOf(await server.raw(put('content-length: 100', 'short'), { end: true }))).toBeOneOf([NaN, 400]);
    expect(await server.storage.read(['a'])).toEqual([undefined]);
    expect((await fetch(`${server.url}/v1/health`)).status).toBe(200);
  });

  it('a body that is longer than announced is another request, and that is rubbish', async () => {
    await using server = await serve();
    const received = await server.raw(put('content-length: 5', 'bytes and then some\r\n\r\n'), { until: (text) => text.includes('400') });
    // Node hangs up at the rubbish, maybe before the answer to what came before it.
    expect(received.match(/HTTP\/1\.1 \d+/g)!.at(-1)).toBe('HTTP/1.1 400');
    await expect.poll(async () => new TextDecoder().decode((await server.storage.read(['a']))[0]?.bytes)).toBe('bytes');
  });

  it.each([
    ['two lengths', 'content-length: 5\r\ncontent-length: 6'],
    ['a length and chunks', 'content-length: 5\r\ntransfer-encoding: chunked'],
    ['two tokens', 'content-length: 5\r\nauthorization: Bearer a\r\nauthorization: Bearer b'],
    ['two hosts', 'content-length: 5\r\nHost: y'],
    ['two conditions', 'content-length: 5\r\nif-match: "1"\r\nIf-Match: "2"'],
    ['two names of the write', 'content-length: 5\r\nmodelkeep-operation-id: a\r\nmodelkeep-operation-id: b'],
    ['an unknown encoding', 'transfer-encoding: gzip'],
    ['chunks that are none', 'transfer-encoding: chunked'],
    ['a host that is none', 'content-length: 5\r\nx: y\r\nhost: x/../y'],
  ])('%s are refused', async (_, headers) => {
    await using server = await serve();
    expect(statusOf(await server.raw(put(headers, 'bytes'), { until: ended }))).toBeOneOf([400, 501]);
    expect(await server.storage.read(['a'])).toEqual([undefined]);
  });

  it.each(['/v1/records/x/../a', '/v1/records/%2e%2e/a', '/v1/records/./a', '/v1/records//a', '/v1/records/a%00', '/v1/records/x%2fa', '/v1/records/x\\a', '/v1/../v1/records/a', 'http://other.test/v1/records/..', '*', '/v1/records/a#b'])(
    'the path %s leads nowhere',
    async (path) => {
      const reached: string[] = [];
      await using server = await serve(new MemoryStorage(), { authorize: (_, { key }) => (reached.push(key), { actor: 'a' }) });
      expect(statusOf(await server.raw(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`, { until: ended }))).toBeOneOf([400, 404]);
      expect(reached).toEqual([]);
    },
  );

  it('requests behind each other are answered in order, and rubbish is refused', async () => {
    await using server = await serve();
    const requests = Array.from({ length: 20 }, (_, i) => `PUT /v1/records/k/${i} HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\n${i % 10}`).join('');
    const answers = (text: string): string[] => text.match(/"version":"\d+"/g) ?? [];
    const received = await server.raw(requests, { until: (text) => answers(text).length === 20 });
    expect(answers(received)).toEqual(Array.from({ length: 20 }, (_, i) => `"version":"${i + 1}"`));
    expect(statusOf(await server.raw('\0\0rubbish\r\n\r\n'))).toBe(400);
    expect((await server.storage.list()).entries).toHaveLength(20);
  });

  it('a body that does not come is not waited for, and the connection ends', async () => {
    const waits: number[] = [];
    // The clock of the handler runs a thousand times faster than that of the wall.
    const clock = { ...systemClock, setTimer: (callback: () => void, ms: number) => (waits.push(ms), systemClock.setTimer(callback, ms / 1000)) };
    await using server = await serve(new MemoryStorage(), { clock, limits: { bodyTimeout: '30s' } });
    const received = await server.raw(put('content-length: 100', 'some'));
    expect([statusOf(received), /connection: close/i.test(received), waits[0]]).toEqual([408, true, 30_000]);
    expect(await server.storage.read(['a'])).toEqual([undefined]);
  });

  it('a body that is too large is refused before it is sent, and while it is', async () => {
    await using server = await serve(new MemoryStorage(), { limits: { recordBytes: 1_000 } });
    expect(statusOf(await server.raw(put('content-length: 1000000'), { until: ended }))).toBe(413);
    const chunk = `${(10_000).toString(16)}\r\n${'x'.repeat(10_000)}\r\n`;
    expect(statusOf(await server.raw(put('transfer-encoding: chunked', chunk.repeat(100)), { until: ended }))).toBe(413);
    expect((await fetch(`${server.url}/v1/health`)).status).toBe(200);
  });

  it('connections that are cut anywhere leave the server as it was', async () => {
    await using server = await serve(new MemoryStorage(), { limits: { requestsInFlight: 2 } });
    const whole = put('content-length: 50\r\nif-none-match: *', 'x'.repeat(50));
    for (let cut = 1; cut < whole.length; cut += 4) {
      const socket = connect(server.port, '127.0.0.1');
      await once(socket, 'connect');
      socket.write(whole.slice(0, cut), () => socket.resetAndDestroy());
      await once(socket, 'close');
    }
    await expect.poll(async () => (await fetch(`${server.url}/v1/records/none`)).status).toBe(404);
    expect(await server.storage.read(['a'])).toEqual([undefined]);
  });
});
