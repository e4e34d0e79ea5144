import { MemoryStorage, StorageError, IntegrityError } from 'modelkeep';
import { createStorageHandler, type StorageHandlerOptions } from 'modelkeep/server';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/core/clock.ts';
import { digestOf } from '../../src/core/digest.ts';
import type { StorageAdapter } from '../../src/storage/contract.ts';
import { asFrames, clientOf, errorOf, framesIn, framesOf, type Client } from './client.ts';

function open(options: Partial<StorageHandlerOptions> = {}, storage: StorageAdapter = new MemoryStorage()): { ask: Client; storage: StorageAdapter } {
  return { storage, ask: clientOf(createStorageHandler(storage, { authorize: 'public', ...options })) };
}

/** A body that gives its chunks one by one and then, unless it ends, waits for ever. */
function slowBody(chunks: readonly Uint8Array[], state: { cancelled?: boolean; pulled?: number } = {}): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream(
    {
      pull(controller) {
        state.pulled = at + 1;
        if (at === chunks.length) return new Promise(() => undefined);
        controller.enqueue(chunks[at++]!);
        return undefined;
      },
      cancel() {
        state.cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
}

/** Time that passes when a test says so. */
class TestClock implements Clock {
  #now = 0;
  readonly #timers = new Set<{ at: number; callback: () => void }>();

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  setTimer(callback: () => void, ms: number): () => void {
    const timer = { at: this.#now + ms, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  advance(ms: number): void {
    this.#now += ms;
    for (const timer of [...this.#timers]) if (timer.at <= this.#now && this.#timers.delete(timer)) timer.callback();
  }

  get waiting(): number {
    return this.#timers.size;
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

describe('limits', () => {
  it.each([
    ['a record that says so', { limits: { recordBytes: 10 } }, 'PUT records/a', { body: 'x'.repeat(11), headers: { 'content-length': '11' } }],
    ['a record that does not say so', { limits: { recordBytes: 10 } }, 'PUT records/a', { body: 'x'.repeat(11) }],
    ['a record in a batch', { limits: { recordBytes: 10 } }, 'POST batch/write', { body: framesOf([{ kind: 'put', key: 'a' }, 'x'.repeat(11)]), headers: asFrames }],
    ['an entry', { limits: { entryBytes: 10 } }, 'POST logs/a', { body: framesOf([{ sizes: [11] }, 'x'.repeat(11)]), headers: asFrames }],
    ['a blob', { limits: { blobBytes: 10 } }, `PUT blobs/${digestOf('x'.repeat(11))}`, { body: 'x'.repeat(11) }],
    ['a batch of reads', { limits: { batch: 2 } }, 'POST batch/read', { body: { keys: ['a', 'b', 'c'] } }],
    ['a batch of writes', { limits: { batch: 1 } }, 'POST batch/write', { body: framesOf([{ kind: 'put', key: 'a' }], [{ kind: 'put', key: 'b' }]), headers: asFrames }],
    ['a body', { limits: { requestBytes: 100 } }, 'POST logs/a', { body: framesOf([{ sizes: [200] }, 'x'.repeat(200)]), headers: asFrames }],
    ['JSON', { limits: { batch: 1 } }, 'POST batch/read', { body: { keys: ['a'.repeat(3000)] } }],
  ])('hold for %s: 413, and nothing is written', async (_, options, line, given) => {
    const { ask, storage } = open(options);
    const error = await errorOf(await ask(line, given));
    expect(error).toMatchObject({ status: 413, code: 'validation' });
    expect(error.details?.['limit']).toEqual(expect.any(Number));
    for (const kind of ['record', 'log', 'blob'] as const) expect((await storage.list({ kind })).entries).toEqual([]);
  });

  it('hold while a body is read: what is too much is not taken', async () => {
    const state = { pulled: 0, cancelled: false };
    const { ask } = open({ limits: { recordBytes: 1000 } });
    expect((await ask('PUT records/a', { body: slowBody(Array<Uint8Array>(1000).fill(new Uint8Array(100)), state) })).status).toBe(413);
    expect([state.pulled, state.cancelled]).toEqual([11, true]);
  });

  it('hold for keys, URLs and pages', async () => {
    const { ask } = open({ limits: { keyLength: 20, page: 3 } });
    expect((await ask(`GET records/${'a'.repeat(21)}`)).status).toBe(400);
    expect((await ask('POST batch/read', { body: { keys: ['a'.repeat(21)] } })).status).toBe(400);
    expect((await ask(`GET records/${'a'.repeat(1_000_000)}`)).status).toBe(414);
    for (let i = 0; i < 5; i++) await ask(`PUT records/${i}`, { body: 'x' });
    expect((await ask.json<{ entries: unknown[]; next: string }>('GET records?limit=100')).entries).toHaveLength(3);
    expect((await ask.json<{ entries: unknown[] }>('GET records')).entries).toHaveLength(3);
  });

  it('hold for entries, which weigh more in memory than on their way', async () => {
    const { ask, storage } = open();
    const sizes = new Array<number>(400_000).fill(0);
    expect(await errorOf(await ask('POST logs/l', { body: framesOf([{ sizes }], [{ sizes }], [{ sizes }]), headers: asFrames }))).toMatchObject({ status: 413, details: { limit: 1_000_000 } });
    expect((await storage.list({ kind: 'log' })).entries).toEqual([]);
  });

  it('hold for how many records are read at once, however small those before were', async () => {
    const most: number[] = [];
    const inner = new MemoryStorage();
    await inner.write([{ kind: 'put', key: 'big', bytes: new Uint8Array(1000) }]);
    const storage: StorageAdapter = Object.assign(inner, { read: (keys: readonly string[]) => (most.push(keys.length), MemoryStorage.prototype.read.call(inner, keys)) });
    const { ask } = open({ limits: { recordBytes: 1000, bytesInFlight: 10_000 } }, storage);
    const keys = ['a', 'b', 'c', 'd', ...new Array<string>(50).fill('big')];
    const frames = await framesIn(await ask('POST batch/read', { body: { keys } }));
    expect([frames.length, Math.max(...most)]).toEqual([keys.length + 1, 10]);
  });

  it('refuse bodies that are packed, or shorter or longer than announced', async () => {
    const { ask, storage } = open();
    expect((await ask('PUT records/a', { body: 'x', headers: { 'content-encoding': 'gzip' } })).status).toBe(415);
    expect((await ask('PUT records/a', { body: 'x', headers: { 'content-encoding': 'identity' } })).status).toBe(200);
    for (const length of ['0', '2', '1, 1', '-1', 'x', '1e1']) expect((await ask('PUT records/b', { body: 'x', headers: { 'content-length': length } })).status, length).toBe(400);
    expect((await ask('PUT records/b', { body: 'x', headers: { 'content-length': '1', 'transfer-encoding': 'chunked' } })).status).toBe(400);
    expect((await storage.read(['b']))[0]).toBeUndefined();
  });

  it('refuse JSON that is deep, and make nothing of a prototype', async () => {
    const { ask } = open();
    const json = { 'content-type': 'application/json' };
    for (const deep of ['['.repeat(100_000), `{"keys":${'['.repeat(30)}${']'.repeat(30)}}`, '{"a":'.repeat(5000)]) expect((await ask('POST batch/read', { body: deep, headers: json })).status).toBe(400);
    expect((await ask('POST batch/read', { body: '{"keys":["[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\"[[["]}', headers: json })).status).toBe(400);
    for (const body of ['{"__proto__":{"keys":["a"]}}', '{"keys":["a"],"__proto__":{"x":1}}', '{"keys":["a"],"constructor":1}', '{"keys":{"length":1,"0":"a"}}', 'null', '[]', '', '\ufeff{}']) {
      expect((await ask('POST batch/read', { body, headers: json })).status, body).toBe(400);
    }
    expect((await ask('POST registry/createModel', { body: '{"a":'.repeat(600), headers: json })).status).toBe(400);
    expect((await ask('POST registry/createModel', { body: `{"input":{"model":"m","tags":{"__proto__":"x"}}}`, headers: json })).status).toBeLessThan(500);
    expect(({} as Record<string, unknown>)['keys']).toBeUndefined();
  });

  it('hold for requests at once, until their answers are taken, left or too old', async () => {
    const clock = new TestClock();
    const storage = new MemoryStorage();
    const bytes = new Uint8Array(2_000_000);
    await storage.writeBlob((async function* () { yield bytes; })());
    const { ask } = open({ clock, limits: { requestsInFlight: 3, bodyTimeout: '10s' } }, storage);
    const get = (): Promise<Response> => ask(`GET blobs/${digestOf(bytes)}`);
    const [taken, left, forgotten] = [await get(), await get(), await get()];
    const refused = await get();
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
    expect((await ask('GET health')).status).toBe(200);
    expect((await taken.arrayBuffer()).byteLength).toBe(bytes.length);
    expect((await ask('GET records/a')).status).toBe(404);
    expect((await get()).status).toBe(200);
    expect((await get()).status).toBe(429);
    await left.body!.cancel();
    expect((await get()).status).toBe(200);
    clock.advance(10_001);
    expect((await ask('GET records/a')).status).toBe(404);
    await expect(forgotten.arrayBuffer()).rejects.toThrow('in time');
  });

  it('hold for the bytes of all bodies together', async () => {
    const { ask } = open({ limits: { bytesInFlight: 1000 } });
    const waiting = ask('PUT records/a', { body: slowBody([new Uint8Array(900)]) });
    await settled();
    expect((await ask('PUT records/b', { body: 'x'.repeat(500) })).status).toBe(429);
    expect((await ask('PUT records/b', { body: 'x'.repeat(50) })).status).toBe(200);
    const alone = open({ limits: { bytesInFlight: 1000 } });
    expect((await alone.ask('PUT records/b', { body: 'x'.repeat(5000) })).status).toBe(200);
    expect((await alone.ask('PUT records/b', { body: 'x'.repeat(5000) })).status).toBe(200);
    void waiting;
  });

  it('hold for how long a body takes, and not for how long the store does', async () => {
    const clock = new TestClock();
    const { ask } = open({ clock, limits: { bodyTimeout: '10s' } });
    const state = { cancelled: false };
    const answering = ask('PUT records/a', { body: slowBody([new Uint8Array(5)], state) });
    await expect.poll(() => clock.waiting).toBe(1);
    clock.advance(9_999);
    expect(clock.waiting).toBe(1);
    clock.advance(1);
    expect(await errorOf(await answering)).toMatchObject({ status: 408, code: 'timeout' });
    expect([state.cancelled, clock.waiting]).toEqual([true, 0]);

    const slow = Object.assign(new MemoryStorage(), {
      async writeBlob(source: AsyncIterable<Uint8Array>) {
        let size = 0;
        for await (const chunk of source) {
          size += chunk.length;
          clock.advance(60_000);
        }
        return { digest: digestOf('x'), size };
      },
    });
    const other = open({ clock, limits: { bodyTimeout: '10s' } }, slow);
    let chunks = 5;
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        await settled();
        if (chunks-- > 0) controller.enqueue(new Uint8Array(10));
        else controller.close();
      },
    });
    expect((await other.ask(`PUT blobs/${digestOf('x')}`, { body })).status).toBe(200);
  });
});

describe('streams', () => {
  it('are not gathered: a log and a blob are read as they are taken', async () => {
    let read = 0;
    let ended = 0;
    const storage = Object.assign(new MemoryStorage(), {
      async *readLog() {
        try {
          for (let i = 1; i <= 100_000; i++) {
            read++;
            yield { writer: 'w', sequence: i, bytes: new Uint8Array(1000), position: `w:${i}` };
          }
        } finally {
          ended++;
        }
      },
    });
    const { ask } = open({}, storage);
    const reader = (await ask('GET logs/l')).body!.getReader();
    await reader.read();
    await settled();
    expect(read).toBeLessThan(1000);
    await reader.cancel();
    await settled();
    expect(ended).toBe(1);
    expect((await ask('HEAD logs/l')).status).toBe(200);
    await settled();
    expect(ended).toBe(2);
  });

  it('end with an error frame when they fail midway', async () => {
    const failure = new IntegrityError('The log l is damaged in /var/lib/secret/l~1.log', { key: 'l' });
    const storage = Object.assign(new MemoryStorage(), {
      async *readLog() {
        for (let i = 1; i <= 9_000; i++) yield { writer: 'w', sequence: i, bytes: new Uint8Array(1), position: `w:${i}` };
        throw failure;
      },
    });
    const errors: unknown[] = [];
    const { ask } = open({ onError: (error) => errors.push(error) }, storage);
    const frames = await framesIn(await ask('GET logs/l'));
    expect(frames).toHaveLength(2);
    expect(frames[1]!.header).toMatchObject({ error: { code: 'integrity', details: { id: expect.any(String) as string } } });
    expect(JSON.stringify(frames[1]!.header)).not.toContain('secret');
    expect(errors).toEqual([failure]);
  });

  it('end when the client leaves, also where the host only says so by the signal', async () => {
    let ended = 0;
    const storage = Object.assign(new MemoryStorage(), {
      async *readLog() {
        try {
          for (let i = 1; ; i++) yield { writer: 'w', sequence: i, bytes: new Uint8Array(300_000), position: `w:${i}` };
        } finally {
          ended++;
        }
      },
    });
    const { ask } = open({ limits: { requestsInFlight: 1 } }, storage);
    const aborts = new AbortController();
    await ask('GET logs/l', { signal: aborts.signal });
    expect((await ask('GET records')).status).toBe(429);
    aborts.abort();
    await expect.poll(() => ended).toBe(1);
    expect((await ask('GET records')).status).toBe(200);
  });

  it('stop the store when the client leaves', async () => {
    const signals: (AbortSignal | undefined)[] = [];
    const storage = new MemoryStorage();
    const list = storage.list.bind(storage);
    Object.assign(storage, { list: (...args: Parameters<typeof list>) => (signals.push(args[1]?.signal), list(...args)) });
    const { ask } = open({}, storage);
    const aborts = new AbortController();
    await ask('GET records', { signal: aborts.signal });
    aborts.abort();
    expect(signals.map((signal) => signal?.aborted)).toEqual([true]);
  });
});

describe('failures', () => {
  const place = '/var/lib/models';
  const failing = (error: Error): StorageAdapter =>
    Object.assign(new MemoryStorage(), { name: `filesystem ${place}`, read: () => Promise.reject(error), list: () => Promise.reject(error) });

  it.each([
    [new Error(`EIO: i/o error, read '${place}/x'`), 500, 'storage'],
    [new TypeError('x is not a function'), 500, 'storage'],
    [new StorageError('storage', `EIO on ${place}`), 500, 'storage'],
    [new StorageError('storage-full', `No space on ${place}`), 507, 'storage-full'],
    [new StorageError('closed', 'The storage was closed'), 503, 'unavailable'],
    [new StorageError('unavailable', 'http://internal:8080 is down'), 503, 'unavailable'],
    [new IntegrityError(`${place}/records/1.log is damaged`, { key: 'a' }), 500, 'integrity'],
    [new StorageError('not-a-store', `${place} is no store`), 500, 'storage'],
  ])('show nothing of the server: %s', async (error, status, code) => {
    const logged: string[] = [];
    const log = (text: string): number => logged.push(text);
    const told: unknown[] = [];
    const { ask } = open({ logger: { debug: log, info: log, warn: log, error: log }, onError: (given) => told.push(given) }, failing(error));
    const response = await ask('GET records/a');
    const text = await response.clone().text();
    const shown = await errorOf(response);
    expect(shown).toMatchObject({ status, code });
    for (const secret of [place, 'stack', '.ts', 'internal', 'filesystem', 'function']) expect(text, secret).not.toContain(secret);
    expect(logged.join()).toContain(shown.details!['id']);
    expect(logged.join()).toContain(error.message);
    expect(told).toEqual([error]);
    expect((await ask('GET health')).status).toBe(503);
  });

  it('of a store that does not answer make the server unhealthy', async () => {
    const clock = new TestClock();
    let reads = 0;
    const { ask } = open({ clock }, Object.assign(new MemoryStorage(), { read: () => (reads++, new Promise<never>(() => undefined)) }));
    const both = Promise.all([ask('GET health'), ask('GET health')]);
    await settled();
    clock.advance(5_000);
    expect((await both).map(({ status }) => status)).toEqual([503, 503]);
    expect(reads).toBe(1);
  });
});

describe('pages of other origins', () => {
  const cors = { origins: ['https://app.test'], credentials: true, maxAge: '1h' } as const;
  const preflight = (origin: string) => ({ headers: { origin, 'access-control-request-method': 'PUT', 'access-control-request-headers': 'if-match' } });

  it('are told what they may', async () => {
    const { ask } = open({ cors });
    const answer = await ask('OPTIONS records/a', preflight('https://app.test'));
    expect([answer.status, Object.fromEntries(answer.headers)]).toEqual([204, expect.objectContaining({
      'access-control-allow-origin': 'https://app.test', 'access-control-allow-credentials': 'true', 'access-control-max-age': '3600', vary: 'Origin',
      'access-control-allow-methods': 'HEAD, GET, PUT, DELETE', 'access-control-allow-headers': expect.stringContaining('modelkeep-operation-id') as string,
    })]);
    const got = await ask('GET records/none', { headers: { origin: 'https://app.test' } });
    expect([got.status, got.headers.get('access-control-allow-origin'), got.headers.get('access-control-expose-headers')]).toEqual([404, 'https://app.test', expect.stringContaining('etag')]);
    const other = await ask('OPTIONS records/a', preflight('https://evil.test'));
    expect([other.headers.get('access-control-allow-origin'), other.headers.get('vary')]).toEqual([null, 'Origin']);
    const any = open({ cors: { origins: '*' } });
    expect((await any.ask('GET records', { headers: { origin: 'https://x.test' } })).headers.get('access-control-allow-origin')).toBe('*');
    const some = open({ cors: { origins: (origin) => origin.endsWith('.app.test') } });
    expect((await some.ask('GET records', { headers: { origin: 'https://a.app.test' } })).headers.get('access-control-allow-origin')).toBe('https://a.app.test');
    expect((await open().ask('OPTIONS records/a', preflight('https://app.test'))).headers.get('access-control-allow-origin')).toBeNull();
  });

  it('change nothing unless they are allowed', async () => {
    const { ask } = open({ cors });
    for (const site of ['cross-site', 'same-site']) {
      expect((await ask('POST uploads', { headers: { 'sec-fetch-site': site, origin: 'https://evil.test' } })).status).toBe(403);
      expect((await ask('POST uploads', { headers: { 'sec-fetch-site': site, origin: 'https://app.test' } })).status).toBe(200);
    }
    expect((await ask('POST uploads', { headers: { 'sec-fetch-site': 'same-origin' } })).status).toBe(200);
  });
});
