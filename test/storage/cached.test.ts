import { MemoryStorage, cached, rewritableLog, withPrefix } from 'modelkeep';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { collectBytes, concatBytes, fromUtf8, utf8 } from '../../src/core/bytes.ts';
import { digestOf, type Digest } from '../../src/core/digest.ts';
import { IntegrityError } from '../../src/core/errors.ts';
import { ByteLru } from '../../src/storage/byte-lru.ts';
import type { StorageAdapter } from '../../src/storage/contract.ts';
import { update } from '../../src/storage/update.ts';

/** A store that counts its reads. */
function counted(memory = new MemoryStorage()): { storage: StorageAdapter; memory: MemoryStorage; reads: { blobs: number; records: number; open: number } } {
  const reads = { blobs: 0, records: 0, open: 0 };
  const view = withPrefix(memory, 'p');
  const storage: StorageAdapter = {
    ...view,
    read: (keys, options) => ((reads.records += keys.length), view.read(keys, options)),
    readBlob: async (digest, options) => {
      reads.blobs++;
      const chunks = await view.readBlob(digest, options);
      return (
        chunks &&
        (async function* () {
          reads.open++;
          try {
            yield* chunks;
          } finally {
            reads.open--;
          }
        })()
      );
    },
  };
  return { storage, memory, reads };
}

const writeBlob = async (storage: StorageAdapter, bytes: Uint8Array): Promise<Digest> =>
  (await storage.writeBlob((async function* () { yield bytes; })())).digest;

const readBlob = async (storage: StorageAdapter, digest: Digest): Promise<Uint8Array | undefined> => {
  const chunks = await storage.readBlob(digest);
  return chunks && collectBytes(chunks);
};

/** Large arrays, which the runner takes long to compare. */
const expectSame = (found: Uint8Array | undefined, expected: Uint8Array): void => expect(found && Buffer.compare(found, expected)).toBe(0);

const clockAt = (): { now: () => number; monotonic: () => number; setTimer: () => () => void; at: number } => {
  const clock = { at: 0, now: () => clock.at, monotonic: () => clock.at, setTimer: () => () => undefined };
  return clock;
};

const put = (storage: StorageAdapter, key: string, text: string): Promise<unknown> => storage.write([{ kind: 'put', key, bytes: utf8(text) }]);
const textOf = async (storage: StorageAdapter, key: string): Promise<string | undefined> => {
  const [record] = await storage.read([key]);
  return record && fromUtf8(record.bytes);
};

