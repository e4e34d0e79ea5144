import { IndexedDBStorage } from 'modelkeep/indexeddb';

const value = new Uint8Array(200).fill(7);
const entry = new Uint8Array(24).fill(7);
const entries: readonly Uint8Array[] = Array.from({ length: 10_000 }, () => entry);

const storage = new IndexedDBStorage('bench');
let raw: Promise<IDBDatabase> | undefined;
let count = 0;

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error!);
  });
}

function rawDatabase(): Promise<IDBDatabase> {
  const request = indexedDB.open('raw', 1);
  request.onupgradeneeded = () => request.result.createObjectStore('values');
  return done(request);
}

async function rawPut(values: readonly (readonly [key: string, value: unknown])[]): Promise<void> {
  const transaction = (await (raw ??= rawDatabase())).transaction('values', 'readwrite', { durability: 'strict' });
  for (const [key, each] of values) transaction.objectStore('values').put(each, key);
  await new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = () => reject(transaction.error!);
  });
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

// Spread like ids that are not ordered by time, which is the harder case for an index.
const keyOf = (i: number): string => ((i * 2_654_435_761) % 4_294_967_296).toString(16).padStart(8, '0');

export async function fillRecords(records: number): Promise<void> {
  for (let at = 0; at < records; at += 5000) await storage.write(Array.from({ length: 5000 }, (_, i) => ({ kind: 'put', key: `runs/${keyOf(at + i)}`, bytes: value })));
}

/** Lists all records, page by page, and gives the milliseconds. */
export async function list({ records, limit }: { records: number; limit: number }): Promise<number> {
  return timed(async () => {
    let found = 0;
    for (let after: string | undefined, page; page === undefined || page.next !== undefined; after = page.next) {
      page = await storage.list({ limit, after, prefix: 'runs/' });
      found += page.entries.length;
    }
    if (found !== records) throw new Error(`${found} of ${records} records were listed`);
  });
}

export function writeOneByOne(times: number): Promise<number> {
  return timed(async () => {
    for (let i = 0; i < times; i++) await storage.write([{ kind: 'put', key: `one/${count++ % 1000}`, bytes: value }]);
  });
}

export function rawOneByOne(times: number): Promise<number> {
  return timed(async () => {
    for (let i = 0; i < times; i++) await rawPut([[`one/${count++ % 1000}`, value]]);
  });
}

export function writeAtOnce(times: number): Promise<number> {
  return timed(() => Promise.all(Array.from({ length: times }, () => storage.write([{ kind: 'put', key: `one/${count++ % 100_000}`, bytes: value }]))));
}

export function rawTogether(times: number): Promise<number> {
  return timed(() => rawPut(Array.from({ length: times }, () => [`one/${count++ % 100_000}`, value] as const)));
}

export function append({ times, size }: { times: number; size: number }): Promise<number> {
  const batch = entries.slice(0, size);
  return timed(async () => {
    for (let i = 0; i < times; i++) await storage.append('log', batch);
  });
}

/** As many bytes, with the same flush, in one value that needs no packing. */
export function rawAppend({ times, size }: { times: number; size: number }): Promise<number> {
  return timed(async () => {
    for (let i = 0; i < times; i++) await rawPut([[`log/${count++}`, new Uint8Array(size * 24)]]);
  });
}

export async function readLog(): Promise<{ ms: number; entries: number }> {
  let read = 0;
  const ms = await timed(async () => {
    const iterator = storage.readLog('log')[Symbol.asyncIterator]();
    while (!(await iterator.next()).done) read++;
  });
  await storage.deleteLog('log');
  return { ms, entries: read };
}

export function writeBlob(mebibytes: number): Promise<number> {
  const bytes = new Uint8Array(mebibytes << 20).map((_byte, i) => i * 31);
  return timed(() =>
    storage.writeBlob(
      (async function* () {
        for (let at = 0; at < bytes.length; at += 1 << 18) yield bytes.subarray(at, at + (1 << 18));
      })(),
    ),
  );
}

export async function readBlob(): Promise<number> {
  const digest = (await storage.list({ kind: 'blob' })).entries[0]!.key as `sha256:${string}`;
  return timed(async () => {
    let size = 0;
    for await (const chunk of (await storage.readBlob(digest))!) size += chunk.length;
    if (size === 0) throw new Error('The blob is empty');
  });
}
