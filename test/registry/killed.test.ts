import { spawn } from 'node:child_process';
import { Registry } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, it } from 'vitest';
import { childProgram } from '../child-program.ts';
import { ModelkeepError } from '../../src/core/errors.ts';
import { temporaryDirectories } from '../storage/filesystem/temporary-directory.ts';
import { filesOf, type Command } from './commands.ts';
import { expectAsTold, expectInOneOrder, outcomeOf, type Outcome } from './invariants.ts';

const directory = temporaryDirectories();
const script = childProgram('registry-child.ts', import.meta.url);

interface Line {
  readonly mark: string;
  readonly command?: Command;
  readonly result?: unknown;
  readonly error?: { readonly code: string; readonly message: string };
}

/** Runs commands in a process of its own and kills it when it has told of so many lines and has done three kinds of them; an odd number is in the middle of a command. */
async function killedAfter(lines: number, path: string, name: string): Promise<Outcome[]> {
  const child = spawn(process.execPath, [script, path, 'mixed', name, '1000'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
    if (text.split('\n').length > lines && kindsDone(linesOf(text)) >= 3) child.kill('SIGKILL');
  });
  const signal = await new Promise((resolve, reject) => child.on('error', reject).on('close', (_code, by) => resolve(by)));
  expect(signal).toBe('SIGKILL');
  const told = linesOf(text);
  return told.flatMap(({ mark, command }): Outcome[] => {
    if (command === undefined) return [];
    const end = told.find((line) => line.mark === mark && line.command === undefined);
    if (end === undefined) return [{ command, mark, cutOff: true }];
    return [end.error ? { command, mark, error: new ModelkeepError(end.error.code as 'conflict', end.error.message) } : { command, mark, result: end.result }];
  });
}

function linesOf(text: string): Line[] {
  return text.split('\n').slice(0, -1).map((line) => JSON.parse(line) as Line);
}

function kindsDone(told: readonly Line[]): number {
  const done = new Set(told.flatMap(({ mark, command, error }) => (command === undefined && error === undefined ? [mark] : [])));
  return new Set(told.flatMap(({ mark, command }) => (command && done.has(mark) ? [command.kind] : []))).size;
}

describe('processes that are killed while they register, promote and roll back', () => {
  it('leave all that they were told was done, nothing that is half done, and a store that goes on', async () => {
    const path = directory();
    const storage = new FilesystemStorage(path);
    const registry = new Registry({ storage });
    const outcomes: Outcome[] = [await outcomeOf(registry, { kind: 'createModel' }, 'created')];
    const shares = await Promise.all([17, 32, 49].map((lines, i) => killedAfter(lines, path, `process ${i}`)));
    outcomes.push(...shares.flat());
    expect(outcomes.length).toBeGreaterThan(45);
    const history = await expectAsTold(registry);
    expectInOneOrder(history, outcomes);
    expect(new Set(history.map(({ type }) => type)).size).toBeGreaterThan(3);

    const { length } = history.filter(({ type }) => type === 'version-registered');
    expect(await registry.registerVersion('m', { files: filesOf('next') })).toMatchObject({ version: length + 1 });
    const [head] = await storage.read(['registry/models/m']);
    expect(new TextDecoder().decode(head!.bytes)).toContain('"pending":[]');
    await storage.close();
  });
});
