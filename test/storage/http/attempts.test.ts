import { AbortedError, ConflictError, GateError, IntegrityError, NotFoundError, StorageError, TimeoutError, UnsupportedError, ValidationError, type Clock } from 'modelkeep';
import { HttpStorage, type HttpStorageOptions } from 'modelkeep/http';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../../src/core/bytes.ts';
import { digestOf } from '../../../src/core/digest.ts';
import { framesType } from '../../../src/storage/http-protocol.ts';
import { answer, countingClock, cutAnswer, fakeServer, loseAnswer, type Step } from './fake-server.ts';

const put = { kind: 'put', key: 'a', bytes: utf8('text'), condition: 'absent' } as const;
const fail: Step = () => Promise.reject(new TypeError('fetch failed'));
const wire = (code: string, details?: unknown): string => JSON.stringify({ error: { code, message: 'Because.', details } });

describe('what is tried again', () => {
  it.each([408, 425, 429, 500, 502, 503, 504])('an answer of %s, whoever gave it', async (status) => {
    const { storage, steps, seen, waits } = fakeServer();
    steps.push(answer(status, '<html>'), answer(status, wire('unavailable')));
    expect(await storage.write([put])).toEqual([{ ok: true, version: '1' }]);
    expect(waits).toEqual([200, 400]);
    expect(seen.map(({ headers }) => headers.get('modelkeep-attempt'))).toEqual([null, '2', '3']);
  });

  it('what did not reach the server, and an answer that was cut or is not whole', async () => {
    const { storage, steps, seen } = fakeServer({ retry: { limit: 8 } });
    steps.push(fail, cutAnswer(5), cutAnswer(5, 'end'), cutAnswer(0));
    await storage.write([put]);
    for (const at of [0, 5, 20, 45]) steps.push(cutAnswer(at), cutAnswer(at, 'end'));
    expect((await storage.read(['a', 'b'])).map((record) => record?.bytes)).toEqual([utf8('text'), undefined]);
    for (const at of [0, 1, 3]) steps.push(cutAnswer(at), cutAnswer(at, 'end'));
    expect((await storage.read(['a']))[0]?.bytes).toEqual(utf8('text'));
    expect(seen.length).toBe(5 + 9 + 7);
  });

  it('a refusal that was cut, since half of it could be anything', async () => {
    const { storage, steps, seen } = fakeServer();
    steps.push(cutAnswer(20), cutAnswer(20, 'end'));
    expect(await storage.read(['absent'])).toEqual([undefined]);
    expect(seen.length).toBe(3);
  });

  it('a write whose answer was lost is not made twice, and no conflict with itself', async () => {
    const { storage, store, steps } = fakeServer();
    steps.push(loseAnswer, loseAnswer);
    const [first] = await storage.write([put]);
    expect(first?.ok).toBe(true);
    steps.push(loseAnswer);
    expect(await storage.write([{ ...put, bytes: utf8('more'), condition: { match: first!.version! } }])).toEqual([{ ok: true, version: '2' }]);
    steps.push(loseAnswer);
    await storage.append('log', [utf8('one')]);
    steps.push(loseAnswer);
    expect(await storage.write([{ kind: 'delete', key: 'a', condition: { match: '2' } }])).toEqual([{ ok: true, version: undefined }]);
    expect((await store.list({ kind: 'log' })).entries[0]?.size).toBe(3);
  });

  it('a write of another that was first is a conflict, retried or not', async () => {
    const { storage, store, steps } = fakeServer();
    steps.push(fail);
    await store.write([{ ...put }]);
    expect(await storage.write([put])).toEqual([{ ok: false, reason: 'conflict', version: '1' }]);
  });

  it('only so often', async () => {
    const { storage, steps, seen, waits } = fakeServer({ retry: { limit: 3, initial: 100, max: 250 } });
    steps.push(...Array<Step>(4).fill(answer(503, wire('unavailable'))));
    await expect(storage.list()).rejects.toMatchObject({ code: 'unavailable', message: 'Because.' });
    expect([seen.length, waits]).toEqual([4, [100, 200, 250]]);
    const never = fakeServer({ retry: { limit: 0 } });
    never.steps.push(fail);
    await expect(never.storage.list()).rejects.toMatchObject({ code: 'unavailable' });
    expect(never.seen.length).toBe(1);
  });

  it('only for so long', async () => {
    const { storage, steps, waits } = fakeServer({ retry: { limit: 100, initial: '1s', max: '1h', within: '10s' } });
    steps.push(...Array<Step>(100).fill(fail));
    await expect(storage.list()).rejects.toMatchObject({ code: 'unavailable' });
    expect(waits).toEqual([1000, 2000, 4000]);
  });

  it('with waits that chance spreads', async () => {
    const { storage, steps, waits } = fakeServer({ random: () => 0 });
    steps.push(fail, fail);
    await storage.list();
    expect(waits).toEqual([100, 200]);
  });

  it.each([
    ['seconds', '7', 7000],
    ['a date', new Date(1_700_000_000_000 + 9000).toUTCString(), 9000],
    ['a date that has passed', new Date(1_600_000_000_000).toUTCString(), 200],
    ['nothing to wait for', '0', 200],
    ['more than is waited for', '86400', 30_000],
    ['what nobody understands', 'soon', 200],
  ])('after the wait that the server asks for: %s', async (_what, header, ms) => {
    const { storage, steps, waits } = fakeServer();
    steps.push(answer(503, wire('unavailable'), { 'retry-after': header }));
    await storage.list();
    expect(waits).toEqual([ms]);
  });

  it('and tells the logger', async () => {
    const lines: string[] = [];
    const log = (line: string): void => void lines.push(line);
    const { storage, steps } = fakeServer({ logger: { debug: log, info: log, warn: log, error: log } });
    steps.push(fail);
    await storage.list();
    expect(lines).toEqual([expect.stringContaining('Attempt 2 of 7 follows in 200 ms.')]);
  });
});

