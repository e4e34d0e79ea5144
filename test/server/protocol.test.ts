import { MemoryStorage } from 'modelkeep';
import { createStorageHandler } from 'modelkeep/server';
import { describe, expect, it } from 'vitest';
import { fromUtf8, utf8 } from '../../src/core/bytes.ts';
import { digestOf } from '../../src/core/digest.ts';
import type { EntriesFrame } from '../../src/storage/http-protocol.ts';
import { asFrames, bytesOf, clientOf, errorOf, framesIn, framesOf, type Client } from './client.ts';

function open(storage = new MemoryStorage()): { storage: MemoryStorage; ask: Client } {
  return { storage, ask: clientOf(createStorageHandler(storage, { authorize: 'public', basePath: '/api' }), 'https://store.test/api/v1/') };
}

const absent = { 'if-none-match': '*' };

describe('records', () => {
  it('are written, read and deleted under conditions, by entity tags', async () => {
    const { ask } = open();
    const digest = digestOf('weights');
    const written = await ask('PUT records/runs/1', { body: 'one', headers: { ...absent, 'modelkeep-blobs': digest } });
    const first = written.headers.get('etag')!;
    expect([written.status, await written.json()]).toEqual([200, { ok: true, version: expect.any(String) as string }]);
    const read = await ask('GET records/runs/1');
    expect([read.status, read.headers.get('etag'), read.headers.get('modelkeep-blobs'), await read.text()]).toEqual([200, first, digest, 'one']);
    expect(read.headers.get('content-type')).toBe('application/octet-stream');
    expect(read.headers.get('x-content-type-options')).toBe('nosniff');

    const refused = await ask('PUT records/runs/1', { body: 'two', headers: absent });
    expect(refused.headers.get('etag')).toBe(first);
    expect(await errorOf(refused)).toMatchObject({ status: 412, code: 'conflict', details: { key: 'runs/1' } });
    const second = (await ask('PUT records/runs/1', { body: 'two', headers: { 'if-match': first } })).headers.get('etag')!;
    expect(second).not.toBe(first);
    expect((await ask('DELETE records/runs/1', { headers: { 'if-match': first } })).status).toBe(412);
    expect(await ask.json('DELETE records/runs/1', { headers: { 'if-match': `W/${second}` } })).toEqual({ ok: true });
    const gone = await ask('DELETE records/runs/1', { headers: { 'if-match': second } });
    expect([gone.status, gone.headers.get('etag')]).toEqual([412, null]);
    expect(await errorOf(await ask('GET records/runs/1'))).toMatchObject({ status: 404, code: 'not-found' });
  });

  it('are not sent again to who has them, and HEAD tells all but the bytes', async () => {
    const { ask } = open();
    const etag = (await ask('PUT records/a', { body: 'abc' })).headers.get('etag')!;
    for (const tags of [etag, `"other", W/${etag}`, '*']) {
      const response = await ask('GET records/a', { headers: { 'if-none-match': tags } });
      expect([response.status, response.headers.get('etag'), response.body]).toEqual([304, etag, null]);
    }
    expect((await ask('GET records/a', { headers: { 'if-none-match': '"other"' } })).status).toBe(200);
    const head = await ask('HEAD records/a');
    expect([head.status, head.headers.get('content-length'), head.headers.get('etag'), await head.text()]).toEqual([200, '3', etag, '']);
    expect((await ask('HEAD records/none')).status).toBe(404);
  });

  it('refer to more blobs than a header can name, which a batch tells', async () => {
    const { ask, storage } = open();
    const blobs = Array.from({ length: 500 }, (_, i) => digestOf(String(i)));
    await storage.write([{ kind: 'put', key: 'a', bytes: utf8('x'), blobs }]);
    expect((await ask('GET records/a')).headers.get('modelkeep-blobs')).toBe('*');
    const [frame] = await framesIn(await ask('POST batch/read', { body: { keys: ['a'] } }));
    expect((frame!.header as { blobs: string[] }).blobs).toEqual(blobs);
  });

  it('recognise a write that comes again', async () => {
    const { ask } = open();
    const named = { ...absent, 'modelkeep-operation-id': 'w1' };
    const first = await ask.json('PUT records/a', { body: 'one', headers: named });
    expect(await ask.json('PUT records/a', { body: 'one', headers: named })).toEqual(first);
    expect((await ask('PUT records/a', { body: 'one', headers: { ...absent, 'modelkeep-operation-id': 'w2' } })).status).toBe(412);
  });

  it.each([
    ['both conditions', { 'if-match': '"1"', 'if-none-match': '*' }],
    ['a list of tags', { 'if-match': '"1", "2"' }],
    ['no tag', { 'if-match': '1' }],
    ['a tag that must not be there', { 'if-none-match': '"1"' }],
    ['two names of the write', { 'modelkeep-operation-id': 'a, b' }],
    ['blobs that are none', { 'modelkeep-blobs': 'sha256:12' }],
  ])('are not written under %s', async (_, headers) => {
    const { ask, storage } = open();
    expect(await errorOf(await ask('PUT records/a', { body: 'x', headers }))).toMatchObject({ status: 400, code: 'validation' });
    expect((await storage.list()).entries).toEqual([]);
  });

  it('are listed by pages', async () => {
    const { ask } = open();
    for (const key of ['a/1', 'a/2', 'a/3', 'b/1']) await ask('PUT records/' + key, { body: key });
    expect(await ask.json('GET records?prefix=a/&limit=2')).toEqual({ entries: [{ key: 'a/1', version: '1', size: 3 }, { key: 'a/2', version: '2', size: 3 }], next: 'a/2' });
    expect(await ask.json('GET records?prefix=a/&limit=2&after=a/2')).toEqual({ entries: [{ key: 'a/3', version: '3', size: 3 }] });
    for (const query of ['limit=0', 'limit=x', 'limit=1&limit=2', 'prefix=A', 'offset=3']) expect((await ask(`GET records?${query}`)).status, query).toBe(400);
  });
});

