import { MemoryStorage, StorageError } from 'modelkeep';
import { storageConformance } from 'modelkeep/conformance';
import { describe, expect, it } from 'vitest';
import type { StorageAdapter, WriteOperation } from '../../src/storage/contract.ts';
import { sharedMemory } from './shared-memory.ts';

interface Outcome {
  readonly passed: string[];
  readonly failed: Map<string, unknown>;
}

/** Tests that take far longer than the others. */
const long = /as large as the adapter allows|names are remembered|random calls|of a thousand|a thousand writes/;

/** Runs the suite on an adapter, as another runner would, and tells what came of it. */
async function runSuite(createStore: () => { open: () => StorageAdapter }, options: { shared?: boolean } = {}): Promise<Outcome> {
  const outcome: Outcome = { passed: [], failed: new Map() };
  const tests: [string, () => Promise<void>][] = [];
  storageConformance({
    describe: (_name, body) => body(),
    it: (name, test) => tests.push([name, test]),
    name: 'an adapter',
    supports: { durability: 'memory', sharedBetweenProcesses: options.shared ?? false },
    createStore,
    seed: 1,
    operations: 200,
  });
  // The long ones come last, for most broken adapters are found out by others.
  for (const [name, test] of [...tests.filter(([name]) => !long.test(name)), ...tests.filter(([name]) => long.test(name))]) {
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
  const methods = ['read', 'write', 'list', 'append', 'readLog', 'deleteLog', 'writeBlob', 'readBlob', 'deleteBlob', 'onChange', 'close'] as const;
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
  'leaves holes where there is no record': broken((storage) => {
    const copy = copyOf(storage);
    return {
      read: async (keys, options) => {
        const holey = new Array<Awaited<ReturnType<StorageAdapter['read']>>[number]>(keys.length);
        for (const [i, record] of (await copy.read(keys, options)).entries()) if (record !== undefined) holey[i] = record;
        return holey;
      },
    };
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
  'gives the end of the log as position of every append': broken((storage) => {
    const copy = copyOf(storage);
    return {
      append: async (log, entries, options) => {
        await copy.append(log, entries, options);
        await Promise.resolve();
        return copy.append(log, [], { ...options, operationId: undefined });
      },
    };
  }),
  'reads a log from the beginning always': broken((storage) => {
    const copy = copyOf(storage);
    return { readLog: (log, query) => copy.readLog(log, { ...query, after: undefined }) };
  }),
  'lends all readings the same memory': broken((storage) => {
    const copy = copyOf(storage);
    const memory = new Uint8Array(1 << 18);
    return {
      async *readLog(log, query) {
        for await (const entry of copy.readLog(log, query)) {
          if (query?.transient === true) memory.set(entry.bytes);
          yield query?.transient === true ? { ...entry, bytes: memory.subarray(0, entry.bytes.length) } : entry;
        }
      },
    };
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
  'deletes a blob whatever its version': broken((storage) => {
    const copy = copyOf(storage);
    return { deleteBlob: (digest, options) => copy.deleteBlob(digest, { ...options, match: undefined }) };
  }),
  'takes a wrong version of a blob for none': broken((storage) => {
    const copy = copyOf(storage);
    return { deleteBlob: (digest, options) => copy.deleteBlob(digest, { ...options, match: typeof options?.match === 'string' ? options.match : undefined }) };
  }),
  'looks at the version of a blob, and deletes it a while later': broken((storage) => {
    const copy = copyOf(storage);
    return {
      deleteBlob: async (digest, options) => {
        if (options?.match === undefined) return copy.deleteBlob(digest, options);
        const { entries } = await copy.list({ kind: 'blob' });
        if (entries.some(({ key, version }) => key === digest && version === options.match)) {
          for (let turn = 0; turn < 60; turn++) await Promise.resolve();
          return copy.deleteBlob(digest, { ...options, match: undefined });
        }
        return copy.deleteBlob(digest, options);
      },
    };
  }),
  'gives a blob its digest as version': broken((storage) => {
    const copy = copyOf(storage);
    return {
      list: async (query, options) => {
        const page = await copy.list(query, options);
        return query?.kind === 'blob' ? { ...page, entries: page.entries.map((entry) => ({ ...entry, version: entry.key })) } : page;
      },
      deleteBlob: (digest, options) => copy.deleteBlob(digest, { ...options, match: options?.match === digest ? undefined : options?.match }),
    };
  }),
  'writes a blob anew when it is read': broken((storage) => {
    const copy = copyOf(storage);
    return {
      readBlob: async (digest, options) => {
        const [whole, asked] = [await copy.readBlob(digest, { signal: options?.signal }), await copy.readBlob(digest, options)];
        if (whole) await copy.writeBlob(whole);
        return asked;
      },
    };
  }),
  'counts the entries of a log as its version': broken((storage) => {
    const copy = copyOf(storage);
    return {
      list: async (query, options) => {
        const page = await copy.list(query, options);
        return query?.kind === 'log' ? { ...page, entries: page.entries.map((entry) => ({ ...entry, version: String(entry.size) })) } : page;
      },
    };
  }),
  'gives no hint of appends': broken((storage) => {
    const copy = copyOf(storage);
    const wakes = new Set<() => void>();
    return {
      write: async (operations, options) => {
        const results = await copy.write(operations, options);
        for (const wake of wakes) queueMicrotask(wake);
        return results;
      },
      onChange: (wake) => {
        copy.onChange!(() => undefined)();
        const own = (): void => {
          try {
            wake();
          } catch {
            return;
          }
        };
        wakes.add(own);
        return () => void wakes.delete(own);
      },
    };
  }),
  'wakes those who are undone': broken((storage) => {
    const copy = copyOf(storage);
    return { onChange: (wake) => (copy.onChange!(wake), () => undefined) };
  }),
  'fails a write with its listener': broken((storage) => {
    const copy = copyOf(storage);
    const wakes = new Set<() => void>();
    const waking = async <T>(work: Promise<T>): Promise<T> => {
      const result = await work;
      for (const wake of wakes) wake();
      return result;
    };
    return {
      write: (operations, options) => waking(copy.write(operations, options)),
      append: (log, entries, options) => waking(copy.append(log, entries, options)),
      deleteLog: (log, options) => waking(copy.deleteLog(log, options)),
      onChange: (wake) => {
        copy.onChange!(() => undefined)();
        wakes.add(wake);
        return () => void wakes.delete(wake);
      },
    };
  }),
  'ends a blob that is being written when it is closed': broken((storage) => {
    const copy = copyOf(storage);
    let closed = false;
    return {
      writeBlob: async (source, options) => {
        const ref = await copy.writeBlob(source, options);
        if (closed) throw new StorageError('closed', 'The storage was closed.');
        return ref;
      },
      close: async () => {
        closed = true;
        return copy.close();
      },
    };
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

/** Instances over one store, of which each second one breaks a promise. */
const brokenInstances: Record<string, (open: () => StorageAdapter) => StorageAdapter> = {
  'calls the entries of a log by another number of its own': (open) => {
    const storage = open();
    const from = (position: string | undefined): string | undefined => position?.replaceAll(/(\d+)(,|$)/g, (_, n: string, end: string) => `${Number(n) - 1}${end}`);
    const to = (position: string): string => position.replaceAll(/(\d+)(,|$)/g, (_, n: string, end: string) => `${Number(n) + 1}${end}`);
    return {
      ...storage,
      append: async (log, entries, options) => to(await storage.append(log, entries, options)),
      async *readLog(log, query) {
        for await (const entry of storage.readLog(log, { ...query, after: from(query?.after) })) yield { ...entry, position: to(entry.position) };
      },
    };
  },
  'has versions of blobs of its own': (open) => {
    const storage = open();
    return {
      ...storage,
      list: async (query, options) => {
        const page = await storage.list(query, options);
        return query?.kind === 'blob' ? { ...page, entries: page.entries.map((entry) => ({ ...entry, version: `own ${entry.version}` })) } : page;
      },
      deleteBlob: (digest, options) => storage.deleteBlob(digest, { ...options, match: options?.match?.replace('own ', '') }),
    };
  },
};

describe('storageConformance', () => {
  it('passes instances that share a store', async () => {
    const outcome = await runSuite(sharedMemory, { shared: true });
    expect(outcome.failed).toEqual(new Map());
  });

  for (const [name, breaking] of Object.entries(brokenInstances)) {
    it(`finds out an instance that ${name}`, async () => {
      const createStore = (): { open: () => StorageAdapter } => {
        const { open } = sharedMemory();
        let opened = 0;
        return { open: () => (opened++ % 2 === 0 ? open() : breaking(open)) };
      };
      const { failed } = await runSuite(createStore, { shared: true });
      expect([...failed.values()]).toEqual([expect.any(Error)]);
    });
  }

  it('passes an adapter that keeps its promises, with no runner but an array', async () => {
    const outcome = await runSuite(() => ({ open: () => new MemoryStorage() }));
    expect(outcome.failed).toEqual(new Map());
    expect(outcome.passed.length).toBeGreaterThan(70);
  });

  for (const [name, open] of Object.entries(brokenAdapters)) {
    it(`finds out an adapter that ${name}`, async () => {
      const { failed } = await runSuite(() => ({ open }));
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
