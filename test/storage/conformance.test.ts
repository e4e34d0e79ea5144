import { MemoryStorage, StorageError } from 'modelkeep';
import { storageConformance } from 'modelkeep/conformance';
import { describe, expect, it } from 'vitest';
import type { StorageAdapter, WriteOperation } from '../../src/storage/contract.ts';

interface Outcome {
  readonly passed: string[];
  readonly failed: Map<string, unknown>;
}

/** Runs the suite on an adapter, as another runner would, and tells what came of it. */
async function runSuite(open: () => StorageAdapter, options: { seed?: number; durable?: boolean } = {}): Promise<Outcome> {
  const outcome: Outcome = { passed: [], failed: new Map() };
  const tests: [string, () => Promise<void>][] = [];
  storageConformance({
    describe: (_name, body) => body(),
    it: (name, test) => tests.push([name, test]),
    name: 'an adapter',
    supports: { durability: 'memory', sharedBetweenProcesses: false },
    createStore: () => ({ open }),
    seed: options.seed ?? 1,
    operations: 200,
  });
  for (const [name, test] of tests) {
    // Once a broken adapter is found out, there is no need to find it out again.
    if (outcome.failed.size > 0) break;
    await test().then(
      () => outcome.passed.push(name),
      (error: unknown) => outcome.failed.set(name, error),
    );
  }
  return outcome;
}

/** A memory storage with one method changed. */
function broken(change: (storage: MemoryStorage) => Partial<StorageAdapter>): () => StorageAdapter {
  return () => {
    const storage = new MemoryStorage();
    return Object.assign(storage, change(storage));
  };
}

const copyOf = (storage: MemoryStorage): StorageAdapter => {
  const methods = ['read', 'write', 'list', 'append', 'readLog', 'deleteLog', 'writeBlob', 'readBlob', 'deleteBlob', 'close'] as const;
  return Object.fromEntries(methods.map((name) => [name, (storage[name] as () => unknown).bind(storage)])) as unknown as StorageAdapter;
};

const mapped = (storage: MemoryStorage, change: (operation: WriteOperation) => WriteOperation): StorageAdapter['write'] => {
  const copy = copyOf(storage);
  return (operations, options) => copy.write(operations.map(change), options);
};

/** One adapter for each promise that it breaks. */
const brokenAdapters: Record<string, () => StorageAdapter> = {
  'ignores conditions': broken((storage) => ({ write: mapped(storage, (operation) => ({ ...operation, condition: undefined })) })),
  'forgets operation ids': broken((storage) => ({ write: mapped(storage, (operation) => ({ ...operation, operationId: undefined })) })),
  'forgets which blobs a record names': broken((storage) => ({ write: mapped(storage, (operation) => ({ ...operation, blobs: undefined })) })),
  'takes keys that are none': broken((storage) => ({ write: mapped(storage, (operation) => ({ ...operation, key: operation.key.toLowerCase?.() ?? operation.key })) })),
  'writes a batch up to a bad operation': broken((storage) => {
    const copy = copyOf(storage);
    return { write: async (operations, options) => (await Promise.all(operations.map((operation) => copy.write([operation], options)))).flat() };
  }),
  'uses the length of a record as its version': broken((storage) => {
    const copy = copyOf(storage);
    const versionOf = (bytes: Uint8Array | undefined): string => String(bytes?.length);
    return {
      read: async (keys, options) => (await copy.read(keys, options)).map((record) => record && { ...record, version: versionOf(record.bytes) }),
      write: async (operations, options) =>
        (await copy.write(operations, options)).map((result, i) => {
          const operation = operations[i]!;
          return result.ok && operation.kind === 'put' ? { ...result, version: versionOf(operation.bytes) } : result;
        }),
    };
  }),
  'hands out its own bytes': broken((storage) => {
    const copy = copyOf(storage);
    const cache = new Map<string, Awaited<ReturnType<typeof copy.read>>[number]>();
    return {
      read: async (keys, options) =>
        (await copy.read(keys, options)).map((record) => {
          if (record && !cache.has(record.version)) cache.set(record.version, record);
          return record && cache.get(record.version);
        }),
    };
  }),
  'lists the key that it was to begin after': broken((storage) => {
    const copy = copyOf(storage);
    return { list: async (query = {}, options) => (query.after ? copy.list({ ...query, after: `${query.after.slice(0, -1)}!` }, options) : copy.list(query, options)) };
  }),
  'lists in the order of a dictionary': broken((storage) => {
    const copy = copyOf(storage);
    return { list: async (query, options) => ({ ...(await copy.list(query, options)), entries: [...(await copy.list(query, options)).entries].sort((a, b) => a.key.localeCompare(b.key)) }) };
  }),
  'always promises a next page': broken((storage) => {
    const copy = copyOf(storage);
    return {
      list: async (query, options) => {
        const page = await copy.list(query, options);
        return { ...page, next: page.next ?? page.entries.at(-1)?.key };
      },
    };
  }),
  'doubles appends that are retried': broken((storage) => {
    const copy = copyOf(storage);
    return { append: (log, entries, options) => copy.append(log, entries, { ...options, operationId: undefined }) };
  }),
  'gives all writers one sequence': broken((storage) => {
    const copy = copyOf(storage);
    return { append: (log, entries, options) => copy.append(log, entries, { ...options, writer: 'all' }) };
  }),
  'writes the entries of an append one by one': broken((storage) => {
    const copy = copyOf(storage);
    return {
      append: async (log, entries, options = {}) => {
        let position = await copy.append(log, [], { ...options, operationId: undefined });
        for (const entry of entries) {
          await Promise.resolve();
          position = await copy.append(log, [entry], { ...options, operationId: options.operationId && `${options.operationId} ${entry.join()}` });
        }
        return position;
      },
    };
  }),
  'reads a log from the beginning always': broken((storage) => {
    const copy = copyOf(storage);
    return { readLog: (log, query) => copy.readLog(log, { ...query, after: undefined }) };
  }),
  'deletes nothing of a log': broken(() => ({ deleteLog: async () => undefined })),
  'keeps a blob whose digest was another': broken((storage) => {
    const copy = copyOf(storage);
    return { writeBlob: (source, options) => copy.writeBlob(source, { ...options, digest: undefined }) };
  }),
  'gives the whole blob for a range': broken((storage) => {
    const copy = copyOf(storage);
    return { readBlob: (digest, options) => copy.readBlob(digest, { ...options, range: undefined }) };
  }),
  'does not look at the signal': broken((storage) => {
    const copy = copyOf(storage);
    return { writeBlob: (source, options) => copy.writeBlob(source, { ...options, signal: undefined }) };
  }),
  'works on after it was closed': broken(() => ({ close: async () => undefined })),
  'fails when it is closed twice': broken((storage) => {
    const copy = copyOf(storage);
    let closed = false;
    return {
      close: async () => {
        if (closed) throw new StorageError('closed', 'Closed already.');
        closed = true;
        return copy.close();
      },
    };
  }),
  'claims another durability': broken((storage) => ({ supports: { ...storage.supports, durability: 'flushed' } })),
  'says a lost race was won': broken((storage) => {
    const copy = copyOf(storage);
    return { write: async (operations, options) => (await copy.write(operations, options)).map((result) => ({ ok: true, version: result.version })) };
  }),
};

