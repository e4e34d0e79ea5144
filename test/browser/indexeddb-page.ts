import { storageConformance } from 'modelkeep/conformance';
import { IndexedDBStorage } from 'modelkeep/indexeddb';
import type { StorageAdapter } from '../../src/storage/contract.ts';
import { update } from '../../src/storage/update.ts';

// Exposed by the test, to be told while a call is under way.
declare function acknowledged(line: string): Promise<void>;

const open = new Map<string, IndexedDBStorage>();

function storeNamed(name: string): IndexedDBStorage {
  const storage = open.get(name) ?? new IndexedDBStorage(name);
  open.set(name, storage);
  return storage;
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array | undefined): string | undefined => bytes && new TextDecoder().decode(bytes);

/** What came of the conformance suite in this page: the names of the tests that passed, and what those that failed said. */
export async function conformance(seed: number): Promise<{ passed: string[]; failed: string[] }> {
  const tests: [name: string, test: () => Promise<void>][] = [];
  let stores = 0;
  storageConformance({
    describe: (_name, body) => body(),
    it: (name, test) => tests.push([name, test]),
    name: 'IndexedDBStorage',
    supports: { durability: 'flushed', sharedBetweenProcesses: true },
    seed,
    createStore: () => {
      const name = `conformance-${++stores}`;
      return {
        open: () => new IndexedDBStorage(name),
        dispose: () =>
          new Promise((resolve, reject) => {
            const request = indexedDB.deleteDatabase(name);
            request.onsuccess = () => resolve();
            request.onerror = () => reject(request.error!);
          }),
      };
    },
  });
  const [passed, failed]: [string[], string[]] = [[], []];
  for (const [name, test] of tests) {
    await test().then(
      () => passed.push(name),
      (error: unknown) => failed.push(`${name}: ${String(error)}`),
    );
  }
  return { passed, failed };
}

/** Adds one to a counter that many times, by compare-and-swap, and gives what it came to at last. */
export async function increment({ store, times }: { store: string; times: number }): Promise<number> {
  let last = 0;
  for (let i = 0; i < times; i++) ({ value: last } = await update<number>(storeNamed(store), 'counter', (value = 0) => value + 1, { attempts: 10_000 }));
  return last;
}

/** Puts records until it is killed and tells of each that was acknowledged. */
export async function putUntilKilled({ store, size }: { store: string; size: number }): Promise<void> {
  for (let i = 0; ; i++) {
    await storeNamed(store).write([{ kind: 'put', key: `k${i % 50}`, bytes: encode(`${i} `.repeat(size)) }]);
    await storeNamed(store).append('log', [encode(String(i)), encode('x'.repeat(size))], { writer: 'w' });
    await acknowledged(String(i));
  }
}

export async function texts({ store, keys }: { store: string; keys: string[] }): Promise<(string | undefined)[]> {
  return (await storeNamed(store).read(keys)).map((record) => decode(record?.bytes));
}

export async function logTexts({ store, log }: { store: string; log: string }): Promise<string[]> {
  const found: string[] = [];
  for await (const { bytes } of storeNamed(store).readLog(log)) found.push(decode(bytes)!);
  return found;
}

/** Writes a blob whose source stops after some of it, and never goes on. */
export async function writeHalfABlob({ store, mebibytes }: { store: string; mebibytes: number }): Promise<void> {
  await storeNamed(store).writeBlob(
    (async function* () {
      for (let i = 0; i < mebibytes; i++) yield new Uint8Array(1 << 20).fill(i);
      await acknowledged('half of it');
      await new Promise(() => undefined);
    })(),
  );
}

export async function chunkCount(store: string): Promise<number> {
  await storeNamed(store).list();
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(store);
    request.onerror = () => reject(request.error!);
    request.onsuccess = () => {
      const count = request.result.transaction('chunks').objectStore('chunks').count();
      count.onsuccess = () => {
        request.result.close();
        resolve(count.result);
      };
    };
  });
}

export async function inspect({ store, repair, graceMs }: { store: string; repair: boolean; graceMs: number }): Promise<{ kind: string; repaired: boolean }[]> {
  const findings: { kind: string; repaired: boolean }[] = [];
  for await (const { kind, repaired } of storeNamed(store).inspect({ repair, graceMs })) findings.push({ kind, repaired });
  return findings;
}

export async function blobs(store: string): Promise<string[]> {
  return (await storeNamed(store).list({ kind: 'blob' })).entries.map(({ key }) => key);
}

/** Writes records and blobs until the browser has no more space: how that ended, how many rounds were acknowledged, and how many of their records are there. */
export async function fill(store: string): Promise<{ code: string; details: unknown; written: number; read: number }> {
  const storage: StorageAdapter = storeNamed(store);
  const noise = (size: number): Uint8Array => crypto.getRandomValues(new Uint8Array(size));
  for (let written = 0; ; written++) {
    try {
      await storage.write([{ kind: 'put', key: `r/${written}`, bytes: noise(60_000) }]);
      await storage.writeBlob(
        (async function* () {
          for (let i = 0; i < 40; i++) yield noise(60_000);
        })(),
      );
    } catch (error) {
      const { code, details } = error as { code: string; details: unknown };
      const records = await storage.read(Array.from({ length: written }, (_, i) => `r/${i}`));
      return { code, details, written, read: records.filter((record) => record?.bytes.length === 60_000).length };
    }
  }
}

export async function put({ store, key, text }: { store: string; key: string; text: string }): Promise<void> {
  await storeNamed(store).write([{ kind: 'put', key, bytes: encode(text) }]);
}

/** Counts hints of change and tells of each. */
export function listen(store: string): void {
  storeNamed(store).onChange(() => void acknowledged('woken'));
}

/** What a call fails with. */
export async function failureOf(store: string): Promise<{ code: string; message: string; evicted: unknown } | undefined> {
  return storeNamed(store)
    .list()
    .then(
      () => undefined,
      ({ code, message, details }: { code: string; message: string; details: Record<string, unknown> }) => ({ code, message, evicted: details['evicted'] }),
    );
}

export async function close(store: string): Promise<void> {
  await open.get(store)?.close();
  open.delete(store);
}
