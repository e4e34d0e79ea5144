import { MemoryStorage } from 'modelkeep';
import { createStorageHandler, type Access } from 'modelkeep/server';
import { describe, expect, it } from 'vitest';
import { concatBytes, utf8 } from '../../src/core/bytes.ts';
import { digestOf } from '../../src/core/digest.ts';
import { newId } from '../../src/core/ids.ts';
import { seededRandom, type Random } from '../../src/core/random.ts';
import { encodeFrame } from '../../src/storage/http-frames.ts';
import { framesType } from '../../src/storage/http-protocol.ts';
import { recordingStorage, type Touch } from './recording-storage.ts';

const requests = 11_000;
const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 32));

const allowed = ['open/a', 'open/b/c', 'open/log'];
const keys = [
  ...allowed, 'secret/a', 'registry/models/m', 'team-a/registry/models/m', 'workspace-blobs/team-a/x', 'uploads/x', '__proto__', 'constructor', 'open/../secret/a', '..', '.', 'a//b', 'A', 'con', 'a.', '',
  'open%2fa', '%2e%2e/secret/a', '%00', 'a%00b', '%', '%zz', '%c0%ae', '\\..\\x', 'a;b', 'é', '\u202e', 'x'.repeat(121), 'x/'.repeat(600), 'k'.repeat(20_000),
];
const known = digestOf('known');
const digests = [known, digestOf('other'), 'sha256:xyz', 'sha256%3A' + known.slice(7), 'md5:1', known.toUpperCase(), `${known}/../x`];
const methods = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'PATCH', 'OPTIONS'];
const texts = ['', 'known', 'known', '{}', '[]', 'null', '{"keys":["open/a"]}', '{"keys":["open/a","secret/a"]}', '{"__proto__":{"keys":["open/a"]}}', '{"keys":"open/a"}', '{"parts":0}', '{"parts":1e99}', '['.repeat(50_000), '{"a":'.repeat(2_000), '{"input":{"model":"m"}}', '"\ud800"', 'x'.repeat(3_000)];
const queries = ['', '', '', '?prefix=open/', '?prefix=', '?prefix=secret', '?limit=1', '?limit=0', '?limit=99999999999', '?limit=1&limit=2', '?after=%00', '?__proto__=1', '?writer=w', '?writer=../w', '?durability=none', '?after=w:1', '?prefix[]=x', '?%', '?' + 'a=1&'.repeat(500)];
const headerValues: Record<string, readonly string[]> = {
  'content-type': ['application/json', framesType, 'application/json; charset=utf-8', 'text/plain', `${framesType}, application/json`],
  'content-encoding': ['gzip', 'br', 'identity', 'gzip, gzip'],
  'content-length': ['0', '5', '99999999999999', '-1', '1, 2', 'NaN'],
  'if-match': ['"1"', '*', '"1", "2"', '""', 'W/"1"', '"%E0%A4%A"', 'x'.repeat(5000)],
  'if-none-match': ['*', '"1"', '*, "1"', ''],
  range: ['bytes=0-1', 'bytes=1-3', 'bytes=-2', 'bytes=1-0', 'bytes=-1', 'bytes=0-1,3-4', 'bytes=99999999999999999999-', 'lines=1', `bytes=${'0-1,'.repeat(900)}0-1`],
  'modelkeep-operation-id': ['op', 'a, b', '\u00e9', 'x'.repeat(201), '__proto__'],
  'modelkeep-blobs': [known, 'x', `${known},${known}`, ','],
  'modelkeep-digest': [known, digestOf('x'), 'x'],
  'sec-fetch-site': ['cross-site', 'none'],
  origin: ['https://evil.test', 'null'],
  authorization: ['Bearer good', 'Bearer good', 'Bearer good', 'Bearer bad', 'Basic x'],
};

const deep = encodeFrame({ deep: JSON.parse('['.repeat(3000) + ']'.repeat(3000)) as unknown });

