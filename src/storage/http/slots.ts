import type { CallScope } from './call-scope.ts';

/** Lets so many things happen at once, and the others wait in the order of their coming. */
export class Slots {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  /** Does `work` when it is its turn, unless `scope` ends before. */
  async run<T>(scope: CallScope, work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await this.#turn(scope);
    try {
      return await work();
    } finally {
      this.#release();
    }
  }

  async #turn(scope: CallScope): Promise<void> {
    let granted = (): void => undefined;
    const turn = new Promise<void>((resolve) => (granted = resolve));
    this.#waiting.push(granted);
    try {
      await scope.run(turn);
    } catch (error) {
      const at = this.#waiting.indexOf(granted);
      // It may have been granted in the same moment.
      if (at === -1) this.#release();
      else this.#waiting.splice(at, 1);
      throw error;
    }
  }

  #release(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free++;
  }
}
