import type { CliHost, InterruptSignal, OutputStream } from '../../src/cli/host.ts';
import { runCli } from '../../src/cli/run-cli.ts';
import type { CommandLoaders } from '../../src/cli/commands.ts';
import { systemClock } from '../../src/core/clock.ts';

export interface HostOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly directory?: string;
  readonly stdin?: string | Uint8Array;
  /** Columns of the terminal that both streams are. @default none: pipes */
  readonly columns?: number;
  /** What modules export, or will export, by the end of their URL. */
  readonly modules?: Readonly<Record<string, Readonly<Record<string, unknown>> | Promise<never>>>;
  readonly loaders?: CommandLoaders;
  /** After so many writes to stdout its reader goes away. */
  readonly closesAfter?: number;
  /** Is handed what interrupts the command line. */
  readonly interrupts?: (interrupt: (signal: InterruptSignal) => void) => void;
  /** Is handed what tells the command line that nothing goes on any more. */
  readonly standstills?: (standstill: () => void) => void;
}

export interface CliOutcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Codes with which the process was ended by force. */
  readonly exits: readonly number[];
  /** What `--json` gave. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- what a test looks for it says itself
  json(): any;
}

/** Runs a command line inside this process. */
export async function cli(line: readonly string[], options: HostOptions = {}): Promise<CliOutcome> {
  const { env = {}, directory = process.cwd(), stdin = '', columns, modules = {}, loaders, closesAfter = Infinity, interrupts, standstills } = options;
  const out: string[] = [];
  const err: string[] = [];
  const exits: number[] = [];
  const stream = (to: string[], most = Infinity): OutputStream => ({
    isTerminal: columns !== undefined,
    columns,
    async write(chunk) {
      if (to.length >= most) return false;
      to.push(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('latin1'));
      return true;
    },
  });
  const host: CliHost = {
    env,
    directory,
    stdout: stream(out, closesAfter),
    stderr: stream(err),
    stdin: (async function* () {
      if (stdin.length > 0) yield Buffer.from(stdin);
    })(),
    clock: systemClock,
    timeZone: 'UTC',
    runtimeVersion: process.version,
    onInterrupt(listener) {
      interrupts?.(listener);
      return () => undefined;
    },
    onStandstill(listener) {
      standstills?.(listener);
      return () => undefined;
    },
    openAddress: async () => false,
    exit: (code) => void exits.push(code),
    async importModule(url) {
      const found = Object.entries(modules).find(([name]) => url.endsWith(name));
      if (found === undefined) throw Object.assign(new Error(`Cannot find module '${decodeURI(new URL(url).pathname)}'`), { code: 'ERR_MODULE_NOT_FOUND' });
      return await found[1];
    },
  };
  const code = await runCli(line, host, ...(loaders === undefined ? [] : [loaders]));
  const stdout = out.join('');
  return { code, stdout, stderr: err.join(''), exits, json: () => JSON.parse(stdout) };
}