describe('cached blobs', () => {
  it('are read once, by all who want them at the same time, whole or in part', async () => {
    const { storage, reads } = counted();
    const cache = cached(storage, { maxBytes: 4_000_000 });
    const bytes = new Uint8Array(700_000).map((_, i) => i % 251);
    const digest = await writeBlob(cache, bytes);
    const all = await Promise.all(Array.from({ length: 5 }, () => readBlob(cache, digest)));
    for (const one of all) expectSame(one, bytes);
    const part = await cache.readBlob(digest, { range: { start: 300_000, end: 300_010 } });
    expectSame(await collectBytes(part!), bytes.subarray(300_000, 300_010));
    for await (const chunk of (await cache.readBlob(digest))!) chunk.fill(0);
    expectSame(await readBlob(cache, digest), bytes);
    expect(reads).toMatchObject({ blobs: 1, open: 0 });
  });

  it('that are too large pass through, each byte fetched once by a single reader', async () => {
    const { storage, reads } = counted();
    const cache = cached(storage, { maxBytes: 2_000_000, maxEntryBytes: 300_000 });
    const bytes = new Uint8Array(1_500_000).map((_, i) => i % 251);
    const digest = await writeBlob(cache, bytes);
    expectSame(await readBlob(cache, digest), bytes);
    expect(reads.blobs).toBe(1);
    const both = await Promise.all([readBlob(cache, digest), readBlob(cache, digest), readBlob(cache, digest)]);
    for (const one of both) expectSame(one, bytes);
    for await (const chunk of (await cache.readBlob(digest))!) if (chunk.length > 0) break;
    await cache.readBlob(digest);
    expect(reads.open).toBe(0);
  });

  it('are not kept when they are missing, damaged, or deleted while they are fetched', async () => {
    const { storage, reads } = counted();
    const cache = cached(storage, { maxBytes: 1_000_000 });
    const bytes = utf8('text');
    expect([await readBlob(cache, digestOf(bytes)), await readBlob(cache, digestOf(bytes))]).toEqual([undefined, undefined]);
    const digest = await writeBlob(storage, bytes);
    expect(await readBlob(cache, digest)).toEqual(bytes);
    await cache.deleteBlob(digest);
    expect(await readBlob(cache, digest)).toBeUndefined();
    expect(reads.blobs).toBe(4);

    await writeBlob(storage, bytes);
    const chunks = (await cache.readBlob(digest))![Symbol.asyncIterator]();
    const first = chunks.next();
    await cache.deleteBlob(digest);
    expect((await first).value).toEqual(bytes);
    expect(await readBlob(cache, digest)).toBeUndefined();

    let damaged = true;
    const flipped = cached(
      {
        ...storage,
        readBlob: async () =>
          (async function* () {
            yield utf8('t');
            if (damaged) throw new IntegrityError('The blob is damaged.');
            yield utf8('ext');
          })(),
      },
      { maxBytes: 1_000_000 },
    );
    const outcomes = await Promise.allSettled([readBlob(flipped, digest), readBlob(flipped, digest)]);
    for (const outcome of outcomes) expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'integrity' } });
    damaged = false;
    expect(await readBlob(flipped, digest)).toEqual(bytes);
  });

  it('are fetched on for the others when one reader is aborted, and given up when all are', async () => {
    const memory = new MemoryStorage();
    const digest = await writeBlob(memory, new Uint8Array(600_000));
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    let ended = 0;
    const slow: StorageAdapter = {
      ...withPrefix(memory, 'p'),
      readBlob: async (asked, options) => {
        const chunks = await memory.readBlob(asked, options);
        return (async function* () {
          try {
            await Promise.race([gate, new Promise((_, reject) => options?.signal?.addEventListener('abort', () => reject(new Error('given up'))))]);
            yield* chunks!;
          } finally {
            ended++;
          }
        })();
      },
    };
    const cache = cached(slow, { maxBytes: 4_000_000 });
    const read = async (signal: AbortSignal): Promise<number> => (await collectBytes((await cache.readBlob(digest, { signal }))!)).length;
    const [one, two, three] = [new AbortController(), new AbortController(), new AbortController()];
    const [first, second] = [read(one.signal), read(two.signal)];
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    one.abort();
    await expect(first).rejects.toMatchObject({ code: 'aborted' });
    two.abort();
    await expect(second).rejects.toMatchObject({ code: 'aborted' });
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    expect(ended).toBe(1);
    const third = read(three.signal);
    const fourth = read(new AbortController().signal);
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    three.abort();
    await expect(third).rejects.toMatchObject({ code: 'aborted' });
    open();
    expect(await fourth).toBe(600_000);
  });
});