describe('what is not tried again', () => {
  it.each([
    [400, 'validation', ValidationError],
    [401, 'unauthorized', StorageError],
    [403, 'forbidden', StorageError],
    [404, 'not-found', NotFoundError],
    [409, 'conflict', ConflictError],
    [413, 'validation', ValidationError],
    [422, 'gate', GateError],
    [422, 'integrity', IntegrityError],
    [500, 'integrity', IntegrityError],
    [501, 'unsupported', UnsupportedError],
    [507, 'storage-full', StorageError],
  ])('an answer of %s with the code %s', async (status, code, Class) => {
    const { storage, steps, seen } = fakeServer();
    steps.push(answer(status, wire(code, { limit: 5, score: { $number: 'NaN' } })));
    const error: unknown = await storage.list().catch((error: unknown) => error);
    expect(error).toBeInstanceOf(Class);
    expect(error).toMatchObject({ code, message: 'Because.', details: { limit: 5, score: NaN } });
    expect(seen.length).toBe(1);
  });

  it('an error that ends a sequence, unless it passes', async () => {
    const { storage, store, steps, seen } = fakeServer();
    await store.write([put]);
    store.read = () => Promise.reject(new IntegrityError('The record a is damaged.', { key: 'a' }));
    await expect(storage.read(['a'])).rejects.toMatchObject({ code: 'integrity' });
    expect([seen.length, steps.length]).toEqual([1, 0]);
  });

  it("a server's being closed or giving up is not the caller's", async () => {
    for (const code of ['closed', 'aborted', 'pipeline-failed']) {
      const { storage, steps } = fakeServer({ retry: { limit: 0 } });
      steps.push(answer(503, wire(code)));
      await expect(storage.list()).rejects.toMatchObject({ code: code === 'pipeline-failed' ? 'storage' : 'unavailable', message: expect.stringContaining('Because.') as string });
    }
  });
});

