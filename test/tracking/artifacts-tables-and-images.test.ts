import { inflateSync, crc32 } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { MemoryStorage } from 'modelkeep';
import { readArtifact } from '../../src/tracking/artifacts/read-artifact.ts';
import { readTable, writeTable } from '../../src/tracking/artifacts/table-artifact.ts';
import { toCsv } from '../../src/tracking/artifacts/to-csv.ts';
import { writeFigure } from '../../src/tracking/artifacts/write-figure.ts';
import { writeImage, type ImageInput } from '../../src/tracking/artifacts/image-artifact.ts';
import { writeText } from '../../src/tracking/artifacts/write-json.ts';
import { ManualClock } from './manual-clock.ts';

const clock = new ManualClock();
afterEach(() => vi.unstubAllGlobals());

describe('tables', () => {
  const columns = { n: [1, null, NaN], id: [2n ** 60n, null, -1n], at: [new Date(0), null, new Date(1)], s: ['', null, 'a,"b"'], ok: [true, null, false], j: [{ a: 1 }, null, [2]] };

  it('come back with types, missing values, NaN, dates and 64-bit integers', async () => {
    const storage = new MemoryStorage();
    await writeTable(storage, clock, 'r', 't', { columns });
    const table = await readTable(storage, 'r', 't');
    expect(table).toEqual({
      rowCount: 3,
      totalRows: 3,
      types: { n: 'float64', id: 'int64', at: 'timestamp', s: 'string', ok: 'bool', j: 'json' },
      columns: { ...columns, at: [0, null, 1] },
    });
    expect([...toCsv(table)].join('')).toBe(
      'n,id,at,s,ok,j\r\n1,1152921504606846976,1970-01-01T00:00:00.000Z,"",true,"{""a"":1}"\r\n,,,,,\r\nNaN,-1,1970-01-01T00:00:00.001Z,"a,""b""",false,[2]\r\n',
    );
    expect((await readTable(storage, 'r', 't', { columns: ['s'], rows: { start: 1, end: 99 } }))).toMatchObject({ rowCount: 2, totalRows: 3, columns: { s: [null, 'a,"b"'] } });
  });

  it('are the same bytes as rows and as columns, and may have a column called columns', async () => {
    const storage = new MemoryStorage();
    const a = await writeTable(storage, clock, 'r', 'a', [{ columns: 1 }, { columns: 2 }]);
    const b = await writeTable(storage, clock, 'r', 'b', { columns: [1, 2] });
    const c = await writeTable(storage, clock, 'r', 'c', { columns: { columns: [1, 2] } });
    expect(new Set([a.digest, b.digest, c.digest]).size).toBe(1);
  });

  it('that are none, or lack a column, are errors', async () => {
    const storage = new MemoryStorage();
    await writeTable(storage, clock, 'r', 't', { columns: { x: [1] } });
    await writeText(storage, clock, 'r', 'text', 'x');
    await expect(readTable(storage, 'r', 'text')).rejects.toThrow('not a table');
    await expect(readTable(storage, 'r', 't', { columns: ['y'] })).rejects.toThrow('"y"');
    await expect(readTable(storage, 'r', 't', { rows: { start: -1 } })).rejects.toMatchObject({ details: { path: 'rows' } });
    await expect(writeTable(storage, clock, 'r', 't', { columns: { x: [1], y: [] } })).rejects.toMatchObject({ code: 'validation' });
  });
});

