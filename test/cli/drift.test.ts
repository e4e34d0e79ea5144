import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { DriftMonitor, profileData } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { beforeEach, expect, test } from 'vitest';
import { temporaryDirectories } from '../storage/filesystem/temporary-directory.ts';
import { cli } from './cli-host.ts';

const temporaryDirectory = temporaryDirectories();
let directory: string;
beforeEach(() => {
  directory = temporaryDirectory();
});

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

test('columns are chosen, left out, and taken for categories', async () => {
  await writeFile(join(directory, 'ref.csv'), csv(rows(400, 0)));
  await writeFile(join(directory, 'cur.csv'), csv(rows(400, 60)));
  const columnsOf = async (...options: string[]): Promise<string[]> => (await cli(['drift', 'check', 'ref.csv', 'cur.csv', '--json', ...options], { directory })).json().columns.map(({ name, kind }: { name: string; kind: string }) => `${name} ${kind}`);
  expect(await columnsOf()).toEqual(['delay number', 'origin category', 'zip number']);
  expect(await columnsOf('--columns', 'zip,origin')).toEqual(['origin category', 'zip number']);
  expect(await columnsOf('-x', 'delay', '--categorical', 'zip')).toEqual(['origin category', 'zip category']);
  const unknown = await cli(['drift', 'check', 'ref.csv', 'cur.csv', '--columns', 'origins'], { directory });
  expect(unknown).toMatchObject({ code: 1 });
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
