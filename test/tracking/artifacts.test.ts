import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { collectGarbage, MemoryStorage, type ArtifactContent } from 'modelkeep';
import { systemClock } from '../../src/core/clock.ts';
import { readLineage } from '../../src/storage/lineage.ts';
import { browseArtifacts, listArtifacts } from '../../src/tracking/artifacts/list-artifacts.ts';
import { readArtifact, readArtifactJson, readArtifactRange, readArtifactText } from '../../src/tracking/artifacts/read-artifact.ts';
import { deleteArtifact, writeArtifact, writeArtifacts } from '../../src/tracking/artifacts/write-artifact.ts';
import { writeJson } from '../../src/tracking/artifacts/write-json.ts';
import { keys } from '../../src/tracking/tracking-keys.ts';
import { ManualClock } from './manual-clock.ts';

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

async function* stream<T>(...parts: T[]): AsyncGenerator<T> {
  yield* parts;
}

function store() {
  const storage = new MemoryStorage();
  const clock = new ManualClock();
  const log = (name: string, content: ArtifactContent = name, mediaType?: string) => writeArtifact(storage, clock, 'r', name, content, { mediaType });
  return { storage, clock, log };
}

describe('contents', () => {
  const buffer = new TextEncoder().encode('..seen..').buffer;
  it.each<[string, () => ArtifactContent]>([
    ['a view into a buffer', () => new Uint8Array(buffer, 2, 4)],
    ['a DataView', () => new DataView(buffer, 2, 4)],
    ['a typed array', () => new Uint16Array(buffer, 2, 2)],
    ['a File', () => new File(['seen'], 'a')],
    ['texts', () => stream('se', 'en')],
    ['texts and bytes', () => stream<string | Uint8Array>('s', new Uint8Array(buffer, 3, 2), 'n')],
    ['a stream of texts', () => new Blob(['seen']).stream().pipeThrough(new TextDecoderStream())],
  ])('are the bytes that are seen: %s', async (_, content) => {
    const { storage, log } = store();
    await log('a', content());
    expect(text(await readArtifact(storage, 'r', 'a'))).toBe('seen');
  });

  it('join a character that is split between two texts, and refuse half of one', async () => {
    const { storage, log } = store();
    await log('a', stream('x\ud83d', '\ude00y'));
    expect(await readArtifactText(storage, 'r', 'a')).toBe('x😀y');
    for (const odd of ['\ud83d', stream('\ud83d'), stream<string | Uint8Array>('\ud83d', new Uint8Array(1)), stream(5 as never)]) {
      await expect(log('b', odd)).rejects.toMatchObject({ code: 'validation' });
    }
    expect((await listArtifacts(storage, 'r')).items.map(({ name }) => name)).toEqual(['a']);
  });

  it('let go of a source that hangs when they are aborted', async () => {
    const { storage, clock } = store();
    const controller = new AbortController();
    let returned = 0;
    const hanging = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined), return: async () => (returned++, { done: true as const, value: undefined }) }) };
    const writing = writeArtifact(storage, clock, 'r', 'a', hanging, { signal: controller.signal });
    setImmediate(() => controller.abort());
    await expect(writing).rejects.toMatchObject({ code: 'aborted' });
    expect(returned).toBe(1);
  });

  it('of 64 MB pass without being held', async () => {
    const { clock } = store();
    let [made, taken, most] = [0, 0, 0];
    const big = (async function* () {
      for (; made < 64; ) {
        made++;
        most = Math.max(most, made - taken);
        yield new Uint8Array(1024 * 1024);
      }
    })();
    const storage = new MemoryStorage();
    storage.writeBlob = async (source) => {
      for await (const chunk of source) taken += chunk.length > 0 ? 1 : 0;
      return { digest: `sha256:${'0'.repeat(64)}`, size: 64 * 1024 * 1024 };
    };
    await writeArtifact(storage, clock, 'r', 'big', big);
    expect([taken, most]).toEqual([64, 1]);
  });
});

