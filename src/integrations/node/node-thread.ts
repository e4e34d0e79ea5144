import { Worker, type ResourceLimits, type TransferListItem } from 'node:worker_threads';
import { describeFailure } from '../../core/failure.ts';
import type { Moved, Thread, ThreadEnd, ThreadProgram } from '../../core/threads/thread.ts';

const host = `
import { parentPort } from 'node:worker_threads';
const post = (message, moved) => parentPort.postMessage(message, moved);
const listen = (heard) => parentPort.on('message', heard);
const ready = undefined;
`;

/** A worker thread. */
export class NodeThread<To, From> implements Thread<To, From> {
  readonly #worker: Worker;
  #listener: (said: From | ThreadEnd) => void = () => undefined;
  #error: unknown;

  constructor(program: ThreadProgram, resourceLimits: ResourceLimits) {
    this.#worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(program(host))}`), { resourceLimits });
    this.#worker
      .on('message', (said: From) => this.#listener(said))
      .on('error', (thrown: unknown) => (this.#error = thrown ?? new Error('nothing')))
      .on('exit', (exitCode) => this.#listener(endOf(this.#error, exitCode)));
  }

  tell(message: To, moved: readonly Moved[]): void {
    this.#worker.postMessage(message, moved as readonly TransferListItem[]);
  }

  listen(listener: (said: From | ThreadEnd) => void): void {
    this.#listener = listener;
  }

  keep(alive: boolean): void {
    if (alive) this.#worker.ref();
    else this.#worker.unref();
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }
}

function endOf(error: unknown, exitCode: number): ThreadEnd {
  if (error === undefined) return { type: 'ended', exitCode, why: `ended its thread with exit code ${exitCode}; return or throw instead of leaving the process.` };
  const { message, code } = describeFailure(error);
  const why = code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'needed more memory than its thread may have; raise resourceLimits of the pool, or hold less' : `ended its thread with an error that nothing caught: ${message}`;
  return { type: 'ended', cause: error, why };
}
