import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { exportStore, importStore, MemoryStorage, rewritableLog, withPrefix, type Digest, type StorageAdapter } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, it } from 'vitest';
import { collectBytes, concatBytes, utf8 } from '../../src/core/bytes.ts';
import { seededRandom } from '../../src/core/random.ts';
import { changeHead, readHead, readHistory } from '../../src/storage/head-record.ts';
import { listAll } from '../../src/storage/records.ts';
import { temporaryDirectories } from './filesystem/temporary-directory.ts';
import { interleavedStorage } from './interleaved-storage.ts';
import { contentsOf } from './store-contents.ts';

const directory = temporaryDirectories();

function randomBytes(seed: number, size: number): Uint8Array {
  const random = seededRandom(seed);
  return Uint8Array.from({ length: size }, () => Math.floor(random() * 256));
}

async function* stream(bytes: Uint8Array, chunk = bytes.length || 1): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunk) yield bytes.slice(at, at + chunk);
}

const writeBlob = async (storage: StorageAdapter, seed: number, size: number): Promise<Digest> => (await storage.writeBlob(stream(randomBytes(seed, size)))).digest;

/** A store with a bit of everything. */
async function fill(storage: StorageAdapter): Promise<void> {
  const [small, empty, large] = [await writeBlob(storage, 1, 10), await writeBlob(storage, 2, 0), await writeBlob(storage, 3, 1_300_000)];
  await storage.write([
    { kind: 'put', key: 'a', bytes: utf8('one'), blobs: [small, empty] },
    { kind: 'put', key: 'a/b', bytes: new Uint8Array(0), blobs: [small] },
    { kind: 'put', key: 'z', bytes: randomBytes(4, 300), blobs: [large] },
  ]);
  for (const writer of ['w1', 'w2']) await storage.append('a/b', [utf8(`${writer} 1`), new Uint8Array(0), randomBytes(5, 100)], { writer });
  await storage.append('a-log', Array.from({ length: 2500 }, (_, i) => utf8(String(i))), { writer: 'w1' });
  await storage.append('zz', [utf8('last')], { writer: 'w1' });
}

describe.each<[string, () => StorageAdapter, () => StorageAdapter]>([
  ['memory to memory', () => new MemoryStorage(), () => new MemoryStorage()],
  ['memory to filesystem', () => new MemoryStorage(), () => new FilesystemStorage(directory())],
  ['filesystem to memory', () => new FilesystemStorage(directory()), () => new MemoryStorage()],
])('an export from %s', (_name, open, openCopy) => {
  it('brings all of it, and nothing twice', async () => {
    await using storage = open();
    await using copy = openCopy();
    await fill(storage);
    expect(await importStore(copy, exportStore(storage))).toEqual({ records: 3, entries: 2507, blobs: 3, known: 0, conflicts: [] });
    const contents = await contentsOf(storage);
    expect(await contentsOf(copy)).toEqual(contents);
    expect(await importStore(copy, exportStore(storage))).toEqual({ records: 0, entries: 0, blobs: 3, known: 2510, conflicts: [] });
    expect(await contentsOf(copy)).toEqual(contents);
  });
});

describe('an export of format 1', () => {
  it('is imported whole', async () => {
    const fixture = (path: string): URL => new URL(`../fixtures/${path}`, import.meta.url);
    // It was made from the store whose contents this manifest tells.
    const manifest = JSON.parse(readFileSync(fixture('filesystem-format-1/manifest.json'), 'utf8')) as {
      records: { key: string; bytes: string; blobs: string[] }[];
      logs: { key: string; entries: { writer: string; sequence: number; bytes: string }[] }[];
    };
    const storage = new MemoryStorage();
    const named = new Set(manifest.records.flatMap((record) => record.blobs));
    const entries = manifest.logs.reduce((sum, log) => sum + log.entries.length, 0);
    const bytes = new Uint8Array(readFileSync(fixture('export-format-1/store.export')));
    expect(await importStore(storage, stream(bytes))).toEqual({ records: manifest.records.length, entries, blobs: named.size, known: 0, conflicts: [] });
    for (const { key, bytes: text, blobs } of manifest.records) {
      const [record] = await storage.read([key]);
      expect([Buffer.from(record!.bytes).toString('base64'), record!.blobs]).toEqual([text, blobs]);
    }
    for (const { key, entries: expected } of manifest.logs) {
      const found: unknown[] = [];
      for await (const entry of storage.readLog(key)) found.push({ writer: entry.writer, sequence: entry.sequence, bytes: Buffer.from(entry.bytes).toString('base64') });
      expect(found).toEqual(expected);
    }
    expect((await contentsOf(storage)).blobs).toEqual(Object.fromEntries([...named].map((digest) => [digest, expect.any(Number)])));
  });
});