describe('cached records', () => {
  it('are asked for each time unless an age is given', async () => {
    const { storage, reads } = counted();
    const cache = cached(storage, { maxBytes: 1_000_000 });
    await put(cache, 'a', 'one');
    await textOf(cache, 'a');
    await put(storage, 'a', 'two');
    expect([await textOf(cache, 'a'), reads.records]).toEqual(['two', 2]);
  });

  it('are behind by the age at most, and never behind what is written through the cache', async () => {
    const clock = clockAt();
    const { storage, reads } = counted();
    const cache = cached(storage, { maxBytes: 1_000_000, maxAge: '10s', clock });
    await put(storage, 'a', 'one');
    expect(await textOf(cache, 'a')).toBe('one');
    await put(storage, 'a', 'two');
    clock.at = 9_999;
    expect([await textOf(cache, 'a'), reads.records]).toEqual(['one', 1]);
    clock.at = 10_000;
    expect(await textOf(cache, 'a')).toBe('two');
    await put(cache, 'a', 'three');
    expect(await textOf(cache, 'a')).toBe('three');
    await cache.write([{ kind: 'delete', key: 'a' }]);
    expect(await textOf(cache, 'a')).toBeUndefined();
    await put(storage, 'a', 'four');
    expect(await textOf(cache, 'a'), 'what was not there is asked for again').toBe('four');
    await put(storage, 'b', 'b');
    const before = reads.records;
    expect((await cache.read(['b', 'a', 'b', 'c'])).map((record) => record && fromUtf8(record.bytes))).toEqual(['b', 'four', 'b', undefined]);
    expect(reads.records - before, 'only what is not kept is asked for, once').toBe(2);
  });

  it('are asked of the store by whoever must have them fresh, as an update and a rewritten log must', async () => {
    const { storage, reads } = counted();
    const cache = cached(storage, { maxBytes: 1_000_000, maxAge: '1h' });
    await put(storage, 'a', 'one');
    expect(await textOf(cache, 'a')).toBe('one');
    await put(storage, 'a', 'two');
    expect(await textOf(cache, 'a')).toBe('one');
    expect((await cache.read(['a'], { fresh: true })).map((record) => record && fromUtf8(record.bytes))).toEqual(['two']);
    const before = reads.records;
    expect([await textOf(cache, 'a'), reads.records], 'and is what is kept from then on').toEqual(['two', before]);

    const log = rewritableLog(cache, 'log');
    await log.append([utf8('alice'), utf8('bob')]);
    const texts = async (): Promise<string[]> => {
      const all: string[] = [];
      for await (const entry of log.read()) all.push(fromUtf8(entry.bytes));
      return all;
    };
    expect(await texts()).toEqual(['alice', 'bob']);
    await rewritableLog(storage, 'log').rewrite((entry) => fromUtf8(entry.bytes) !== 'alice');
    await log.append([utf8('carol')]);
    await rewritableLog(storage, 'log').rewrite(() => true);
    await log.append([utf8('dave')]);
    expect((await texts()).sort()).toEqual(['bob', 'carol', 'dave']);
  });

  it('do not stop an update that began with an old state', async () => {
    const { storage } = counted();
    const cache = cached(storage, { maxBytes: 1_000_000, maxAge: '1h' });
    await update<number>(cache, 'n', (n = 0) => n + 1);
    await cache.read(['n']);
    await update<number>(storage, 'n', (n = 0) => n + 1);
    let tries = 0;
    const { value } = await update<number>(cache, 'n', (n = 0) => (tries++, n + 1));
    expect([value, tries]).toEqual([3, 1]);
  });

  it('are not kept by a read that a write overlapped', async () => {
    const { storage } = counted();
    await put(storage, 'a', 'old');
    let answer = (): void => undefined;
    const slow: StorageAdapter = {
      ...storage,
      read: async (keys, options) => {
        const records = await storage.read(keys, options);
        await new Promise<void>((resolve) => (answer = resolve));
        return records;
      },
    };
    const cache = cached(slow, { maxBytes: 1_000_000, maxAge: '1h' });
    const early = textOf(cache, 'a');
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    await put(cache, 'a', 'new');
    answer();
    expect(await early).toBe('old');
    const late = textOf(cache, 'a');
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    answer();
    expect(await late).toBe('new');
  });

  it('are asked for again after a command to the guard of the state', async () => {
    const { storage } = counted();
    const guarded: StorageAdapter = { ...storage, call: async () => put(storage, 'a', 'by the guard') };
    const cache = cached(guarded, { maxBytes: 1_000_000, maxAge: '1h' });
    await put(cache, 'a', 'text');
    await textOf(cache, 'a');
    await cache.call!({ domain: 'registry', method: 'promote', input: null, prefix: '' });
    expect(await textOf(cache, 'a')).toBe('by the guard');
  });
});

