import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Pipeline, Tracker } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, test } from 'vitest';
import { childProgram } from '../child-program.ts';
import { temporaryDirectories } from '../storage/filesystem/temporary-directory.ts';
import { storeWithModel } from './stores.ts';

const temporaryDirectory = temporaryDirectories();
const bin = (): string => childProgram('../../src/cli/bin.ts', import.meta.url);

test('a process ends with the code of what it did', async () => {
  const store = await storeWithModel(temporaryDirectory());
  const codeOf = (...line: string[]): number | null => spawnSync(process.execPath, [bin(), ...line, '--store', store]).status;
  expect(codeOf('models', 'ls')).toBe(0);
  expect(codeOf('models', 'show', 'none')).toBe(1);
  expect(codeOf('models', 'lst')).toBe(2);
  expect(codeOf('models', 'check', 'delay@2', 'production')).toBe(3);
});

test('a closed pipe ends a long output quietly', async () => {
  const parent = temporaryDirectory();
  const store = join(parent, 'store');
  {
    await using storage = new FilesystemStorage(store);
    const run = await new Tracker({ storage }).startRun({ experiment: 'long' });
    for (let step = 0; step < 50_000; step++) run.logMetrics({ loss: step }, { step });
    await run.end('finished');
  }
  const { stdout, stderr, status } = spawnSync('bash', ['-c', `"$0" "$1" runs export --store "$2" | head -2; echo "codes \${PIPESTATUS[*]}"`, process.execPath, bin(), store], { encoding: 'utf8' });
  expect(status).toBe(0);
  expect(stderr).toBe('');
  expect(stdout.trimEnd().split('\n')).toHaveLength(3);
  expect(stdout).toMatch(/codes 0 0\n$/);
});

describe('Ctrl-C', () => {
  /** A module whose pipeline says when its step has begun, and heeds its signal or not. */
  function moduleOf(directory: string, heeds: boolean): string {
    const file = join(directory, 'mlops.mjs');
    const library = childProgram('library-child.ts', import.meta.url);
    writeFileSync(file, `import { Pipeline } from ${JSON.stringify(library)};
import { writeFileSync } from 'node:fs';
export const pipelines = ({ storage }) => {
  const pipeline = new Pipeline({ name: 'slow', storage, grace: '1h' });
  pipeline.step('wait', {}, ({ signal }) => new Promise((resolve, reject) => {
    const timer = setInterval(() => undefined, 1000);
    if (${heeds}) signal.addEventListener('abort', () => { clearInterval(timer); writeFileSync(${JSON.stringify(join(directory, 'tidied'))}, ''); reject(signal.reason); });
    process.stderr.write('begun\\n');
  }));
  return [pipeline];
};
`);
    return file;
  }

  async function interrupted(heeds: boolean, times: number): Promise<{ readonly code: number | null; readonly directory: string; readonly store: string; readonly id: string }> {
    const directory = temporaryDirectory();
    const store = join(directory, 'store');
    await using storage = new FilesystemStorage(store);
    const pipeline = new Pipeline({ name: 'slow', storage });
    pipeline.step('wait', {}, () => {
      throw new Error('not yet');
    });
    const { id } = await pipeline.run();
    const child = spawn(process.execPath, [bin(), 'pipelines', 'resume', id, '--store', store, '--module', moduleOf(directory, heeds)], { stdio: ['ignore', 'ignore', 'pipe'] });
    let begun = false;
    child.stderr.on('data', (chunk: Buffer) => {
      if (begun || !chunk.toString().includes('begun')) return;
      begun = true;
      child.kill('SIGINT');
      // A second signal that comes with the first would be the same one to the system.
      if (times > 1) setTimeout(() => child.kill('SIGINT'), 50);
    });
    const [code] = (await once(child, 'exit')) as [number | null];
    return { code, directory, store, id };
  }

  test('lets steps tidy up, stores that they were stopped, and ends with 130', async () => {
    const { code, directory, store, id } = await interrupted(true, 1);
    expect(code).toBe(130);
    expect(existsSync(join(directory, 'tidied'))).toBe(true);
    await using storage = new FilesystemStorage(store);
    expect(await new Pipeline({ name: 'slow', storage }).getRun(id)).toMatchObject({ status: 'cancelled', steps: { wait: { status: 'cancelled' } } });
  });

  test('twice ends at once, whatever does not heed it', async () => {
    expect((await interrupted(false, 2)).code).toBe(130);
  });
});

