import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, it } from 'vitest';
import { childProgram } from '../../child-program.ts';
import { collectBytes, fromUtf8 } from '../../../src/core/bytes.ts';
import { digestOf } from '../../../src/core/digest.ts';
import { temporaryDirectories } from '../filesystem/temporary-directory.ts';

const directory = temporaryDirectories();

/** What a process says that works on a store under a limit of the shell. */
function underLimit(limit: string, root: string, mode: string): unknown {
  const script = childProgram('limits-child.ts', import.meta.url);
  const { status, stdout, stderr } = spawnSync('sh', ['-c', `${limit}; exec "$@"`, 'sh', process.execPath, script, root, mode], { encoding: 'utf8' });
  expect(`${status} ${stderr}`).toBe('0 ');
  return JSON.parse(stdout);
}

async function textsOf(storage: FilesystemStorage, log: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { bytes } of storage.readLog(log)) found.push(fromUtf8(bytes));
  return found;
}

// Windows has no such limits.
describe.skipIf(process.platform === 'win32')('a process', () => {
  it('that may open no more files is told so, loses nothing, and works on when there are some again', async () => {
    const root = join(directory(), 'store');
    const refused = 'storage EMFILE';
    expect(underLimit('ulimit -n 200', root, 'files')).toEqual({
      // What needs no other file goes on.
      without: ['done', refused, refused, refused, refused, refused],
      withThem: ['done', 'done', 'done', 'done', 'done', 'done'],
    });
    await using storage = new FilesystemStorage(root);
    expect([await textsOf(storage, 'log'), await textsOf(storage, 'new'), await textsOf(storage, 'gone')]).toEqual([['before', 'open', 'open'], ['new'], []]);
    expect((await storage.list({ kind: 'blob' })).entries.map(({ key }) => key)).toEqual([digestOf('before'), digestOf('new')].sort());
  });

  it('whose files may not grow is told so, keeps what was acknowledged, and goes on in new ones', async () => {
    const root = join(directory(), 'store');
    const refused = 'storage EFBIG';
    const appends = Array.from({ length: 41 }, () => 'done');
    expect(underLimit('ulimit -f 2048', root, 'size')).toEqual({ blob: refused, larger: refused, smaller: 'done', appends });
    await using storage = new FilesystemStorage(root);
    expect(await textsOf(storage, 'log')).toEqual([...Array.from({ length: 40 }, (_, i) => `${i}|`.padEnd(200_000)), 'last']);
    expect(readdirSync(join(root, 'logs/log')).length).toBeGreaterThan(3);
    const blobs = (await storage.list({ kind: 'blob' })).entries.map(({ key }) => key);
    expect(blobs).toEqual([digestOf('before'), digestOf('smaller')].sort());
    expect(fromUtf8(await collectBytes((await storage.readBlob(digestOf('before')))!))).toBe('before');
    expect(readdirSync(join(root, 'tmp'))).toEqual([]);
  });
});