describe('what is no answer of a modelkeep server', () => {
  it.each([
    [200, '<html>Log in</html>', { 'content-type': 'text/html; charset=utf-8' }, 'unavailable', 'answered 200 with text/html, which is not an answer of a modelkeep server: check the base URL'],
    [200, '{"items":[]}', { 'content-type': 'application/json' }, 'unavailable', 'answered 200 with application/json'],
    [200, 'null', {}, 'unavailable', 'which is not an answer'],
    [302, '', { location: 'https://user:secret@login.test/now?token=secret' }, 'unavailable', 'answered with a redirect to https://login.test/now, which'],
    [404, '<html>', { 'content-type': 'text/html' }, 'unavailable', 'answered 404 with text/html'],
    [401, '', {}, 'unauthorized', 'answered 401 with nothing'],
    [403, 'no', { 'content-type': 'text/plain' }, 'forbidden', 'answered 403 with text/plain'],
    [413, '<html>', { 'content-type': 'text/html' }, 'validation', 'answered 413 with text/html'],
    [502, '<html>', { 'content-type': 'text/html' }, 'unavailable', 'cannot be reached now'],
  ])('%s %s', async (status, text, headers, code, message) => {
    const { storage, steps } = fakeServer({ retry: { limit: 0 } });
    steps.push(answer(status, text, headers));
    const error = (await storage.list({ prefix: 'secret' }).catch((error: unknown) => error)) as Error;
    expect(error).toMatchObject({ code, message: expect.stringContaining(message) as string, details: { status } });
    expect(error.message).toContain('GET http://store.test/base/v1/records answered');
    expect(error.message).not.toContain('secret');
  });

  it('a page where a record or a blob belongs, found or not', async () => {
    for (const status of [200, 404]) {
      for (const text of ['<html>', '{"error":{"code":"not-found","message":"There is nothing here."}}']) {
        const { storage, steps } = fakeServer();
        steps.push(answer(status, text), answer(status, text));
        const expected = status === 404 && text.startsWith('{') ? 'not-found' : 'unavailable';
        await expect(storage.read(['a'])).rejects.toMatchObject({ code: expected });
        if (status === 404) await expect(storage.readBlob(digestOf('x'))).rejects.toMatchObject({ code: expected });
      }
    }
  });

  it('a page where frames belong', async () => {
    const { storage, steps } = fakeServer();
    steps.push(answer(200, '<html>', { 'content-type': 'text/html' }));
    await expect(storage.read(['a', 'b'])).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('text/html') as string });
    steps.push((request, pass) => pass(new Request(request, { method: 'POST', body: '{"keys":["b","a"]}' })));
    await expect(storage.read(['a', 'b'])).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('other records') as string });
  });
});

/** A clock whose timers fire when the test says so. */
function manualClock(): { clock: Clock; fire: (ms: number) => void } {
  const timers = new Map<object, { ms: number; callback: () => void }>();
  return {
    clock: {
      now: () => 0,
      monotonic: () => 0,
      setTimer(callback, ms) {
        const id = {};
        timers.set(id, { ms, callback });
        return () => void timers.delete(id);
      },
    },
    fire(ms) {
      for (const [id, timer] of [...timers]) if (timer.ms === ms && timers.delete(id)) timer.callback();
    },
  };
}

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('time', () => {
  const hang: NonNullable<HttpStorageOptions['fetch']> = () => new Promise<Response>(() => undefined);

  it('an attempt that is not answered is given up and made again, and in the end the call', async () => {
    const { clock, fire } = manualClock();
    let attempts = 0;
    const signals: AbortSignal[] = [];
    const fetch = (request: Request): Promise<Response> => (attempts++, signals.push(request.signal), hang(request));
    const storage = new HttpStorage('http://store.test', { clock, fetch, timeout: 1000, retry: { limit: 1, initial: 0 } });
    const outcome = storage.list().catch((error: unknown) => error);
    await tick();
    fire(1000);
    await tick();
    fire(0);
    await tick();
    expect([attempts, signals.map(({ aborted }) => aborted)]).toEqual([2, [true, false]]);
    fire(1000);
    expect(await outcome).toBeInstanceOf(TimeoutError);
    expect(await outcome).toMatchObject({ details: { limitMs: 1000 } });
  });

  it('all attempts together have their time, too', async () => {
    const { clock, fire } = manualClock();
    const storage = new HttpStorage('http://store.test', { clock, fetch: hang, retry: { within: 5000 } });
    const outcome = storage.list().catch((error: unknown) => error);
    await tick();
    fire(5000);
    expect(await outcome).toMatchObject({ code: 'timeout', message: expect.stringContaining('retry.within') as string });
  });

  it('a body that stops coming is given up', async () => {
    const { clock, fire } = manualClock();
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(utf8('{"ent')), cancel: () => void (cancelled = true) });
    const storage = new HttpStorage('http://store.test', { clock, fetch: async () => new Response(body), timeout: 1000, retry: { limit: 0 } });
    const outcome = storage.list().catch((error: unknown) => error);
    await tick();
    fire(1000);
    expect(await outcome).toMatchObject({ code: 'timeout' });
    await tick();
    expect(cancelled).toBe(true);
  });

  it('a large body has more of it', async () => {
    const { clock, fire } = manualClock();
    const storage = new HttpStorage('http://store.test', { clock, fetch: hang, timeout: 1000, retry: { limit: 0 } });
    const outcome = storage.write([{ ...put, bytes: new Uint8Array(655_360 - 300) }]).catch((error: unknown) => error);
    await tick();
    fire(1000);
    await tick();
    for (let ms = 10_900; ms < 11_100; ms++) fire(ms);
    expect(await outcome).toMatchObject({ code: 'timeout' });
  });
});

