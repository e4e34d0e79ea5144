import { IDBFactory, IDBKeyRange } from 'fake-indexeddb';
import { IndexedDBStorage } from 'modelkeep/indexeddb';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { packEntries } from '../../../src/storage/indexeddb/packed-entries.ts';
import { ManualClock } from '../../tracking/manual-clock.ts';
import { toRows } from '../../../src/storage/indexeddb/put-aside.ts';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const asked = <T>(request: IDBRequest<T>): Promise<T> => new Promise((resolve, reject) => Object.assign(request, { onsuccess: () => resolve(request.result), onerror: () => reject(request.error!) }));

async function about(factory: IDBFactory, work: (store: IDBObjectStore) => void = () => undefined): Promise<number> {
  const db = await asked(factory.open('store'));
  const store = db.transaction('about', 'readwrite').objectStore('about');
  work(store);
  const count = await asked(store.count());
  db.close();
  // One row says which database it is.
  return count - 1;
}

const append = { log: 'runs/a', writer: 'gone', operationId: 'op-1' };

/** What a page put aside that was left: an append of these entries. */
const leave = (factory: IDBFactory, entries: readonly string[], name: { log: string; writer: string; operationId: string } = append, number = 0): Promise<number> =>
  about(factory, (store) => toRows({ ...name, packs: packEntries(entries.map(encode)) }).forEach((row, i) => store.put(row, ['append', 'page', number, i])));

async function texts(storage: IndexedDBStorage, log: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { bytes } of storage.readLog(log)) found.push(new TextDecoder().decode(bytes));
  return found;
}

describe('appends of a page that was left', () => {
  let factory: IDBFactory;
  let storage: IndexedDBStorage;
  const open = (): IndexedDBStorage => new IndexedDBStorage('store', { indexedDB: factory, IDBKeyRange });
  beforeEach(async () => {
    factory = new IDBFactory();
    storage = open();
    await storage.write([{ kind: 'put', key: 'a', bytes: encode('a') }]);
  });
  afterEach(async () => {
    vi.unstubAllGlobals();
    await storage.close();
  });

  it('are there for who reads next, in their order, and are no longer put aside', async () => {
    const large = 'x'.repeat(100_000);
    await leave(factory, ['one', large, ''], append, 0);
    await leave(factory, ['four'], { ...append, operationId: 'op-2' }, 1);
    expect(await texts(storage, append.log)).toEqual(['one', large, '', 'four']);
    expect(await about(factory)).toBe(0);
  });

  it('are there once when the page could append them after all, and when two read at a time', async () => {
    await storage.append(append.log, ['one', 'two'].map(encode), { writer: append.writer, operationId: append.operationId });
    await leave(factory, ['one', 'two']);
    await leave(factory, ['three'], { ...append, operationId: 'op-2' }, 1);
    const other = open();
    expect(await Promise.all([texts(storage, append.log), texts(other, append.log)])).toEqual([['one', 'two', 'three'], ['one', 'two', 'three']]);
    await other.close();
  });

  it('are in lists, of logs that nobody else has begun', async () => {
    await leave(factory, ['one']);
    expect((await storage.list({ kind: 'log' })).entries).toMatchObject([{ key: append.log, size: 3 }]);
  });

  it('go with their log when it is deleted before anybody has read them', async () => {
    await leave(factory, ['one']);
    await storage.deleteLog(append.log);
    expect(await texts(storage, append.log)).toEqual([]);
    expect((await storage.list({ kind: 'log' })).entries).toEqual([]);
    expect(await about(factory)).toBe(0);
  });

  it('are put aside when the page is left, and forgotten when it goes on', async () => {
    const page = new EventTarget();
    vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
    vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page));
    await storage.append('warm', [encode('up')], { operationId: 'op-0' });
    await vi.waitFor(async () => {
      const put = storage.append('warm', [encode('again')], { operationId: 'op-1' });
      page.dispatchEvent(new Event('pagehide'));
      // The transaction of what is put aside stands before all that come later.
      expect(await about(factory)).toBeGreaterThan(0);
      await put;
    });
    const late = storage.append('warm', [encode('late')], { operationId: 'op-2' });
    page.dispatchEvent(new Event('pagehide'));
    await late;
    await vi.waitFor(async () => expect(await about(factory)).toBe(0));
    expect(await texts(storage, 'warm')).toEqual(['up', 'again', 'late']);
  });

  it('are not put aside when they have no name, for they could come to be there twice', async () => {
    const page = new EventTarget();
    vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
    vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page));
    await storage.append('warm', [encode('up')], { operationId: 'op-0' });
    const unnamed = storage.append('warm', [encode('unnamed')]);
    page.dispatchEvent(new Event('pagehide'));
    expect(await about(factory)).toBe(0);
    await unnamed;
  });
});

describe('a page whose site hangs', () => {
  afterEach(() => {
    vi.doUnmock('../../../src/storage/indexeddb/append-journal.ts');
    vi.resetModules();
  });

  it('writes all the same when it has waited two seconds for what keeps its appends, and waits only once', async () => {
    vi.resetModules();
    let asked = 0;
    vi.doMock('../../../src/storage/indexeddb/append-journal.ts', () => {
      asked++;
      return new Promise(() => undefined);
    });
    const { IndexedDBStorage: Storage } = await import('../../../src/indexeddb.ts');
    const clock = new ManualClock();
    const storage = new Storage('hanging', { indexedDB: new IDBFactory(), IDBKeyRange, clock });
    let isThere = false;
    const first = storage.append('log', [encode('one')], { operationId: 'op-1' }).then(() => (isThere = true));
    await vi.waitFor(() => expect(asked).toBe(1));
    await clock.pass(1_999);
    expect(isThere).toBe(false);
    await clock.pass(1);
    await first;
    await storage.append('log', [encode('two')], { operationId: 'op-2' });
    expect((await storage.list({ kind: 'log' })).entries).toMatchObject([{ key: 'log', size: 6 }]);
    await storage.close();
  });
});