describe('media types', () => {
  it.each<[string, ArtifactContent, string | undefined, string]>([
    ['a.JSON', '{}', undefined, 'application/json'],
    ['a.csv', 'x', 'text/x-odd; a="b c"', 'text/x-odd; a="b c"'],
    ['a.png', new Blob([''], { type: 'image/webp' }), undefined, 'image/webp'],
    ['a.png', new Blob(['']), undefined, 'image/png'],
    ['d.json/a', 'x', undefined, 'text/plain; charset=utf-8'],
    ['.json', new Uint8Array(1), undefined, 'application/octet-stream'],
  ])('%s', async (name, content, given, expected) => {
    expect((await store().log(name, content, given)).mediaType).toBe(expected);
  });

  it.each(['text', 'a/b\r\nset-cookie: x', '', 5 as never])('that are none are refused: %s', async (given) => {
    await expect(store().log('a', 'x', given)).rejects.toMatchObject({ code: 'validation', details: { path: 'mediaType' } });
  });
});

describe('lists', () => {
  const names = ['Z', 'a', 'a.b', 'a/b', 'a/c/d', `a/${'L'.repeat(200)}`, 'é', 'e\u0301'];
  it('ascend by name, in pages that hold under change, within a prefix', async () => {
    const { storage, clock, log } = store();
    for (const name of names) await log(name);
    const found: string[] = [];
    let after: string | undefined;
    do {
      const page = await listArtifacts(storage, 'r', { limit: 3, after });
      found.push(...page.items.map(({ name }) => name));
      after = page.next;
      if (found.length === 3) {
        await log('A');
        await deleteArtifact(storage, clock, 'r', found[2]!);
      }
    } while (after !== undefined);
    expect(found).toEqual([...names].sort());
    expect((await listArtifacts(storage, 'r', { prefix: 'a/', limit: 2 })).items.map(({ name }) => name)).toEqual([`a/${'L'.repeat(200)}`, 'a/b']);
    await expect(listArtifacts(storage, 'r', { limit: 0 })).rejects.toMatchObject({ code: 'validation' });
  });

  it('tell of a damaged record and hide no other', async () => {
    const { storage, log } = store();
    for (const name of ['a', 'b']) await log(name);
    await storage.write([{ kind: 'put', key: keys.artifact('r', 'a'), bytes: new Uint8Array([1]) }]);
    const { items, damaged } = await listArtifacts(storage, 'r');
    expect([items.map(({ name }) => name), damaged.map(({ name }) => name)]).toEqual([['b'], ['a']]);
    await log('a', 'mended');
    expect((await listArtifacts(storage, 'r')).damaged).toEqual([]);
  });

  it('are a tree as well, whatever the names and the size of a page', async () => {
    const part = fc.constantFrom('a', 'b', 'B.c');
    const name = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(name, { maxLength: 12 }), fc.integer({ min: 1, max: 4 }), async (given, limit) => {
        const { storage, log } = store();
        for (const each of given) await log(each);
        const files: string[] = [];
        const visit = async (path: string): Promise<number> => {
          let inside = 0;
          let after: string | undefined;
          do {
            const page = await browseArtifacts(storage, 'r', { path, limit, after });
            for (const entry of page.items) {
              if (entry.kind === 'file') files.push(entry.artifact.name);
              else expect(entry.artifacts).toBe(await visit(entry.path));
              inside += entry.kind === 'file' ? 1 : entry.artifacts;
            }
            after = page.next;
          } while (after !== undefined);
          return inside;
        };
        expect(await visit('')).toBe(given.length);
        expect(files.sort()).toEqual([...given].sort());
      }),
      { numRuns: 60, seed: 5 },
    );
  });
});

