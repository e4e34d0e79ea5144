import type { FileSystem } from '../../../src/storage/filesystem/file-system.ts';

/** Decides between so many possibilities. */
export type Choose = (of: number) => number;

/** Runs a scenario once for every sequence of choices that it can make, and gives how many there were. */
export async function everyChoice(scenario: (choose: Choose) => Promise<void>): Promise<number> {
  const path: { choice: number; readonly of: number }[] = [];
  for (let runs = 1; ; runs++) {
    let depth = 0;
    await scenario((of) => {
      if (depth === path.length) path.push({ choice: 0, of });
      return path[depth++]!.choice;
    });
    while (path.length > 0 && path[path.length - 1]!.choice + 1 === path[path.length - 1]!.of) path.pop();
    const last = path[path.length - 1];
    if (last === undefined) return runs;
    last.choice++;
  }
}

interface Actor {
  waiting: (() => void) | undefined;
  over: boolean;
}

/**
 * Lets several actors make their calls of the file system one at a time, in an order that is chosen. All between two calls must be done in microtasks, as on a simulated
 * disk.
 */
export class Turns {
  readonly #choose: Choose;
  readonly #actors: Actor[] = [];

  constructor(choose: Choose) {
    this.#choose = choose;
  }

  /** Starts an actor on a file system whose calls wait for their turn when they are about a path that `isGated`. */
  start(fileSystem: FileSystem, isGated: (path: string) => boolean, act: (fileSystem: FileSystem) => Promise<void>): void {
    const actor: Actor = { waiting: undefined, over: false };
    const gated = Object.fromEntries(
      Object.entries(fileSystem).map(([name, call]) => {
        const wait = async (...args: unknown[]): Promise<unknown> => {
          if (args.some((argument) => typeof argument === 'string' && isGated(argument))) await new Promise<void>((resolve) => (actor.waiting = resolve));
          return (call as (...args: unknown[]) => unknown)(...args);
        };
        return [name, wait];
      }),
    ) as unknown as FileSystem;
    this.#actors.push(actor);
    void act(gated).finally(() => (actor.over = true));
  }

  /** Gives turns until all actors are done; `between` is called after each. An actor for which `stops` holds gets no more turns. */
  async run(between: () => Promise<void>, stops: (actor: number, turn: number) => boolean = () => false): Promise<void> {
    const turns = this.#actors.map(() => 0);
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      await between();
      const ready = this.#actors.flatMap((actor, i) => (actor.waiting !== undefined && !stops(i, turns[i]!) ? [i] : []));
      if (ready.length === 0) return;
      const chosen = ready[ready.length === 1 ? 0 : this.#choose(ready.length)]!;
      const actor = this.#actors[chosen]!;
      const go = actor.waiting!;
      actor.waiting = undefined;
      turns[chosen]!++;
      go();
    }
  }

  /** Whether every actor has done all it was to do. */
  get over(): boolean {
    return this.#actors.every((actor) => actor.over);
  }
}
