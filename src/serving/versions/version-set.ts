import { untilAborted } from '../../core/abort.ts';
import { backoffMs } from '../../core/backoff.ts';
import type { Undo } from '../../core/clock.ts';
import { ConflictError, ModelkeepError, isModelkeepError } from '../../core/errors.ts';
import { describeFailure } from '../../core/failure.ts';
import type { Random } from '../../core/random.ts';
import type { VersionStatus } from '../version-status.ts';
import { VersionSlot, type SlotParts } from './version-slot.ts';

const retries = { initialMs: 1_000, maxMs: 60_000 } as const;
// Failed versions that nobody needs are remembered so that they are not loaded again at each request; this many.
const mostFailed = 32;

/** What a set of versions works with. */
export interface VersionSetParts<Input, Output> extends SlotParts<Input, Output> {
  /** Bytes that all may hold together; absent: those that nobody needs leave at once, and there is room for any other. */
  readonly maxBytes: number | undefined;
  readonly random: Random;
  /** Is told of every change of a version's state. */
  readonly changed: (slot: VersionSlot<Input, Output>) => void;
}

interface Entry<Input, Output> {
  slot: VersionSlot<Input, Output>;
  failures: number;
  /** When it may be loaded again, by the monotonic clock. */
  retryAt: number;
  undoRetry: Undo;
}

/**
 * The versions of a model that are in memory. Those that are needed or pinned are loaded, again and again while that fails, and stay; others stay while there is room, and the one that was asked least recently goes first. Of each
 * version there is one load at a time, and none goes before the last request in it has been answered.
 */
export class VersionSet<Input, Output> {
  readonly #parts: VersionSetParts<Input, Output>;
  readonly #entries = new Map<number, Entry<Input, Output>>();
  readonly #leaving = new Set<VersionSlot<Input, Output>>();
  readonly #pinned = new Set<number>();
  #needed: ReadonlySet<number> = new Set();
  #uses = 0;
  #closed = false;
  /** Predictors that were made. */
  loaded = 0;
  /** Predictors that were given back. */
  disposed = 0;
  /** Loads that failed. */
  failed = 0;

  constructor(parts: VersionSetParts<Input, Output>) {
    this.#parts = parts;
  }

  /** Loads those that are not there, and no longer keeps those that are not among them. */
  need(versions: ReadonlySet<number>): void {
    this.#needed = versions;
    for (const version of versions) this.#ensure(version);
    this.#trim();
  }

  /** A version that is ready; `undefined` for any other. */
  ready(version: number): VersionSlot<Input, Output> | undefined {
    const slot = this.#entries.get(version)?.slot;
    return slot?.state === 'ready' ? slot : undefined;
  }

  /** A version that is ready and is asked now. */
  use(version: number): VersionSlot<Input, Output> | undefined {
    const slot = this.ready(version);
    if (slot) slot.lastUsed = ++this.#uses;
    return slot;
  }

