import { throwIfAborted } from '../../core/abort.ts';
import { isModelkeepError } from '../../core/errors.ts';

/** Something that is to be written. */
export interface Job {
  /** A job whose signal has fired before its turn is left out. */
  readonly signal: AbortSignal | undefined;
}

interface Waiting<J, R> {
  readonly job: J;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/** Lets writes that come while another is under way share the next transaction, and so its flush, in the order of their coming. */
export class GroupCommit<J extends Job, R> {
  readonly #commit: (jobs: readonly J[]) => Promise<R[]>;
  #waiting: Waiting<J, R>[] = [];
  #running = false;

  /** @param commit - Writes all jobs or, when it throws, none. */
  constructor(commit: (jobs: readonly J[]) => Promise<R[]>) {
    this.#commit = commit;
  }

  add(job: J): Promise<R> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ job, resolve, reject });
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    // Calls that are made in one go belong together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const group = this.#waiting.filter(isWanted);
      this.#waiting = [];
      await this.#commitGroup(group);
    }
    this.#running = false;
  }

  async #commitGroup(group: readonly Waiting<J, R>[]): Promise<void> {
    if (group.length === 0) return;
    try {
      const results = await this.#commit(group.map(({ job }) => job));
      group.forEach(({ resolve }, i) => resolve(results[i]!));
    } catch (error) {
      // One of them may be at fault, such as the one that is too large for the space that is left.
      if (group.length > 1 && isModelkeepError(error, 'storage', 'storage-full')) for (const each of group) await this.#commitGroup([each]);
      else for (const { reject } of group) reject(error);
    }
  }
}

function isWanted<J extends Job, R>({ job, reject }: Waiting<J, R>): boolean {
  try {
    throwIfAborted(job.signal, 'The write');
    return true;
  } catch (error) {
    reject(error);
    return false;
  }
}