describe('exportStore', () => {
  it('goes by pieces, as fast as it is asked', async () => {
    const storage = new MemoryStorage();
    await storage.write([{ kind: 'put', key: 'a', bytes: utf8('a'), blobs: [await writeBlob(storage, 1, 5_000_000)] }]);
    let pulled = 0;
    const readBlob = storage.readBlob.bind(storage);
    storage.readBlob = async (...args) => {
      const chunks = (await readBlob(...args))!;
      return (async function* () {
        for await (const chunk of chunks) {
          pulled += chunk.length;
          yield chunk;
        }
      })();
    };
    let largest = 0;
    let taken = 0;
    for await (const chunk of exportStore(storage)) {
      largest = Math.max(largest, chunk.length);
      taken += chunk.length;
      expect(pulled - taken).toBeLessThan(600_000);
    }
    expect(largest).toBeLessThan(1_500_000);
    expect(taken).toBeGreaterThan(5_000_000);
  });

  it('takes a part by its prefix, which can be put elsewhere', async () => {
    const storage = new MemoryStorage();
    await fill(withPrefix(storage, 'team-a'));
    await fill(withPrefix(storage, 'team-b'));
    const [part, moved] = [new MemoryStorage(), new MemoryStorage()];
    expect(await importStore(part, exportStore(storage, { prefix: 'team-a/' }))).toMatchObject({ records: 3, entries: 2507 });
    expect((await part.list({ prefix: 'team-b/' })).entries).toEqual([]);
    await importStore(withPrefix(moved, 'new/home'), exportStore(withPrefix(storage, 'team-b')));
    expect(await contentsOf(withPrefix(moved, 'new/home'))).toEqual(await contentsOf(withPrefix(storage, 'team-b')));
    expect(() => exportStore(storage, { prefix: '../' })).toThrow(expect.objectContaining({ code: 'validation' }));
  });

  it('has the present entries of rewritten logs under their own key, and none that were taken out', async () => {
    const storage = new MemoryStorage();
    for (const key of ['log', 'team/log']) {
      const log = rewritableLog(storage, key);
      await log.append(['anna', 'bert', 'carl'].map(utf8));
      await log.rewrite((entry) => entry.bytes[0] !== 'a'.charCodeAt(0));
      await log.append([utf8('dora')]);
      // What a slow writer brought to life again.
      await storage.append(key, [utf8('anna again')]);
    }
    const bytes = await collectBytes(exportStore(storage));
    expect(Buffer.from(bytes).includes('anna')).toBe(false);
    const copy = new MemoryStorage();
    expect(await importStore(copy, stream(bytes))).toMatchObject({ entries: 6, records: 0 });
    expect((await copy.list({ kind: 'log' })).entries.map(({ key }) => key)).toEqual(['log', 'team/log']);
    // Into the store that it came from, whose log has generations, it changes nothing.
    expect(await importStore(storage, stream(bytes))).toMatchObject({ entries: 0, known: 6 });
  });

  it('says what is missing', async () => {
    const storage = new MemoryStorage();
    const blob = await writeBlob(storage, 1, 10);
    await storage.write([{ kind: 'put', key: 'a', bytes: utf8('a'), blobs: [blob] }]);
    await storage.deleteBlob(blob);
    await expect(collectBytes(exportStore(storage))).rejects.toMatchObject({ code: 'integrity', details: { key: 'a', digest: blob } });
  });

  it('has each state with exactly its history, whatever changes it meanwhile', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.integer({ min: 1, max: 6 }), async (scheduler, changes) => {
        const storage = new MemoryStorage();
        const change = async (view: StorageAdapter): Promise<unknown> =>
          changeHead<number>({ storage: view, key: 'models/a' }, (n = 0) => ({ state: n + 1, events: [{ type: 'raised', data: { to: n + 1 } } as never] }));
        await change(storage);
        const copy = new MemoryStorage();
        const view = interleavedStorage(storage, scheduler, { name: 'writer' });
        const changing = async (): Promise<void> => {
          for (let i = 0; i < changes; i++) await change(view);
        };
        await scheduler.waitFor(Promise.all([importStore(copy, exportStore(interleavedStorage(storage, scheduler, { name: 'export' }))), changing()]));
        const at = { storage: copy, key: 'models/a' };
        const state = (await readHead<number>(at))!;
        expect((await readHistory(at)).map(({ sequence }) => sequence)).toEqual(Array.from({ length: state }, (_, i) => i + 1));
      }),
      { numRuns: 100 },
    );
  });
});