describe('reading', () => {
  it('a range gives what lies inside, and a damaged blob is told by a whole read', async () => {
    const { storage, log } = store();
    await log('a', '0123456789');
    const range = async (start: number, end?: number) => text(await readArtifactRange(storage, 'r', 'a', { start, end }));
    expect([await range(2, 5), await range(8), await range(8, 99), await range(20), await range(3, 3)]).toEqual(['234', '89', '89', '', '']);
    for (const [start, end] of [[-1], [5, 2], [0.5], [0, NaN]] as const) await expect(range(start, end)).rejects.toMatchObject({ code: 'validation' });
  });

  it('as text or JSON is bounded and says what is wrong', async () => {
    const { storage, log } = store();
    await log('a.json', '{"a":1');
    await log('b', new Uint8Array([0xff]));
    await expect(readArtifactJson(storage, 'r', 'a.json')).rejects.toThrow(/'a\.json'.*is no JSON/);
    await expect(readArtifactText(storage, 'r', 'b')).rejects.toThrow('is not UTF-8');
    await expect(readArtifactText(storage, 'r', 'a.json', { maxBytes: 5 })).rejects.toMatchObject({ code: 'validation', details: { size: 6 } });
    expect(await readArtifactText(storage, 'r', 'a.json', { maxBytes: 6 })).toBe('{"a":1');
  });

  it('gives back any value that was logged as JSON, plain where JSON can say it', async () => {
    const { storage, clock } = store();
    const plain = await writeJson(storage, clock, 'r', 'p', { b: [1, null], $schema: 'x', a: undefined });
    expect([plain.mediaType, await readArtifactText(storage, 'r', 'p')]).toEqual(['application/json', '{"$schema":"x","b":[1,null]}']);
    const odd = { nan: NaN, big: 2n ** 60n, at: new Date(5), bytes: new Uint8Array([1]), zero: -0 };
    expect((await writeJson(storage, clock, 'r', 'o', odd)).mediaType).toBe('application/vnd.modelkeep.value+json');
    expect(await readArtifactJson(storage, 'r', 'o')).toEqual(odd);
    await expect(writeJson(storage, clock, 'r', 'o', { f: () => 1 } as never)).rejects.toMatchObject({ details: { path: 'o.f' } });
  });
});

describe('replacing and deleting', () => {
  it('leaves one edge and one record, whoever was first', async () => {
    const { storage, log } = store();
    // Those who come too late wait a little, by a clock that goes.
    await Promise.all(Array.from({ length: 8 }, (_, i) => writeArtifact(storage, systemClock, 'r', 'a', `content ${i}`)));
    await log('a', 'last');
    const { items } = await listArtifacts(storage, 'r');
    const edges = await readLineage(storage, 'from', { kind: 'run', id: 'r' });
    expect(items).toHaveLength(1);
    expect(edges.map(({ to }) => to.digest)).toEqual([items[0]!.digest]);
  });

  it('makes the blob garbage once nothing names it', async () => {
    const { storage, clock, log } = store();
    await log('a', 'same');
    await log('b', 'same');
    const collect = async (): Promise<number> => {
      let deleted = 0;
      for (let turn = 0; turn < 2; turn++) {
        deleted += (await collectGarbage(storage, { clock })).deleted;
        await clock.pass(86_400_000);
      }
      return deleted;
    };
    await deleteArtifact(storage, clock, 'r', 'a');
    expect(await collect()).toBe(0);
    expect(await readArtifactText(storage, 'r', 'b')).toBe('same');
    await deleteArtifact(storage, clock, 'r', 'b');
    expect(await readLineage(storage, 'from', { kind: 'run', id: 'r' })).toEqual([]);
    expect(await collect()).toBe(1);
    await expect(deleteArtifact(storage, clock, 'r', 'b')).rejects.toMatchObject({ code: 'not-found' });
  });

  it('logs many into a folder, and keeps those before one that fails', async () => {
    const { storage, clock } = store();
    const inputs = [{ name: 'a', content: 'x' }, { name: 'b?', content: 'y' }];
    await expect(writeArtifacts(storage, clock, 'r', inputs, { prefix: 'out' })).rejects.toMatchObject({ code: 'validation' });
    expect((await listArtifacts(storage, 'r')).items.map(({ name }) => name)).toEqual(['out/a']);
  });
});