describe('batches', () => {
  it('read in the order of the keys', async () => {
    const { ask, storage } = open();
    const count = 700;
    await storage.write(Array.from({ length: count }, (_, i) => ({ kind: 'put', key: `k/${i}`, bytes: new Uint8Array(i * 20).fill(i) })));
    const keys = ['none', ...Array.from({ length: count }, (_, i) => `k/${count - 1 - i}`), 'k/0'];
    const frames = await framesIn(await ask('POST batch/read', { body: { keys } }));
    expect(frames.at(-1)!.header).toEqual({ end: true });
    expect(frames.slice(0, -1).map(({ header }) => (header as { key: string }).key)).toEqual(keys);
    expect(frames[0]!.header).toEqual({ key: 'none' });
    expect(frames[1]).toEqual({ header: { key: 'k/699', version: '700', blobs: [] }, body: new Uint8Array(699 * 20).fill(699) });
    expect((await framesIn(await ask('POST batch/read', { body: { keys: [] } }))).map(({ header }) => header)).toEqual([{ end: true }]);
  });

  it('read without what the client has at the version that is there, which it must hold wherever it asks for it', async () => {
    const { ask, storage } = open();
    await storage.write(['a', 'b', 'c', 'd'].map((key) => ({ kind: 'put', key, bytes: utf8(key), blobs: [digestOf(key)] })));
    const body = { keys: ['a', 'b', 'c', 'none', 'c', 'd', 'a', 'd'], held: ['1', 'other', null, '1', '3', '4', '1', 'other'] };
    const frames = await framesIn(await ask('POST batch/read', { body }));
    const whole = (key: string, version: string) => [{ key, version, blobs: [digestOf(key)] }, key];
    const held = [{ key: 'a', version: '1', held: true }, ''];
    expect(frames.slice(0, -1).map(({ header, body: bytes }) => [header, fromUtf8(bytes)])).toEqual([
      held, whole('b', '2'), whole('c', '3'), [{ key: 'none' }, ''], whole('c', '3'), whole('d', '4'), held, whole('d', '4'),
    ]);
    expect((await framesIn(await ask('POST batch/read', { body: { keys: ['a'], held: [null] } })))[0]).toMatchObject({ header: { version: '1', blobs: [digestOf('a')] } });
    for (const bad of [['1', null], [], '1', [1], { a: '1' }, null]) {
      expect(await errorOf(await ask('POST batch/read', { body: { keys: ['a'], held: bad } })), JSON.stringify(bad)).toMatchObject({ status: 400, code: 'validation' });
    }
  });

  it('write in order, each with a result of its own', async () => {
    const { ask, storage } = open();
    const body = framesOf(
      [{ kind: 'put', key: 'a', condition: 'absent', operationId: 'one', blobs: [digestOf('b')] }, 'first'],
      [{ kind: 'put', key: 'a', condition: 'absent' }, 'second'],
      [{ kind: 'put', key: 'b' }, ''],
      [{ kind: 'delete', key: 'b', condition: { match: 'none' } }],
      [{ kind: 'delete', key: 'b' }],
    );
    expect(await ask.json('POST batch/write', { body, headers: asFrames })).toEqual({
      results: [{ ok: true, version: '1' }, { ok: false, reason: 'conflict', version: '1' }, { ok: true, version: '2' }, { ok: false, reason: 'conflict', version: '2' }, { ok: true }],
    });
    expect(await storage.read(['a', 'b'])).toEqual([{ bytes: utf8('first'), version: '1', blobs: [digestOf('b')] }, undefined]);
  });

  it('write nothing of what is cut off or not well formed', async () => {
    const { ask, storage } = open();
    const whole = new Uint8Array(await framesOf([{ kind: 'put', key: 'a' }, 'bytes']).arrayBuffer());
    const put = [{ kind: 'put', key: 'a' }, 'bytes'] as const;
    const bad: [string, BodyInit][] = [
      ...Array.from({ length: whole.length - 1 }, (_, cut): [string, BodyInit] => [`cut at ${cut}`, whole.slice(0, cut)]),
      ['more behind the end', new Blob([whole, whole])],
      ['a bad key behind a good one', framesOf(put, [{ kind: 'put', key: '../b' }, 'x'])],
      ['a bad condition', framesOf(put, [{ kind: 'put', key: 'b', condition: 'abesnt' }, 'x'])],
      ['a delete with a body', framesOf(put, [{ kind: 'delete', key: 'b' }, 'x'])],
      ['a delete of what is absent', framesOf(put, [{ kind: 'delete', key: 'b', condition: 'absent' }])],
      ['an unknown field', framesOf(put, [{ kind: 'put', key: 'b', conditions: 'absent' }, 'x'])],
      ['a prototype', framesOf(put, [JSON.parse('{"kind":"put","key":"b","__proto__":{"condition":"absent"}}') as object, 'x'])],
      ['a blob that is none', framesOf(put, [{ kind: 'put', key: 'b', blobs: ['x'] }, 'x'])],
    ];
    for (const [name, body] of bad) expect(await errorOf(await ask('POST batch/write', { body, headers: asFrames })), name).toMatchObject({ status: 400, code: 'validation' });
    expect(await errorOf(await ask('POST batch/write', { body: whole }))).toMatchObject({ status: 415 });
    expect((await storage.list()).entries).toEqual([]);
  });
});

