import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, it } from 'vitest';
import { childProgram } from '../../child-program.ts';
import { readValue } from '../../../src/storage/records.ts';
import { temporaryDirectories } from './temporary-directory.ts';

const directory = temporaryDirectories();
const child = childProgram('increment-child.ts', import.meta.url);

async function increment(root: string, times: number, compactAt: number): Promise<void> {
  const process_ = spawn(process.execPath, [child, root, String(times), String(compactAt)], { stdio: ['ignore', 'ignore', 'pipe'] });
  let complaint = '';
  process_.stderr.on('data', (text) => (complaint += String(text)));
  const [code] = await once(process_, 'close');
  if (code !== 0) throw new Error(`a process ended with ${code}: ${complaint}`);
}

describe('several processes on one store', () => {
  it.each([
    ['a file that is never replaced', 4 << 20],
    ['a file that is replaced every few writes', 2000],
  ])('8 × 50 increments are 400 with %s', { timeout: 180_000 }, async (_title, compactAt) => {
    const root = join(directory(), 'store');
    await Promise.all(Array.from({ length: 8 }, () => increment(root, 50, compactAt)));
    await using storage = new FilesystemStorage(root);
    expect((await readValue<number>(storage, 'shared/counter'))?.value).toBe(400);
  });
});