  /** Why a version is not there: it failed, and when it is tried again. */
  failureOf(version: number): ModelkeepError | undefined {
    const entry = this.#entries.get(version);
    if (entry?.slot.state !== 'failed') return undefined;
    if (isCallersError(entry.slot.failure)) return entry.slot.failure;
    const retryAfterMs = Math.max(0, Math.ceil(entry.retryAt - this.#parts.clock.monotonic()));
    return new ModelkeepError('unavailable', `${entry.slot.name} could not be loaded: ${describeFailure(entry.slot.failure).message}`, { version, retryAfterMs, cause: entry.slot.failure });
  }

  /** Loads a version that nobody needs, and calls `work` while it is certain to stay; what is thrown when it cannot be loaded says why. */
  async withLoaded<T>(version: number, signal: AbortSignal | undefined, work: (slot: VersionSlot<Input, Output>) => T): Promise<Awaited<T>> {
    const { slot } = this.#ensure(version);
    slot.hold();
    try {
      await untilAborted(slot.settled, signal, `The load of ${slot.name}`);
      if (slot.state !== 'ready') throw this.#refusal(slot);
      slot.lastUsed = ++this.#uses;
      return await work(slot);
    } finally {
      slot.release();
      this.#trim();
    }
  }

  /** Keeps a version in memory until {@link unpin}; resolves when it is ready. */
  async pin(version: number, signal: AbortSignal | undefined): Promise<void> {
    const had = this.#pinned.has(version);
    this.#pinned.add(version);
    try {
      await this.withLoaded(version, signal, () => undefined);
    } catch (error) {
      if (!had) this.#pinned.delete(version);
      throw error;
    }
  }

  /** Keeps a version no longer; resolves when it has left the memory. Throws `ConflictError` for one that is needed. */
  async unpin(version: number): Promise<void> {
    if (this.#needed.has(version)) throw new ConflictError(`${this.#parts.model}@${version} is in use, and is not unloaded; move the stage, the alias or the traffic that leads to it first.`, { version });
    this.#pinned.delete(version);
    const entry = this.#entries.get(version);
    if (entry) await this.#leave(entry);
  }

  /** Every version that is in memory, on its way there or back, or has failed, in the order of their numbers. */
  status(armOf: (version: number) => VersionStatus['arm']): VersionStatus[] {
    const leaving = [...this.#leaving].filter(({ version }) => !this.#entries.has(version));
    const slots = [...[...this.#entries.values()].map(({ slot }) => slot), ...leaving];
    return slots.map((slot) => slot.status(slot.state === 'ready' ? armOf(slot.version) : undefined)).sort((a, b) => a.version - b.version);
  }

  /** Unloads everything; resolves when the last request was answered. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#needed = new Set();
    this.#pinned.clear();
    for (const entry of [...this.#entries.values()]) void this.#leave(entry);
    await Promise.all([...this.#leaving].map((slot) => slot.unload()));
  }

  #keeps(version: number): boolean {
    return this.#needed.has(version) || this.#pinned.has(version);
  }

  #ensure(version: number): Entry<Input, Output> {
    if (this.#closed) throw new ModelkeepError('closed', `The deployment of '${this.#parts.model}' is closed.`);
    const present = this.#entries.get(version);
    if (present && (present.slot.state !== 'failed' || present.retryAt > this.#parts.clock.monotonic())) return present;
    present?.undoRetry();
    const entry: Entry<Input, Output> = { slot: this.#load(version), failures: present?.failures ?? 0, retryAt: 0, undoRetry: () => undefined };
    this.#entries.set(version, entry);
    this.#parts.changed(entry.slot);
    return entry;
  }

  #load(version: number): VersionSlot<Input, Output> {
    return new VersionSlot<Input, Output>(version, this.#parts, {
      admit: (slot) => this.#admit(slot),
      changed: (slot) => this.#changed(slot),
      counted: (what) => void this[what]++,
    });
  }

  #changed(slot: VersionSlot<Input, Output>): void {
    const entry = this.#entries.get(slot.version);
    if (entry?.slot === slot) {
      if (slot.state === 'failed') this.#failed(entry);
      else if (slot.state === 'ready') entry.failures = 0;
    }
    this.#parts.changed(slot);
    if (slot.state === 'ready') this.#trim();
  }

  #failed(entry: Entry<Input, Output>): void {
    this.failed++;
    const { clock, random, onError } = this.#parts;
    const { version, failure } = entry.slot;
    const waitMs = backoffMs(++entry.failures, retries, random);
    entry.retryAt = clock.monotonic() + waitMs;
    // Whoever asked for what cannot be is told, and nobody else needs to know.
    if (this.#keeps(version) || !isCallersError(failure)) onError(this.failureOf(version));
    entry.undoRetry = clock.setTimer(() => {
      if (!this.#closed && this.#entries.get(version) === entry && this.#keeps(version)) this.#ensure(version);
    }, waitMs);
    if (!this.#keeps(version)) this.#forget();
  }

  /** Of the failed ones that nobody needs, only the newest are remembered. */
  #forget(): void {
    const failed = [...this.#entries].filter(([version, { slot }]) => slot.state === 'failed' && !this.#keeps(version));
    for (const [version, entry] of failed.slice(0, -mostFailed)) {
      entry.undoRetry();
      this.#entries.delete(version);
    }
  }

  #refusal(slot: VersionSlot<Input, Output>): unknown {
    return this.failureOf(slot.version) ?? new ModelkeepError('unavailable', `${slot.name} was unloaded before it was ready.`, { version: slot.version });
  }

  /** Bytes of those that are here to stay, and of those that come. */
  get #bytes(): number {
    let bytes = 0;
    for (const { slot } of this.#entries.values()) if (slot.state !== 'failed') bytes += slot.bytes;
    return bytes;
  }

  async #admit(slot: VersionSlot<Input, Output>): Promise<void> {
    const { maxBytes = Infinity } = this.#parts;
    this.#shrinkTo(maxBytes, 'idle');
    // What leaves is in memory until it has left.
    await Promise.all([...this.#leaving].map((each) => each.unload()));
    if (this.#needed.has(slot.version) || this.#bytes <= maxBytes) return;
    throw new ModelkeepError('overloaded', `There is no room for ${slot.name}, which has ${slot.bytes} bytes: the versions in use fill the ${maxBytes} bytes of cache.maxBytes. Raise it, or unload another version.`, { version: slot.version });
  }

  /** Lets those go that nobody needs, until the rest has room. */
  #trim(): void {
    const { maxBytes } = this.#parts;
    this.#shrinkTo(maxBytes ?? -1, 'any');
  }

  #shrinkTo(bytes: number, which: 'idle' | 'any'): void {
    while (!this.#closed && this.#bytes > bytes) {
      const entry = this.#leastUsed(which);
      if (entry === undefined) return;
      void this.#leave(entry);
    }
  }

  /** Of those that are ready and that nobody needs, the one that was asked least recently; one without requests goes before others. */
  #leastUsed(which: 'idle' | 'any'): Entry<Input, Output> | undefined {
    let least: Entry<Input, Output> | undefined;
    for (const entry of this.#entries.values()) {
      const { slot } = entry;
      if (slot.state !== 'ready' || (which === 'idle' && slot.busy) || this.#keeps(slot.version)) continue;
      const other = least?.slot;
      if (other === undefined || (slot.busy === other.busy ? slot.lastUsed < other.lastUsed : other.busy)) least = entry;
    }
    return least;
  }

  #leave(entry: Entry<Input, Output>): Promise<void> {
    const { slot } = entry;
    entry.undoRetry();
    this.#entries.delete(slot.version);
    this.#leaving.add(slot);
    return slot.unload().finally(() => this.#leaving.delete(slot));
  }
}

/** Whether a version cannot be loaded for a reason that lies with whoever asked for it. */
function isCallersError(failure: unknown): failure is ModelkeepError {
  return isModelkeepError(failure, 'not-found', 'overloaded');
}
