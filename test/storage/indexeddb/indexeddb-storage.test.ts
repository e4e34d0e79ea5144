import { IDBFactory, IDBKeyRange } from 'fake-indexeddb';
import { isModelkeepError } from 'modelkeep';
import { IndexedDBStorage, type IndexedDBStorageOptions } from 'modelkeep/indexeddb';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/core/clock.ts';

const mebibyte = 1 << 20;
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Time that passes when the test says so. */
class ManualClock implements Clock {
  #now = 1_800_000_000_000;
  readonly #timers = new Set<{ readonly at: number; readonly callback: () => void }>();
  now = (): number => this.#now;
  monotonic = (): number => this.#now;
  setTimer(callback: () => void, ms: number): () => void {
    const timer = { at: this.#now + ms, callback };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }
  pass(ms: number): void {
    this.#now += ms;
    for (const timer of this.#timers) {
      if (timer.at > this.#now) continue;
      this.#timers.delete(timer);
      timer.callback();
    }
  }
}

function open(indexedDB: object, options: IndexedDBStorageOptions = {}): IndexedDBStorage {
  return new IndexedDBStorage('store', { indexedDB: indexedDB as IDBFactory, IDBKeyRange, ...options });
}

const put = (storage: IndexedDBStorage, key: string, bytes: Uint8Array = encode(key)) => storage.write([{ kind: 'put', key, bytes }]);

async function* chunks(count: number, size = mebibyte): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < count; i++) yield new Uint8Array(size).fill(i + 1);
}

async function failure(call: Promise<unknown>): Promise<{ code: string; message: string; details: Record<string, unknown> }> {
  const error = await call.then(() => undefined, (thrown: unknown) => thrown);
  if (!isModelkeepError(error)) throw new Error(`Not one of ours: ${String(error)}`);
  return error;
}

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

function deferred(): { readonly promise: Promise<void>; resolve(): void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

const hour = 60 * 60 * 1000;

/** The database itself, to look at and to damage. */
async function database(factory: IDBFactory, version?: number): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = factory.open('store', version);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error!);
  });
}

async function change(factory: IDBFactory, store: string, work: (store: IDBObjectStore) => void): Promise<void> {
  const db = await database(factory);
  const transaction = db.transaction(store, 'readwrite');
  work(transaction.objectStore(store));
  await new Promise((resolve) => (transaction.oncomplete = resolve));
  db.close();
}

async function count(factory: IDBFactory, store: string): Promise<number> {
  const db = await database(factory);
  const request = db.transaction(store).objectStore(store).count();
  await new Promise((resolve) => (request.onsuccess = resolve));
  db.close();
  return request.result;
}

const findings = (storage: IndexedDBStorage, options?: Parameters<IndexedDBStorage['inspect']>[0]) => all(storage.inspect(options));

/** A factory whose databases fail each put that `fails` chooses, as a browser does that has no more space. */
function failing(factory: IDBFactory, fails: (store: string, value: unknown) => boolean): object {
  const guarded = (store: IDBObjectStore): IDBObjectStore => {
    const put = store.put.bind(store);
    store.put = (value: unknown, key?: IDBValidKey) => {
      if (fails(store.name, value)) throw new DOMException('No more space.', 'QuotaExceededError');
      return put(value, key);
    };
    return store;
  };
  return {
    open: (name: string, version?: number) => {
      const request = factory.open(name, version);
      request.addEventListener('success', () => {
        const db = request.result;
        const begin = db.transaction.bind(db);
        db.transaction = (...args) => {
          const transaction = begin(...args);
          const storeOf = transaction.objectStore.bind(transaction);
          transaction.objectStore = (store) => guarded(storeOf(store));
          return transaction;
        };
      });
      return request;
    },
  };
}

