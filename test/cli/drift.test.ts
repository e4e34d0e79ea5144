import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { DriftMonitor, profileData } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { beforeEach, expect, test } from 'vitest';
import { temporaryDirectories } from '../storage/filesystem/temporary-directory.ts';
import { cli, type CliOutcome } from './cli-host.ts';

const temporaryDirectory = temporaryDirectories();
let directory: string;
beforeEach(() => {
  directory = temporaryDirectory();
});

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/parquet/${name}`, import.meta.url));
const rows = (count: number, shift: number): string[] => Array.from({ length: count }, (_, i) => `${((i * 37) % 100) + shift},${['ATL', 'JFK', 'ORD'][i % 3]},${10_000 + (i % 7)}`);
const csv = (lines: readonly string[], delimiter = ','): string => `delay,origin,zip\n${lines.join('\n')}\n`.replaceAll(',', delimiter);

test('the same rows are stable and end with 0; shifted ones have drifted and end with 3', async () => {
  await writeFile(join(directory, 'ref.csv'), csv(rows(400, 0)));
  await writeFile(join(directory, 'same.csv'), csv(rows(400, 0).reverse()));
  await writeFile(join(directory, 'cur.csv'), csv(rows(400, 60)));
  expect(await cli(['drift', 'check', 'ref.csv', 'same.csv'], { directory })).toMatchObject({ code: 0, stderr: '' });
  const drifted = await cli(['drift', 'check', 'ref.csv', 'cur.csv'], { directory });
  expect(drifted.code).toBe(3);
  expect(drifted.stdout).toMatch(/delay +number +drifted/);
  expect(drifted.stdout).toMatch(/origin +category +stable/);
  const json = await cli(['drift', 'check', 'ref.csv', 'cur.csv', '--json'], { directory });
  expect(json).toMatchObject({ code: 3 });
  expect(json.json()).toMatchObject({ drifted: true, driftedColumns: ['delay'], referenceRows: 400 });
});

test('other delimiters, gzip, standard input and JSONL are read alike', async () => {
  await writeFile(join(directory, 'ref.csv'), csv(rows(400, 0)));
  await writeFile(join(directory, 'cur.csv.gz'), gzipSync(csv(rows(400, 60), ';')));
  await writeFile(join(directory, 'cur.jsonl'), rows(400, 60).map((line) => line.split(',')).map(([delay, origin, zip]) => JSON.stringify({ delay: Number(delay), origin, zip: Number(zip) })).join('\n'));
  const expected = (await cli(['drift', 'check', 'ref.csv', '-', '--json'], { directory, stdin: csv(rows(400, 60)) })).json();
  expect(expected.driftedColumns).toEqual(['delay']);
  for (const file of ['cur.csv.gz', 'cur.jsonl']) expect((await cli(['drift', 'check', 'ref.csv', file, '--json'], { directory })).json()).toEqual(expected);
});

test('a number below 0 is the value of the option before it', async () => {
  for (const file of ['ref.csv', 'cur.csv']) await writeFile(join(directory, file), `delay\n${Array.from({ length: 60 }, (_, i) => (i % 3 === 0 ? -999 : i)).join('\n')}\n`);
  expect((await cli(['drift', 'check', 'ref.csv', 'cur.csv', '--missing', '-999', '--json'], { directory })).json()).toEqual((await cli(['drift', 'check', 'ref.csv', 'cur.csv', '--missing=-999', '--json'], { directory })).json());
});

test('UTF-16 is read with and without a byte order mark, and what has bytes of 0 else is no text', async () => {
  await writeFile(join(directory, 'ref.csv'), csv(rows(400, 0)));
  const utf16 = (text: string, order: 'le' | 'be'): Buffer => (order === 'le' ? Buffer.from(text, 'utf16le') : Buffer.from(text, 'utf16le').swap16());
  const text = csv(rows(400, 60), ';');
  for (const order of ['le', 'be'] as const) {
    for (const mark of ['', '\uFEFF']) {
      await writeFile(join(directory, 'cur.csv'), utf16(mark + text, order));
      expect((await cli(['drift', 'check', 'ref.csv', 'cur.csv', '--json'], { directory })).json()).toMatchObject({ driftedColumns: ['delay'], columns: { length: 3 } });
    }
  }
  // In names of other scripts only delimiters, digits and ends of lines have a byte of 0.
  for (const file of ['ref.csv', 'cur.csv']) await writeFile(join(directory, file), utf16(`延误分钟数据列,出发地机场名称\n${Array.from({ length: 50 }, (_, i) => `${i % 9},亚特兰大哈茨菲尔德`).join('\n')}\n`, 'le'));
  expect((await cli(['drift', 'check', 'ref.csv', 'cur.csv', '--json'], { directory })).json().columns.map(({ name, kind }: { name: string; kind: string }) => `${name} ${kind}`)).toEqual(['延误分钟数据列 number', '出发地机场名称 category']);
  // Letters whose own byte is 0, beside names in ASCII.
  for (const order of ['le', 'be'] as const) {
    for (const file of ['ref.csv', 'cur.csv']) await writeFile(join(directory, file), utf16(`delay,level\n${Array.from({ length: 50 }, (_, i) => `${i % 9},一级`).join('\n')}\n`, order));
    expect((await cli(['drift', 'check', 'ref.csv', 'cur.csv', '--json'], { directory })).json().columns.map(({ name, kind }: { name: string; kind: string }) => `${name} ${kind}`)).toEqual(['delay number', 'level category']);
  }
  for (const bytes of ['a,b\n1,\0\n', 'a,b\n1,2\n\0\0', `a,b\n1,2\n${'\0'.repeat(64)}`, `a,b\n1,24\n${'\0'.repeat(63)}`]) {
    await writeFile(join(directory, 'cur.csv'), bytes);
    const outcome = await cli(['drift', 'check', 'ref.csv', 'cur.csv'], { directory });
    expect(outcome).toMatchObject({ code: 1, stdout: '' });
    expect(outcome.stderr).toContain(`cur.csv is not text: byte ${bytes.indexOf('\0')} is 0`);
  }
});

test('each file has the decimal sign of its own', async () => {
  const points = (shift: number): string => `x,y\n${Array.from({ length: 100 }, (_, i) => `${(i % 10) + shift}.5,${i % 3}`).join('\n')}\n`;
  const commas = (shift: number): string => points(shift).replaceAll(',', ';').replaceAll('.', ',');
  const files = { 'points.csv': points(0), 'commas.csv': commas(0), 'shifted.csv': commas(50) };
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
  const drifted = async (reference: string, current: string): Promise<unknown> => (await cli(['drift', 'check', reference, current, '--json'], { directory })).json().driftedColumns;
  expect(await drifted('points.csv', 'commas.csv')).toEqual([]);
  expect(await drifted('commas.csv', 'points.csv')).toEqual([]);
  expect(await drifted('points.csv', 'shifted.csv')).toEqual(['x']);
});

test('Parquet is a reference and what is compared, in whichever compression, also with CSV, whose cells have its types', async () => {
  const [reference, shifted] = [fixture('reference.parquet'), fixture('shifted-gzip.parquet')];
  const check = async (...files: string[]): Promise<CliOutcome> => cli(['drift', 'check', ...files, '--json'], { directory });
  expect(await check(reference, reference)).toMatchObject({ code: 0 });
  const drifted = await check(reference, shifted);
  expect(drifted).toMatchObject({ code: 3, stderr: '' });
  expect(drifted.json()).toMatchObject({ driftedColumns: ['delay'], referenceRows: 400, currentRows: 400 });
  const kinds = (outcome: CliOutcome): string[] => outcome.json().columns.map(({ name, kind }: { name: string; kind: string }) => `${name} ${kind}`).sort();
  expect(kinds(drifted)).toEqual(['delay number', 'landed timestamp', 'late category', 'origin category', 'zip number']);
  await writeFile(join(directory, 'cur.csv'), `delay,origin,zip,late,landed\n${Array.from({ length: 400 }, (_, i) => `${i % 20 === 7 ? '' : (i * 37) % 100},${['ATL', 'JFK', 'ORD'][i % 3]},${10_000 + (i % 7)},${i % 4 === 0},${new Date(Date.UTC(2001, 0, 1, i)).toISOString()}`).join('\n')}\n`);
  const mixed = await check(reference, 'cur.csv');
  expect(mixed.json()).toMatchObject({ driftedColumns: [], status: 'stable' });
  expect(kinds(mixed)).toEqual(kinds(drifted));
  expect((await check(reference, reference, '--columns', 'zip,origin')).json().columns).toHaveLength(2);
});

test('codes that are texts in the reference stay texts in CSV', async () => {
  await writeFile(join(directory, 'ref.jsonl'), Array.from({ length: 60 }, (_, i) => JSON.stringify({ zip: String(10_000 + (i % 5)) })).join('\n'));
  await writeFile(join(directory, 'cur.csv'), `zip\n${Array.from({ length: 60 }, (_, i) => 10_000 + (i % 5)).join('\n')}\n`);
  expect((await cli(['drift', 'check', 'ref.jsonl', 'cur.csv', '--json'], { directory })).json()).toMatchObject({ status: 'stable', columns: [{ kind: 'category' }] });
});

test('whatever is wrong with a file, the error names it', async () => {
  await writeFile(join(directory, 'ref.csv'), csv(rows(40, 0)));
  const zipped = gzipSync(csv(rows(40, 0)));
  const files: Record<string, string | Uint8Array> = {
    'cut.csv.gz': zipped.subarray(0, -20), 'junk.csv.gz': Buffer.concat([zipped, Buffer.from('junk')]), 'cut.jsonl.gz': gzipSync('{"a":1}\n').subarray(0, 20),
    'text.parquet': 'a,b\n1,2\n', 'empty.parquet': '', 'lies.parquet': 'PAR1aaaaaaaaPAR1', 'cut.parquet': (await readFile(fixture('reference.parquet'))).subarray(0, 3000), 'empty.jsonl': '\n', 'half.jsonl': '{"a":', 'list.jsonl': '[1]\n',
  };
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(directory, name), bytes);
  for (const name of ['directory.csv', 'directory.parquet', 'directory.jsonl']) await mkdir(join(directory, name));
  for (const name of [...Object.keys(files), 'directory.csv', 'directory.parquet', 'directory.jsonl']) {
    const { code, stderr } = await cli(['drift', 'check', 'ref.csv', name, '--json'], { directory });
    expect({ name, code, error: JSON.parse(stderr).error }).toMatchObject({ code: 1, error: { code: 'validation', message: expect.stringContaining(name) } });
  }
  for (const name of ['none.csv', 'none.parquet', 'none.jsonl']) expect((await cli(['drift', 'check', name, 'ref.csv'], { directory })).stderr).toMatch(new RegExp(`There is no file .*${name}.* \\[not-found\\]`));
});

test('columns are chosen, left out, and taken for categories', async () => {
  await writeFile(join(directory, 'ref.csv'), csv(rows(400, 0)));
  await writeFile(join(directory, 'cur.csv'), csv(rows(400, 60)));
  const columnsOf = async (...options: string[]): Promise<string[]> => (await cli(['drift', 'check', 'ref.csv', 'cur.csv', '--json', ...options], { directory })).json().columns.map(({ name, kind }: { name: string; kind: string }) => `${name} ${kind}`);
  expect(await columnsOf()).toEqual(['delay number', 'origin category', 'zip number']);
  expect(await columnsOf('--columns', 'zip,origin')).toEqual(['origin category', 'zip number']);
  expect(await columnsOf('-x', 'delay', '--categorical', 'zip')).toEqual(['origin category', 'zip category']);
  const unknown = await cli(['drift', 'check', 'ref.csv', 'cur.csv', '--columns', 'origins'], { directory });
  expect(unknown).toMatchObject({ code: 2, stdout: '' });
  expect(unknown.stderr).toContain("has a column 'origins'; did you mean 'origin'?");
  expect(await cli(['drift', 'check', 'ref.csv', 'cur.csv', '--categorical', 'zap'], { directory })).toMatchObject({ code: 2 });
});

test('types are those of the reference: a text among numbers is told as drift of the values, not guessed anew', async () => {
  await writeFile(join(directory, 'ref.csv'), csv(rows(400, 0)));
  await writeFile(join(directory, 'cur.csv'), csv(rows(400, 0).map((line) => line.replace(/^\d+/, 'late'))));
  const { columns } = (await cli(['drift', 'check', 'ref.csv', 'cur.csv', '--json'], { directory })).json();
  expect(columns[0]).toMatchObject({ name: 'delay', kind: 'number', status: 'drifted' });
});

test('a file that is not there, is ragged or is no text ends with 1 and the line', async () => {
  await writeFile(join(directory, 'ref.csv'), csv(rows(40, 0)));
  await writeFile(join(directory, 'ragged.csv'), `${csv(rows(40, 0))}1,ATL\n`);
  await writeFile(join(directory, 'binary.csv'), Buffer.from([0x61, 0x2c, 0xff, 0xfe, 0x80]));
  const ragged = await cli(['drift', 'check', 'ref.csv', 'ragged.csv'], { directory });
  expect(ragged).toMatchObject({ code: 1, stdout: '' });
  expect(ragged.stderr).toContain('ragged.csv, line 42: it has 2 cells, and the first line has 3.');
  expect((await cli(['drift', 'check', 'ref.csv', 'binary.csv'], { directory })).stderr).toContain('is not text in UTF-8');
  expect((await cli(['drift', 'check', 'ref.csv', 'none.csv'], { directory })).stderr).toContain(`There is no file ${join(directory, 'none.csv')}.`);
});

test('a stored monitor is shown with its last windows, and is as it was afterwards', async () => {
  const store = join(directory, 'store');
  {
    await using storage = new FilesystemStorage(store);
    const monitor = new DriftMonitor({ storage, name: 'delay', window: { rows: 100 }, reference: profileData({ x: Float64Array.from({ length: 500 }, (_, i) => i % 100) }) });
    for (let i = 0; i < 250; i++) monitor.observe({ features: { x: (i % 100) + (i < 100 ? 0 : 80) } });
    await monitor.close();
  }
  expect((await cli(['drift', 'ls', '-s', store])).stdout).toBe('delay\n');
  const before = (await cli(['store', 'export', '-s', store])).stdout;
  const shown = await cli(['drift', 'show', 'delay', '-s', store]);
  expect(shown.code).toBe(3);
  expect(shown.stdout).toMatch(/2 +100 .*drifted +x/);
  expect(shown.stdout).toMatch(/1 +100 .*stable/);
  expect((await cli(['drift', 'show', 'delay', '--limit', '1', '--json', '-s', store])).json()).toMatchObject([{ window: { number: 2 } }]);
  expect((await cli(['store', 'export', '-s', store])).stdout).toBe(before);
  expect((await cli(['drift', 'show', 'other', '-s', store])).stderr).toContain('[not-found]');
});