/** A decoder of its own: chunks with their checksums, zlib by Node, filters undone. */
function decodePng(file: Uint8Array): { width: number; height: number; data: number[] } {
  const view = new DataView(file.buffer, file.byteOffset);
  const parts: Uint8Array[] = [];
  let [width, height] = [0, 0];
  for (let at = 8; at < file.length; ) {
    const size = view.getUint32(at);
    const type = String.fromCharCode(...file.subarray(at + 4, at + 8));
    expect(view.getUint32(at + 8 + size)).toBe(crc32(file.subarray(at + 4, at + 8 + size)));
    if (type === 'IHDR') [width, height] = [view.getUint32(at + 8), view.getUint32(at + 12)];
    if (type === 'IDAT') parts.push(file.subarray(at + 8, at + 8 + size));
    at += 12 + size;
  }
  const lines = inflateSync(Buffer.concat(parts));
  const data: number[] = [];
  for (let y = 0; y < height; y++) {
    const start = y * (width * 4 + 1);
    for (let x = 0; x < width * 4; x++) {
      const before = [0, x < 4 ? 0 : data.at(-4)!, y === 0 ? 0 : data.at(-width * 4)!][lines[start]!]!;
      data.push((lines[start + 1 + x]! + before) & 0xff);
    }
  }
  return { width, height, data };
}

describe('images', () => {
  it.each(['deflated', 'stored'])('of pixels become a PNG that gives the pixels back: %s', async (kind) => {
    if (kind === 'stored') vi.stubGlobal('CompressionStream', undefined);
    const storage = new MemoryStorage();
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }), fc.boolean(), fc.integer(), async (width, height, smooth, seed) => {
        const data = Uint8ClampedArray.from({ length: width * height * 4 }, (_, i) => (smooth ? (i >> 3) & 255 : (Math.imul(i + seed, 2_654_435_761) >>> 24) & 255));
        await writeImage(storage, clock, 'r', 'i', { width, height, data });
        expect(decodePng(await readArtifact(storage, 'r', 'i'))).toEqual({ width, height, data: [...data] });
      }),
      { numRuns: 30, seed: 7 },
    );
    const large = { width: 200, height: 200, data: new Uint8ClampedArray(160_000).fill(200) };
    const { size, mediaType } = await writeImage(storage, clock, 'r', 'i', large);
    expect(decodePng(await readArtifact(storage, 'r', 'i')).data).toEqual([...large.data]);
    expect([mediaType, size < 5_000]).toEqual(['image/png', kind === 'deflated']);
  });

  it('of files are kept as they are, and told by their first bytes', async () => {
    const storage = new MemoryStorage();
    const jpeg = new Uint8Array([0xff, 0xd8, 0xff, 0xe0]);
    expect(await writeImage(storage, clock, 'r', 'i', jpeg)).toMatchObject({ mediaType: 'image/jpeg', size: 4 });
    expect((await writeImage(storage, clock, 'r', 'i', new Blob([jpeg]))).mediaType).toBe('image/jpeg');
    for (const odd of [new Uint8Array(3), 'x', null, { width: 2, height: 1, data: new Uint8ClampedArray(4) }, { width: 0, height: 1, data: new Uint8ClampedArray(0) }]) {
      await expect(writeImage(storage, clock, 'r', 'i', odd as ImageInput)).rejects.toMatchObject({ code: 'validation' });
    }
  });
});

describe('figures', () => {
  const xmlns = 'xmlns="http://www.w3.org/2000/svg"';
  it.each([`<svg ${xmlns}/>`, `\ufeff<?xml version="1.0"?>\n<!-- a -->\n<!DOCTYPE svg>\n<svg ${xmlns} a=">"><g/></svg>\n`, `<s:svg xmlns:s="http://www.w3.org/2000/svg"></s:svg><!-- b -->`])('are kept: %s', async (svg) => {
    expect((await writeFigure(new MemoryStorage(), clock, 'r', 'f', svg)).mediaType).toBe('image/svg+xml');
  });

  it.each([['<svg></svg>', 'lacks xmlns'], ['<html></html>', 'begins with'], [`<svg ${xmlns}><g>`, 'does not end'], [`<svg ${xmlns}></svg>x`, 'does not end'], ['<!-- x', 'never closed'], [`<!DOCTYPE svg [<!ENTITY a "b">]><svg ${xmlns}/>`, 'entities'], ['', 'begins with'], [5 as never, 'not a text']])(
    'that are no SVG are refused: %s',
    async (svg, reason) => {
      await expect(writeFigure(new MemoryStorage(), clock, 'r', 'f', svg)).rejects.toThrow(reason);
    },
  );
});
