import { spawn, type ChildProcess } from 'node:child_process';

/** Waits. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A worker process, and what it has told: a line of JSON for each thing. */
export class Victim<Report> {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #begun: Promise<void>;
  #told = '';
  #complaint = '';

  constructor(script: string, args: readonly string[]) {
    const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    child.stdout.setEncoding('utf8').on('data', (text: string) => (this.#told += text));
    this.#begun = new Promise((resolve) => {
      child.stdout.once('data', () => resolve());
      child.once('close', () => resolve());
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#complaint += text));
    this.#ended = new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', () => resolve());
    });
  }

  /** Resolves when it has begun its work, or has ended. */
  begun(): Promise<void> {
    return this.#begun;
  }

  /** Kills it and gives its reports. Throws when it ended by itself, which it never should. */
  async kill(): Promise<Report[]> {
    const endedByItself = this.#child.exitCode !== null;
    this.#child.kill('SIGKILL');
    await this.#ended;
    if (endedByItself || this.#complaint !== '') throw new Error(`A worker ended by itself: ${this.#complaint}`);
    // What stands behind the last line break was cut off.
    const lines = this.#told.split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as Report);
  }
}