describe('importStore', () => {
  async function smallExport(): Promise<{ storage: MemoryStorage; bytes: Uint8Array }> {
    const storage = new MemoryStorage();
    const blob = await writeBlob(storage, 1, 20);
    await storage.write([{ kind: 'put', key: 'a', bytes: utf8('one'), blobs: [blob] }, { kind: 'put', key: 'b', bytes: utf8('two') }]);
    await storage.append('a', [utf8('1'), utf8('2')], { writer: 'w' });
    return { storage, bytes: await collectBytes(exportStore(storage)) };
  }

  it('refuses a stream that was cut anywhere, says how far it came, and goes on from there', async () => {
    const { storage, bytes } = await smallExport();
    const contents = await contentsOf(storage);
    const copy = new MemoryStorage();
    let furthest = 0;
    for (let end = 0; end < bytes.length; end++) {
      const error = await importStore(copy, stream(bytes.subarray(0, end), 7)).catch((failure: unknown) => failure);
      expect(error).toMatchObject({ code: 'integrity' });
      const { records, entries, blobs } = (error as { details: Record<string, number> }).details as { records: number; entries: number; blobs: number };
      furthest += records + entries;
      expect(blobs).toBeLessThanOrEqual(1);
    }
    // Each thing was imported once, by the first stream that had it whole.
    expect(furthest).toBe(4);
    expect(await contentsOf(copy)).toEqual(contents);
    expect(await importStore(copy, stream(bytes))).toMatchObject({ records: 0, entries: 0, known: 4 });
  });

  it('refuses a stream in which any byte was changed, left out or put in, and imports nothing false', async () => {
    const { storage, bytes } = await smallExport();
    const contents = (await contentsOf(storage)) as { records: Record<string, unknown>; logs: Record<string, Record<string, string[]>> };
    const expectRefused = async (damaged: Uint8Array, what: string): Promise<void> => {
      const copy = new MemoryStorage();
      const outcome = await importStore(copy, stream(damaged, 64)).then(() => `${what} was taken`, (error: { code: string }) => error.code);
      expect([what, outcome]).toEqual([what, 'integrity']);
      const found = (await contentsOf(copy)) as typeof contents;
      for (const [key, record] of Object.entries(found.records)) expect(record).toEqual(contents.records[key]);
      for (const [key, writers] of Object.entries(found.logs)) expect(writers['w']).toEqual(contents.logs[key]!['w']!.slice(0, writers['w']!.length));
    };
    for (let at = 0; at < bytes.length; at++) {
      const flipped = bytes.slice();
      flipped[at]! ^= 1 << at % 8;
      await expectRefused(flipped, `byte ${at} flipped`);
      await expectRefused(concatBytes([bytes.subarray(0, at), bytes.subarray(at + 1)]), `byte ${at} left out`);
    }
    await expectRefused(concatBytes([bytes, utf8('x')]), 'one byte more');
    await expectRefused(concatBytes([bytes, bytes]), 'twice');
    await expectRefused(utf8('something else entirely'), 'another file');
  });

  it('refuses an export whose frames are whole but missing, doubled or out of place', async () => {
    const { bytes } = await smallExport();
    const frames: Uint8Array[] = [];
    for (let at = 8; at < bytes.length; ) {
      const view = new DataView(bytes.buffer, bytes.byteOffset + at);
      const size = 12 + view.getUint32(0, true) + view.getUint32(4, true);
      frames.push(bytes.subarray(at, at + size));
      at += size;
    }
    const refused = async (some: readonly Uint8Array[]): Promise<void> => {
      await expect(importStore(new MemoryStorage(), stream(concatBytes([bytes.subarray(0, 8), ...some])))).rejects.toMatchObject({ code: 'integrity' });
    };
    for (let i = 0; i < frames.length; i++) {
      await refused(frames.filter((_, at) => at !== i));
      await refused([...frames.slice(0, i), frames[i]!, ...frames.slice(i)]);
      if (i > 0) await refused([...frames.slice(0, i - 1), frames[i]!, frames[i - 1]!, ...frames.slice(i + 1)]);
    }
  });

  it('compares with what is there: fails with all that is different, having written nothing of it, or keeps it', async () => {
    const { bytes } = await smallExport();
    const other = async (): Promise<MemoryStorage> => {
      const storage = new MemoryStorage();
      await storage.write([{ kind: 'put', key: 'b', bytes: utf8('another') }]);
      await storage.append('a', [utf8('1'), utf8('not 2')], { writer: 'w' });
      return storage;
    };
    const failing = await other();
    const before = await contentsOf(failing);
    await expect(importStore(failing, stream(bytes))).rejects.toMatchObject({
      code: 'conflict',
      details: { count: 2, conflicts: [{ kind: 'log', key: 'a' }, { kind: 'record', key: 'b' }] },
    });
    expect(await contentsOf(failing)).toEqual(before);
    const keeping = await other();
    expect((await importStore(keeping, stream(bytes), { onConflict: 'keep' })).conflicts).toEqual([{ kind: 'log', key: 'a' }, { kind: 'record', key: 'b' }]);
    // A state whose history is another is not put beside it.
    expect(await keeping.read(['a'])).toEqual([undefined]);
    await expect(importStore(keeping, stream(bytes), { onConflict: 'replace' as never })).rejects.toMatchObject({ code: 'validation' });
  });

  it('leaves a log alone whose record has changed since, and lets a log be longer than the export', async () => {
    const { storage, bytes } = await smallExport();
    await storage.append('a', [utf8('3')], { writer: 'w' });
    expect(await importStore(storage, stream(bytes))).toMatchObject({ known: 4, conflicts: [] });
    await storage.write([{ kind: 'put', key: 'a', bytes: utf8('changed') }]);
    const before = await contentsOf(storage);
    expect(await importStore(storage, stream(bytes), { onConflict: 'keep' })).toMatchObject({ conflicts: [{ kind: 'record', key: 'a' }] });
    expect(await contentsOf(storage)).toEqual(before);
  });

  it('can be repeated after it failed at any call, and ends with the same', async () => {
    const { storage, bytes } = await smallExport();
    const contents = await contentsOf(storage);
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.integer({ min: 1, max: 25 }), fc.boolean(), async (scheduler, failsAt, takesEffect) => {
        const copy = new MemoryStorage();
        const failing = interleavedStorage(copy, scheduler, { name: 'import', failsAt, takesEffect });
        await scheduler.waitFor(importStore(failing, stream(bytes, 50)).catch(() => undefined));
        await importStore(copy, stream(bytes));
        expect(await contentsOf(copy)).toEqual(contents);
      }),
      { numRuns: 60 },
    );
  });

  it('says that it does not know a newer format, and checks its source', async () => {
    const { bytes } = await smallExport();
    const { crc32 } = await import('../../src/core/crc32.ts');
    const start = utf8('{"kind":"start","format":2}');
    const prefix = new Uint8Array(12);
    const view = new DataView(prefix.buffer);
    view.setUint32(0, start.length, true);
    view.setUint32(8, crc32(start, crc32(prefix, 0, 0, 8)), true);
    const newer = concatBytes([bytes.subarray(0, 8), prefix, start]);
    await expect(importStore(new MemoryStorage(), stream(newer))).rejects.toMatchObject({ code: 'unknown-store-version', details: { version: 2 } });
    await expect(importStore(new MemoryStorage(), bytes as never)).rejects.toMatchObject({ code: 'validation', details: { path: 'source' } });
  });

  it('brings whatever a store may hold', async () => {
    const bytes = fc.uint8Array({ maxLength: 40 });
    const key = fc.constantFrom('a', 'a/b', 'a-b', 'b', 'b/c/d', '__x_', 'z');
    const store = fc.record({
      records: fc.array(fc.record({ key, bytes, blobs: fc.array(bytes, { maxLength: 2 }) }), { maxLength: 8 }),
      logs: fc.array(fc.record({ key, writer: fc.constantFrom('w', '__proto__', '1'), entries: fc.array(bytes, { maxLength: 4 }) }), { maxLength: 8 }),
      rewrite: fc.array(key, { maxLength: 2 }),
    });
    await fc.assert(
      fc.asyncProperty(store, async ({ records, logs, rewrite }) => {
        const storage = new MemoryStorage();
        for (const record of records) {
          const blobs: Digest[] = [];
          for (const blob of record.blobs) blobs.push((await storage.writeBlob(stream(blob))).digest);
          await storage.write([{ kind: 'put', key: record.key, bytes: record.bytes, blobs }]);
        }
        for (const { key: log, writer, entries } of logs) await storage.append(log, entries, { writer });
        for (const log of rewrite) await rewritableLog(storage, log).rewrite((entry) => entry.bytes.length % 2 === 0);
        const [copy, again] = [new MemoryStorage(), new MemoryStorage()];
        await importStore(copy, exportStore(storage));
        for (const log of new Set(logs.map((each) => each.key))) {
          const [from, to]: string[][] = [[], []];
          for await (const entry of rewritableLog(storage, log).read()) from!.push(`${entry.writer} ${entry.sequence} ${entry.bytes.join()}`);
          for await (const entry of copy.readLog(log)) to!.push(`${entry.writer} ${entry.sequence} ${entry.bytes.join()}`);
          expect(to!.sort()).toEqual(from!.sort());
        }
        for await (const { key: each } of listAll(copy, {})) {
          const [[a], [b]] = [await storage.read([each]), await copy.read([each])];
          expect([b!.bytes, b!.blobs]).toEqual([a!.bytes, a!.blobs]);
        }
        await importStore(again, exportStore(copy));
        expect(await contentsOf(again)).toEqual(await contentsOf(copy));
      }),
      { numRuns: 100 },
    );
  });
});