describe('cached', () => {
  it('ends alone, leaves the store open, and passes on what the store offers', async () => {
    const memory = new MemoryStorage();
    const cache = cached(memory, { maxBytes: 1000 });
    let woken = 0;
    cache.onChange!(() => woken++);
    await put(memory, 'a', 'text');
    await Promise.resolve();
    expect([woken, 'inspect' in cache, 'call' in cache]).toEqual([1, false, false]);
    await cache.close();
    await put(memory, 'a', 'text');
    await Promise.resolve();
    expect([woken, await textOf(memory, 'a')]).toEqual([1, 'text']);
  });

  it('refuses options that make no sense', () => {
    for (const options of [{}, { maxBytes: -1 }, { maxBytes: 1.5 }, { maxBytes: 1, maxAge: 'long' }, { maxBytes: 1, maxAge: -1 }, { maxBytes: 1, ttl: 5 }]) {
      expect(() => cached(new MemoryStorage(), options as never)).toThrow(expect.objectContaining({ code: 'validation' }));
    }
  });

  it('gives what the store holds, whatever is read and written', async () => {
    const key = fc.constantFrom('a', 'b', 'c');
    const blob = fc.integer({ min: 0, max: 5 });
    const step = fc.oneof(
      fc.record({ do: fc.constant('put' as const), key, blob }),
      fc.record({ do: fc.constant('delete' as const), key, blob }),
      fc.record({ do: fc.constant('read' as const), key, blob }),
      fc.record({ do: fc.constant('writeBlob' as const), key, blob }),
      fc.record({ do: fc.constant('readBlob' as const), key, blob }),
      fc.record({ do: fc.constant('deleteBlob' as const), key, blob }),
    );
    const contents = Array.from({ length: 6 }, (_, i) => new Uint8Array(i * 400).fill(i));
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.integer({ min: 0, max: 5000 }), async (steps, maxBytes) => {
        const memory = new MemoryStorage();
        const cache = cached(memory, { maxBytes, maxAge: '1h', maxEntryBytes: 1500 });
        for (const [i, { do: what, key, blob }] of steps.entries()) {
          const bytes = contents[blob]!;
          if (what === 'put') await cache.write([{ kind: 'put', key, bytes: concatBytes([bytes, utf8(String(i))]) }]);
          else if (what === 'delete') await cache.write([{ kind: 'delete', key }]);
          else if (what === 'read') expect(await cache.read([key])).toEqual(await memory.read([key]));
          else if (what === 'writeBlob') await writeBlob(cache, bytes);
          else if (what === 'deleteBlob') await cache.deleteBlob(digestOf(bytes));
          else expect(await readBlob(cache, digestOf(bytes))).toEqual(await readBlob(memory, digestOf(bytes)));
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('ByteLru', () => {
  it('is never above its bound, and drops what was unused the longest', () => {
    const step = fc.record({ do: fc.constantFrom('set' as const, 'get' as const, 'delete' as const), key: fc.constantFrom(...'abcdefghij'), size: fc.nat({ max: 2000 }) });
    fc.assert(
      fc.property(fc.nat({ max: 5000 }), fc.array(step, { maxLength: 100 }), (maxBytes, steps) => {
        const lru = new ByteLru<number>(maxBytes);
        // The longest unused first.
        let model: { key: string; value: number; size: number }[] = [];
        const weight = (): number => model.reduce((sum, { key, size }) => sum + ByteLru.weightOf(key, size), 0);
        for (const [value, { do: what, key, size }] of steps.entries()) {
          const entry = model.find((each) => each.key === key);
          if (what === 'get') {
            expect(lru.get(key)).toBe(entry?.value);
            if (entry) model = [...model.filter((each) => each !== entry), entry];
          } else {
            model = model.filter((each) => each !== entry);
            if (what === 'set') {
              lru.set(key, value, size);
              if (ByteLru.weightOf(key, size) <= maxBytes) {
                model.push({ key, value, size });
                while (weight() > maxBytes) model.shift();
              }
            } else {
              lru.delete(key);
            }
          }
          expect([lru.bytes, lru.size]).toEqual([weight(), model.length]);
          expect(lru.bytes).toBeLessThanOrEqual(maxBytes);
        }
      }),
      { numRuns: 300 },
    );
  });
});
