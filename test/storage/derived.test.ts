import { MemoryStorage, withPrefix } from 'modelkeep';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { collectBytes, utf8 } from '../../src/core/bytes.ts';
import { digestOf } from '../../src/core/digest.ts';
import type { StorageAdapter, WriteResult } from '../../src/storage/contract.ts';
import { clipRange } from '../../src/storage/blob-range.ts';
import { checkListQuery, pageOf } from '../../src/storage/list-page.ts';
import { decodePosition, encodePosition } from '../../src/storage/log-position.ts';
import { OperationMemory, rememberedOperations } from '../../src/storage/operation-memory.ts';
import { listAll, readValues, writeValue } from '../../src/storage/records.ts';
import { update } from '../../src/storage/update.ts';
import { verifiedBytes } from '../../src/storage/verified-bytes.ts';

const streamOf = async function* (...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield utf8(text);
};

describe('update', () => {
  it('waits longer and longer once it has lost thrice, and ends with the signal', async () => {
    const storage = new MemoryStorage();
    const conflict: WriteResult = { ok: false, reason: 'conflict', version: undefined };
    const contended = Object.assign(Object.create(storage) as StorageAdapter, { read: storage.read.bind(storage), write: async () => [conflict] });
    const waits: number[] = [];
    const controller = new AbortController();
    const clock = {
      now: () => 0,
      monotonic: () => 0,
      setTimer: (callback: () => void, ms: number) => {
        if (waits.push(ms) === 7) controller.abort();
        else queueMicrotask(callback);
        return () => undefined;
      },
    };
    const updating = update<number>(contended, 'a', (n = 0) => n + 1, { clock, random: () => 1, signal: controller.signal });
    await expect(updating).rejects.toMatchObject({ code: 'aborted' });
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 50]);
    await expect(update<number>(contended, 'a', (n = 0) => n + 1, { attempts: 2 })).rejects.toMatchObject({ code: 'conflict', details: { key: 'a', attempts: 2 } });
  });

  it('does not write what could not be stored', async () => {
    const storage = new MemoryStorage();
    await expect(update(storage, 'a', () => ({ f: () => 1 }))).rejects.toMatchObject({ code: 'validation', details: { path: 'a.f' } });
    expect(await storage.read(['a'])).toEqual([undefined]);
  });
});

describe('records', () => {
  it('are listed to the end and read without a call when there is nothing to read', async () => {
    const storage = new MemoryStorage();
    for (let i = 0; i < 25; i++) await writeValue(storage, `k/${String(i).padStart(2, '0')}`, i);
    const keys: string[] = [];
    for await (const entry of listAll(storage, { prefix: 'k/', after: 'k/03', limit: 4 })) keys.push(entry.key);
    expect([keys.length, keys[0], keys.at(-1)]).toEqual([21, 'k/04', 'k/24']);
    await storage.close();
    expect(await readValues(storage, [])).toEqual([]);
  });
});

