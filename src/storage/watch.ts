import * as z from 'zod/mini';
import { systemClock, type Clock, type Undo } from '../core/clock.ts';
import { durationMs, type Duration } from '../core/duration.ts';
import { isModelkeepError } from '../core/errors.ts';
import { assertPrefix, type Key } from '../core/key.ts';
import { clockOption, signalOption } from '../core/option-schemas.ts';
import { check } from '../core/schema.ts';
import type { StorageAdapter, Version } from './contract.ts';
import { listAll } from './records.ts';

/** A record or log that is not what it was. */
export interface StoreChange {
  /** What changed. */
  readonly kind: 'record' | 'log';
  /** Its key. */
  readonly key: Key;
  /** What it is at now, as `list` gives it; `undefined` when it was deleted. */
  readonly version: Version | undefined;
}

/** How a store is watched. */
export interface WatchOptions {
  /** Ends the watch when it fires, without an error: the iteration is over. */
  readonly signal?: AbortSignal | undefined;
  /** How long to wait before it looks again when no hint comes. @default '5s' */
  readonly interval?: Duration | undefined;
  /** Whether what is there already is told first, as if it had just been written. @default false */
  readonly initial?: boolean | undefined;
  /** What is watched. @default records and logs */
  readonly kinds?: readonly StoreChange['kind'][] | undefined;
  /** @default the host's */
  readonly clock?: Clock | undefined;
}

const optionsSchema = /* @__PURE__ */ z.strictObject({
  signal: signalOption,
  interval: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.union([/* @__PURE__ */ z.number(), /* @__PURE__ */ z.string()])),
  initial: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.boolean()),
  kinds: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.array(/* @__PURE__ */ z.enum(['record', 'log']))),
  clock: clockOption,
});

// However many hints come, a store is not listed more often, nor for more than half of the time.
const shortestPauseMs = 50;

/**
 * Tells which records and logs below a prefix changed, for as long as it is asked: by listing them and comparing versions, at an interval, and at once when the adapter
 * hints at a change.
 *
 * It tells of states and not of writes: of several writes between two looks only the last is seen, and what was written and deleted again in between is not. Every
 * state that lasts is told, whoever wrote it. The watch begins with the first `next()`; without `initial`, what its first look finds is not told. It looks only while it
 * is asked for more, so a slow reader delays it and nothing piles up; it remembers one version for each key. While it waits, it does not keep a process alive.
 *
 * A failing list ends it with the adapter's error; the end of the storage ends it without one.
 *
 * @param prefix - Keys begin with it, by bytes; the empty one is the whole store.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Registry, watch } from 'modelkeep';
 *
 * const storage = new MemoryStorage();
 * const registry = new Registry({ storage });
 * const changes = watch(storage, 'registry/', { kinds: ['record'], initial: true });
 *
 * await registry.createModel('fraud', { description: 'Is this payment a fraud?' });
 * for await (const { key, version } of changes) {
 *   console.log(key, version === undefined ? 'was deleted' : `is at ${version}`);
 *   break;
 * }
 * ```
 */
export function watch(storage: Pick<StorageAdapter, 'list' | 'onChange'>, prefix: string, options: WatchOptions = {}): StoreWatch {
  const { signal, interval = '5s', initial = false, kinds = ['record', 'log'], clock = systemClock } = check(optionsSchema, options, 'options');
  const intervalMs = Math.max(shortestPauseMs, durationMs(interval as Duration, 'options.interval'));
  const stop = new AbortController();
  const end = (): void => {
    signal?.removeEventListener('abort', end);
    stop.abort();
  };
  const changes = tell({ storage, prefix: assertPrefix(prefix), intervalMs, initial, kinds, clock, stop: stop.signal, end });
  if (signal?.aborted) end();
  else signal?.addEventListener('abort', end);
  const finish = (): Promise<IteratorResult<StoreChange, undefined>> => {
    end();
    return changes.return(undefined);
  };
  return {
    next: () => changes.next(),
    return: finish,
    [Symbol.asyncIterator]() {
      return this;
    },
    [Symbol.asyncDispose]: async () => void (await finish()),
  };
}