describe('IndexedDBStorage', () => {
  it('asks for a flush of all that it acknowledges, and for none where the caller waived it', async () => {
    const modes: string[] = [];
    const factory = new IDBFactory();
    const spied = {
      open: (...args: [string, number?]) => {
        const request = factory.open(...args);
        request.addEventListener('success', () => {
          const db = request.result;
          const begin = db.transaction.bind(db);
          db.transaction = (names, mode, options) => {
            if (mode === 'readwrite') modes.push(String(options?.durability));
            return begin(names, mode, options);
          };
        });
        return request;
      },
    };
    const storage = open(spied);
    await put(storage, 'a');
    await storage.append('log', [encode('entry')]);
    await storage.writeBlob(chunks(3));
    await storage.deleteLog('log');
    expect(modes.length).toBeGreaterThanOrEqual(6);
    expect(new Set(modes)).toEqual(new Set(['strict']));
    modes.length = 0;
    await storage.append('log', [encode('entry')], { durability: 'buffered' });
    expect(modes).toEqual(['relaxed']);
    await storage.close();
  });

  it('lets writes that wait share one transaction', async () => {
    let transactions = 0;
    const factory = new IDBFactory();
    const spied = {
      open: (...args: [string, number?]) => {
        const request = factory.open(...args);
        request.addEventListener('success', () => {
          const db = request.result;
          const begin = db.transaction.bind(db);
          db.transaction = (...given) => {
            if (given[1] === 'readwrite') transactions++;
            return begin(...given);
          };
        });
        return request;
      },
    };
    const storage = open(spied);
    await Promise.all(Array.from({ length: 300 }, (_, i) => put(storage, `k${i}`)));
    await Promise.all(Array.from({ length: 300 }, () => storage.append('log', [encode('entry')])));
    expect(transactions).toBe(2);
    await storage.close();
  });

  it('undoes all of a transaction in which something throws, and goes on', async () => {
    const factory = new IDBFactory();
    const storage = open(failing(factory, (store) => store === 'records'));
    const { code, message } = await failure(storage.write([{ kind: 'put', key: 'a', bytes: encode('a'), operationId: 'first' }]));
    expect([code, /is full/.test(message)]).toEqual(['storage-full', true]);
    expect(await storage.list()).toEqual({ entries: [] });
    expect([await count(factory, 'heads'), await count(factory, 'operations')]).toEqual([0, 0]);
    await storage.append('log', [encode('entry')]);
    await storage.close();
  });

  it('fails only the write that does not fit, of those that share a transaction', async () => {
    const storage = open(failing(new IDBFactory(), (store, value) => store === 'records' && (value as { bytes: Uint8Array }).bytes.length > 1000));
    const outcomes = await Promise.allSettled([put(storage, 'a'), put(storage, 'large', new Uint8Array(2000)), put(storage, 'b')]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect((await storage.list()).entries.map(({ key }) => key)).toEqual(['a', 'b']);
    await storage.close();
  });

  it('fails only the write whose name is none, of those that share a transaction', async () => {
    await using storage = open(new IDBFactory());
    const named = (operationId: unknown) => storage.write([{ kind: 'put', key: 'bad', bytes: encode('bad'), operationId: operationId as string }]);
    const [good, ...bad] = await Promise.allSettled([put(storage, 'good'), named({}), named(null), named(''), named('\ud800')]);
    expect(good.status).toBe('fulfilled');
    for (const each of bad) expect(each).toMatchObject({ status: 'rejected', reason: { code: 'validation' } });
    expect((await storage.read(['good', 'bad'])).map((record) => record && new TextDecoder().decode(record.bytes))).toEqual(['good', undefined]);
  });

  it('takes over what it is given, though it be a Buffer', async () => {
    await using storage = open(new IDBFactory());
    const bytes = Buffer.from('as it was put');
    const writing = storage.write([{ kind: 'put', key: 'k', bytes }]);
    bytes.fill('x');
    await writing;
    expect(new TextDecoder().decode((await storage.read(['k']))[0]!.bytes)).toBe('as it was put');
    const piece = Buffer.alloc(10, 'a');
    async function* reused(): AsyncGenerator<Uint8Array> {
      yield piece;
      piece.fill('b');
      yield piece;
    }
    const { digest } = await storage.writeBlob(reused());
    expect(Buffer.concat(await all((await storage.readBlob(digest))!)).toString()).toBe('aaaaaaaaaabbbbbbbbbb');
  });

  it('tells how much space there is when it is full, as far as the browser knows', async () => {
    const full = failing(new IDBFactory(), (store) => store === 'chunks');
    const told = open(full, { storageManager: { estimate: async () => ({ usage: 900, quota: 1000 }) } });
    expect(await failure(told.writeBlob(chunks(3)))).toMatchObject({ code: 'storage-full', details: { usage: 900, quota: 1000 }, message: expect.stringMatching(/900 bytes in use of 1000, 100 left/) as unknown });
    expect(await told.list({ kind: 'blob' })).toEqual({ entries: [] });
    await told.close();
    const silent = open(full, { storageManager: { estimate: () => Promise.reject(new Error('not told')) } });
    expect(await failure(silent.writeBlob(chunks(1)))).toMatchObject({ code: 'storage-full' });
    expect(await silent.estimate()).toEqual({ usage: undefined, quota: undefined });
    await silent.close();
  });

  it('asks to be kept, and says no where it cannot ask', async () => {
    expect(await open(new IDBFactory(), { storageManager: { persist: async () => true } }).persist()).toBe(true);
    expect(await open(new IDBFactory(), { storageManager: {} }).persist()).toBe(false);
  });

  it('leaves nothing of a blob whose source fails after chunks were written', async () => {
    const factory = new IDBFactory();
    const storage = open(factory);
    const source = async function* (): AsyncGenerator<Uint8Array> {
      yield* chunks(5);
      throw new RangeError('The source failed');
    };
    await expect(storage.writeBlob(source())).rejects.toThrow('The source failed');
    expect([await count(factory, 'chunks'), await count(factory, 'staging'), await count(factory, 'blobs')]).toEqual([0, 0, 0]);
    await storage.close();
  });

  it('removes the chunks of a blob that is deleted or replaced', async () => {
    const factory = new IDBFactory();
    const storage = open(factory);
    const { digest } = await storage.writeBlob(chunks(3));
    await storage.writeBlob(chunks(3, mebibyte));
    expect([await count(factory, 'chunks'), await count(factory, 'staging')]).toEqual([3, 0]);
    await storage.deleteBlob(digest);
    expect(await count(factory, 'chunks')).toBe(0);
    await storage.close();
  });

  it('goes on reading a blob that is written anew meanwhile, and says so when it is deleted', async () => {
    const storage = open(new IDBFactory());
    const { digest, size } = await storage.writeBlob(chunks(6));
    let read = 0;
    for await (const chunk of (await storage.readBlob(digest))!) {
      read += chunk.length;
      await storage.writeBlob(chunks(12, mebibyte / 2));
      await storage.writeBlob(chunks(6));
    }
    expect(read).toBe(size);
    const reading = async (): Promise<void> => {
      for await (const chunk of (await storage.readBlob(digest))!) if (chunk.length > 0) await storage.deleteBlob(digest);
    };
    expect(await failure(reading())).toMatchObject({ code: 'not-found' });
    await storage.close();
  });

  it('reads only the chunks that a range needs', async () => {
    const factory = new IDBFactory();
    const storage = open(factory);
    const { digest } = await storage.writeBlob(chunks(8));
    await change(factory, 'chunks', (store) => {
      const all = store.openKeyCursor();
      all.onsuccess = () => {
        const cursor = all.result;
        if (cursor === null) return;
        if ((cursor.primaryKey as [string, number])[1] !== 5 * mebibyte) store.delete(cursor.primaryKey);
        cursor.continue();
      };
    });
    const parts: Uint8Array[] = [];
    for await (const part of (await storage.readBlob(digest, { range: { start: 5 * mebibyte + 10, end: 5 * mebibyte + 30 } }))!) parts.push(part);
    expect(parts).toEqual([new Uint8Array(20).fill(6)]);
    const other = await storage.readBlob(digest, { range: { start: 4 * mebibyte + 10, end: 4 * mebibyte + 30 } });
    expect(await failure(all(other!))).toMatchObject({ code: 'integrity' });
    expect((await findings(storage)).map(({ kind, where }) => [kind, where])).toEqual([['damage', digest]]);
    await storage.close();
  });

  it('names the record, the log and the blob whose bytes were changed behind its back', async () => {
    const factory = new IDBFactory();
    const storage = open(factory);
    await put(storage, 'a');
    await put(storage, 'b');
    await storage.append('log', [encode('one'), encode('two')]);
    const { digest } = await storage.writeBlob(chunks(2));
    for (const name of ['records', 'entries', 'chunks']) {
      await change(factory, name, (store) => {
        const cursor = store.openCursor();
        cursor.onsuccess = () => {
          const row = cursor.result!.value as Uint8Array | { bytes: Uint8Array };
          const bytes = row instanceof Uint8Array ? row : row.bytes;
          bytes[0]! ^= 4;
          cursor.result!.update(row);
        };
      });
    }
    expect(await failure(storage.read(['b', 'a']))).toMatchObject({ code: 'integrity', details: { key: 'a' } });
    expect((await storage.read(['b']))[0]?.bytes).toEqual(encode('b'));
    expect(await failure(all(storage.readLog('log')))).toMatchObject({ code: 'integrity', details: { key: 'log' } });
    expect(await failure(storage.readBlob(digest).then((chunk) => all(chunk!)))).toMatchObject({ code: 'integrity', details: { key: digest } });
    await storage.close();
  });

  it('finds records that are listed without being there', async () => {
    const factory = new IDBFactory();
    const storage = open(factory);
    await put(storage, 'a');
    expect(await findings(storage)).toEqual([]);
    await change(factory, 'records', (store) => store.delete('a'));
    expect(await findings(storage, { repair: true })).toMatchObject([{ kind: 'damage', where: 'records', repaired: false }]);
    await storage.close();
  });

  it('collects the chunks of a writer that died, after a day, and never those of one that goes on', async () => {
    const factory = new IDBFactory();
    const clock = new ManualClock();
    const [dead, alive] = [open(factory, { clock }), open(factory, { clock })];
    await dead.list();
    const stalled = async function* (): AsyncGenerator<Uint8Array> {
      yield* chunks(3);
      await new Promise(() => undefined);
    };
    void dead.writeBlob(stalled());
    await expect.poll(() => count(factory, 'chunks'), { interval: 1 }).toBe(3);
    const pauses = Array.from({ length: 4 }, () => ({ reached: deferred(), over: deferred() }));
    const slow = alive.writeBlob(
      (async function* () {
        for (const { reached, over } of pauses) {
          yield* chunks(2);
          reached.resolve();
          await over.promise;
        }
      })(),
    );
    for (const [turn, { reached, over }] of pauses.entries()) {
      await reached.promise;
      await expect.poll(() => count(factory, 'chunks'), { interval: 1 }).toBe(3 + 2 * (turn + 1));
      clock.pass(10 * hour);
      expect((await findings(alive)).length, `leftovers after ${10 * (turn + 1)} hours`).toBe(turn < 2 ? 0 : 1);
      over.resolve();
    }
    const { digest } = await slow;
    const third = open(factory, { clock });
    expect(await findings(third, { repair: true })).toMatchObject([{ kind: 'leftover', repaired: true }]);
    expect([await findings(third), await count(factory, 'chunks'), await count(factory, 'staging')]).toEqual([[], 8, 0]);
    expect((await all((await third.readBlob(digest))!)).length).toBe(8);
    await Promise.all([alive.close(), third.close()]);
  });

  it('collects them too when another blob is written, and refuses to finish a blob whose chunks were collected', async () => {
    const factory = new IDBFactory();
    const clock = new ManualClock();
    const [sleeper, other] = [open(factory, { clock }), open(factory, { clock })];
    await sleeper.list();
    const over = deferred();
    const slept = failure(
      sleeper.writeBlob(
        (async function* () {
          yield* chunks(3);
          await over.promise;
          yield* chunks(1);
        })(),
      ),
    );
    await expect.poll(() => count(factory, 'chunks'), { interval: 1 }).toBe(3);
    clock.pass(25 * hour);
    await other.writeBlob(chunks(2));
    expect(await count(factory, 'chunks')).toBe(2);
    over.resolve();
    expect(await slept).toMatchObject({ code: 'storage', message: expect.stringMatching(/collected/) as unknown });
    expect([await count(factory, 'blobs'), await count(factory, 'chunks'), await count(factory, 'staging')]).toEqual([1, 2, 0]);
    await Promise.all([sleeper.close(), other.close()]);
  });

  it('remembers ten thousand named writes and forgets older ones in the end', async () => {
    const factory = new IDBFactory();
    const storage = open(factory);
    for (let batch = 0; batch < 24; batch++) {
      await storage.write(Array.from({ length: 500 }, (_, i) => ({ kind: 'put' as const, key: 'k', bytes: encode(String(i)), operationId: `${batch}/${i}` })));
    }
    expect(await count(factory, 'operations')).toBeLessThan(24);
    const [last, first] = await storage.write([
      { kind: 'put', key: 'k', bytes: encode('again'), condition: 'absent', operationId: '4/0' },
      { kind: 'put', key: 'k', bytes: encode('again'), condition: 'absent', operationId: '0/0' },
    ]);
    expect([last?.ok, first?.ok]).toEqual([true, false]);
    await storage.close();
  });

  it('keeps an append of thousands of entries in one row, and one of megabytes in rows that a reader may hold', async () => {
    const factory = new IDBFactory();
    const storage = open(factory);
    await storage.append('small', Array.from({ length: 5000 }, () => encode('24 bytes of an entry....')), { writer: 'w' });
    expect(await count(factory, 'entries')).toBe(1);
    const position = await storage.append('large', Array.from({ length: 10 }, (_, i) => new Uint8Array(600_000).fill(i)), { writer: 'w', operationId: 'once' });
    expect(await storage.append('large', [encode('retried')], { writer: 'w', operationId: 'once' })).toBe(position);
    expect(await count(factory, 'entries')).toBe(11);
    const read = await all(storage.readLog('large', { after: 'w:7' }));
    expect(read.map(({ sequence, bytes }) => [sequence, bytes[0]])).toEqual([[8, 7], [9, 8], [10, 9]]);
    await storage.close();
  });
});

describe('IndexedDBStorage and its database', () => {
  it('lets another tab upgrade or delete the database, and says what became of it', async () => {
    const factory = new IDBFactory();
    const storage = open(factory);
    await put(storage, 'a');
    const newer = await database(factory, 2);
    expect(newer.version).toBe(2);
    newer.close();
    expect(await failure(storage.list())).toMatchObject({ code: 'unknown-store-version' });
    await storage.close();
  });

  it('goes on when the database was only closed, by the browser or by a tab that upgraded to nothing new', async () => {
    const factory = new IDBFactory();
    const connections: IDBDatabase[] = [];
    const spied = {
      open: (...args: [string, number?]) => {
        const request = factory.open(...args);
        request.addEventListener('success', () => connections.push(request.result));
        return request;
      },
    };
    const storage = open(spied);
    await put(storage, 'a');
    connections[0]!.close();
    await put(storage, 'b');
    expect((await storage.list()).entries.map(({ key }) => key)).toEqual(['a', 'b']);
    expect(connections.length).toBe(2);
    await storage.close();
  });

  it('says that it was evicted when the database is gone under it, whoever made it anew', async () => {
    const factory = new IDBFactory();
    const storage = open(factory);
    await put(storage, 'a');
    await new Promise((resolve) => (factory.deleteDatabase('store').onsuccess = resolve));
    for (const call of [() => storage.list(), () => put(storage, 'b'), () => all(storage.readLog('log'))]) {
      expect(await failure(call())).toMatchObject({ code: 'storage', details: { evicted: true }, message: expect.stringMatching(/evicted/) as unknown });
    }
    expect(await factory.databases()).toEqual([]);
    const anew = open(factory);
    await put(anew, 'c');
    expect(await failure(storage.list())).toMatchObject({ details: { evicted: true } });
    expect((await anew.list()).entries.map(({ key }) => key)).toEqual(['c']);
    await Promise.all([storage.close(), anew.close()]);
  });

  it('gives up opening after a while when another tab does not let go, and opens later', async () => {
    const factory = new IDBFactory();
    const clock = new ManualClock();
    await open(factory).list();
    const stubborn = await database(factory);
    const deleting = factory.deleteDatabase('store');
    const storage = open(factory, { clock });
    const waiting = failure(storage.list());
    await new Promise((resolve) => setImmediate(resolve));
    clock.pass(10_000);
    expect(await waiting).toMatchObject({ code: 'unavailable', message: expect.stringMatching(/another tab/) as unknown });
    const deleted = new Promise((resolve) => (deleting.onsuccess = resolve));
    stubborn.close();
    await deleted;
    expect(await storage.list()).toEqual({ entries: [] });
    await storage.close();
  });

  it('stops waiting for a database that does not open when the signal fires', async () => {
    const controller = new AbortController();
    const storage = open({ open: () => ({}) }, { clock: new ManualClock() });
    const calls = [storage.read(['a'], controller), storage.list({}, controller), storage.append('log', [encode('x')], controller)].map(failure);
    controller.abort();
    for (const call of calls) expect(await call).toMatchObject({ code: 'aborted' });
  });

  it('refuses the database of another application', async () => {
    for (const store of ['theirs', 'about']) {
      const factory = new IDBFactory();
      await new Promise((resolve) => {
        const request = factory.open('store', 1);
        request.onupgradeneeded = () => request.result.createObjectStore(store);
        request.onsuccess = () => resolve(request.result.close());
      });
      expect(await failure(open(factory).list())).toMatchObject({ code: 'not-a-store' });
    }
  });

  it('says what is the matter where there is no IndexedDB, or where it is forbidden', async () => {
    expect(await failure(new IndexedDBStorage('store').list())).toMatchObject({ code: 'unsupported' });
    const throwing = (name: string): object => ({
      open: () => {
        throw new DOMException('Not here.', name);
      },
    });
    expect(await failure(open(throwing('SecurityError')).list())).toMatchObject({ code: 'forbidden' });
    expect(await failure(open(throwing('InvalidStateError')).list())).toMatchObject({ code: 'unavailable' });
    expect(await failure(open(throwing('UnknownError')).list())).toMatchObject({ code: 'storage', message: expect.stringMatching(/UnknownError: Not here/) as unknown });
  });

  it('waits for what is under way when it is closed', async () => {
    const factory = new IDBFactory();
    const storage = open(factory);
    const [writing, blob] = [put(storage, 'a'), storage.writeBlob(chunks(3))];
    await storage.close();
    expect([(await writing)[0]?.ok, (await blob).size]).toEqual([true, 3 * mebibyte]);
    expect(await failure(storage.list())).toMatchObject({ code: 'closed' });
    const other = open(factory);
    expect((await other.list()).entries.length).toBe(1);
    await other.close();
  });

  it('refuses a name that is none', () => {
    for (const name of ['', 5, undefined]) expect(() => new IndexedDBStorage(name as string)).toThrow(/name of a database/);
  });
});
