import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import * as z from 'zod/mini';
import { utf8 } from '../../core/bytes.ts';
import { durationMs, type Duration } from '../../core/duration.ts';
import { ModelkeepError, NotFoundError, ValidationError } from '../../core/errors.ts';
import { callable } from '../../core/option-schemas.ts';
import { check, validateWith, type StandardSchema } from '../../core/schema.ts';
import { shown } from '../../core/shown.ts';
import type { StepWork, WorkContext } from '../../pipelines/step-work.ts';
import { LastBytes } from './last-bytes.ts';
import { endWithProcess, groupsExist, signalGroup } from './process-groups.ts';

/** A program and its arguments; no shell reads them, so none of their characters mean anything. */
export type ShellCommand = readonly [program: string, ...args: string[]];

/** The command for what a step is given. */
export type CommandOf<Inputs, Params, Item = never> = (context: WorkContext<Inputs, Params, Item>) => ShellCommand;

/** What a command did. */
export interface ShellResult {
  /** What it ended with. */
  readonly exitCode: number;
  /** What it wrote to stdout, as UTF-8: the last {@link ShellOptions.maxOutput} bytes. */
  readonly stdout: string;
  /** What it wrote to stderr, as stdout. */
  readonly stderr: string;
  /** Whether it wrote more than is kept. */
  readonly truncated: boolean;
}

/** How a command runs. */
export interface ShellOptions<Inputs, Params, Item = never> {
  /** Where it runs. @default the directory of this process */
  readonly cwd?: string | undefined;
  /** Environment variables beside those of this process; `undefined` takes one away. @default none */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** What it reads from stdin. @default nothing */
  readonly stdin?: ((context: WorkContext<Inputs, Params, Item>) => string | Uint8Array) | undefined;
  /** The exit codes that mean success. @default [0] */
  readonly exitCodes?: readonly number[] | undefined;
  /** How many bytes of stdout and of stderr are kept, each. @default 1,048,576 */
  readonly maxOutput?: number | undefined;
  /** How long it may take to end after SIGTERM, before it is killed. @default '3s' */
  readonly grace?: Duration | undefined;
  /** Whether its lines go to the log of the step: those of stdout as `info`, those of stderr as `warn`. @default false */
  readonly log?: boolean | undefined;
  /** Is told of each line as it is written. What it throws is not looked at. @default nothing listens */
  readonly onLine?: ((line: string, stream: 'stdout' | 'stderr', context: WorkContext<Inputs, Params, Item>) => void) | undefined;
}

/** How a command runs whose output is JSON. */
export interface JsonShellOptions<Inputs, Params, Output, Item = never> extends ShellOptions<Inputs, Params, Item> {
  /** Checks what it wrote to stdout, which must be one JSON text; the step's output is what the schema makes of it. */
  readonly json: StandardSchema<unknown, Output>;
}

const optionsSchema = z.strictObject({
  cwd: z.optional(z.string()),
  env: z.optional(z.record(z.string(), z.optional(z.string()))),
  stdin: z.optional(callable<(context: never) => string | Uint8Array>()),
  exitCodes: z.optional(z.array(z.int())),
  maxOutput: z.optional(z.int().check(z.minimum(0))),
  grace: z.optional(z.custom<Duration>()),
  log: z.optional(z.boolean()),
  onLine: z.optional(callable<(line: string, stream: 'stdout' | 'stderr', context: never) => void>()),
  json: z.optional(z.custom<StandardSchema>()),
});

/**
 * The work of a step that runs a command. The command is a list, of which no shell reads a word: whatever inputs and params hold stays an argument, and cannot become another command.
 * It ends with its step: when the signal fires, it and all that it started are told by SIGTERM and killed after `grace`; so they are when this process ends, unless that is killed itself.
 * (On Windows only the command itself is.) In a step that has a `heartbeatTimeout`, whatever it writes is a heartbeat.
 *
 * A step whose command ends with another exit code than 0 fails with a `ModelkeepError` of code `command-failed` whose message has the end of stderr, and whose details have `exitCode`
 * or `signal`. It fails with `NotFoundError` when there is no such program, and with `ValidationError` when its output is not the JSON that the schema asks for.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Pipeline } from 'modelkeep';
 * import { shell } from 'modelkeep/node';
 * import * as z from 'zod';
 *
 * const nightly = new Pipeline({ name: 'nightly', storage: new MemoryStorage(), params: z.object({ month: z.string() }) });
 * const program = 'console.log(JSON.stringify({ month: process.argv[1], auc: 0.91 }))';
 * const trained = nightly.step('train', { timeout: '2h' }, shell(({ params }) => ['node', '-e', program, params.month], { json: z.object({ month: z.string(), auc: z.number() }) }));
 *
 * const result = await nightly.run({ params: { month: "2001-02'; rm -rf ~" } });
 * console.log(result.output(trained)); // { month: "2001-02'; rm -rf ~", auc: 0.91 }
 * ```
 */
export function shell<Inputs, Params, Output, Item = never>(command: ShellCommand | CommandOf<Inputs, Params, Item>, options: JsonShellOptions<Inputs, Params, Output, Item>): StepWork<Inputs, Params, Output, Item>;
export function shell<Inputs, Params, Item = never>(command: ShellCommand | CommandOf<Inputs, Params, Item>, options?: ShellOptions<Inputs, Params, Item>): StepWork<Inputs, Params, ShellResult, Item>;
export function shell<Inputs, Params, Item = never>(
  command: ShellCommand | CommandOf<Inputs, Params, Item>,
  options: ShellOptions<Inputs, Params, Item> & { readonly json?: StandardSchema } = {},
): StepWork<Inputs, Params, unknown, Item> {
  check(optionsSchema, options, 'options');
  const graceMs = durationMs(options.grace ?? '3s', 'options.grace');
  if (typeof command !== 'function') checkCommand(command);
  return async (context) => {
    const words = typeof command === 'function' ? command(context) : command;
    checkCommand(words);
    const result = await execute(words, context, options, graceMs);
    if (options.json === undefined) return result;
    return validateWith(options.json, jsonOf(result, words[0]), 'stdout');
  };
}

