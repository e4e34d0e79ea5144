import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A process that says, line by line, how many rows it has stored. */
export interface FedProcess {
  /** Rows that it told of. */
  readonly stored: () => number;
  /** Resolves once it told of so many. */
  readonly at: (rows: number) => Promise<void>;
  /** Ends it with SIGKILL. */
  readonly kill: () => Promise<void>;
  /** Asks it to end with SIGTERM, and waits until it has. */
  readonly stop: () => Promise<void>;
}

/** Starts a program that prints a number per write. */
export function startFed(program: string, ...args: readonly string[]): FedProcess {
  const child: ChildProcess = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let stored = 0;
  const waiters: { rows: number; resolve: () => void }[] = [];
  const ended = new Promise((resolve) => child.once('close', resolve));
  createInterface({ input: child.stdout! }).on('line', (line) => {
    stored = Number(line);
    for (const { rows, resolve } of waiters) if (stored >= rows) resolve();
  });
  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
    child.kill(signal);
    await ended;
  };
  return {
    stored: () => stored,
    at: (rows) => new Promise((resolve) => waiters.push({ rows, resolve })),
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
  };
}
