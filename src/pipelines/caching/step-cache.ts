import { backoffMs } from '../../core/backoff.ts';
import { sleep, type Clock } from '../../core/clock.ts';
import { describeFailure } from '../../core/failure.ts';
import type { ErrorListener } from '../../core/logger.ts';
import type { WriteCondition } from '../../storage/contract.ts';
import { isDamage } from '../../storage/read-each.ts';
import type { LeaseTerms, Lease } from '../../storage/lease.ts';
import { fetchOutput, type StoredValue } from '../stored-output.ts';
import { openStream } from '../streamed-output.ts';
import { cacheFacts, cacheKey, type CacheFacts, type CacheSubject } from './cache-key.ts';
import { CacheStore } from './cache-store.ts';
import type { CachedFrom } from './cached-from.ts';
import { Flight, takeOff } from './flight.ts';

/** What the cache was asked for on behalf of a step, as it is recorded with the step. */
export interface CacheLookup extends CacheFacts {
  /** When it was asked, epoch milliseconds. */
  readonly at: number;
  readonly key: string;
  /** Why there was nothing to take; absent when there was, whether or not the attempt then succeeded with it. */
  readonly miss?: CacheMiss | undefined;
}

/** Why there was no output to take. */
export type CacheMiss =
  | { readonly kind: 'absent' | 'refresh' }
  | { readonly kind: 'expired'; readonly run: string; readonly madeAt: number; readonly ttlMs: number }
  | { readonly kind: 'damaged'; readonly message: string };

/** An output that was taken. */
export interface CacheHit {
  readonly from: CachedFrom;
  readonly stored: StoredValue | undefined;
  readonly bytes: Uint8Array | undefined;
}

/** What the cache has for a step: an output, or the leave to make it; or neither, when it was stopped while somebody else made it. */
export type CacheAnswer =
  | { readonly kind: 'hit'; readonly lookup: CacheLookup; readonly hit: CacheHit }
  | { readonly kind: 'flight'; readonly lookup: CacheLookup; readonly flight: Flight }
  | { readonly kind: 'stopped'; readonly lookup: CacheLookup };

/** A step that asks. */
export interface CacheRequest extends CacheSubject {
  readonly step: string;
  /** The number of the item that asks; absent for the step itself. */
  readonly index?: number | undefined;
  readonly attempt: number;
  /** Ends the waiting for somebody else who makes the output. */
  readonly signal: AbortSignal;
}

/** The run whose steps ask. */
export interface CacheUser {
  readonly run: string;
  readonly params: unknown;
  /** The steps, or all, that take nothing and make their outputs anew. */
  readonly refresh: true | readonly string[];
  /** Tells whoever works for the run at this moment from all who did before. */
  readonly holder: string | number;
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly onError: ErrorListener;
}

/** What there is for a key at one moment. */
type Look = { readonly hit: CacheHit } | Missing;

interface Missing {
  readonly miss: CacheMiss;
  /** What its successor takes the place of; `undefined` for whatever there is. */
  readonly place: WriteCondition | undefined;
}

// The first looks are for steps that take no time, the later ones must not burden the store.
const waits = { initialMs: 20, maxMs: 1000, jitter: 0 };

/** Takes outputs of earlier runs for the steps of one run, and sees to it that of all who miss the same one only one makes it. */
export class StepCache {
  readonly #store: CacheStore;
  readonly #user: CacheUser;
  readonly #ending = new Set<Promise<void>>();

  constructor(store: ConstructorParameters<typeof CacheStore>[0], user: CacheUser) {
    this.#store = new CacheStore(store);
    this.#user = user;
  }

