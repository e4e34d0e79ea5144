import fc from 'fast-check';
import { GateError, MemoryStorage, Registry, gates, type Clock, type LogEntry, type StorageAdapter } from 'modelkeep';
import { HttpStorage } from 'modelkeep/http';
import { createStorageHandler } from 'modelkeep/server';
import { describe, expect, it } from 'vitest';
import { collectBytes, fromUtf8, utf8 } from '../../../src/core/bytes.ts';
import { digestOf } from '../../../src/core/digest.ts';
import { answer, countingClock, cutAnswer, fakeServer, loseAnswer, type Step } from './fake-server.ts';

function bytesOf(size: number, seed = 1): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = i * 31 + seed * (i >> 8);
  return bytes;
}

/** Compares without looking at millions of bytes one by one, as toEqual does. */
async function expectBytes(source: AsyncIterable<Uint8Array> | undefined, expected: Uint8Array): Promise<void> {
  expect(Buffer.compare(await collectBytes(source!), expected)).toBe(0);
}

async function* chunks(bytes: Uint8Array, size = 100_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function entriesOf(storage: StorageAdapter, log: string, after?: string): Promise<LogEntry[]> {
  const entries: LogEntry[] = [];
  for await (const entry of storage.readLog(log, { after })) entries.push(entry);
  return entries;
}

const textOf = ({ writer, bytes }: LogEntry): string => `${writer} ${fromUtf8(bytes)}`;

describe('reading a blob', () => {
  it.each(['fail', 'end'] as const)('goes on at the byte where the answer was cut (%s), as often as it comes further', async (how) => {
    const { storage, store, steps, seen } = fakeServer({ retry: { limit: 2 } });
    const bytes = bytesOf(1_000_000);
    const { digest } = await store.writeBlob(chunks(bytes));
    steps.push(...[1, 300_000, 0, 5, 600_000].map((at) => cutAnswer(at, how)));
    await expectBytes(await storage.readBlob(digest), bytes);
    expect(seen.map(({ headers }) => headers.get('range'))).toEqual([null, 'bytes=1-', 'bytes=300001-', 'bytes=300001-', 'bytes=300006-', 'bytes=900006-']);
    steps.push(cutAnswer(10, how), cutAnswer(20, how));
    await expectBytes(await storage.readBlob(digest, { range: { start: 100, end: 300 } }), bytes.subarray(100, 300));
    expect(seen.slice(6).map(({ headers }) => headers.get('range'))).toEqual(['bytes=100-299', 'bytes=110-299', 'bytes=130-299']);
  });

  it('gives up when it comes no further', async () => {
    const { storage, store, steps } = fakeServer({ retry: { limit: 2 } });
    const { digest } = await store.writeBlob(chunks(bytesOf(1000)));
    steps.push(...Array.from({ length: 4 }, () => cutAnswer(0)));
    await expect(collectBytes((await storage.readBlob(digest))!)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('takes no harm from a server that knows no ranges', async () => {
    const { storage, store, steps } = fakeServer();
    const bytes = bytesOf(1000);
    const { digest } = await store.writeBlob(chunks(bytes));
    const whole: Step = (request, pass) => pass(new Request(request.url, { method: 'GET' }));
    steps.push(cutAnswer(400), whole, whole);
    await expectBytes(await storage.readBlob(digest), bytes);
    await expectBytes(await storage.readBlob(digest, { range: { start: 7, end: 10 } }), bytes.subarray(7, 10));
  });

  it('takes no login page for a part of it, nor for the end of a change', async () => {
    const { storage, store, steps } = fakeServer({ retry: { limit: 0 } });
    const { digest } = await store.writeBlob(chunks(bytesOf(1000)));
    const page = answer(200, '<html>who are you?</html>', { 'content-type': 'text/html' });
    const foreign = { code: 'unavailable', message: expect.stringContaining('not an answer of a modelkeep server') as string };
    const pass: Step = (request, onward) => onward(request);
    for (const range of [undefined, { start: 5, end: 10 }, { start: 5, end: 5 }]) {
      steps.push(page);
      await expect(storage.readBlob(digest, { range })).rejects.toMatchObject(foreign);
    }
    steps.push(page);
    await expect(storage.deleteLog('l')).rejects.toMatchObject(foreign);
    steps.push(page);
    await expect(storage.deleteBlob(digest)).rejects.toMatchObject(foreign);
    for (const before of [1, 3]) {
      steps.push(...Array<Step>(before).fill(pass), page);
      await expect(storage.writeBlob(chunks(bytesOf(9_000_000)))).rejects.toMatchObject(foreign);
    }
    expect((await store.list({ kind: 'blob' })).entries.map(({ key }) => key)).toEqual([digest]);
  });

  it('that nobody begins is let go of when the time for its first bytes is over', async () => {
    const silent = new Set<() => void>();
    const counting = countingClock([]);
    const clock: Clock = { ...counting, setTimer: (callback, ms, given) => (given?.keepAlive ? counting.setTimer(callback, ms, given) : (silent.add(callback), () => silent.delete(callback))) };
    const { storage, store } = fakeServer({ clock });
    const bytes = bytesOf(100_000);
    const { digest } = await store.writeBlob(chunks(bytes));
    const leaving = new AbortController();
    let listeners = 0;
    const { signal } = leaving;
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
    Object.assign(signal, {
      addEventListener: (...given: Parameters<typeof add>) => (listeners++, add(...given)),
      removeEventListener: (...given: Parameters<typeof remove>) => (listeners--, remove(...given)),
    });
    const blob = await storage.readBlob(digest, { signal });
    expect(listeners).toBe(1);
    for (const late of silent) late();
    expect(listeners).toBe(0);
    await expectBytes(blob, bytes);
    expect(listeners).toBe(0);
  });

  it('fails in a way of ours where the host gives a body that was read already', async () => {
    const { storage, steps } = fakeServer({ retry: { limit: 0 } });
    steps.push(async () => {
      const used = new Response('{"entries":[]}', { headers: { 'content-type': 'application/json' } });
      await used.text();
      return used;
    });
    await expect(storage.list()).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('finds out what is not what its digest says', async () => {
    const { storage, store, steps } = fakeServer();
    const { digest } = await store.writeBlob(chunks(bytesOf(1000)));
    steps.push(() => new Response(bytesOf(1000, 2), { headers: { etag: `"${digest}"` } }));
    await expect(collectBytes((await storage.readBlob(digest))!)).rejects.toMatchObject({ code: 'integrity' });
  });

  it('says when the blob is deleted meanwhile', async () => {
    const { storage, store, steps } = fakeServer();
    const { digest } = await store.writeBlob(chunks(bytesOf(1000)));
    steps.push(cutAnswer(10), async (request, pass) => (await store.deleteBlob(digest), pass(request)));
    await expect(collectBytes((await storage.readBlob(digest))!)).rejects.toMatchObject({ code: 'not-found', details: { key: digest } });
  });

  it('lets go of the answer when the reader stops, and when the client is closed', async () => {
    let cancelled = 0;
    const endless = async (): Promise<Response> =>
      new Response(new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(10)), cancel: () => void cancelled++ }, { highWaterMark: 0 }), { headers: { etag: `"${digestOf('x')}"` } });
    const storage = new HttpStorage('http://store.test', { fetch: endless });
    for await (const chunk of (await storage.readBlob(digestOf('x')))!) if (chunk.length > 0) break;
    expect(cancelled).toBe(1);
    const reading = (await storage.readBlob(digestOf('x')))![Symbol.asyncIterator]();
    await reading.next();
    await storage.close();
    await expect(reading.next()).rejects.toMatchObject({ code: 'closed' });
    expect(cancelled).toBe(2);
  });
});

describe('writing a blob', () => {
  const part = 8 * 1024 * 1024;

  it.each([
    ['nothing', 0, ['PUT']],
    ['a part', part, ['PUT']],
    ['a byte more', part + 1, ['POST', 'PUT', 'PUT', 'POST']],
    ['two parts', 2 * part, ['POST', 'PUT', 'PUT', 'POST']],
  ])('of %s takes as many requests as it must', async (_what, size, methods) => {
    const { storage, store, seen } = fakeServer();
    const bytes = new Uint8Array(size).fill(3);
    const ref = await storage.writeBlob(chunks(bytes, 1_000_000));
    expect(ref).toEqual({ digest: digestOf(bytes), size });
    expect(seen.map(({ what }) => what.split(' ')[0])).toEqual(methods);
    expect((await store.list({ kind: 'blob' })).entries).toMatchObject([{ key: ref.digest, size }]);
  });

  it('sends a part again, whose answer was lost or which was cut, and the end as well', async () => {
    const { storage, store, steps } = fakeServer();
    const bytes = bytesOf(part + 5);
    const pass: Step = (request, onward) => onward(request);
    const away: Step = () => Promise.reject(new TypeError('fetch failed'));
    steps.push(...[loseAnswer, pass], ...[answer(503), loseAnswer, pass], ...[loseAnswer, cutAnswer(3), pass], ...[away, loseAnswer, cutAnswer(4)]);
    const { digest } = await storage.writeBlob(chunks(bytes));
    expect(steps.length).toBe(0);
    await expectBytes(await store.readBlob(digest), bytes);
  });

  it('waits for the end as long as so many bytes may take', async () => {
    const timers: number[] = [];
    const counting = countingClock([]);
    const clock: Clock = { ...counting, setTimer: (callback, ms, given) => (timers.push(ms), counting.setTimer(callback, ms, given)) };
    const { storage, seen } = fakeServer({ clock, timeout: '1s', retry: { within: '10s' } });
    await storage.writeBlob(chunks(bytesOf(2 * part)));
    expect(seen.at(-1)!.what).toMatch(/^POST uploads/);
    // 16 MiB at 4 MiB a second, and a little for the body.
    expect(timers.filter((ms) => ms >= 5_000 && ms < 5_100).length).toBe(1);
    expect(timers.filter((ms) => ms >= 14_000 && ms < 14_100).length).toBe(1);
  });

  it('gives up the upload when the source fails, or the bytes are others', async () => {
    const { storage, store, seen } = fakeServer();
    const failing = async function* (): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(2 * part);
      throw new Error('the source failed');
    };
    await expect(storage.writeBlob(failing())).rejects.toThrow('the source failed');
    await expect(storage.writeBlob(chunks(new Uint8Array(part + 1)), { digest: digestOf('x') })).rejects.toMatchObject({ code: 'integrity' });
    await expect(storage.writeBlob(chunks(new Uint8Array(10)), { digest: digestOf('x') })).rejects.toMatchObject({ code: 'integrity' });
    await storage.close();
    expect(seen.filter(({ what }) => what.startsWith('DELETE')).length).toBe(2);
    expect([await store.list({ kind: 'log' }), await store.list({ kind: 'blob' })]).toEqual([{ entries: [] }, { entries: [] }]);
  });

  it('says when the server lost the upload', async () => {
    const { storage, store, steps } = fakeServer();
    const lose: Step = async (request, pass) => {
      for (const { key } of (await store.list({ kind: 'log' })).entries) await store.deleteLog(key);
      return answer(404, '{"error":{"code":"not-found","message":"There is no such upload."}}')(request, pass);
    };
    steps.push((request, pass) => pass(request), lose);
    await expect(storage.writeBlob(chunks(new Uint8Array(part + 1)))).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('fresh source') as string });
  });

  it('does not wait for a source that never ends once it is aborted', async () => {
    const { storage } = fakeServer();
    const controller = new AbortController();
    const never = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<IteratorResult<Uint8Array>>(() => undefined) }) };
    const writing = storage.writeBlob(never, controller);
    controller.abort();
    await expect(writing).rejects.toMatchObject({ code: 'aborted' });
  });
});

