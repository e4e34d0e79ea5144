import fc from 'fast-check';
import { collectGarbage, MemoryStorage, withPrefix, type Digest, type GarbageReport, type StorageAdapter } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/core/bytes.ts';
import { digestOf } from '../../src/core/digest.ts';
import { DigestSet } from '../../src/storage/digest-set.ts';
import { garbagePrefix, readNotes } from '../../src/storage/garbage-notes.ts';
import { listAll } from '../../src/storage/records.ts';
import { temporaryDirectories } from './filesystem/temporary-directory.ts';
import { interleavedStorage } from './interleaved-storage.ts';
import { SimulatedTime } from './simulated-time.ts';

const directory = temporaryDirectories();
const dayMs = 86_400_000;
const once = async function* (text: string): AsyncGenerator<Uint8Array> {
  yield utf8(text);
};

async function writeBlob(storage: StorageAdapter, text: string): Promise<Digest> {
  return (await storage.writeBlob(once(text))).digest;
}

async function name(storage: StorageAdapter, key: string, ...blobs: Digest[]): Promise<void> {
  await storage.write([{ kind: 'put', key, bytes: utf8(key), blobs }]);
}

async function blobsOf(storage: StorageAdapter): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of listAll(storage, { kind: 'blob' })) keys.push(key);
  return keys;
}

async function noteCount(storage: StorageAdapter): Promise<number> {
  let count = 0;
  for (const part of (await readNotes(storage, {})).values()) count += Object.keys(part).length;
  return count;
}

const nothing: GarbageReport = { marked: 0, waiting: 0, deleted: 0, freedBytes: 0, leftovers: 0 };

describe.each([
  ['MemoryStorage', () => new MemoryStorage()],
  ['FilesystemStorage', () => new FilesystemStorage(directory())],
])('collectGarbage on a %s', (_name, open) => {
  it('notes what no record names, and deletes it when the grace is over', async () => {
    await using storage = open();
    const clock = new SimulatedTime();
    const [kept, lost, shared] = [await writeBlob(storage, 'kept'), await writeBlob(storage, 'lost'), await writeBlob(storage, 'shared')];
    await name(storage, 'a', kept, shared);
    await name(storage, 'b', shared);
    expect(await collectGarbage(storage, { clock })).toEqual({ ...nothing, marked: 1 });
    expect(await collectGarbage(storage, { clock })).toEqual({ ...nothing, waiting: 1 });
    clock.time += dayMs - 1;
    expect(await collectGarbage(storage, { clock })).toEqual({ ...nothing, waiting: 1 });
    clock.time += 1;
    expect(await collectGarbage(storage, { clock, dryRun: true })).toMatchObject({ deleted: 1, freedBytes: 4 });
    expect(await blobsOf(storage)).toHaveLength(3);
    expect(await collectGarbage(storage, { clock })).toEqual({ ...nothing, deleted: 1, freedBytes: 4 });
    expect(await blobsOf(storage)).toEqual([kept, shared].sort());
    expect(await storage.readBlob(lost)).toBeUndefined();
    expect(await noteCount(storage)).toBe(0);
    expect(await collectGarbage(storage, { clock })).toEqual(nothing);
  });

  it('lets live what is named or written anew after it was noted, and begins its grace again', async () => {
    await using storage = open();
    const clock = new SimulatedTime();
    const [named, anew] = [await writeBlob(storage, 'named'), await writeBlob(storage, 'anew')];
    await collectGarbage(storage, { clock });
    clock.time += dayMs;
    await name(storage, 'a', named);
    await writeBlob(storage, 'anew');
    expect(await collectGarbage(storage, { clock })).toEqual({ ...nothing, marked: 1 });
    await storage.write([{ kind: 'delete', key: 'a' }]);
    clock.time += dayMs - 1;
    expect(await collectGarbage(storage, { clock })).toEqual({ ...nothing, marked: 1, waiting: 1 });
    clock.time += dayMs;
    expect(await collectGarbage(storage, { clock })).toMatchObject({ deleted: 2 });
    expect(await blobsOf(storage)).not.toContain(anew);
  });
});