describe('storageConformance', () => {
  it('passes an adapter that keeps its promises, with no runner but an array', async () => {
    const outcome = await runSuite(() => new MemoryStorage());
    expect(outcome.failed).toEqual(new Map());
    expect(outcome.passed.length).toBeGreaterThan(70);
  });

  for (const [name, open] of Object.entries(brokenAdapters)) {
    it(`finds out an adapter that ${name}`, async () => {
      const { failed } = await runSuite(open);
      expect([...failed.values()]).toEqual([expect.any(Error)]);
    });
  }

  it('names the seed of random calls that failed, and repeats them', async () => {
    const tests: (() => Promise<void>)[] = [];
    let writes = 0;
    const forgetful = broken((storage) => {
      const copy = copyOf(storage);
      return { write: async (operations, options) => (++writes === 60 ? operations.map(() => ({ ok: true, version: 'lost' })) : copy.write(operations, options)) };
    });
    storageConformance({
      describe: (name, body) => (name.includes('model') ? body() : undefined),
      it: (_name, test) => tests.push(test),
      name: 'an adapter',
      supports: { durability: 'memory', sharedBetweenProcesses: false },
      createStore: () => ({ open: forgetful }),
      seed: 7,
    });
    const run = async (): Promise<string> => {
      writes = 0;
      return tests[0]!().then(() => 'passed', (error: unknown) => (error as Error).message);
    };
    const first = await run();
    expect(first).toMatch(/^Call \d+ of the model test with seed 7: /);
    expect(await run()).toBe(first);
  });

  it('closes every instance and disposes of every store, whatever comes of a test', async () => {
    const tests: (() => Promise<void>)[] = [];
    let open = 0;
    let disposed = 0;
    let created = 0;
    storageConformance({
      describe: (_name, body) => body(),
      it: (_name, test) => tests.push(test),
      name: 'an adapter',
      supports: { durability: 'memory', sharedBetweenProcesses: false },
      createStore: () => {
        created++;
        return {
          open: () => {
            const storage = new MemoryStorage();
            const copy = copyOf(storage);
            open++;
            return Object.assign(storage, { close: async () => (open--, copy.close()), list: () => Promise.reject(new Error('broken')) });
          },
          dispose: () => void disposed++,
        };
      },
    });
    for (const test of tests.slice(0, 12)) await test().catch(() => undefined);
    expect([open, disposed, created]).toEqual([0, 12, 12]);
  });
});