describe('reading a log', () => {
  it('goes on behind the last entry that came, wherever the answer is cut', async () => {
    const { storage, store, steps } = fakeServer({ retry: { limit: 1 } });
    for (let i = 0; i < 4; i++) for (const writer of ['u', 'v']) await store.append('log', [utf8(`${i}a`), utf8(`${i}b`)], { writer });
    const expected = (await entriesOf(store, 'log')).map(textOf);
    const size = (await (await createStorageHandler(store, { authorize: 'public' })(new Request('http://x/v1/logs/log'))).arrayBuffer()).byteLength;
    for (let at = 0; at < size; at++) {
      steps.push(cutAnswer(at), cutAnswer(at >> 1, 'end'));
      steps.splice(at % 2 === 0 ? 1 : 2);
      // The second attempt comes no further than the first only where neither brings an entry.
      const entries = await entriesOf(storage, 'log').catch((error: unknown) => error);
      if (Array.isArray(entries)) expect(entries.map(textOf)).toEqual(expected);
      else expect(entries).toMatchObject({ code: 'unavailable' });
      steps.length = 0;
    }
  });

  it('gives positions from which every other reading goes on, though the writers come in another order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ writer: fc.constantFrom('u', 'v', 'w'), count: fc.integer({ min: 1, max: 4 }) }), { minLength: 1, maxLength: 8 }),
        fc.array(fc.nat(), { minLength: 1, maxLength: 5 }),
        fc.nat(),
        async (appends, stops, turn) => {
          const store = new MemoryStorage();
          const { storage } = clientOf(shuffled(store, turn));
          for (const { writer, count } of appends) await store.append('log', Array.from({ length: count }, (_, i) => utf8(`${i}`)), { writer });
          const all = (await entriesOf(store, 'log')).map((entry) => `${entry.writer} ${entry.sequence}`).sort();
          const found: string[] = [];
          let after: string | undefined;
          for (const stop of [...stops, Infinity]) {
            let count = 0;
            for await (const entry of storage.readLog('log', { after })) {
              found.push(`${entry.writer} ${entry.sequence}`);
              after = entry.position;
              if (++count > stop % 6) break;
            }
          }
          expect(found.sort()).toEqual(all);
        },
      ),
    );
  });

  it('goes on from a position of more writers than a URL can tell of', async () => {
    const { storage, store, seen } = fakeServer();
    for (let i = 0; i < 500; i++) await store.append('l', [utf8('1')], { writer: `00000000-0000-7000-8000-${String(i).padStart(12, '0')}` });
    const all = await entriesOf(storage, 'l');
    await store.append('l', [utf8('new')], { writer: 'late' });
    expect((await entriesOf(storage, 'l', all.at(-1)!.position)).map(textOf)).toEqual(['late new']);
    expect((await entriesOf(storage, 'l', all[400]!.position)).length).toBe(100);
    expect(seen.map(({ what }) => what)).toEqual(['GET logs/l', 'POST batch/log', 'POST batch/log']);
  });

  it('refuses what is no position', async () => {
    const { storage } = fakeServer();
    for (const after of ['~', 'w:1~0~w', 'w:1~1~', 'w:1~x~w', 'w:1~1~W', 'w:1~1~w~', 'nonsense!']) {
      await expect(entriesOf(storage, 'log', after)).rejects.toMatchObject({ code: 'validation' });
    }
  });
});

