import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Registry } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { childProgram } from '../child-program.ts';
import { stageOf } from '../../src/registry/stages.ts';
import { replayed } from './replayed.ts';

const who = { by: 'tester', reason: 'because' };
const script = childProgram('registry-child.ts', import.meta.url);
let directory: string;
let storage: FilesystemStorage;
let registry: Registry;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'modelkeep-registry-'));
  storage = new FilesystemStorage(directory);
  registry = new Registry({ storage });
  await registry.createModel('m');
});

afterEach(async () => {
  await storage.close();
  await rm(directory, { recursive: true, force: true });
});

interface Child {
  readonly process: ChildProcess;
  /** What it said, line by line, when it has ended. */
  readonly lines: Promise<string[]>;
}

function start(task: 'register' | 'move', name: string, times: number): Child {
  const child = spawn(process.execPath, [script, directory, task, name, String(times)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
  const lines = new Promise<string[]>((resolve, reject) => {
    child.on('error', reject).on('close', () => resolve(text.split('\n').filter((line) => line !== '')));
  });
  return { process: child, lines };
}

async function resultOf(child: Child): Promise<unknown[]> {
  const last = (await child.lines).at(-1) ?? '';
  expect(last, 'the child did not come to its end').toMatch(/^done /);
  return JSON.parse(last.slice('done '.length)) as unknown[];
}

describe('processes on one store', () => {
  it('give each of 40 registrations a number of its own', async () => {
    const children = ['a', 'b', 'c', 'd'].map((name) => ({ name, child: start('register', name, 10) }));
    const made = await Promise.all(children.map(async ({ name, child }) => ({ name, numbers: (await resultOf(child)) as number[] })));
    expect(made.flatMap(({ numbers }) => numbers).sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
    for (const { name, numbers } of made) {
      for (const [i, number] of numbers.entries()) {
        const loaded = await registry.load(`m@${number}`);
        expect(loaded.version).toMatchObject({ createdBy: name, tags: { i: String(i) } });
        expect(new TextDecoder().decode(await loaded.file('model.json'))).toBe(`${name}.${i}`);
      }
    }
    const history = await registry.history('m');
    expect(history.map((event) => event.sequence)).toEqual(Array.from({ length: 41 }, (_, i) => i + 1));
    expect(history.slice(1).map((event) => (event.data as { version: number }).version)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
  });

  it('promote and roll back at once and leave one version in production and a history that leads to it', async () => {
    for (let i = 1; i <= 5; i++) await registry.registerVersion('m', { files: { f: String(i) } });
    await registry.promote('m@1', 'production', who);
    const results = await Promise.all(['0', '1', '2'].map((name) => resultOf(start('move', name, 8))));
    const history = await registry.history('m');
    expect(history.map((event) => event.sequence)).toEqual(history.map((_, i) => i + 1));
    expect(history.filter((event) => event.type === 'rolled-back')).toHaveLength((results.flat() as [number, number | null][]).filter(([, back]) => back !== null).length);
    const state = replayed(history);
    expect((await registry.getModel('m')).production).toBe(state.production);
    const stages = [];
    for await (const version of registry.versions('m')) {
      expect(version.stage).toBe(stageOf(state, version.version));
      stages.push(version.stage);
    }
    expect(stages.filter((stage) => stage === 'production')).toHaveLength(1);
  });

  it('killed in the middle of registering lose nothing that they reported, and leave nothing half done', async () => {
    let reported = 0;
    for (const kill of [1, 3, 6]) {
      const child = start('register', `k${kill}`, 1_000);
      let seen = 0;
      child.process.stdout!.on('data', (part: string) => {
        seen += part.split('\n').length - 1;
        if (seen >= kill) child.process.kill('SIGKILL');
      });
      const lines = (await child.lines).filter((line) => /^\d+$/.test(line));
      expect(lines.length).toBeGreaterThanOrEqual(kill);
      for (const line of lines) expect((await registry.getVersion(`m@${line}`)).createdBy).toBe(`k${kill}`);
      reported += lines.length;
    }
    const { latest } = await registry.getModel('m');
    expect(latest).toBeGreaterThanOrEqual(reported);
    const history = await registry.history('m');
    expect(history.slice(1).map((event) => (event.data as { version: number }).version)).toEqual(Array.from({ length: latest }, (_, i) => i + 1));
    for await (const version of registry.versions('m')) {
      const loaded = await registry.load(`m@${version.version}`);
      for (const { path } of loaded.files()) expect((await loaded.file(path)).length).toBeGreaterThan(0);
    }
    expect((await registry.registerVersion('m', { files: { f: 'next' } })).version).toBe(latest + 1);
  });
});

describe('damage on the disk', () => {
  it('to a model file is an IntegrityError that names model, version and file', async () => {
    const contents = 'weights that nobody may touch '.repeat(50);
    await registry.registerVersion('m', { files: { 'weights.bin': contents, 'model.json': '{}' } });
    await registry.promote('m@1', 'production', who);
    expect(await flipByteOf(contents)).toBe(1);
    const loaded = await new Registry({ storage }).load('m@production');
    expect(new TextDecoder().decode(await loaded.file('model.json'))).toBe('{}');
    await expect(loaded.file('weights.bin')).rejects.toMatchObject({
      code: 'integrity',
      message: expect.stringMatching(/"weights.bin" of m@1 has changed/),
      details: { model: 'm', version: 1, path: 'weights.bin' },
    });
  });
});

/** Flips one bit in every file of the store that has `contents` in it, and says how many there were. */
async function flipByteOf(contents: string): Promise<number> {
  let found = 0;
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = await readFile(path);
    const at = bytes.indexOf(contents);
    if (at < 0) continue;
    bytes[at + 7]! ^= 4;
    await rm(path);
    await writeFile(path, bytes);
    found++;
  }
  return found;
}
