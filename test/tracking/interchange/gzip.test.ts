import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { constants, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvRuns, csvTables, jsonlRuns, sourceFile } from 'modelkeep/interchange';
import { nodeFile } from 'modelkeep/node';
import { gunzipped } from '../../../src/tracking/interchange/gunzipped.ts';
import type { SourceFile } from '../../../src/tracking/interchange/source-directory.ts';
import { Imported } from './imported.ts';
import { startedAt } from './made-runs.ts';

const options = { experiment: 'e', startedAt };
const csv = `step,loss\n${Array.from({ length: 20_000 }, (_, i) => `${i},${1 / (i + 1)}\n`).join('')}`;
const jsonl = '{"step":0,"loss":0.5}\n{"step":1,"loss":0.25}\n';

async function bytesOf(file: SourceFile, start?: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of file.open({ start })) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('compressed sources', () => {
  it('are read as what is in them, from any byte', async () => {
    const file = gunzipped(sourceFile('a.csv.gz', gzipSync(csv)));
    for (const start of [undefined, 0, 1, 70_000, csv.length - 1, csv.length, csv.length + 5]) expect((await bytesOf(file, start)).equals(Buffer.from(csv).subarray(start ?? 0))).toBe(true);
    expect((await bytesOf(gunzipped(sourceFile('a', new Blob([gzipSync('')]))))).length).toBe(0);
  });

  it('are told by their bytes, and not by their names', async () => {
    for (const text of ['', '\u001f', csv]) expect((await bytesOf(gunzipped(sourceFile('a.csv.gz', text)))).toString()).toBe(text);
    expect((await bytesOf(gunzipped(sourceFile('a.csv', gzipSync(csv))), 100)).toString()).toBe(csv.slice(100));
  });

  it('give the runs that the same files give uncompressed, under the same names', async () => {
    const [plain, zipped] = [new Imported(), new Imported()];
    await plain.add(csvRuns(sourceFile('d/log.csv', csv), options));
    await plain.add(jsonlRuns(sourceFile('d/other.jsonl', jsonl), options));
    await zipped.add(csvRuns(sourceFile('d/log.csv.gz', gzipSync(csv)), options));
    await zipped.add(jsonlRuns(sourceFile('d/other.jsonl.GZ', gzipSync(jsonl)), options));
    expect((await plain.runs()).map(({ name }) => name).sort()).toEqual(['log', 'other']);
    expect(await zipped.contents()).toEqual(await plain.contents());
  });

  it('come from the disk too, as gzip wrote them', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'modelkeep-gzip-'));
    try {
      const path = join(directory, 'log.csv');
      await writeFile(path, csv);
      execFileSync('gzip', [path]);
      const store = new Imported();
      const { imported, damaged } = await store.add(csvRuns(nodeFile(`${path}.gz`), options));
      expect([imported.map(({ points }) => points), damaged]).toEqual([[20_000], []]);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });

  it('may have several members, which pigz, bgzip and cat make, and zeros behind the last', async () => {
    const parts = [csv.slice(0, 10), csv.slice(10, 20_000), '', csv.slice(20_000)].map((part) => gzipSync(part));
    for (const bytes of [Buffer.concat(parts), Buffer.concat([...parts, Buffer.alloc(10_240)])]) {
      const file = gunzipped(sourceFile('a.csv.gz', bytes));
      for (const start of [0, 15, 25_000]) expect((await bytesOf(file, start)).equals(Buffer.from(csv).subarray(start))).toBe(true);
      const store = new Imported();
      expect(await store.add(csvRuns(sourceFile('a.csv.gz', bytes), options))).toMatchObject({ imported: [{ points: 20_000 }], damaged: [] });
    }
  });

  it('may have names, remarks and more in their headers', async () => {
    const { length } = gzipSync(jsonl);
    const body = gzipSync(jsonl).subarray(10, length);
    const header = Buffer.from([0x1f, 0x8b, 8, 0x1f, 1, 2, 3, 4, 0, 3, 3, 0, 7, 7, 7, ...Buffer.from('log.jsonl\0a remark\0'), 9, 9]);
    expect((await bytesOf(gunzipped(sourceFile('a', Buffer.concat([header, body]))))).toString()).toBe(jsonl);
  });

  it('are what zlib makes of them, with any strategy and level, however the bytes come', async () => {
    const strategies = [constants.Z_DEFAULT_STRATEGY, constants.Z_FILTERED, constants.Z_HUFFMAN_ONLY, constants.Z_RLE, constants.Z_FIXED];
    const content = fc.oneof(fc.uint8Array({ maxLength: 3_000 }), fc.array(fc.constantFrom('step', 'loss', ',0.5\n', 'xyz', '0'.repeat(300)), { maxLength: 2_000 }).map((words) => new Uint8Array(Buffer.from(words.join('')))));
    await fc.assert(
      fc.asyncProperty(fc.array(content, { minLength: 1, maxLength: 3 }), fc.constantFrom(...strategies), fc.integer({ min: 0, max: 9 }), fc.constantFrom(1, 7, 100, 65_536), async (contents, strategy, level, size) => {
        const zipped = Buffer.concat(contents.map((each) => gzipSync(each, { strategy, level })));
        // One buffer for all chunks, as a careful reader of files has it.
        const chunk = new Uint8Array(size);
        const file: SourceFile = { name: 'a', async *open() { for (let at = 0; at < zipped.length; at += size) { const part = zipped.subarray(at, at + size); chunk.set(part); yield chunk.subarray(0, part.length); } } };
        expect((await bytesOf(gunzipped(file))).equals(Buffer.concat(contents))).toBe(true);
      }),
      { numRuns: 60, seed: 7 },
    );
  });

  const rows = Array.from({ length: 40 }, (_, i) => `${i},${Math.sin(i)}\n`);
  const small = [gzipSync(`step,loss\n${rows.slice(0, 20).join('')}`), gzipSync(rows.slice(20).join(''))];
  /** How many points are imported, which must be the first ones, and what is told. */
  const imported = async (bytes: Uint8Array): Promise<{ points: number; offset: number | undefined }> => {
    const store = new Imported();
    const { damaged } = await store.add(csvRuns(sourceFile('a.csv.gz', bytes), options));
    const id = (await store.runs())[0]?.id;
    const points = id === undefined ? [] : await store.points(id, 'loss');
    expect(points.map(([step, , value]) => [step, value])).toEqual(points.map((_, i) => [i, Math.sin(i)]));
    expect(damaged.length).toBeLessThanOrEqual(1);
    if (damaged.length > 0) expect(damaged[0]).toMatchObject({ source: 'csv:a.csv.gz', where: 'a.csv.gz', offset: expect.any(Number) as number });
    return { points: points.length, offset: damaged[0]?.offset };
  };

  it('that were cut off keep what came before, and say where', async () => {
    const whole = Buffer.concat(small);
    let before = 0;
    for (let length = 2; length < whole.length; length++) {
      const { points, offset } = await imported(whole.subarray(0, length));
      expect(points).toBeGreaterThanOrEqual(before);
      expect(offset).toBe(length === small[0]!.length ? undefined : length);
      before = points;
    }
    expect(before).toBe(40);
  });

  it('that were changed keep nothing of what is in doubt, whichever byte it is', async () => {
    const whole = Buffer.concat(small);
    const [first] = small.map(({ length }) => length) as [number, number];
    for (let at = 0; at < whole.length; at++) {
      for (const mask of [1, 0x10, 0xff]) {
        const bytes = Uint8Array.from(whole);
        bytes[at]! ^= mask;
        // It is no gzip then, nor CSV.
        if (at < 2) {
          await expect(imported(bytes)).rejects.toMatchObject({ code: 'validation' });
          continue;
        }
        const { points, offset } = await imported(bytes);
        if (offset === undefined) expect(points).toBe(40);
        else expect(points).toBe(at < first ? 0 : 20);
        if (offset !== undefined) expect(offset).toBe(at < first ? 0 : first);
      }
    }
  });

  it('that something stands behind keep all of it, and say where that is', async () => {
    const whole = Buffer.concat(small);
    expect(await imported(Buffer.concat([whole, Buffer.from('\0junk')]))).toEqual({ points: 40, offset: whole.length + 1 });
  });

  it('give a table of features what came before as well, and then fail', async () => {
    const whole = gzipSync(csv);
    const tables: number[] = [];
    const read = async (): Promise<void> => {
      for await (const table of csvTables(sourceFile('a.csv.gz', whole.subarray(0, whole.length - 99)), { batchRows: 1_000 })) tables.push(table['step']!.length);
    };
    await expect(read()).rejects.toMatchObject({ code: 'integrity', details: { key: 'a.csv.gz', offset: whole.length - 99 } });
    expect(tables).toHaveLength(19);
  });

  it('let go of their source when no more is wanted, and tell of its own failure', async () => {
    const whole = gzipSync(Buffer.from(Array.from({ length: 1_000_000 }, (_, i) => (i * 2_654_435_761) >>> 13)));
    let open = 0;
    const slow: SourceFile = {
      name: 'a.gz',
      async *open() {
        open++;
        try {
          for (let at = 0; at < whole.length; at += 1_000) yield await Promise.resolve(whole.subarray(at, at + 1_000));
        } finally {
          open--;
        }
      },
    };
    for await (const chunk of gunzipped(slow).open()) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    expect(open).toBe(0);
    const failing: SourceFile = {
      name: 'a.gz',
      async *open() {
        yield await Promise.resolve(whole.subarray(0, 1_000));
        throw new RangeError('the disk is gone');
      },
    };
    await expect(bytesOf(gunzipped(failing))).rejects.toThrow('the disk is gone');
  });
});
