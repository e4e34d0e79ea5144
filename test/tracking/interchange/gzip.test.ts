import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { csvRuns, jsonlRuns, sourceFile } from 'modelkeep/interchange';
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

  it('that were cut off or changed are refused, wherever that is, and nothing of them is imported', async () => {
    const whole = gzipSync(csv);
    const flipped = Uint8Array.from(whole);
    flipped[whole.length >>> 1]! ^= 0xff;
    const broken = [whole.subarray(0, whole.length >>> 1), whole.subarray(0, whole.length - 1), whole.subarray(0, 2), whole.subarray(0, 11), flipped, Buffer.concat([whole, Buffer.from('junk')])];
    for (const bytes of broken) {
      const store = new Imported();
      await expect(store.add(csvRuns(sourceFile('a.csv.gz', bytes), options))).rejects.toMatchObject({ code: 'integrity', details: { key: 'a.csv.gz' } });
      expect(await store.contents()).toEqual({});
    }
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
