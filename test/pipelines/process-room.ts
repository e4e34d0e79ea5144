import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';

/** Where the processes of a test work: a directory of its own for each test, after which none of them is left. */
export class ProcessRoom {
  #directory = '';
  #children: ChildProcess[] = [];

  /** To be made once for a file of tests, where they are told of. */
  constructor(name: string) {
    beforeEach(() => {
      this.#directory = mkdtempSync(join(tmpdir(), `modelkeep-${name}-`));
      this.#children = [];
    });
    afterEach(async () => {
      for (const child of this.#children) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      rmSync(this.#directory, { recursive: true, force: true });
    });
  }

  /** The path of something in the directory. */
  path(name: string): string {
    return join(this.#directory, name);
  }

  /** Starts a program, which may talk with the test. */
  start(program: string, ...terms: readonly string[]): ChildProcess {
    const child = fork(program, terms, { execArgv: [] });
    this.#children.push(child);
    return child;
  }
}