/** The changes of a store, one after the other. */
export interface StoreWatch extends AsyncIterableIterator<StoreChange, undefined> {
  /** Waits for the next change. */
  next(): Promise<IteratorResult<StoreChange, undefined>>;
  /** Ends the watch, also while `next()` waits, which is then over. */
  return(): Promise<IteratorResult<StoreChange, undefined>>;
  /** The same as `return()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

interface Watched {
  readonly storage: Pick<StorageAdapter, 'list' | 'onChange'>;
  readonly prefix: string;
  readonly intervalMs: number;
  readonly initial: boolean;
  readonly kinds: readonly StoreChange['kind'][];
  readonly clock: Clock;
  readonly stop: AbortSignal;
  readonly end: () => void;
}

async function* tell(watched: Watched): AsyncGenerator<StoreChange, undefined> {
  const { storage, intervalMs, initial, kinds, clock, stop, end } = watched;
  if (stop.aborted) return;
  const pause = new Pause(clock, stop);
  const known = new Map(kinds.map((kind) => [kind, new Map<Key, Version>()]));
  let quiet = !initial;
  try {
    const undo = storage.onChange?.(() => pause.wake());
    stop.addEventListener('abort', () => undo?.(), { once: true });
    for (;;) {
      pause.rest();
      let began = clock.monotonic();
      for (const [kind, versions] of known) {
        for await (const change of changesOf(watched, kind, versions)) {
          if (quiet) continue;
          const told = clock.monotonic();
          yield change;
          // How long the reader took with it is not what looking takes.
          began += clock.monotonic() - told;
        }
      }
      quiet = false;
      const tookMs = clock.monotonic() - began;
      await pause.wait({ atLeastMs: Math.max(shortestPauseMs, tookMs), atMostMs: Math.max(intervalMs, tookMs) });
      if (stop.aborted) return;
    }
  } catch (error) {
    if (stop.aborted || isModelkeepError(error, 'closed')) return;
    throw error;
  } finally {
    end();
  }
}

/** Compares a list with what was known, and makes that known. */
async function* changesOf({ storage, prefix, stop }: Watched, kind: StoreChange['kind'], versions: Map<Key, Version>): AsyncGenerator<StoreChange> {
  const gone = new Set(versions.keys());
  for await (const { key, version } of listAll(storage, { kind, prefix }, { signal: stop })) {
    gone.delete(key);
    if (versions.get(key) === version) continue;
    versions.set(key, version);
    yield { kind, key, version };
  }
  for (const key of gone) {
    versions.delete(key);
    yield { kind, key, version: undefined };
  }
}

/** A wait that a hint shortens. */
class Pause {
  readonly #clock: Clock;
  readonly #stop: AbortSignal;
  #woken = false;
  #wake: (() => void) | undefined;

  constructor(clock: Clock, stop: AbortSignal) {
    this.#clock = clock;
    this.#stop = stop;
  }

  /** From here on, a hint tells of something that was not seen yet. */
  rest(): void {
    this.#woken = false;
  }

  wake(): void {
    this.#woken = true;
    this.#wake?.();
  }

  async wait({ atLeastMs, atMostMs }: { atLeastMs: number; atMostMs: number }): Promise<void> {
    const began = this.#clock.monotonic();
    if (!this.#woken) await this.#until(atMostMs, { wakeable: true });
    // Something did change: a process that ends now would not hear of it.
    const leftMs = began + atLeastMs - this.#clock.monotonic();
    if (leftMs > 0) await this.#until(leftMs, { keepAlive: true });
  }

  #until(ms: number, { wakeable = false, keepAlive = false }: { wakeable?: boolean; keepAlive?: boolean }): Promise<void> {
    if (this.#stop.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      let undo: Undo = () => undefined;
      const done = (): void => {
        undo();
        this.#stop.removeEventListener('abort', done);
        this.#wake = undefined;
        resolve();
      };
      if (wakeable) this.#wake = done;
      this.#stop.addEventListener('abort', done, { once: true });
      undo = this.#clock.setTimer(done, ms, { keepAlive });
    });
  }
}