describe('logs', () => {
  it('are appended to and read in frames of one writer each, from any position', async () => {
    const { ask } = open();
    const { position } = await ask.json<{ position: string }>('POST logs/run/metrics?writer=w', { body: framesOf([{ sizes: [3, 0, 3] }, 'onetwo'], [{ sizes: [1] }, '3']), headers: asFrames });
    await ask.json('POST logs/run/metrics?writer=v&durability=buffered', { body: framesOf([{ sizes: [1] }, 'v']), headers: asFrames });
    const frames = await framesIn(await ask('GET logs/run/metrics'));
    const [w, v, end] = frames;
    expect(w!.header).toEqual({ writer: 'w', first: 1, sizes: [3, 0, 3, 1], before: '', after: 'w:4' });
    expect(fromUtf8(w!.body)).toBe('onetwo3');
    expect(v!.header).toMatchObject({ writer: 'v', first: 1, sizes: [1], before: 'w:4' });
    expect(end!.header).toEqual({ end: true });
    const rest = await framesIn(await ask(`GET logs/run/metrics?after=${encodeURIComponent(position)}`));
    expect(rest.map(({ header }) => (header as EntriesFrame).writer)).toEqual(['v', undefined]);
    expect(await errorOf(await ask('GET logs/run/metrics?after=!!'))).toMatchObject({ status: 400, code: 'validation' });
    expect(await ask.json('GET logs?prefix=run')).toMatchObject({ entries: [{ key: 'run/metrics', size: 8 }] });
    expect(await ask.json('DELETE logs/run/metrics')).toEqual({ ok: true });
    expect(await ask.json('GET logs')).toEqual({ entries: [] });
  });

  it('take an append once, and several of them in one request', async () => {
    const { ask } = open();
    const one = { body: framesOf([{ sizes: [1] }, 'a']), headers: { ...asFrames, 'modelkeep-operation-id': 'op' } };
    const first = await ask.json('POST logs/l?writer=w', one);
    expect(await ask.json('POST logs/l?writer=w', one)).toEqual(first);
    const several = framesOf([{ sizes: [1], operationId: 'x' }, 'b'], [{ sizes: [1], operationId: 'x' }, 'c'], [{ sizes: [1], operationId: 'op' }, 'a'], [{ sizes: [1], operationId: 'y' }, 'd']);
    expect(await ask.json('POST logs/l?writer=w', { body: several, headers: asFrames })).toEqual({ position: 'w:4', positions: ['w:3', 'w:1', 'w:4'] });
    const [entries] = await framesIn(await ask('GET logs/l'));
    expect(fromUtf8(entries!.body)).toBe('abcd');
    for (const frames of [framesOf([{ sizes: [1], operationId: 'x' }, 'b'], [{ sizes: [1] }, 'c']), framesOf([{ sizes: [2] }, 'c']), framesOf([{ sizes: [-1] }]), framesOf([{ sizes: [0.5] }])]) {
      expect((await ask('POST logs/l?writer=w', { body: frames, headers: asFrames })).status).toBe(400);
    }
    expect((await ask('POST logs/l?writer=a/b', { body: framesOf([{ sizes: [1] }, 'b']), headers: asFrames })).status).toBe(400);
  });

  it('keep the logs of the handler to itself', async () => {
    const { ask, storage } = open();
    for (const key of ['a', 'uploads-of-mine', 'uploads0', 'z']) await storage.append(key, [utf8(key)]);
    for (let i = 0; i < 3; i++) await ask.json('POST uploads');
    expect((await storage.list({ kind: 'log', prefix: 'uploads/' })).entries).toHaveLength(3);
    const keys: string[] = [];
    for (const limit of [1, 2, 10]) {
      let after = '';
      for (;;) {
        const page = await ask.json<{ entries: { key: string }[]; next?: string }>(`GET logs?limit=${limit}${after && `&after=${after}`}`);
        keys.push(...page.entries.map(({ key }) => key));
        if (page.next === undefined) break;
        after = page.next;
      }
    }
    expect(keys).toEqual(Array(3).fill(['a', 'uploads-of-mine', 'uploads0', 'z']).flat());
    expect(await ask.json('GET logs?prefix=uploads/')).toEqual({ entries: [] });
    const [entry] = (await storage.list({ kind: 'log', prefix: 'uploads/' })).entries;
    for (const method of ['GET', 'POST', 'DELETE']) {
      expect(await errorOf(await ask(`${method} logs/${entry!.key}`, method === 'POST' ? { body: framesOf(), headers: asFrames } : {}))).toMatchObject({ status: 403, code: 'forbidden' });
    }
  });
});