describe('collectGarbage', () => {
  it('does not delete what is written anew between the look and the deletion', async () => {
    const storage = new MemoryStorage();
    const clock = new SimulatedTime();
    const blob = await writeBlob(storage, 'x');
    await collectGarbage(storage, { clock });
    clock.time += dayMs;
    const deleteBlob = storage.deleteBlob.bind(storage);
    storage.deleteBlob = async (...args) => {
      await writeBlob(storage, 'x');
      return deleteBlob(...args);
    };
    expect(await collectGarbage(storage, { clock })).toEqual(nothing);
    expect(await blobsOf(storage)).toEqual([blob]);
    storage.deleteBlob = deleteBlob;
    expect(await collectGarbage(storage, { clock })).toEqual({ ...nothing, marked: 1 });
  });

  it('counts the grace until before it looked through the records, so that what is named meanwhile was seen', async () => {
    const storage = new MemoryStorage();
    const clock = new SimulatedTime();
    const blob = await writeBlob(storage, 'x');
    await collectGarbage(storage, { clock });
    clock.time += dayMs - 1;
    const list = storage.list.bind(storage);
    storage.list = async (query, options) => {
      // The records have been looked through; the writer keeps its word in the last moment.
      if (query?.kind === 'blob') await name(storage, 'a', blob).then(() => (clock.time += 1));
      return list(query, options);
    };
    expect(await collectGarbage(storage, { clock })).toEqual({ ...nothing, waiting: 1 });
    expect(await collectGarbage(storage, { clock })).toEqual(nothing);
    expect(await blobsOf(storage)).toEqual([blob]);
  });

  it('waits longer when the clock goes back, and does not take what was noted meanwhile for old', async () => {
    const storage = new MemoryStorage();
    const clock = new SimulatedTime();
    await writeBlob(storage, 'a');
    await collectGarbage(storage, { clock });
    clock.time -= 30 * dayMs;
    await writeBlob(storage, 'b');
    expect(await collectGarbage(storage, { clock })).toEqual({ ...nothing, marked: 1, waiting: 1 });
    clock.time += 30 * dayMs + dayMs - 1;
    expect(await collectGarbage(storage, { clock })).toEqual({ ...nothing, waiting: 2 });
    clock.time += 1;
    expect(await collectGarbage(storage, { clock })).toMatchObject({ deleted: 2 });
  });

  it('is refused for a part of a store, which cannot see what the rest names', async () => {
    const storage = new MemoryStorage();
    await name(storage, 'team-b/a', await writeBlob(storage, 'theirs'));
    await expect(collectGarbage(withPrefix(storage, 'team-a'))).rejects.toMatchObject({ code: 'unsupported' });
    expect(await collectGarbage(storage)).toEqual(nothing);
  });

  it('deletes nothing when a record cannot be read', async () => {
    const storage = new MemoryStorage();
    const clock = new SimulatedTime();
    await name(storage, 'a');
    await writeBlob(storage, 'x');
    await collectGarbage(storage, { clock });
    clock.time += dayMs;
    const read = storage.read.bind(storage);
    storage.read = async (keys, options) => {
      if (keys.includes('a')) throw new RangeError('damaged');
      return read(keys, options);
    };
    await expect(collectGarbage(storage, { clock })).rejects.toThrow('damaged');
    expect(await blobsOf(storage)).toHaveLength(1);
  });

  it('ends with its signal, tells how far it is, and checks its options', async () => {
    const storage = new MemoryStorage();
    for (let i = 0; i < 2500; i++) await name(storage, `k/${i}`, await writeBlob(storage, String(i)));
    const phases: string[] = [];
    await collectGarbage(storage, { onProgress: ({ phase, done }) => phases.push(`${phase} ${done}`) });
    expect(phases).toEqual(['read records 1000', 'read records 2000', 'read records 2501', 'look through blobs 1000', 'look through blobs 2000', 'look through blobs 2500']);
    const controller = new AbortController();
    await expect(collectGarbage(storage, { signal: controller.signal, onProgress: () => controller.abort() })).rejects.toMatchObject({ code: 'aborted' });
    await expect(collectGarbage(storage, { grace: '1 day' as never })).rejects.toMatchObject({ code: 'validation', details: { path: 'grace' } });
  });

  const fate = fc.record({ failsAt: fc.option(fc.integer({ min: 1, max: 30 }), { nil: undefined }), takesEffect: fc.boolean(), dies: fc.boolean() });
  const step = fc.oneof(
    fc.record({ kind: fc.constant('put' as const), key: fc.constantFrom('k/1', 'k/2', 'zz/3'), blob: fc.constantFrom('x', 'y', 'z') }),
    fc.record({ kind: fc.constant('delete' as const), key: fc.constantFrom('k/1', 'k/2', 'zz/3') }),
  );
  const scenario = fc.record({
    before: fc.array(step, { maxLength: 3 }),
    writers: fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 3 }),
    collectors: fc.array(fc.record({ rounds: fc.integer({ min: 1, max: 4 }), fate }), { minLength: 1, maxLength: 2 }),
    ticks: fc.integer({ min: 2, max: 12 }),
  });

  it('never deletes what a record names, at every interleaving with writers and other collections, and whoever dies when', async () => {
    let deletions = 0;
    await fc.assert(
      fc.asyncProperty(scenario, fc.scheduler(), async ({ before, writers, collectors, ticks }, scheduler) => {
        const storage = new MemoryStorage();
        const clock = new SimulatedTime();
        // When each writer began to write a blob that no record of its names yet: it keeps its word, so time does not pass the grace meanwhile.
        const begun = new Map<number, number>();
        const write = async (view: StorageAdapter, each: (typeof before)[number], writer: number): Promise<void> => {
          if (each.kind === 'delete') return void (await view.write([{ kind: 'delete', key: each.key }]));
          begun.set(writer, clock.time);
          await name(view, each.key, await writeBlob(view, each.blob));
          begun.delete(writer);
        };
        for (const blob of ['x', 'y', 'z']) await writeBlob(storage, blob);
        await collectGarbage(storage, { clock });
        clock.time += dayMs;
        for (const each of before) await write(storage, each, -1);
        const lost: string[] = [];
        const work = [
          ...writers.map(async (steps, w) => {
            const view = interleavedStorage(storage, scheduler, { name: `writer ${w}` });
            for (const each of steps) await write(view, each, w);
          }),
          ...collectors.map(async ({ rounds, fate: own }, c) => {
            const view = interleavedStorage(storage, scheduler, { name: `collector ${c}`, ...own });
            for (let i = 0; i < rounds; i++) deletions += (await collectGarbage(view, { clock }).catch(() => nothing)).deleted;
          }),
          (async () => {
            for (let i = 0; i < ticks; i++) {
              await scheduler.schedule(Promise.resolve(), 'time');
              if ([...begun.values()].every((since) => clock.time + dayMs / 2 - since < dayMs)) clock.time += dayMs / 2;
              for await (const { key } of listAll(storage, {})) {
                const [record] = await storage.read([key]);
                for (const blob of record?.blobs ?? []) if ((await storage.readBlob(blob)) === undefined) lost.push(`${key} ${blob}`);
              }
            }
          })(),
        ];
        await scheduler.waitFor(Promise.all(work));
        const named = new Set<string>();
        for await (const { key } of listAll(storage, {})) for (const blob of (await storage.read([key]))[0]!.blobs) named.add(blob);
        const present = await blobsOf(storage);
        expect([...lost, ...[...named].filter((blob) => !present.includes(blob))]).toEqual([]);
        // And what none names goes, whatever was left half-done.
        await collectGarbage(storage, { clock });
        clock.time += dayMs;
        await collectGarbage(storage, { clock });
        expect(await blobsOf(storage)).toEqual([...named].sort());
        expect(await noteCount(storage)).toBe(0);
      }),
      { numRuns: 300 },
    );
    expect(deletions).toBeGreaterThan(20);
  });

  it('writes nothing of its own that keeps blobs alive', async () => {
    const storage = new MemoryStorage();
    await writeBlob(storage, 'x');
    await collectGarbage(storage);
    for await (const { key } of listAll(storage, { prefix: garbagePrefix })) expect((await storage.read([key]))[0]!.blobs).toEqual([]);
  });
});

describe('DigestSet', () => {
  it('holds what was added and nothing else', () => {
    const set = new DigestSet();
    const digests = Array.from({ length: 5000 }, (_, i) => digestOf(String(i)));
    const zero: Digest = `sha256:${'0'.repeat(64)}`;
    expect(set.has(zero)).toBe(false);
    for (const digest of [...digests.slice(0, 2500), zero]) expect(set.add(digest)).toBe(true);
    for (const digest of [...digests.slice(0, 2500), zero]) expect(set.add(digest)).toBe(false);
    expect(set.size).toBe(2501);
    expect(set.has(zero)).toBe(true);
    expect(digests.map((digest) => set.has(digest))).toEqual(digests.map((_, i) => i < 2500));
  });
});
