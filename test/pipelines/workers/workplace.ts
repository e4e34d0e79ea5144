import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { childProgram } from '../../child-program.ts';

/** What a process that works on the pipeline `spread`, or drives a run of it, tells. */
export interface Message {
  readonly ready?: boolean;
  readonly idle?: boolean;
  readonly begun?: string;
  readonly repeated?: string;
  readonly run?: string;
  readonly event?: string;
  readonly ended?: string;
  readonly message?: string;
}

/** Every unit of `spread`, in the order of the alphabet. */
export const units: readonly string[] = ['ingest', 'report', ...Array.from({ length: 6 }, (_, i) => `square-${i}`)];

/** A directory with a store, and the processes that work in it. */
export class Workplace {
  readonly #directory: string = mkdtempSync(join(tmpdir(), 'modelkeep-workers-'));
  readonly #effects: string = join(this.#directory, 'effects');
  readonly #children: ChildProcess[] = [];
  readonly store: string = join(this.#directory, 'store');
  /** Where each process writes what it begins. */
  readonly journal: string = join(this.#directory, 'journal');

  constructor() {
    mkdirSync(this.#effects);
    writeFileSync(this.journal, '');
  }

  startWorker(): ChildProcess {
    return this.start('worker-child.ts', this.#effects, this.journal);
  }

  start(program: string, ...terms: readonly string[]): ChildProcess {
    const child = fork(childProgram(program, import.meta.url), [this.store, ...terms], { execArgv: [] });
    this.#children.push(child);
    return child;
  }

  /** What was begun, by whomever, in the order of the alphabet. */
  begun(): string[] {
    return readFileSync(this.journal, 'utf8').split('\n').filter(Boolean).sort();
  }

  /** What took effect, however often it was begun. */
  effects(): string[] {
    return readdirSync(this.#effects).sort();
  }

  /** Kills who still lives, and takes the directory away. */
  async end(): Promise<void> {
    for (const child of this.#children) if (child.exitCode === null && child.signalCode === null) await kill(child);
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** The first message that is so. */
export function told(child: ChildProcess, is: (message: Message) => boolean): Promise<Message> {
  return new Promise((resolve) => child.on('message', (message: Message) => is(message) && resolve(message)));
}

export async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}