describe('blobs', () => {
  const bytes = Uint8Array.from({ length: 1_000_000 }, (_, i) => i % 251);
  const digest = digestOf(bytes);

  it('are stored once their bytes are those of the digest', async () => {
    const { ask, storage } = open();
    expect(await ask.json(`PUT blobs/${digest}`, { body: bytes })).toEqual({ digest, size: bytes.length });
    expect(await errorOf(await ask(`PUT blobs/${digestOf('other')}`, { body: bytes }))).toMatchObject({ status: 422, code: 'integrity', details: { key: digestOf('other'), found: digest } });
    expect((await ask('PUT blobs/sha256:12', { body: bytes })).status).toBe(400);
    expect((await storage.list({ kind: 'blob' })).entries.map(({ key }) => key)).toEqual([digest]);
    expect(await ask.json(`PUT blobs/${digestOf('').replace(':', '%3A')}`, {})).toEqual({ digest: digestOf(''), size: 0 });
    expect(await ask.json('GET blobs?limit=1')).toMatchObject({ entries: [{ size: 1_000_000 }], next: digest });
  });

  it('are read whole or in part', async () => {
    const { ask } = open();
    await ask(`PUT blobs/${digest}`, { body: bytes });
    await ask(`PUT blobs/${digestOf('')}`, {});
    const get = (headers: Record<string, string> = {}, of: string = digest): Promise<Response> => ask(`GET blobs/${of}`, { headers });
    const whole = await get();
    expect([whole.status, whole.headers.get('content-length'), whole.headers.get('accept-ranges')]).toEqual([200, '1000000', 'bytes']);
    expect(digestOf(await bytesOf(whole))).toBe(digest);
    for (const [range, start, end] of [['bytes=0-0', 0, 1], ['bytes=5-', 5, 1e6], ['bytes=-7', 999_993, 1e6], ['bytes=-2000000', 0, 1e6], ['bytes=10-99', 10, 100], ['bytes=999999-2000000', 999_999, 1e6]] as const) {
      const part = await get({ range });
      expect([part.status, part.headers.get('content-range')], range).toEqual([206, `bytes ${start}-${end - 1}/1000000`]);
      expect(digestOf(await bytesOf(part)), range).toBe(digestOf(bytes.subarray(start, end)));
    }
    for (const range of ['bytes=1000000-', 'bytes=-0']) expect([(await get({ range })).status, (await get({ range })).headers.get('content-range')], range).toEqual([416, 'bytes */1000000']);
    expect((await get({ range: 'bytes=0-' }, digestOf(''))).status).toBe(416);
    for (const range of ['bytes=0-1, 5-6', 'lines=1-2']) expect([(await get({ range })).status, (await bytesOf(await get({ range }))).length], range).toEqual([200, 1e6]);
    for (const range of ['bytes=5-1', 'bytes=', 'bytes=a-b', 'bytes=-', 'bytes=0-1, bytes=2-3']) expect((await get({ range })).status, range).toBe(400);
    const etag = whole.headers.get('etag')!;
    expect((await get({ range: 'bytes=0-0', 'if-range': etag })).status).toBe(206);
    expect((await get({ range: 'bytes=0-0', 'if-range': '"other"' })).status).toBe(200);
    expect((await get({ 'if-none-match': etag })).status).toBe(304);
    const head = await ask(`HEAD blobs/${digest}`);
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '1000000', '']);
    expect((await get({ range: 'bytes=x' }, digestOf('none'))).status).toBe(404);
  });

  it('are deleted at the version that a list gave', async () => {
    const { ask } = open();
    await ask(`PUT blobs/${digest}`, { body: bytes });
    const { entries } = await ask.json<{ entries: { version: string }[] }>('GET blobs');
    const match = { 'if-match': `"${encodeURIComponent(entries[0]!.version)}"` };
    await ask(`PUT blobs/${digest}`, { body: bytes });
    expect(await errorOf(await ask(`DELETE blobs/${digest}`, { headers: match }))).toMatchObject({ status: 412, code: 'conflict' });
    expect(await ask.json(`DELETE blobs/${digest}`)).toEqual({ ok: true });
    expect((await ask(`GET blobs/${digest}`)).status).toBe(404);
  });

  it('are cut off before their end when they turn out to be damaged', async () => {
    const storage = new MemoryStorage();
    const damaged: typeof storage.readBlob = async () =>
      (async function* () {
        yield bytes.subarray(0, 400_000);
        yield bytes.subarray(400_000);
        throw new Error('the digest differs');
      })();
    await storage.writeBlob((async function* () { yield bytes; })());
    const { ask } = open(Object.assign(storage, { readBlob: damaged }));
    const response = await ask(`GET blobs/${digest}`);
    let received = 0;
    const read = async (): Promise<void> => {
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) received += chunk.length;
    };
    await expect(read()).rejects.toThrow();
    expect(received).toBe(400_000);
  });
});

