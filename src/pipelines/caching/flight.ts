import { isModelkeepError } from '../../core/errors.ts';
import type { ErrorListener } from '../../core/logger.ts';
import type { WriteCondition } from '../../storage/contract.ts';
import { Lease, type LeaseRecord, type LeaseTerms } from '../../storage/lease.ts';
import type { CacheEntry, CacheStore } from './cache-store.ts';

/** Which output is being made. */
export interface FlightTarget {
  readonly store: CacheStore;
  readonly step: string;
  readonly key: string;
}

/**
 * The making of an output that others wait for. One that has lost its lease goes on, for its run needs the output all the same; what it puts in does not replace what its successor has put in.
 */
export class Flight {
  readonly #target: FlightTarget;
  readonly #found: WriteCondition | undefined;
  readonly #lease: Lease | undefined;
  readonly #onError: ErrorListener;

  /**
   * @param found - What was found of the entry, as `CacheStore.put` takes it.
   * @param lease - What keeps others from making the same meanwhile; absent when nobody is kept from it.
   * @param onError - Is told when it cannot be given back; it runs out then.
   */
  constructor(target: FlightTarget, found: WriteCondition | undefined, lease: Lease | undefined, onError: ErrorListener) {
    this.#target = target;
    this.#found = found;
    this.#lease = lease;
    this.#onError = onError;
  }

  /** Lets others take the output; they find it as soon as this resolves. */
  async land(entry: CacheEntry): Promise<void> {
    const { store, step, key } = this.#target;
    await store.put(step, key, entry, this.#found);
  }

  /** Lets go, also of one that came to nothing: who waits is free to make it. */
  async end(): Promise<void> {
    await this.#lease?.release().catch(this.#onError);
  }
}

/**
 * The lease of a flight, or `undefined` when another has it.
 *
 * @param over - Whether one that has not expired is known to be void.
 */
export async function takeOff(terms: LeaseTerms, over: (lease: LeaseRecord) => boolean): Promise<Lease | undefined> {
  try {
    const lease = await Lease.take(terms, 0, over);
    lease.startHeartbeat(() => undefined);
    return lease;
  } catch (error) {
    if (isModelkeepError(error, 'conflict')) return undefined;
    throw error;
  }
}