  /** The output for a step, or the leave to make it. While somebody else makes it, this waits, unless the signal fires; when that fails or dies, it is the next one's turn. Whoever gets a flight must {@link end} it. */
  async ask(request: CacheRequest): Promise<CacheAnswer> {
    const { step, signal } = request;
    const { params, refresh, clock } = this.#user;
    const facts = cacheFacts(request);
    const lookup: CacheLookup = { ...facts, at: clock.now(), key: cacheKey(facts, params) };
    if (refresh === true || refresh.includes(step)) return this.#flight(request, lookup, { miss: { kind: 'refresh' }, place: undefined });
    for (let tries = 1; ; tries++) {
      const found = await this.#look(request, lookup.key);
      if ('hit' in found) return { kind: 'hit', lookup, hit: found.hit };
      const lease = await takeOff(this.#leaseTerms(request, lookup.key), ({ owner }) => owner.startsWith(`${this.#unit(request)}.`));
      if (lease) return this.#lookAgain(request, lookup, lease);
      await sleep(clock, backoffMs(tries, waits, () => 0), signal).catch(() => undefined);
      if (signal.aborted) return { kind: 'stopped', lookup: { ...lookup, miss: found.miss } };
    }
  }

  /** Lets go of a flight, also of one that came to nothing. Nobody has to wait for it, so that the step can be recorded meanwhile. */
  end(flight: Flight): void {
    const ending: Promise<void> = flight.end().finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }

  /** Resolves when all flights that were ended have been let go of. */
  async settle(): Promise<void> {
    await Promise.all(this.#ending);
  }

  /** Whoever had the lease before may have put the output in just before giving it back. */
  async #lookAgain(request: CacheRequest, lookup: CacheLookup, lease: Lease): Promise<CacheAnswer> {
    let ours = false;
    try {
      const found = await this.#look(request, lookup.key);
      if ('hit' in found) return { kind: 'hit', lookup, hit: found.hit };
      ours = true;
      return this.#flight(request, lookup, found, lease);
    } finally {
      if (!ours) await lease.release().catch(this.#user.onError);
    }
  }

  #flight({ step }: CacheRequest, lookup: CacheLookup, { miss, place }: Missing, lease?: Lease): CacheAnswer {
    return { kind: 'flight', lookup: { ...lookup, miss }, flight: new Flight({ store: this.#store, step, key: lookup.key }, place, lease, this.#user.onError) };
  }

  async #look({ step, policy: { ttlMs } }: CacheRequest, key: string): Promise<Look> {
    const found = await this.#store.entry(step, key);
    if (found === undefined) return { miss: { kind: 'absent' }, place: 'absent' };
    if ('error' in found) return { miss: damaged(found.error), place: undefined };
    const { value: { output: stored, run, at, durationMs }, version } = found;
    const place = { match: version };
    if (ttlMs !== undefined && this.#user.clock.now() - at > ttlMs) return { miss: { kind: 'expired', run, madeAt: at, ttlMs }, place };
    try {
      return { hit: { from: { run, at, durationMs }, stored, bytes: await this.#fetched(stored, step) } };
    } catch (error) {
      if (!isDamage(error)) throw error;
      return { miss: damaged(error), place };
    }
  }

  /** The bytes of an output; of a stream none, but it has been read to its end to see that it is whole. */
  async #fetched(stored: StoredValue | undefined, step: string): Promise<Uint8Array | undefined> {
    if (!stored?.streamed) return stored && fetchOutput(this.#store.storage, stored, step);
    for await (const piece of openStream(this.#store.storage, stored, `step '${step}'`)) void piece;
    return undefined;
  }

  /** What the flights of all attempts at a unit of this run have in common. One that is found of an earlier attempt has ended, for whoever works on a run is alone, and so is an attempt. */
  #unit({ index }: CacheRequest): string {
    return index === undefined ? this.#user.run : `${this.#user.run}/${index}`;
  }

  #leaseTerms(request: CacheRequest, key: string): LeaseTerms {
    const { step, attempt } = request;
    const { run, holder, leaseMs, clock, onError } = this.#user;
    return {
      storage: this.#store.storage,
      key: this.#store.flightKey(step, key),
      subject: `The output of step '${step}' in run ${run}`,
      advice: { held: 'Wait for its output.', lost: 'Wait for its output.' },
      // No two attempts have this in common, so that none takes the lease of another for its own.
      owner: `${this.#unit(request)}.${holder}.${attempt}`,
      ttlMs: leaseMs,
      clock,
      onError,
    };
  }
}

function damaged(error: unknown): CacheMiss {
  return { kind: 'damaged', message: describeFailure(error).message };
}
