import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Tracker } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { csvRuns } from 'modelkeep/interchange';
import { nodeFile } from 'modelkeep/node';
import { childProgram } from '../../child-program.ts';
import { all } from './imported.ts';

const script = childProgram('importing-child.ts', import.meta.url);

/** Imports in a process of its own; it is killed as soon as it has said anything when `isKilled`. */
function importIn(root: string, file: string, isKilled: boolean): Promise<{ signal: string | null; said: string }> {
  const child = spawn(process.execPath, [script, root, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    if (isKilled) child.kill('SIGKILL');
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (_code, signal) => resolve({ signal, said }));
  });
}

it('processes that import a growing file beside one another, of which some are killed, lose and double no point', async () => {
  const home = await mkdtemp(join(tmpdir(), 'modelkeep-importing-'));
  try {
    const steps = 51_000;
    const lines = Array.from({ length: steps }, (_, step) => `${step},${1 / (step + 1)},${step % 3 === 0 ? '' : step}\n`);
    const file = async (name: string, rows: number): Promise<string> => {
      const path = join(home, name);
      await writeFile(path, `step,loss,acc\n${lines.slice(0, rows).join('')}`);
      return path;
    };
    const root = join(home, 'store');
    const [small, large] = [await file('small.csv', 42_000), await file('large.csv', steps)];
    const ended = await Promise.all([importIn(root, small, true), importIn(root, large, true), importIn(root, small, false)]);
    expect(ended.map(({ signal }) => signal)).toEqual(['SIGKILL', 'SIGKILL', null]);
    expect(ended[2].said.trimEnd().split('\n').at(-1)).toBe('[]');
    await using storage = new FilesystemStorage(root);
    const tracker = new Tracker({ storage });
    const source = () => csvRuns(nodeFile(large), { experiment: 'e', run: 'r', startedAt: 1 });
    await tracker.importRuns(source());
    const [run, ...others] = await all(tracker.runs());
    expect(others).toEqual([]);
    expect([...(await tracker.metricHistory(run!.id, 'loss')).steps]).toEqual(Array.from({ length: steps }, (_, i) => i));
    expect((await tracker.metricHistory(run!.id, 'acc')).total).toBe(34_000);
    expect((await tracker.importRuns(source())).unchanged).toHaveLength(1);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
});
