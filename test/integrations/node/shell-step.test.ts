import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryStorage, Pipeline, type StepContext } from 'modelkeep';
import { shell, type ShellCommand } from 'modelkeep/node';
import { afterEach, beforeEach, describe, expect, expectTypeOf, it } from 'vitest';
import * as z from 'zod';
import { childProgram } from '../../child-program.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'modelkeep-shell-'));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

const node = (program: string, ...args: string[]): ShellCommand => [process.execPath, '-e', program, '--', ...args];
const context = (signal = new AbortController().signal): StepContext<unknown, unknown> => ({ inputs: {}, params: {}, signal, states: {}, log: console, heartbeat: () => undefined, lastHeartbeat: undefined, track: () => Promise.reject(new Error('no tracker')), run: { id: 'one', pipeline: 'nightly', step: 'train', attempt: 1, key: 'one/train', signal } });

/** Resolves when nothing runs under the pid any more. */
async function gone(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
      if (existsSync(`/proc/${pid}/stat`) && readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.startsWith('Z')) return;
    } catch {
      return;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('shell', () => {
  it('gives what a command wrote, and takes stdin, a directory and variables', async () => {
    const program = "let text = ''; process.stdin.on('data', (c) => text += c).on('end', () => { console.log(process.cwd(), process.env.A, process.env.B, text); console.error('done'); process.exitCode = 3; });";
    const run = shell(node(program), { cwd: directory, env: { A: 'a b', B: undefined }, stdin: () => 'ünï', exitCodes: [0, 3] });
    process.env['B'] = 'of this process';
    try {
      expect(await run(context())).toEqual({ exitCode: 3, stdout: `${directory} a b undefined ünï\n`, stderr: 'done\n', truncated: false });
    } finally {
      delete process.env['B'];
    }
  });

  it('lets no shell read an argument', async () => {
    const hostile = [`'; touch ${directory}/made; '`, `$(touch ${directory}/made)`, `\`touch ${directory}/made\``, '*', '--', '"', '\n', '\\', '%PATH%', 'ünï'];
    const { stdout } = await shell(node('console.log(JSON.stringify(process.argv.slice(1)))', ...hostile))(context());
    expect(JSON.parse(stdout)).toEqual(hostile);
    expect(existsSync(join(directory, 'made'))).toBe(false);
  });

  it('gives a heartbeat with whatever it writes, where its step waits for one', async () => {
    let beats = 0;
    const given = context();
    const work = shell(node("process.stdout.write('half a li'); process.stderr.write('.')"));
    for (const run of [given.run, { ...given.run, heartbeatTimeoutMs: 60_000 }]) {
      expect(beats).toBe(0);
      await work({ ...given, run, heartbeat: () => beats++ });
    }
    expect(beats).toBe(2);
  });

  it('logs its lines with the step', async () => {
    const pipeline = new Pipeline({ name: 'lines', storage: new MemoryStorage() });
    const told: string[] = [];
    pipeline.step('train', {}, shell(node("console.log('epoch 1'); console.error('no GPU')"), { log: true, onLine: (line) => told.push(line) }));
    const { id } = await pipeline.run();
    const { items } = await pipeline.listLogs(id, { step: 'train' });
    expect(items.map(({ level, text }) => `${level}: ${text}`).sort()).toEqual(['info: epoch 1', 'warn: no GPU']);
    expect(told.sort()).toEqual(['epoch 1', 'no GPU']);
  });

  it('is a step whose command knows inputs and params, and whose JSON has the type of its schema', async () => {
    const pipeline = new Pipeline({ name: 'nightly', storage: new MemoryStorage(), params: z.object({ month: z.string() }) });
    const rows = pipeline.step('rows', {}, () => [1, 2, 3]);
    const trained = pipeline.step(
      'train',
      { needs: { rows } },
      shell(({ inputs, params }) => node('console.log(JSON.stringify({ auc: Number(process.argv[1]), month: process.argv[2] }))', String(inputs.rows.length / 4), params.month), {
        json: z.object({ auc: z.number(), month: z.string() }),
      }),
    );
    const result = await pipeline.run({ params: { month: '2001-02' } });
    expectTypeOf(result.output(trained)).toEqualTypeOf<{ auc: number; month: string }>();
    expect(result.output(trained)).toEqual({ auc: 0.75, month: '2001-02' });
  });

  it('fails with the end of stderr, and never with the arguments', async () => {
    const error: unknown = await shell(node("console.error('no such file'); process.exit(2)", '--token=hidden'))(context()).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'command-failed', details: { exitCode: 2 }, message: expect.stringMatching(/ended with exit code 2\. The end of its stderr:\nno such file$/) });
    expect(String(error)).not.toContain('hidden');
    await expect(shell(node("process.kill(process.pid, 'SIGKILL')"))(context())).rejects.toMatchObject({ code: 'command-failed', details: { signal: 'SIGKILL' } });
    await expect(shell(['no-such-program-anywhere'])(context())).rejects.toMatchObject({ code: 'not-found' });
    await expect(shell(node('0'), { cwd: join(directory, 'missing') })(context())).rejects.toMatchObject({ code: 'not-found' });
  });

  it('fails when its output is not the JSON that is asked for', async () => {
    const json = z.object({ auc: z.number() });
    await expect(shell(node("console.log('epoch 1')"), { json })(context())).rejects.toMatchObject({ code: 'validation', message: expect.stringContaining('is not JSON') });
    await expect(shell(node("console.log('{}')"), { json })(context())).rejects.toMatchObject({ code: 'validation', message: expect.stringContaining('auc') });
    await expect(shell(node("console.log('1'.repeat(100))"), { json: z.number(), maxOutput: 10 })(context())).rejects.toMatchObject({ code: 'validation', message: expect.stringContaining('maxOutput') });
  });

  it('keeps the end of a long output, of which it never holds more, and whole characters', async () => {
    const { stdout, stderr, truncated } = await shell(node("for (let i = 0; i < 3000; i++) process.stdout.write('ü'.repeat(1000)); process.stdout.write('end')"), { maxOutput: 10 })(context());
    expect({ stdout, stderr, truncated }).toEqual({ stdout: 'üüüend', stderr: '', truncated: true });
  });

  it('tells lines as they come, whatever the listener does', async () => {
    const lines: string[] = [];
    const onLine = (line: string, stream: string): void => {
      lines.push(`${stream}: ${line}`);
      throw new Error('listener');
    };
    await shell(node("process.stdout.write('a\\nb'); setImmediate(() => process.stdout.write('c\\r\\n\\nlast'))"), { onLine })(context());
    expect(lines).toEqual(['stdout: a', 'stdout: bc', 'stdout: ', 'stdout: last']);
  });

  it('ends with its signal, and so does all that it started', async () => {
    const listeners = process.listenerCount('SIGTERM');
    const stop = new AbortController();
    const inner = `process.on('SIGTERM', () => 0); console.log(process.pid); setInterval(() => 0, 1000)`;
    const pids: number[] = [];
    const onLine = (line: string): void => {
      pids.push(Number(line));
      if (pids.length === 2) stop.abort(new Error('enough'));
    };
    const outer = `console.log(process.pid); require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(inner)}], { stdio: 'inherit' }); setInterval(() => 0, 1000)`;
    await expect(shell(node(outer), { grace: 100, onLine })(context(stop.signal))).rejects.toThrow('enough');
    for (const pid of pids) await gone(pid);
    await expect(shell(node('0'))(context(AbortSignal.abort(new Error('before'))))).rejects.toThrow('before');
    expect(process.listenerCount('SIGTERM')).toBe(listeners);
  });

  it.each(['SIGTERM', 'exit'] as const)('ends with its process by %s', async (how) => {
    const child = spawn(process.execPath, [childProgram('shell-child.ts', import.meta.url), how], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [told] = (await once(child.stdout, 'data')) as [Buffer];
    if (how === 'SIGTERM') child.kill('SIGTERM');
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    expect({ code, signal }).toEqual(how === 'SIGTERM' ? { code: null, signal: 'SIGTERM' } : { code: 7, signal: null });
    await gone(Number(told.toString()));
  });

  it.each([
    ['python3 train.py', 'list of the program'],
    [[], 'begins with the program'],
    [[''], 'begins with the program'],
    [['a', 1], 'command\\[1\\]'],
    [['a', 'b\0c'], 'NUL'],
  ])('is not made with %j', async (command, message) => {
    expect(() => shell(command as never)).toThrow(expect.objectContaining({ code: 'validation', message: expect.stringMatching(message) }));
    await expect(shell(() => command as never)(context())).rejects.toMatchObject({ code: 'validation' });
  });

  it.each([{ maxOutput: -1 }, { grace: 'soon' }, { env: { A: 1 } }, { surprise: 1 }, { onLine: 1 }])('is not made with options %j', (options) => {
    expect(() => shell(['a'], options as never)).toThrow(expect.objectContaining({ code: 'validation' }));
  });

  it('reads no more of its input than it wants', async () => {
    const { exitCode } = await shell(node('process.exit(0)'), { stdin: () => new Uint8Array(10_000_000) })(context());
    expect(exitCode).toBe(0);
  });
});