describe('pageOf', () => {
  it('cuts any query out of sorted keys', () => {
    const key = fc.string({ unit: fc.constantFrom('a', 'b', '/', '-'), maxLength: 4 });
    const prefix = fc.constantFrom('', 'a', 'ab', 'a/', 'a-', 'b/a');
    fc.assert(
      fc.property(fc.uniqueArray(key), prefix, fc.option(key, { nil: undefined }), fc.integer({ min: 1, max: 5 }), (keys, prefix, after, limit) => {
        const sorted = [...keys].sort();
        const expected = sorted.filter((key) => key.startsWith(prefix) && (after === undefined || key > after));
        const page = pageOf(sorted, checkListQuery({ prefix, after, limit }), (key) => ({ key, version: '1', size: 0 }));
        expect(page.entries.map((entry) => entry.key)).toEqual(expected.slice(0, limit));
        expect(page.next).toBe(expected.length > limit ? expected[limit - 1] : undefined);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('positions', () => {
  it('come back as they were, and nothing else is one', () => {
    const vector = new Map([['a', 1], ['w-2.x', 999_999_999_999]]);
    expect(decodePosition(encodePosition(vector))).toEqual(vector);
    expect([decodePosition(undefined), decodePosition('')]).toEqual([new Map(), new Map()]);
    for (const text of ['a', 'a:', ':1', 'a:1,', 'A:1', 'a:-1', 'a:1.5', 'a:1;b:2', `a:${'9'.repeat(16)}`, 5, {}]) {
      expect(() => decodePosition(text as string)).toThrow(expect.objectContaining({ code: 'validation' }));
    }
  });
});

describe('OperationMemory', () => {
  it('forgets the oldest name first, and never what has none', () => {
    const memory = new OperationMemory<number>();
    memory.remember(undefined, 1);
    for (let i = 0; i <= rememberedOperations; i++) memory.remember(`op${i}`, i);
    expect([memory.get(undefined), memory.get('op0'), memory.get('op1'), memory.get(`op${rememberedOperations}`)]).toEqual([undefined, undefined, 1, rememberedOperations]);
    expect([...memory.entries()].length).toBe(rememberedOperations);
  });
});

describe('clipRange', () => {
  it('leaves out what lies outside the blob', () => {
    fc.assert(
      fc.property(fc.nat({ max: 20 }), fc.nat({ max: 30 }), fc.option(fc.nat({ max: 10 }), { nil: undefined }), (size, start, length) => {
        const bytes = Array.from({ length: size }, (_, i) => i);
        const end = length === undefined ? undefined : start + length;
        const clipped = clipRange({ start, end }, size);
        expect(bytes.slice(clipped.start, clipped.end)).toEqual(bytes.slice(start, end));
      }),
    );
    expect(clipRange(undefined, 5)).toEqual({ start: 0, end: 5 });
  });
});

describe('verifiedBytes', () => {
  it('passes on what is whole and reports what is not', async () => {
    expect(await collectBytes(verifiedBytes(streamOf('a', 'b'), digestOf('ab')))).toEqual(utf8('ab'));
    await expect(collectBytes(verifiedBytes(streamOf('a', 'c'), digestOf('ab')))).rejects.toMatchObject({
      code: 'integrity',
      details: { key: digestOf('ab'), found: digestOf('ac') },
    });
  });
});

describe('withPrefix', () => {
  it('is a store of its own: neither sees the other, and names of writes do not meet', async () => {
    const storage = new MemoryStorage();
    const [a, b] = [withPrefix(storage, 'team-a'), withPrefix(storage, 'team-b')];
    const put = { kind: 'put', key: 'k', bytes: utf8('a'), condition: 'absent', operationId: 'same' } as const;
    for (const view of [a, b]) expect(await view.write([put])).toMatchObject([{ ok: true }]);
    await a.append('log', [utf8('entry')]);
    expect((await storage.list()).entries.map(({ key }) => key)).toEqual(['team-a/k', 'team-b/k']);
    expect((await b.list({ kind: 'log' })).entries).toEqual([]);
    await withPrefix(storage, 'team').write([put]);
    expect((await withPrefix(storage, 'team').list()).entries.map(({ key }) => key)).toEqual(['k']);
  });

  it('cannot be left by a key, a prefix or a place to go on from', async () => {
    const storage = new MemoryStorage();
    await storage.write([{ kind: 'put', key: 'secret', bytes: utf8('x') }, { kind: 'put', key: 'team-b', bytes: utf8('x') }]);
    const view = withPrefix(storage, 'team-a');
    await expect(view.read(['../secret'])).rejects.toMatchObject({ code: 'validation' });
    await expect(view.list({ prefix: '../' })).rejects.toMatchObject({ code: 'validation' });
    for (const after of ['../', '~', '0']) expect((await view.list({ after })).entries).toEqual([]);
    expect(() => withPrefix(storage, '../team')).toThrow(expect.objectContaining({ code: 'validation' }));
  });

  it('ends alone and leaves the store open', async () => {
    const storage = new MemoryStorage();
    await withPrefix(storage, 'team-a').close();
    expect(await storage.read(['a'])).toEqual([undefined]);
  });
});