class Generator {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  request(): Request {
    if (this.#random() < 0.03) return this.#plainRead();
    const [method, path, type] = this.#line();
    const headers = new Headers({ authorization: 'Bearer good', ...(type && { 'content-type': type }) });
    for (const [name, values] of Object.entries(headerValues)) if (this.#random() < (method === 'GET' && /^(?:range|if-n)/.test(name) ? 0.3 : 0.05)) headers.set(name, this.#of(values));
    const base = this.#random() < 0.85 ? this.#of(['http://h/api/v1/', 'http://h/api/workspaces/team-a/v1/']) : this.#of(['http://h/api/workspaces/registry/v1/', 'http://h/v1/', 'http://h/api/v2/', 'http://h/api/v1//']);
    const body = method === 'GET' || method === 'HEAD' ? undefined : this.#body(type);
    return new Request(base + path + (this.#random() < 0.2 ? this.#of(queries) : ''), { method, headers, body: body as BodyInit | undefined, duplex: 'half' } as RequestInit);
  }

  /** A read in part or on a condition of what is often there: chance alone asks for so few that some runs had no answer of a kind. */
  #plainRead(): Request {
    const [path, name, value] = this.#of<[string, string, string]>([[`blobs/${known}`, 'range', 'bytes=1-3'], ['records/open/a', 'if-none-match', '*']]);
    return new Request(`http://h/api/v1/${path}`, { headers: { authorization: 'Bearer good', [name]: value } });
  }

  /** Mostly something that can be asked for, of something that may be there. */
  #line(): [method: string, path: string, type: string | undefined] {
    const key = this.#random() < 0.5 ? this.#of(allowed) : this.#of(keys);
    const digest = this.#random() < 0.5 ? known : this.#of(digests);
    const id = this.#of([newId(), key]);
    const [method, path, type] = this.#of<[string, string, string?]>([
      ['GET', 'records'], ['GET', `records/${key}`], ['HEAD', `records/${key}`], ['PUT', `records/${key}`], ['PUT', `records/${key}`], ['DELETE', `records/${key}`], ['POST', 'batch/read', 'application/json'],
      ['POST', 'batch/write', framesType], ['POST', 'batch/write', framesType], ['GET', 'logs'], ['GET', `logs/${key}`], ['POST', `logs/${key}`, framesType], ['DELETE', `logs/${key}`], ['GET', 'blobs'],
      ['GET', `blobs/${digest}`], ['PUT', `blobs/${digest}`], ['DELETE', `blobs/${this.#of(digests)}`], ['POST', 'uploads'], ['GET', `uploads/${id}`], ['PUT', `uploads/${id}/${this.#of(['1', '0', 'x'])}`],
      ['POST', `uploads/${id}`, 'application/json'], ['DELETE', `uploads/${id}`], ['POST', 'registry/createModel', 'application/json'], ['POST', `registry/${key}`, 'application/json'], ['GET', 'store'], ['GET', 'health'],
    ]);
    return this.#random() < 0.9 ? [method, path, type] : [this.#of(methods), this.#of([path, key, `${key}/${key}`]), type];
  }

  #body(type: string | undefined): unknown {
    const kind = this.#random();
    if (kind < 0.1 || (type !== framesType && kind < 0.85)) return this.#of(texts);
    if (kind < 0.15) return Uint8Array.from({ length: Math.floor(this.#random() * 4000) }, () => this.#random() * 256);
    const frames = this.#mutated(concatBytes(Array.from({ length: Math.floor(this.#random() * 4) }, () => this.#frame()).concat(this.#random() < 0.8 ? [encodeFrame({ end: true })] : [])));
    if (kind < 0.85) return frames;
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        for (let at = 0; at < frames.length; at += 7) controller.enqueue(frames.subarray(at, at + 7));
        if (this.#random() < 0.2) controller.error(new Error('cut'));
        else controller.close();
      },
    });
  }