async function execute<Inputs, Params, Item>([program, ...args]: ShellCommand, context: WorkContext<Inputs, Params, Item>, options: ShellOptions<Inputs, Params, Item>, graceMs: number): Promise<ShellResult> {
  const { cwd, env, stdin, exitCodes = [0], maxOutput = 1 << 20 } = options;
  const { signal, run, heartbeat } = context;
  signal.throwIfAborted();
  const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'], windowsHide: true, detached: groupsExist });
  const undo = endWithProcess(child);
  let kill: NodeJS.Timeout | undefined;
  const stop = (): void => {
    signalGroup(child, 'SIGTERM');
    kill ??= setTimeout(() => signalGroup(child, 'SIGKILL'), graceMs);
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    const stdout = keepOutput(child, 'stdout', maxOutput, lineListener('stdout', context, options));
    const stderr = keepOutput(child, 'stderr', maxOutput, lineListener('stderr', context, options));
    if (run.heartbeatTimeoutMs !== undefined) for (const output of [child.stdout, child.stderr]) output.on('data', () => heartbeat());
    // A command that does not read to the end of its input is not wrong for that.
    child.stdin.on('error', () => undefined);
    const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    const input = stdin?.(context);
    child.stdin.end(typeof input === 'string' ? utf8(input) : input);
    const [exitCode, by] = await ended;
    signal.throwIfAborted();
    const result = { exitCode: exitCode ?? -1, stdout: stdout.text(), stderr: stderr.text(), truncated: stdout.truncated || stderr.truncated };
    if (exitCode === null || !exitCodes.includes(exitCode)) throw failed(program, result, by);
    return result;
  } catch (error) {
    throw (error as { code?: unknown } | null)?.code === 'ENOENT' ? notFound(program, cwd, error) : error;
  } finally {
    signal.removeEventListener('abort', stop);
    clearTimeout(kill);
    undo();
  }
}

/** Takes the lines of a stream, if anything does. */
function lineListener<Inputs, Params, Item>(stream: 'stdout' | 'stderr', context: WorkContext<Inputs, Params, Item>, { log = false, onLine }: ShellOptions<Inputs, Params, Item>): ((line: string) => void) | undefined {
  if (!log) return onLine && ((line) => onLine(line, stream, context));
  return (line) => {
    context.log[stream === 'stdout' ? 'info' : 'warn'](line);
    onLine?.(line, stream, context);
  };
}

function keepOutput(child: ChildProcess, name: 'stdout' | 'stderr', limit: number, onLine: ((line: string) => void) | undefined): LastBytes {
  const kept = new LastBytes(limit);
  const stream = child[name]!;
  stream.on('data', (chunk: Buffer) => kept.add(chunk));
  if (onLine) tellLines(stream, onLine);
  return kept;
}

function tellLines(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  const decoder = new TextDecoder();
  let rest = '';
  const tell = (line: string): void => {
    try {
      onLine(line);
    } catch {
      // A listener does not end what it listens to.
    }
  };
  stream.on('data', (chunk: Buffer) => {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r?\n/);
    rest = lines.pop()!;
    for (const line of lines) tell(line);
  });
  stream.on('end', () => {
    if (rest !== '') tell(rest);
  });
}

function checkCommand(words: unknown): asserts words is ShellCommand {
  if (typeof words === 'string') {
    throw new ValidationError("The command is a text; give a list of the program and each argument, such as ['python3', 'train.py'], for no shell takes it apart.", { path: 'command' });
  }
  if (!Array.isArray(words) || words.length === 0 || words[0] === '') throw new ValidationError('The command must be a list that begins with the program.', { path: 'command' });
  words.forEach((word: unknown, i) => {
    if (typeof word !== 'string') throw new ValidationError(`command[${i}] is ${shown(word)}; each word must be a text.`, { path: `command[${i}]` });
    if (word.includes('\0')) throw new ValidationError(`command[${i}] has a NUL character, which no argument can have.`, { path: `command[${i}]` });
  });
}

function jsonOf({ stdout, truncated }: ShellResult, program: string): unknown {
  if (truncated) throw new ValidationError(`'${program}' wrote more than options.maxOutput allows; raise it, or write less.`, { path: 'stdout' });
  try {
    return JSON.parse(stdout) as unknown;
  } catch (cause) {
    throw new ValidationError(`What '${program}' wrote to stdout is not JSON: ${(cause as Error).message}. Write logs to stderr.`, { path: 'stdout', cause });
  }
}

function failed(program: string, { exitCode, stderr }: ShellResult, signal: NodeJS.Signals | null): ModelkeepError {
  const how = signal === null ? `ended with exit code ${exitCode}` : `was ended by ${signal}`;
  const said = stderr.trimEnd().slice(-2000);
  return new ModelkeepError('command-failed', `'${program}' ${how}${said === '' ? ' and wrote nothing to stderr.' : `. The end of its stderr:\n${said}`}`, { ...(signal === null ? { exitCode } : { signal }) });
}

function notFound(program: string, cwd: string | undefined, cause: unknown): NotFoundError {
  return new NotFoundError(`There is no program '${program}'${cwd === undefined ? '' : `, or no directory '${cwd}'`}; give its path, or put it where PATH leads.`, { key: program, cause });
}
