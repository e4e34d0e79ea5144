import type { Clock, Undo } from '../core/clock.ts';
import { encode } from '../core/codec.ts';
import { ConflictError } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import type { Key } from '../core/key.ts';
import type { ErrorListener } from '../core/logger.ts';
import type { StorageAdapter, Version, WriteCondition, WriteResult } from './contract.ts';
import { readValue, type ValueRecord } from './records.ts';

/** Who holds a lease, and until when that is certain. */
export interface LeaseRecord {
  readonly owner: string;
  /** Grows with every owner: the writes of an owner with a smaller one are void. */
  readonly fence: number;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

/** What a lease is taken with. */
export interface LeaseTerms {
  readonly storage: StorageAdapter;
  readonly key: Key;
  /** What the lease is for, for messages. */
  readonly subject: string;
  /** What to do when somebody else holds it, or has taken it over, for messages. */
  readonly advice: { readonly held: string; readonly lost: string };
  readonly owner: string;
  readonly ttlMs: number;
  readonly clock: Clock;
  /** Is told of heartbeats that failed; they are tried again. */
  readonly onError: ErrorListener;
}

/**
 * The right to work on something, such as a run or a rollout, held by one owner at a time and renewed by heartbeats. An owner that stops renewing (it died, its host sleeps) loses it after `ttlMs`;
 * its successor gets a larger fence. Whoever finds that the lease is another's must stop.
 */
export class Lease {
  readonly fence: number;
  readonly #terms: LeaseTerms;
  #version: Version;
  #expiresAt: number;
  #lost: ConflictError | undefined;
  #undoTimer: Undo = () => undefined;
  #renewal: Promise<void> | undefined;
  #released = false;

  constructor(terms: LeaseTerms, fence: number, version: Version, expiresAt: number) {
    this.#terms = terms;
    this.fence = fence;
    this.#version = version;
    this.#expiresAt = expiresAt;
  }

  /**
   * Takes the lease unless somebody holds it, in which case `ConflictError` names them.
   *
   * @param lastFence - The largest fence that is known to have been given.
   * @param over - Whether a lease that has not expired is known to be void.
   */
  static async take(terms: LeaseTerms, lastFence: number, over: (lease: LeaseRecord) => boolean): Promise<Lease> {
    const { storage, key, owner, ttlMs, clock } = terms;
    const present = await readValue<LeaseRecord>(storage, key);
    const now = clock.now();
    if (present && present.value.expiresAt > now && !over(present.value)) throw heldBy(terms, present.value, now);
    const fence = Math.max(lastFence, present?.value.fence ?? 0) + 1;
    const lease: LeaseRecord = { owner, fence, expiresAt: now + ttlMs };
    const result = await put(terms, lease, present ? { match: present.version } : 'absent');
    if (!result.ok) throw await lostTo(terms);
    return new Lease(terms, fence, result.version!, lease.expiresAt);
  }

  /** Renews the lease again and again until released; `onLost`, which takes the place of the one before, is told once when it has become another's. The timer keeps no process alive. */
  startHeartbeat(onLost: (error: ConflictError) => void): void {
    this.#undoTimer();
    const { clock, ttlMs, onError } = this.#terms;
    const beat = (): void => {
      void this.#renew()
        .catch((error: unknown) => (this.#lost ? onLost(this.#lost) : onError(error)))
        .then(arm);
    };
    const arm = (): void => {
      if (!this.#released && !this.#lost) this.#undoTimer = clock.setTimer(beat, ttlMs / 3);
    };
    arm();
  }

  /** Returns while the lease is surely held, renewing it first when it has run out; throws `ConflictError` when it has become another's. */
  async ensure(): Promise<void> {
    if (this.#lost) throw this.#lost;
    if (this.#terms.clock.now() >= this.#expiresAt) await this.#renew();
  }

  /** Whether no renewal is due, so that {@link ensure} need not be awaited. */
  get certain(): boolean {
    return this.#lost === undefined && this.#terms.clock.now() < this.#expiresAt;
  }

  /** The error for somebody who finds a write of a larger fence. */
  async loss(): Promise<ConflictError> {
    return (this.#lost ??= await lostTo(this.#terms));
  }

  /** Gives the lease back, unless it is another's already. */
  async release(): Promise<void> {
    this.#released = true;
    this.#undoTimer();
    await this.#renewal?.catch(() => undefined);
    if (this.#lost) return;
    if (await this.#remove(this.#version)) return;
    const present = await this.#ours();
    if (present) await this.#remove(present.version);
  }

  async #remove(version: Version): Promise<boolean> {
    const { storage, key } = this.#terms;
    const [result] = await storage.write([{ kind: 'delete', key, condition: { match: version }, operationId: newId() }]);
    return result!.ok;
  }

  /** The record when it is still ours: a renewal whose answer was lost has moved its version on. */
  async #ours(): Promise<ValueRecord<LeaseRecord> | undefined> {
    const { storage, key, owner } = this.#terms;
    const present = await readValue<LeaseRecord>(storage, key);
    return present?.value.fence === this.fence && present.value.owner === owner ? present : undefined;
  }

  #renew(): Promise<void> {
    this.#renewal ??= this.#write().finally(() => (this.#renewal = undefined));
    return this.#renewal;
  }

  async #write(): Promise<void> {
    const { owner, ttlMs, clock } = this.#terms;
    const expiresAt = clock.now() + ttlMs;
    const lease: LeaseRecord = { owner, fence: this.fence, expiresAt };
    const result = await put(this.#terms, lease, { match: this.#version });
    if (result.ok) {
      this.#version = result.version!;
      this.#expiresAt = expiresAt;
      return;
    }
    const present = await this.#ours();
    if (present === undefined) throw (this.#lost = await lostTo(this.#terms));
    this.#version = present.version;
    this.#expiresAt = present.value.expiresAt;
  }
}

async function put({ storage, key }: LeaseTerms, lease: LeaseRecord, condition: WriteCondition): Promise<WriteResult> {
  const [result] = await storage.write([{ kind: 'put', key, bytes: encode(lease, key), condition, operationId: newId() }]);
  return result!;
}

function heldBy(terms: LeaseTerms, lease: LeaseRecord, now: number): ConflictError {
  const left = Math.ceil((lease.expiresAt - now) / 1000);
  return new ConflictError(
    `${terms.subject} is being worked on by '${lease.owner}', whose lease ends in ${left} s unless renewed. ${terms.advice.held}`,
    { key: terms.key, owner: lease.owner, fence: lease.fence, expiresAt: lease.expiresAt },
  );
}

async function lostTo(terms: LeaseTerms): Promise<ConflictError> {
  const present = await readValue<LeaseRecord>(terms.storage, terms.key).catch(() => undefined);
  const owner = present?.value.owner;
  return new ConflictError(
    `${terms.subject} is no longer '${terms.owner}'s to work on: ${owner === undefined ? 'another process has finished it' : `'${owner}' has taken it over`}. ${terms.advice.lost}`,
    { key: terms.key, owner },
  );
}