  #frame(): Uint8Array {
    const key = this.#random() < 0.7 ? this.#of(allowed) : this.#of(keys);
    return this.#of<() => Uint8Array>([
      () => encodeFrame({ kind: 'put', key }, [utf8('value')]),
      () => encodeFrame({ kind: 'put', key, condition: this.#of(['absent', { match: '1' }, 'x', null, { match: 1 }]) }, [utf8('value')]),
      () => encodeFrame({ kind: 'delete', key }),
      () => encodeFrame({ sizes: [2, 3] }, [utf8('abcde')]),
      () => encodeFrame({ sizes: [this.#of([1e308, -1, 0.5, 2 ** 53])], operationId: this.#of(['a', '']) }, [utf8('abcde')]),
      () => encodeFrame(JSON.parse('{"__proto__":{"end":true},"kind":"put"}') as object),
      () => deep,
    ])();
  }

  /** Now and then a byte is another, or the end is missing. */
  #mutated(bytes: Uint8Array<ArrayBuffer>): Uint8Array {
    const kind = this.#random();
    if (kind < 0.15) return bytes.subarray(0, Math.floor(this.#random() * bytes.length));
    if (kind < 0.3 && bytes.length > 0) bytes[Math.floor(this.#random() * bytes.length)] = Math.floor(this.#random() * 256);
    return bytes;
  }

  #of<T>(values: readonly T[]): T {
    return values[Math.floor(this.#random() * values.length)]!;
  }
}

/** Whether leave was asked for, and given, for what was done to the store. */
function isCovered({ action, kind, key }: Touch, granted: readonly Access[]): boolean {
  const given = (wanted: Access['action'], of: Access['kind'], name: string): boolean => granted.some((access) => access.action === wanted && access.kind === of && access.key === name);
  const inWorkspace = granted.some(({ workspace }) => workspace === 'team-a');
  const [plain, digest] = inWorkspace ? [key.replace(/^team-a\//, ''), `sha256:${key.replace('workspace-blobs/team-a/', '')}`] : [key, ''];
  if (given(action, kind, plain) || given(action, kind, key.replace(/\/$/, ''))) return true;
  // Blobs of workspaces have claims, uploads have logs, models have records of all kinds, and a blob is looked up in the list to learn its size.
  if (granted.some((access) => access.action === 'call')) return /(?:registry|lineage)\//.test(key);
  if (kind === 'log' && (key.startsWith('uploads/') || key === 'uploads')) return granted.some((access) => access.kind === 'upload') || action === 'list' || given('list', 'log', '');
  if (kind === 'record' && key.startsWith('workspace-blobs/team-a/')) return granted.some((access) => access.kind === 'blob' && (access.key === digest || access.action === 'list' || action === 'list'));
  if (kind === 'blob' && action === 'list') return granted.some((access) => access.kind === 'blob');
  return kind === 'record' && key === 'health';
}

function isWireError(text: string): boolean {
  const { error } = JSON.parse(text) as { error?: { code?: unknown; message?: unknown } };
  return typeof error?.code === 'string' && typeof error.message === 'string';
}

describe(`hostile requests (SEED=${seed})`, () => {
  it(`get an answer each, ${requests} times, and reach nothing without leave`, { timeout: 180_000 }, async () => {
    const generator = new Generator(seededRandom(seed));
    const touches: Touch[] = [];
    const granted: Access[] = [];
    const failures: unknown[] = [];
    const inner = new MemoryStorage();
    await inner.write([{ kind: 'put', key: 'secret/a', bytes: utf8('the secret') }, { kind: 'put', key: 'open/a', bytes: utf8('open') }]);
    await inner.writeBlob((async function* () { yield utf8('known'); })());
    const handler = createStorageHandler(recordingStorage(inner, touches), {
      basePath: '/api',
      workspaces: true,
      limits: { recordBytes: 2_000, requestBytes: 100_000, blobBytes: 3_000, batch: 10, requestsInFlight: 4 },
      onError: (error) => failures.push(error),
      authorize(request, access) {
        if (request.headers.get('authorization') !== 'Bearer good') return null;
        if (access.key.startsWith('secret') || access.action === 'call') return 'forbidden';
        if (access.action === 'list' && access.kind === 'record' && !access.key.startsWith('open/')) return 'forbidden';
        granted.push(access);
        return { actor: 'mallory' };
      },
    });
    const statuses = new Map<number, number>();
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < requests; i++) {
      touches.length = granted.length = 0;
      let request: Request;
      try {
        request = generator.request();
      } catch {
        continue; // What no client can build never comes.
      }
      const response = await handler(request);
      const text = await response.text();
      statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
      const stray = touches.find((touch) => !isCovered(touch, granted));
      // Compared in plain words: `expect` takes longer than the handler.
      const problem =
        response.status >= 500 ? 'failed'
        : response.status >= 400 && request.method !== 'HEAD' && !isWireError(text) ? 'got something else than an error'
        : text.includes('the secret') ? 'saw a secret'
        : /\.ts:\d|node_modules|\bat \S+ \(/.test(text) ? 'saw the server from inside'
        : stray ? `did ${JSON.stringify(stray)} with leave for ${JSON.stringify(granted)}`
        : undefined;
      if (problem) expect.fail(`request ${i}, ${request.method} ${request.url.slice(0, 200)}, ${problem}: ${response.status} ${text.slice(0, 500)}`);
    }
    expect(failures).toEqual([]);
    expect((await inner.read(['secret/a']))[0]!.bytes).toEqual(utf8('the secret'));
    expect(Object.keys(Object.prototype)).toEqual([]);
    // What was written lies where it may; `secret/a` was there before.
    for (const { key } of (await inner.list({ limit: 100_000 })).entries) expect(key).toMatch(/^(?!secret\/(?!a$)|(?:.*\/)?registry\/)/);
    for (const { key } of (await inner.list({ kind: 'log', limit: 100_000 })).entries) expect(key).toMatch(/^(?!secret|uploads\/(?![0-9a-f-]{36}(?:\/done)?$)|(?:.*\/)?registry\/)/);
    // Most of the ways are gone: refusals of each kind, and successes.
    for (const status of [200, 304, 206, 422, 400, 401, 403, 404, 405, 412, 413, 414, 415]) expect(statuses.get(status) ?? 0, `answers with ${status}: ${JSON.stringify([...statuses])}`).toBeGreaterThan(0);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(200 * 1024 * 1024);
    // No place among the four requests in flight was lost on the way.
    const last = await handler(new Request('http://h/api/v1/records/open/a', { headers: { authorization: 'Bearer good' } }));
    expect(last.status).toBeOneOf([200, 404]);
  });
});