/** A client of a store, with nothing between. */
function clientOf(store: StorageAdapter, limits = {}): { storage: HttpStorage; paths: string[] } {
  const handler = createStorageHandler(store, { authorize: 'public', limits });
  const paths: string[] = [];
  const fetch = (request: Request): Promise<Response> => (paths.push(new URL(request.url).pathname), handler(request));
  return { storage: new HttpStorage('http://store.test', { fetch, clock: countingClock([]) }), paths };
}

/** A store that gives the writers of a log in another order at each reading. */
function shuffled(store: MemoryStorage, first: number): StorageAdapter {
  let turn = first;
  return Object.assign(Object.create(store) as StorageAdapter, {
    supports: store.supports,
    async *readLog(log: string, query?: { after?: string }) {
      const order = turn++ % 3;
      const entries: LogEntry[] = [];
      for await (const entry of store.readLog(log, query)) entries.push(entry);
      // Positions are vectors over the writers: made anew for the new order.
      const vector = new Map((query?.after ?? '').split(',').filter(Boolean).map((text) => text.split(':') as [string, string]));
      const rank = (writer: string): number => (writer.charCodeAt(0) + order) % 3;
      for (const entry of entries.sort((a, b) => rank(a.writer) - rank(b.writer) || a.sequence - b.sequence)) {
        vector.set(entry.writer, String(entry.sequence));
        yield { ...entry, position: [...vector].map(([writer, sequence]) => `${writer}:${sequence}`).join(',') };
      }
    },
  });
}

