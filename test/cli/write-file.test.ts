import { spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeFileWhole } from '../../src/cli/write-file.ts';
import { childProgram } from '../child-program.ts';
import { temporaryDirectories } from '../storage/filesystem/temporary-directory.ts';
import { storeWithModel } from './stores.ts';

const temporaryDirectory = temporaryDirectories();

test('what is no file is written to, and nothing put in its place', async () => {
  const directory = temporaryDirectory();
  const pipe = join(directory, 'pipe');
  expect(spawnSync('mkfifo', [pipe]).status).toBe(0);
  const [read, bytes] = await Promise.all([readFile(pipe, 'utf8'), writeFileWhole('pipe', ['one ', 'two'], { directory })]);
  expect({ read, bytes, pipe: lstatSync(pipe).isFIFO() }).toEqual({ read: 'one two', bytes: 7, pipe: true });
  await expect(writeFileWhole('.', ['text'], { directory })).rejects.toMatchObject({ code: 'EISDIR' });
  expect(readdirSync(directory)).toEqual(['pipe']);
});

test('a link stays one, and files of similar names stay as they are', async () => {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, 'target'), 'before');
  writeFileSync(join(directory, 'target.part'), 'of somebody');
  symlinkSync('target', join(directory, 'link'));
  await writeFileWhole('link', ['after'], { directory });
  expect(lstatSync(join(directory, 'link')).isSymbolicLink()).toBe(true);
  expect(readFileSync(join(directory, 'target'), 'utf8')).toBe('after');
  expect(readFileSync(join(directory, 'target.part'), 'utf8')).toBe('of somebody');
  expect(readdirSync(directory).sort()).toEqual(['link', 'target', 'target.part']);
});

test('a link to what is not there yet stays one, and where there is no directory that is said', async () => {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, 'reports'));
  symlinkSync('reports/newest', join(directory, 'link'));
  symlinkSync('monday', join(directory, 'reports', 'newest'));
  await writeFileWhole('link', ['text'], { directory });
  expect([lstatSync(join(directory, 'link')).isSymbolicLink(), lstatSync(join(directory, 'reports', 'newest')).isSymbolicLink()]).toEqual([true, true]);
  expect(readFileSync(join(directory, 'reports', 'monday'), 'utf8')).toBe('text');
  expect(readdirSync(join(directory, 'reports')).sort()).toEqual(['monday', 'newest']);
  await expect(writeFileWhole('none/such', ['text'], { directory })).rejects.toMatchObject({ code: 'not-found', message: `There is no directory ${join(directory, 'none')} to write such to; make it first.` });
});

test('an output that does not fit is an error, for half a backup is none', async () => {
  const store = await storeWithModel(temporaryDirectory());
  const bin = childProgram('../../src/cli/bin.ts', import.meta.url);
  const { stdout, stderr } = spawnSync('bash', ['-c', '"$0" "$1" store export --store "$2" > /dev/full; echo "code $?"', process.execPath, bin, store], { encoding: 'utf8' });
  expect(stdout).toBe('code 1\n');
  expect(stderr).toMatch(/^modelkeep: ENOSPC.*\[ENOSPC\]\n$/);
});
