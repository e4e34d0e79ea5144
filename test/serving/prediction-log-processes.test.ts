import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readPredictions } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, it } from 'vitest';
import { childProgram } from '../child-program.ts';

const script = childProgram('logging-child.ts', import.meta.url);

/** Has a process keep predictions until so many are stored, and kills it; how many it said were stored. */
async function keepAndDie(directory: string, name: string, enough: number): Promise<number> {
  const child = spawn(process.execPath, [script, directory, name], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    if (Number(said.trim().split('\n').at(-1)) >= enough) child.kill('SIGKILL');
  });
  const [, signal] = (await once(child, 'close')) as [unknown, string];
  expect(signal).toBe('SIGKILL');
  return Number(said.slice(0, said.lastIndexOf('\n')).split('\n').at(-1));
}

describe('processes that keep predictions together and are killed', () => {
  it('lose nothing that was written, and leave nothing twice or in halves', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'modelkeep-log-'));
    try {
      const said = await Promise.all([keepAndDie(directory, 'one', 500), keepAndDie(directory, 'other', 300)]);
      await using storage = new FilesystemStorage(directory);
      const inputs = new Map<string, number[]>([['one', []], ['other', []]]);
      let before = Infinity;
      for await (const { id, at, input } of readPredictions({ storage, model: 'flight-delay' })) {
        expect(at).toBeLessThanOrEqual(before);
        before = at;
        inputs.get(id.split('-')[0]!)!.push(input as number);
      }
      for (const [i, found] of [...inputs.values()].entries()) {
        expect(found.length).toBeGreaterThanOrEqual(said[i]!);
        // From the first on without a gap or a repeat, up to a whole write.
        expect(found.sort((a, b) => a - b)).toEqual(Array.from({ length: found.length }, (_, n) => n));
        expect(found.length % 25).toBe(0);
      }
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});