describe('what waits together', () => {
  it('travels together: appends of one writer to one log, each with its own position', async () => {
    const { storage, paths } = clientOf(new MemoryStorage());
    const positions = await Promise.all(Array.from({ length: 50 }, (_, i) => storage.append('log', [utf8(`${i}a`), utf8(`${i}b`)], { writer: 'w' })));
    expect(paths).toEqual(['/v1/logs/log', '/v1/logs/log']);
    expect((await entriesOf(storage, 'log')).map(({ bytes }) => fromUtf8(bytes))).toEqual(Array.from({ length: 50 }, (_, i) => [`${i}a`, `${i}b`]).flat());
    for (const [i, after] of positions.entries()) expect((await entriesOf(storage, 'log', after)).length).toBe(2 * (49 - i));
  });

  it('keeps the order of appends whatever fails', async () => {
    const { storage, steps } = fakeServer();
    steps.push(answer(503), loseAnswer, cutAnswer(2), loseAnswer);
    const operationId = 'näme, with what no header holds';
    await Promise.all([...['a', 'b', 'c', 'd'].map((text) => storage.append('log', [utf8(text)])), ...[1, 2].map(() => storage.append('log', [utf8('e')], { operationId }))]);
    expect((await entriesOf(storage, 'log')).map(({ bytes }) => fromUtf8(bytes)).join('')).toBe('abcde');
  });

  it('but one that the server refuses fails alone', async () => {
    const { storage } = clientOf(new MemoryStorage(), { entryBytes: 10, recordBytes: 10 });
    const append = (size: number): Promise<unknown> => storage.append('log', [new Uint8Array(size)], { writer: 'w' }).then(() => 'done', (error: { code: string }) => error.code);
    expect(await Promise.all([1, 2, 11, 3, 4].map(append))).toEqual(['done', 'done', 'validation', 'done', 'done']);
    expect((await entriesOf(storage, 'log')).map(({ bytes }) => bytes.length)).toEqual([1, 2, 3, 4]);
    const put = (i: number): Promise<unknown> =>
      storage.write([{ kind: 'put', key: `k${i}`, bytes: new Uint8Array(i === 15 ? 11 : 1), condition: 'absent' }]).then(([result]) => result?.ok, (error: { code: string }) => error.code);
    expect(await Promise.all(Array.from({ length: 20 }, (_, i) => put(i)))).toEqual(Array.from({ length: 20 }, (_, i) => (i === 15 ? 'validation' : true)));
  });

  it('reads and writes of many callers in a few requests', async () => {
    const { storage, paths } = clientOf(new MemoryStorage());
    const numbers = Array.from({ length: 1000 }, (_, i) => i);
    const written = await Promise.all(numbers.map((i) => storage.write([{ kind: 'put', key: `k${i}`, bytes: utf8(`${i}`), condition: 'absent' }])));
    expect(written.every(([result]) => result?.ok)).toBe(true);
    const read = await Promise.all(numbers.map((i) => storage.read([`k${i}`, 'none'])));
    expect(read.map(([record, none]) => [record && fromUtf8(record.bytes), none])).toEqual(numbers.map((i) => [`${i}`, undefined]));
    expect(paths.length).toBeLessThan(30);
  });

  it('in as many requests as the server likes', async () => {
    const { storage, paths } = clientOf(new MemoryStorage(), { batch: 10 });
    const keys = Array.from({ length: 35 }, (_, i) => `k${i}`);
    const results = await storage.write(keys.map((key) => ({ kind: 'put', key, bytes: utf8(key) })));
    expect(results.map(({ version }) => version)).toEqual(keys.map((_, i) => `${i + 1}`));
    expect((await storage.read([...keys, 'none'])).map((record) => record && fromUtf8(record.bytes))).toEqual([...keys, undefined]);
    expect(paths.length).toBeLessThan(24);
    expect(await Promise.all([storage.read([]), storage.write([])])).toEqual([[], []]);
  });

  it('records of any size are read, and all their digests', async () => {
    const { storage, store, steps } = fakeServer();
    const blobs = Array.from({ length: 1000 }, (_, i) => digestOf(`${i}`));
    const bytes = bytesOf(3_000_000);
    await store.write([{ kind: 'put', key: 'a', bytes, blobs }]);
    const [record] = await storage.read(['a']);
    expect([record?.bytes.length, record && Buffer.compare(record.bytes, bytes), record?.blobs]).toEqual([3_000_000, 0, blobs]);
    steps.push(() => new Response('', { headers: { etag: '"1"', 'modelkeep-blobs': '*' } }));
    expect((await storage.read(['a']))[0]?.blobs).toEqual(blobs);
    expect(await storage.write([{ kind: 'put', key: 'b', bytes: utf8('x'), blobs }])).toMatchObject([{ ok: true }]);
  });
});