test('bash completes commands, options and their values once it has sourced the script', async () => {
  const directory = temporaryDirectory();
  const script = spawnSync(process.execPath, [bin(), 'completion', 'bash'], { encoding: 'utf8' }).stdout;
  writeFileSync(join(directory, 'modelkeep.bash'), script);
  const complete = (...words: string[]): string[] => {
    const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', 'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _modelkeep; printf "%s\\n" "${COMPREPLY[@]}"', join(directory, 'modelkeep.bash'), ...words], { encoding: 'utf8' });
    expect(stderr).toBe('');
    return stdout.split('\n').filter((line) => line !== '');
  };
  expect(complete('modelkeep', 'mo')).toEqual(['models']);
  expect(complete('modelkeep', 'runs', '')).toEqual(expect.arrayContaining(['ls', 'show', 'compare', 'export', 'import']));
  expect(complete('modelkeep', 'runs', 'ls', '--fi')).toEqual(['--filter']);
  expect(complete('modelkeep', 'runs', 'ls', '--st')).toEqual(['--store']);
  expect(complete('modelkeep', 'runs', 'ls', '--deleted', 'o')).toEqual(['only']);
  expect(complete('modelkeep', 'runs', 'show', 'x')).toEqual([]);
  expect(spawnSync('bash', ['-n', join(directory, 'modelkeep.bash')]).status).toBe(0);
});

test('the module is loaded by the loader of Node, and what is wrong with it is said', async () => {
  const directory = temporaryDirectory();
  const store = await storeWithModel(directory);
  writeFileSync(join(directory, 'gates.mjs'), 'export const gates = { smoke: async () => ({ passed: true }) };\n');
  writeFileSync(join(directory, 'broken.mjs'), 'export const gates = {;\n');
  const run = (file: string) => spawnSync(process.execPath, [bin(), 'models', 'check', 'delay@1', 'production', '--store', store, '-m', file], { cwd: directory, encoding: 'utf8' });
  expect(run('gates.mjs')).toMatchObject({ status: 0, stderr: '' });
  expect(run('broken.mjs').stderr).toContain('could not be loaded');
  expect(run('none.mjs').stderr).toContain('There is no module');
  writeFileSync(join(directory, 'nothing.mjs'), 'throw null;\n');
  expect(run('nothing.mjs').stderr).toMatch(/nothing\.mjs could not be loaded: null \[validation\]/);
});

test('Ctrl-C ends the wait for a module that never comes to its end', async () => {
  const directory = temporaryDirectory();
  const store = await storeWithModel(directory);
  writeFileSync(join(directory, 'waits.mjs'), "process.stderr.write('begun');\nawait new Promise(() => setInterval(() => undefined, 1000));\n");
  const child = spawn(process.execPath, [bin(), 'models', 'check', 'delay@1', 'production', '--store', store, '-m', 'waits.mjs'], { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] });
  child.stderr.once('data', () => child.kill('SIGINT'));
  expect(await once(child, 'exit')).toEqual([130, null]);
});

test('a module whose await nothing can bring ends with 1 and says so', async () => {
  const directory = temporaryDirectory();
  const store = await storeWithModel(directory);
  writeFileSync(join(directory, 'never.mjs'), 'await new Promise(() => undefined);\n');
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin(), 'models', 'check', 'delay@1', 'production', '--store', store, '-m', 'never.mjs'], { cwd: directory, encoding: 'utf8' });
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toMatch(/^modelkeep: The module .*never\.mjs never came to its end: .*\[validation\]\n$/);
});