describe('a blob of another size than the store says', () => {
  it.each([-1, 1])('is never sent as one of that size (%i)', async (difference) => {
    const storage = new MemoryStorage();
    const list = storage.list.bind(storage);
    const lying: typeof list = async (query) => ({ entries: (await list(query)).entries.map((entry) => ({ ...entry, size: entry.size + difference })) });
    const { digest } = await storage.writeBlob((async function* () { yield utf8('bytes'); })());
    const response = await open(Object.assign(storage, { list: lying })).ask(`GET blobs/${digest}`);
    expect(response.status).toBe(200);
    await expect(response.arrayBuffer()).rejects.toThrow();
  });
});

describe('the description', () => {
  it('of the store says what it can do', async () => {
    const { ask } = open();
    expect(await ask.json('GET store')).toMatchObject({ protocol: 1, supports: { durability: 'memory', maxRecordBytes: 16 * 1024 * 1024 }, limits: { batch: 1000 } });
    expect(await ask.json('GET health')).toEqual({ status: 'ok' });
  });

  it.each(['GET nothing', 'GET records/a/../../..', 'GET ../v2/records', 'GET uploads/x/y/z', 'GET batch/other'])('has no %s', async (line) => {
    expect(await errorOf(await open().ask(line))).toMatchObject({ status: 404, code: 'not-found' });
  });

  it('says which methods there are', async () => {
    const { ask } = open();
    const response = await ask('PATCH records/a', { body: 'x' });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'HEAD, GET, PUT, DELETE']);
    expect((await ask('OPTIONS records/a')).status).toBe(405);
    expect((await ask('GET batch/read')).headers.get('allow')).toBe('POST');
  });
});