describe('commands', () => {
  const by = { by: 'mallory', reason: 'because' };

  it('are carried out by the server, in the name of whom it knows, with its gates', async () => {
    const store = new MemoryStorage();
    const handler = createStorageHandler(store, {
      authorize: () => ({ actor: 'alice' }),
      gates: { smoke: () => ({ passed: false, reason: 'smoke everywhere', score: NaN }) },
    });
    const registry = new Registry({ storage: new HttpStorage('http://store.test', { fetch: handler }), gates: { smoke: () => ({ passed: true }) } });
    await registry.createModel('fraud', { by: 'mallory' });
    await expect(registry.createModel('fraud')).rejects.toMatchObject({ code: 'conflict' });
    await registry.registerVersion('fraud', { files: { 'model.json': '{}' }, metrics: { auc: NaN } });
    await registry.setPolicy('fraud', { production: [gates.custom('smoke')] }, { by: 'mallory' });
    const refusal = await registry.promote('fraud@1', 'production', by).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(GateError);
    expect((refusal as Error).message).toContain('smoke everywhere');
    expect((await registry.promote('fraud@1', 'production', { ...by, force: true })).stage).toBe('production');
    expect((await registry.history('fraud')).map((event) => event.by)).toEqual(Array(5).fill('alice'));
    expect(await (await registry.load('fraud@production')).file('model.json')).toEqual(utf8('{}'));
  });

  it('are not sent again when they may have been carried out', async () => {
    const { storage, steps, seen } = fakeServer();
    const registry = new Registry({ storage });
    for (const step of [loseAnswer, answer(503), cutAnswer(3)]) {
      steps.push(step);
      await expect(registry.createModel(`m${seen.length}`)).rejects.toMatchObject({ code: 'unavailable', details: { uncertain: true }, message: expect.stringContaining('look before') as string });
    }
    expect(seen.length).toBe(3);
    steps.push(answer(429), answer(425));
    await registry.createModel('later');
    expect(seen.length).toBe(6);
  });

  it('are of the registry', async () => {
    const { storage } = fakeServer();
    for (const [domain, method] of [['tracker', 'x'], ['registry', '../x'], ['registry', '']]) {
      await expect(storage.call({ domain: domain as 'registry', method: method!, input: {}, prefix: '' })).rejects.toMatchObject({ code: 'validation' });
    }
    await expect(storage.call({ domain: 'registry', method: 'nonsense', input: {}, prefix: '' })).rejects.toMatchObject({ code: 'not-found' });
  });
});
