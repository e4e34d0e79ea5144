import fc from 'fast-check';
import { escapeSegment, MemoryStorage, withPrefix, type StorageAdapter } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, it } from 'vitest';
import { namesBelow, type NamesQuery } from '../../src/storage/names-below.ts';
import { temporaryDirectories } from './filesystem/temporary-directory.ts';

const directory = temporaryDirectories();

async function put(storage: StorageAdapter, keys: readonly string[]): Promise<void> {
  for (let i = 0; i < keys.length; i += 5_000) await storage.write(keys.slice(i, i + 5_000).map((key) => ({ kind: 'put', key, bytes: new Uint8Array(1) })));
}

/** All names, page by page, with the looks that they took and the entries that these brought. */
async function allOf(storage: StorageAdapter, folder: string, query: Omit<NamesQuery, 'after'>): Promise<{ names: (string | undefined)[]; segments: string[]; looks: number; entries: number }> {
  const all = { names: [] as (string | undefined)[], segments: [] as string[], looks: 0, entries: 0 };
  const counting = new Proxy(storage, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (name !== 'list') return value;
      return async (...given: Parameters<StorageAdapter['list']>) => {
        const page = await target.list(...given);
        all.looks++;
        all.entries += page.entries.length;
        return page;
      };
    },
  });
  let after: string | undefined;
  do {
    const page = await namesBelow(counting, folder, { ...query, after });
    expect(page.items.length).toBeLessThanOrEqual(query.limit);
    all.names.push(...page.items.map(({ name }) => name));
    all.segments.push(...page.items.map(({ segment }) => segment));
    after = page.next;
  } while (after !== undefined);
  return all;
}

const part = fc.stringMatching(/^[a0z_-][a0z._-]{0,2}$/).filter((text) => !text.endsWith('.'));
const keysArbitrary = fc.uniqueArray(fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => `f/${parts.join('/')}`), { maxLength: 60 });

it('gives, page by page, what a look at every key gives', async () => {
  await fc.assert(
    fc.asyncProperty(keysArbitrary, fc.integer({ min: 1, max: 7 }), fc.constantFrom('record' as const, 'folder' as const), async (keys, limit, wanted) => {
      const storage = new MemoryStorage();
      await put(storage, [...keys, 'e/a', 'f-/a', 'f0/a', 'g/a/b']);
      const segments = keys.map((key) => key.split('/').slice(1)).filter(({ length }) => (length === 1) === (wanted === 'record'));
      const expected = [...new Set(segments.map(([first]) => first!))];
      const { segments: found } = await allOf(storage, 'f/', { with: wanted, limit });
      expect(found.toSorted()).toEqual(expected.toSorted());
    }),
    { numRuns: 150 },
  );
});

it('decodes names once, and says where only the hash of one was kept', async () => {
  const storage = withPrefix(new MemoryStorage(), 'team');
  const names = ['São Paulo', 'a', 'a_20', 'a b', '_', 'nul', '…/…', 'long'.repeat(60)];
  await put(storage, names.map((name) => `monitors/${escapeSegment(name)}`));
  const found = await allOf(storage, 'monitors/', { with: 'record', limit: 3 });
  expect(new Set(found.names)).toEqual(new Set([...names.slice(0, -1), undefined]));
  expect(found.segments).toContain(escapeSegment(names.at(-1)!));
});

it('refuses what is no place of a list, and ends when it is given up', async () => {
  const storage = new MemoryStorage();
  await put(storage, ['f/a']);
  await expect(namesBelow(storage, 'f/', { with: 'record', limit: 1, after: '../a' })).rejects.toThrow(/give the 'next' of the page before/);
  await expect(namesBelow(storage, 'f/', { with: 'record', limit: 1, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
});

describe.each([
  ['memory', async () => new MemoryStorage()],
  ['a directory', async () => new FilesystemStorage(directory(), { durability: 'buffered' })],
] as const)('over %s', (_, open) => {
  it('finds ten thousand names by some looks, and passes over thousands of records below some of them', async () => {
    await using storage = await open();
    const names = Array.from({ length: 10_000 }, (_, i) => `n${String(i).padStart(5, '0')}`);
    const large = names.filter((_, i) => i % 4_000 === 500);
    await put(storage, [...names.map((name) => `f/${name}`), ...large.flatMap((name) => Array.from({ length: 2_000 }, (_, i) => `f/${name}/panes/${i}`))]);

    const records = await allOf(storage, 'f/', { with: 'record', limit: 100 });
    expect(records.names).toEqual(names);
    expect(records.looks).toBeLessThan(1_000);
    expect(records.entries).toBeLessThan(25_000);

    const folders = await allOf(storage, 'f/', { with: 'folder', limit: 100 });
    expect(folders.names).toEqual(large);
    expect(folders.entries).toBeLessThan(25_000);
  });

  it('takes a look for each name where thousands of records lie below each', async () => {
    await using storage = await open();
    const names = Array.from({ length: 5 }, (_, i) => `p${i}`);
    await put(storage, names.flatMap((name) => Array.from({ length: 3_000 }, (_, i) => `f/${name}/runs/${i}`)));
    const { names: found, looks, entries } = await allOf(storage, 'f/', { with: 'folder', limit: 1_000 });
    expect(found).toEqual(names);
    expect(looks).toBeLessThan(20);
    expect(entries).toBeLessThan(100);
  });
});
