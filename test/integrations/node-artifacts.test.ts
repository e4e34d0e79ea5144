import { execFileSync } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemoryStorage, Tracker, type ArtifactRecord, type Run } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { writeArtifactsTo, type ArtifactReader } from '../../src/integrations/node/download-artifacts.ts';
import { artifactFromFile, artifactsFromDirectory, type ArtifactsFromDirectoryOptions } from '../../src/integrations/node/node-artifacts.ts';
import { digestOf } from '../../src/core/digest.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'modelkeep-artifacts-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

async function put(...names: string[]): Promise<void> {
  for (const name of names) {
    await mkdir(join(home, name, '..'), { recursive: true });
    await writeFile(join(home, name), name);
  }
}

async function namesIn(path: string, options?: ArtifactsFromDirectoryOptions): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of artifactsFromDirectory(path, options)) names.push(name);
  return names;
}

async function started(): Promise<{ tracker: Tracker; run: Run }> {
  const tracker = new Tracker({ storage: new MemoryStorage() });
  return { tracker, run: await tracker.startRun({ experiment: 'e' }) };
}

describe('a directory', () => {
  it('gives its files in order, by patterns', async () => {
    await put('in/b.txt', 'in/a/x.json', 'in/a/y.txt', 'in/node_modules/z/q.txt');
    const root = join(home, 'in');
    expect(await namesIn(root, { exclude: 'node_modules/**' })).toEqual(['a/x.json', 'a/y.txt', 'b.txt']);
    expect(await namesIn(root, { include: '*.txt' })).toEqual(['b.txt']);
    expect(await namesIn(root, { include: ['**/*.json', /^b/g], exclude: (name) => name === 'node_modules' })).toEqual(['a/x.json', 'b.txt']);
    await expect(namesIn(root, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
  });

  it('passes links over, or follows them inside and never out or around', async () => {
    await put('in/a/x', 'secret');
    const root = join(home, 'in');
    await symlink(join(root, 'a'), join(root, 'link'));
    await symlink(join(home, 'secret'), join(root, 'out'));
    await symlink(root, join(root, 'a', 'up'));
    expect(await namesIn(root)).toEqual(['a/x']);
    expect(await namesIn(root, { followSymlinks: true, exclude: ['out', '**/up'] })).toEqual(['a/x', 'link/x']);
    await expect(namesIn(root, { followSymlinks: true, exclude: '**/up' })).rejects.toThrow(/'out' leads out/);
    await expect(namesIn(root, { followSymlinks: true, exclude: 'out' })).rejects.toThrow(/'a\/up' leads back/);
  });

  it.skipIf(process.platform === 'win32')('refuses what is no file by its name', async () => {
    execFileSync('mkfifo', [join(home, 'pipe')]);
    await expect(namesIn(home)).rejects.toThrow("'pipe' is a named pipe");
    expect(await namesIn(home, { exclude: 'pipe' })).toEqual([]);
    await expect(artifactFromFile(home)).rejects.toThrow('a directory');
  });
});

describe('a file', () => {
  it('that changes before or while it is read is not logged', async () => {
    const { tracker, run } = await started();
    await put('f');
    const before = await artifactFromFile(join(home, 'f'));
    await appendFile(join(home, 'f'), 'more');
    await expect(run.logArtifact('f', before.content)).rejects.toMatchObject({ code: 'storage' });
    const during = await artifactFromFile(join(home, 'f'));
    const read = (async function* () {
      for await (const chunk of during.content) {
        yield chunk;
        await appendFile(join(home, 'f'), 'more');
      }
    })();
    await expect(run.logArtifact('f', read)).rejects.toThrow("'f' was changed while it was read");
    for await (const { name } of tracker.artifacts(run.id)) expect.fail(`${name} was logged`);
    const after = await artifactFromFile(join(home, 'f'));
    expect((await run.logArtifact('f', after.content)).size).toBe(after.size);
  });

  it('of 64 MB goes into a store on the disk and back', async () => {
    await using storage = new FilesystemStorage(join(home, 'store'));
    const tracker = new Tracker({ storage });
    const run = await tracker.startRun({ experiment: 'e' });
    const chunk = new Uint8Array(1024 * 1024).map((_, i) => i * 7);
    for (let i = 0; i < 64; i++) await appendFile(join(home, 'big'), chunk);
    const { name, content } = await artifactFromFile(join(home, 'big'));
    const { size } = await run.logArtifact(name, content);
    await writeArtifactsTo(join(home, 'out'), tracker, run.id);
    expect([size, (await stat(join(home, 'out', 'big'))).size]).toEqual([67_108_864, 67_108_864]);
    await run.end();
  });
});

describe('a download', () => {
  it('is the tree that was logged, can be repeated, and replaces only when told to', async () => {
    const { tracker, run } = await started();
    await run.logArtifact('a/b/c.txt', 'one');
    await run.logArtifact('d', '');
    const out = join(home, 'out');
    for (let turn = 0; turn < 2; turn++) expect((await writeArtifactsTo(out, tracker, run.id)).map(({ name }) => name).sort()).toEqual(['a/b/c.txt', 'd']);
    expect(await readFile(join(out, 'a/b/c.txt'), 'utf8')).toBe('one');
    await writeFile(join(out, 'd'), 'mine');
    await expect(writeArtifactsTo(out, tracker, run.id)).rejects.toMatchObject({ code: 'conflict' });
    await writeArtifactsTo(out, tracker, run.id, { overwrite: true });
    expect(await readFile(join(out, 'd'), 'utf8')).toBe('');
    expect((await readdir(out)).sort()).toEqual(['a', 'd']);
  });

  function forged(name: string, bytes = 'x', digest = digestOf('x')): ArtifactReader {
    const record: ArtifactRecord = { name, digest, size: 1, mediaType: 'a/b', loggedAt: 0 };
    const chunks = async function* () { yield new TextEncoder().encode(bytes); };
    return { async *artifacts() { yield record; }, openArtifact: async () => chunks() };
  }

  it.each(['../x', '/x', 'a/../../x', 'a\\x', '.', 'a//b'])('writes nothing for a name that is no path inside: %s', async (name) => {
    await expect(writeArtifactsTo(join(home, 'out'), forged(name), 'r')).rejects.toMatchObject({ code: 'validation' });
    expect(await readdir(home)).toEqual([]);
  });

  it('goes through no link, and leaves nothing of damaged bytes', async () => {
    await mkdir(join(home, 'out'));
    await mkdir(join(home, 'elsewhere'));
    await symlink(join(home, 'elsewhere'), join(home, 'out', 'a'));
    await expect(writeArtifactsTo(join(home, 'out'), forged('a/x'), 'r')).rejects.toMatchObject({ code: 'conflict' });
    expect(await readdir(join(home, 'elsewhere'))).toEqual([]);
    await expect(writeArtifactsTo(join(home, 'out'), forged('y', 'z'), 'r')).rejects.toMatchObject({ code: 'integrity' });
    expect(await readdir(join(home, 'out'))).toEqual(['a']);
    await put('target');
    await symlink(join(home, 'target'), join(home, 'out', 'x'));
    await writeArtifactsTo(join(home, 'out'), forged('x'), 'r', { overwrite: true });
    expect(await readFile(join(home, 'target'), 'utf8')).toBe('target');
  });

  it('refuses a file that would have to be a folder', async () => {
    const { tracker, run } = await started();
    await run.logArtifact('a', 'x');
    await run.logArtifact('a/b', 'y');
    await expect(writeArtifactsTo(home, tracker, run.id)).rejects.toMatchObject({ code: 'conflict', details: { key: 'a' } });
    expect(await readdir(home)).toEqual([]);
  });
});
