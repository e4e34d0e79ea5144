import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { replicate } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, it } from 'vitest';
import { childProgram } from '../../child-program.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { temporaryDirectories } from '../filesystem/temporary-directory.ts';
import { contentsOf } from './contents.ts';

const directory = temporaryDirectories();
const child = childProgram('link-child.ts', import.meta.url);
const seed = Math.floor(Math.random() * 2 ** 31);

/** Lets a process write and replicate until it has told so many steps of its link, and kills it. */
async function workUntilKilled(from: string, to: string, name: string, steps: number): Promise<void> {
  const process_ = spawn(process.execPath, [child, from, to, name], { stdio: ['ignore', 'pipe', 'pipe'] });
  let complaint = '';
  process_.stderr.on('data', (text) => (complaint += String(text)));
  let told = 0;
  process_.stdout.on('data', (text) => {
    told += String(text).split('\n').length - 1;
    if (told >= steps) process_.kill('SIGKILL');
  });
  const [code, signal] = (await once(process_, 'close')) as [number | null, string | null];
  if (signal !== 'SIGKILL') throw new Error(`the process ended with ${code}: ${complaint}`);
}

describe(`links of processes that are killed (seed ${seed})`, () => {
  it('go on in the next process, and two at once do no harm', { timeout: 90_000 }, async () => {
    const random = seededRandom(seed);
    const [from, to] = [join(directory(), 'from'), join(directory(), 'to')];
    for (let round = 0; round < 5; round++) {
      const steps = (): number => 3 + Math.floor(random() * 80);
      const workers = round < 3 ? ['one'] : ['one', 'two'];
      await Promise.all(workers.map((name) => workUntilKilled(from, to, `${name}-${round}`, steps())));
      const [a, b] = [new FilesystemStorage(from), new FilesystemStorage(to)];
      const link = replicate({ from: a, to: b });
      // A log's deletion has no condition: of two links that delete one at once, the slower may take what the faster began anew, and the next look mends it.
      expect(await link.settled()).toMatchObject({ conflicts: 0 });
      const [source, target] = [await contentsOf(a), await contentsOf(b)];
      expect(target).toEqual(source);
      expect(target.missingBlobs).toEqual([]);
      for (const storage of [link, a, b]) await storage.close();
    }
  });
});