describe('aborting', () => {
  const reason = new Error('enough');

  it.each([
    ['while the server says nothing', () => new Promise<Response>(() => undefined)],
    ['while the body comes', async () => new Response(new ReadableStream({ start: (controller) => controller.enqueue(utf8('{')) }), { headers: { 'content-type': framesType } })],
  ])('ends a call %s', async (_when, fetch) => {
    const controller = new AbortController();
    const storage = new HttpStorage('http://store.test', { fetch });
    const calls = [storage.list({}, controller), storage.read(['a', 'b'], controller), storage.append('log', [], controller), storage.writeBlob((async function* () {})(), controller)];
    const outcomes = Promise.allSettled(calls);
    await tick();
    controller.abort(reason);
    for (const outcome of await outcomes) {
      expect(outcome.status === 'rejected' && outcome.reason instanceof AbortedError && outcome.reason.cause).toBe(reason);
    }
  });

  it('ends the wait between attempts, and the wait for a token', async () => {
    const controller = new AbortController();
    const { clock } = manualClock();
    const away = new HttpStorage('http://store.test', { clock, fetch: () => Promise.reject(new TypeError('fetch failed')) });
    const tokenless = new HttpStorage('http://store.test', { clock, token: () => new Promise(() => undefined), fetch: () => Promise.reject(new Error('not reached')) });
    const outcomes = Promise.allSettled([away.list({}, controller), tokenless.list({}, controller)]);
    await tick();
    controller.abort();
    for (const outcome of await outcomes) expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'aborted' } });
  });

  it('ends a call that waits for its turn, and lets the others go on', async () => {
    const answers: (() => void)[] = [];
    const fetch = (): Promise<Response> => new Promise((resolve) => answers.push(() => resolve(new Response('{"entries":[]}'))));
    const storage = new HttpStorage('http://store.test', { fetch });
    const controller = new AbortController();
    const first = Array.from({ length: 32 }, () => storage.list());
    const aborted = storage.list({}, controller).catch((error: unknown) => error);
    const last = storage.list();
    await tick();
    expect(answers.length).toBe(32);
    controller.abort();
    expect(await aborted).toMatchObject({ code: 'aborted' });
    answers.splice(0).forEach((answer) => answer());
    await Promise.all(first);
    await tick();
    answers.splice(0).forEach((answer) => answer());
    expect(await last).toEqual({ entries: [] });
  });

  it('gives up the body of an answer that comes too late', async () => {
    let cancelled = false;
    let come = (_response: Response): void => undefined;
    const storage = new HttpStorage('http://store.test', { fetch: () => new Promise((resolve) => (come = resolve)) });
    const controller = new AbortController();
    const outcome = storage.list({}, controller).catch((error: unknown) => error);
    await tick();
    controller.abort();
    expect(await outcome).toMatchObject({ code: 'aborted' });
    come(new Response(new ReadableStream({ cancel: () => void (cancelled = true) })));
    await tick();
    expect(cancelled).toBe(true);
  });
});

