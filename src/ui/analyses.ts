import type { Clock } from '../core/clock.ts';
import { isModelkeepError } from '../core/errors.ts';
import type { AbAnalysis } from '../experiments/analysis/ab-analysis.ts';
import { ABTest } from '../experiments/ab-test.ts';
import type { StorageAdapter } from '../storage/contract.ts';

/** A test keeps 40 bytes and more of each unit. */
const mostKept = 4;

interface KeptTest {
  /** How many changes of the test there had been when it was opened. */
  readonly sequence: number;
  readonly opened: Promise<ABTest>;
}

/** Analyses of the tests that pages show. The first one of a test reads all its events; later ones read what has come since, as long as nobody has changed the test. */
export class Analyses {
  readonly #storage: StorageAdapter;
  readonly #clock: Clock;
  readonly #kept = new Map<string, KeptTest>();

  constructor(storage: StorageAdapter, clock: Clock) {
    this.#storage = storage;
    this.#clock = clock;
  }

  /** What the units of a test say by now, as it is after so many changes. */
  async of(name: string, sequence: number, signal: AbortSignal): Promise<AbAnalysis> {
    const known = this.#kept.get(name);
    const kept = known?.sequence === sequence ? known : { sequence, opened: this.#open(name) };
    this.#kept.delete(name);
    this.#kept.set(name, kept);
    if (this.#kept.size > mostKept) this.#kept.delete(this.#kept.keys().next().value!);
    try {
      return await (await kept.opened).analyze({ signal });
    } catch (error) {
      // Who left has read a part of it, which whoever comes goes on from.
      if (!isModelkeepError(error, 'aborted') && this.#kept.get(name) === kept) this.#kept.delete(name);
      throw error;
    }
  }

  async #open(name: string): Promise<ABTest> {
    const test = await ABTest.open({ storage: this.#storage, name, clock: this.#clock });
    // It records nothing and looks for no changes; what was recorded it can go on to read.
    await test.close();
    return test;
  }
}
