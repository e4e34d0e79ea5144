import type { Scheduler } from 'fast-check';

/** Where a process stops: just before one of its calls to the storage takes effect. */
export interface Stop {
  /** Which call, from 1. */
  readonly at: number;
  /** What happens then. */
  readonly meanwhile: () => Promise<void>;
}

/** Takes the turns of a process, for an interleaved storage: it goes on without waiting for anyone, but for where it stops. */
export function stopping(stops: readonly Stop[]): Pick<Scheduler, 'schedule'> & { readonly calls: number } {
  let turns = 0;
  return {
    schedule: async (task) => {
      // Each call has a turn before it takes effect and one before it answers.
      if (turns++ % 2 === 0) for (const { at, meanwhile } of stops) if ((turns + 1) / 2 === at) await meanwhile();
      return task;
    },
    get calls() {
      return Math.ceil(turns / 2);
    },
  };
}

/** Work that stops at a call, and goes on when it is told to. */
export class StoppedWork {
  readonly #stop: () => Promise<void>;
  #begin: () => void = () => undefined;
  #release: () => void = () => undefined;
  #reached: Promise<void> = Promise.resolve();
  #done: Promise<unknown> | undefined;

  constructor() {
    const released = new Promise<void>((resolve) => (this.#release = resolve));
    this.#reached = new Promise<void>((resolve) => (this.#begin = resolve));
    this.#stop = async () => {
      this.#begin();
      await released;
    };
  }

  /** What is to happen where it stops. */
  get meanwhile(): () => Promise<void> {
    return this.#stop;
  }

  /** Begins, and resolves when it has come to its stop, or its end. */
  async start(work: () => Promise<unknown>): Promise<void> {
    this.#done = work();
    this.#done.catch(() => undefined);
    await Promise.race([this.#reached, this.#done]);
  }

  /** Goes on to the end. */
  async finish(): Promise<void> {
    this.#release();
    await this.#done;
  }
}