describe('tokens', () => {
  /** A server that knows one token. */
  function guarded(token: HttpStorageOptions['token'], valid: () => string): { storage: HttpStorage; shown: (string | null)[] } {
    const shown: (string | null)[] = [];
    const fetch = async (request: Request): Promise<Response> => {
      shown.push(request.headers.get('authorization'));
      return shown.at(-1) === `Bearer ${valid()}` ? new Response('{"entries":[]}') : new Response(wire('unauthorized'), { status: 401 });
    };
    return { storage: new HttpStorage('http://store.test', { fetch, token, clock: countingClock([]) }), shown };
  }

  it('are asked for once and kept, and once again when the server refuses them, for all calls together', async () => {
    let valid = 'one';
    let asked = 0;
    const { storage, shown } = guarded(async () => (asked++, valid), () => valid);
    await Promise.all([storage.list(), storage.list()]);
    await storage.list();
    expect(asked).toBe(1);
    valid = 'two';
    await Promise.all(Array.from({ length: 10 }, () => storage.list()));
    expect([asked, shown.length]).toEqual([2, 3 + 20]);
  });

  it('are not asked for without end, nor sent again when they are the same', async () => {
    let asked = 0;
    const ever = guarded(() => `token-${++asked}`, () => 'none');
    await expect(ever.storage.list()).rejects.toMatchObject({ code: 'unauthorized' });
    expect([asked, ever.shown]).toEqual([2, ['Bearer token-1', 'Bearer token-2']]);
    const same = guarded(() => 'same', () => 'none');
    await expect(same.storage.list()).rejects.toMatchObject({ code: 'unauthorized' });
    expect(same.shown.length).toBe(1);
    const fixed = guarded('fixed', () => 'none');
    await expect(fixed.storage.list()).rejects.toMatchObject({ code: 'unauthorized' });
    expect(fixed.shown).toEqual(['Bearer fixed']);
  });

  it('may be none', async () => {
    const { storage, shown } = guarded(() => undefined, () => 'none');
    await expect(storage.list()).rejects.toMatchObject({ code: 'unauthorized' });
    expect(shown).toEqual([null]);
  });

  it('that cannot be had are an error of their own, without the token in it, and are asked for anew', async () => {
    let outcome = (): string => { throw new Error('The vault is sealed'); };
    const { storage } = guarded(() => outcome(), () => 'good');
    await expect(storage.list()).rejects.toMatchObject({ code: 'unauthorized', cause: expect.objectContaining({ message: 'The vault is sealed' }) as Error });
    outcome = () => 'se cret\n';
    const error = (await storage.list().catch((error: unknown) => error)) as Error;
    expect(error).toMatchObject({ code: 'unauthorized' });
    expect(error.message).not.toContain('cret');
    outcome = () => 'good';
    expect(await storage.list()).toEqual({ entries: [] });
  });
});

describe('making one', () => {
  it.each([
    ['not a url'],
    ['ftp://store.test'],
    ['http://user:secret@store.test'],
    ['http://store.test/?q=secret'],
    ['http://store.test/#x'],
  ])('refuses the base URL %s', (url) => {
    expect(() => new HttpStorage(url)).toThrow(expect.objectContaining({ code: 'validation', message: expect.not.stringContaining('secret') as string }));
  });

  it.each([
    [{ token: 5 }],
    [{ headers: { 'x-a': 'a\nb' } }],
    [{ workspace: 'a/b' }],
    [{ fetch: 'fetch' }],
    [{ timeout: '5 minutes' }],
    [{ retry: { limit: -1 } }],
    [{ retry: { initial: -1 } }],
    [{ retry: { within: NaN } }],
    [{ supports: { durability: 'eternal' } }],
    [{ supports: { maxRecordBytes: -1 } }],
  ])('refuses the options %j', (options) => {
    expect(() => new HttpStorage('http://store.test', options as unknown as HttpStorageOptions)).toThrow(expect.objectContaining({ code: 'validation' }));
  });

  it('puts a workspace, headers and a slash too many where they belong', async () => {
    let seen: Request | undefined;
    const fetch = async (request: Request): Promise<Response> => ((seen = request), new Response('{"entries":[]}'));
    const storage = new HttpStorage(new URL('https://store.test/api/'), { fetch, workspace: 'team-a', headers: { 'x-tenant': 'ops' }, supports: { maxRecordBytes: 10 } });
    await storage.list({ prefix: 'a/', after: 'a/b', limit: 7 });
    expect([seen?.url, seen?.headers.get('x-tenant'), seen?.redirect]).toEqual(['https://store.test/api/workspaces/team-a/v1/records?prefix=a%2F&after=a%2Fb&limit=7', 'ops', 'manual']);
    expect([storage.name, storage.supports]).toEqual([
      'http https://store.test/api/workspaces/team-a',
      { durability: 'buffered', sharedBetweenProcesses: true, maxRecordBytes: 10, maxEntryBytes: 1 << 20, sharesBlobs: true },
    ]);
    await expect(storage.write([{ ...put, bytes: new Uint8Array(11) }])).rejects.toMatchObject({ code: 'validation', details: { limit: 10 } });
  });

  it('looks the fetch of the host up at each request', async () => {
    const storage = new HttpStorage('http://store.test');
    const original = globalThis.fetch;
    globalThis.fetch = async () => new Response('{"entries":[]}');
    try {
      expect(await storage.list()).toEqual({ entries: [] });
    } finally {
      globalThis.fetch = original;
    }
  });
});
