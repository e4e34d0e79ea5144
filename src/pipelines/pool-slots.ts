/** Gives slots back; calling it twice is harmless. */
export type Release = () => void;

interface Waiter {
  readonly slots: number;
  readonly priority: number;
  readonly admit: () => void;
}

interface Pool {
  free: number;
  /** In the order in which they are admitted. */
  readonly waiting: Waiter[];
}

/** What a step takes of a pool. */
export interface PoolShare {
  readonly pool: string;
  readonly slots: number;
}

/** The slots that all runs of a pipeline in this process share: those of higher priority first, and among equals first come first served. None passes one that waits for more slots than are free. */
export class PoolSlots {
  readonly #pools: ReadonlyMap<string, Pool>;

  constructor(pools: ReadonlyMap<string, number>) {
    this.#pools = new Map([...pools].map(([name, free]) => [name, { free, waiting: [] }]));
  }

  /** Waits for the slots and takes them; when the signal fires first, nothing is taken. */
  async take({ pool: name, slots }: PoolShare, priority: number, signal: AbortSignal): Promise<Release> {
    const pool = this.#pools.get(name)!;
    if (signal.aborted) return () => undefined;
    let taken = false;
    await new Promise<void>((resolve) => {
      const leave = (): void => {
        pool.waiting.splice(pool.waiting.indexOf(waiter), 1);
        admit(pool);
        resolve();
      };
      const waiter: Waiter = {
        slots,
        priority,
        admit: () => {
          taken = true;
          signal.removeEventListener('abort', leave);
          resolve();
        },
      };
      signal.addEventListener('abort', leave, { once: true });
      const behind = pool.waiting.findIndex((other) => other.priority < priority);
      pool.waiting.splice(behind < 0 ? pool.waiting.length : behind, 0, waiter);
      admit(pool);
    });
    return () => {
      if (!taken) return;
      taken = false;
      pool.free += slots;
      admit(pool);
    };
  }
}

function admit(pool: Pool): void {
  for (let first = pool.waiting[0]; first && first.slots <= pool.free; first = pool.waiting[0]) {
    pool.free -= first.slots;
    pool.waiting.shift();
    first.admit();
  }
}
