import { throwIfAborted } from '../core/abort.ts';
import { describeFailure } from '../core/failure.ts';
import { newestFirst } from '../core/newest-first.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { StorageAdapter, Version } from '../storage/contract.ts';
import { readHeartbeats, withLife, type HeartbeatRecord } from './heartbeat.ts';
import { LogTails } from './log-tails.ts';
import { isDamage, readEach, type EachValue } from '../storage/read-each.ts';
import type { DamagedRun } from './run-list.ts';
import { toRunRecord, type RunRecord, type StoredRun } from './run-record.ts';
import { keys } from './tracking-keys.ts';

/** All runs of a store at one moment. */
export interface RunsNow {
  /** In the order of their start, the newest first; those that are not open as they are stored, which callers do not see. */
  readonly runs: readonly (RunRecord | StoredRun)[];
  readonly damaged: readonly DamagedRun[];
}

/** A line of the list with what its record says; made once and filled when it is read, since many objects that live on cost a first look more than their making. */
interface IndexedRun {
  readonly key: string;
  version: Version;
  /** As it is stored, or why it cannot be read; absent until it was read, and when it went meanwhile. */
  run: StoredRun | DamagedRun | undefined;
}

const listSize = 10_000;
const readSize = 2_000;

/**
 * Every run in memory, so that a search need not read them. It is never trusted: each look lists the versions of all records, which is cheap, and reads those that are not what they were, whoever changed them. Nothing of it is
 * stored, so nothing of it can be left behind wrong.
 */
export class RunIndex {
  readonly #storage: StorageAdapter;
  /** In the order of their keys, which is that of the list: newest first. */
  #entries: readonly IndexedRun[] = [];
  /** What the entries come to, while none of them has a session open. */
  #settled: RunsNow | undefined;
  readonly #tails: LogTails;
  #looking: Promise<RunsNow> | undefined;

  constructor(storage: StorageAdapter) {
    this.#storage = storage;
    this.#tails = new LogTails(storage, Infinity);
  }

  /** The runs as they are at `now`. Looks that come while one is under way wait for the next one together. */
  async look(now: number, { signal }: OperationOptions): Promise<RunsNow> {
    // What changed after a look began may be missing from it, so it is of no use to those who come later.
    await this.#looking?.catch(() => undefined);
    throwIfAborted(signal, 'Looking at the runs');
    this.#looking ??= this.#look(now).finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #look(now: number): Promise<RunsNow> {
    const before = this.#entries;
    const entries: IndexedRun[] = [];
    const changed: IndexedRun[] = [];
    let next = 0;
    let after: string | undefined;
    do {
      const page = await this.#storage.list({ prefix: keys.runs, limit: listSize, after });
      // Not by listAll, for a promise for each of many lines would cost more than the look at it.
      for (const { key, version } of page.entries) {
        while (next < before.length && before[next]!.key !== key && before[next]!.key < key) next++;
        const known = before[next];
        if (known?.key === key && known.version === version) {
          entries.push(known);
          continue;
        }
        const entry = { key, version, run: undefined };
        changed.push(entry);
        entries.push(entry);
      }
      after = page.next;
    } while (after !== undefined);
    const read = (from: number): Promise<EachValue<StoredRun>[]> => {
      return readEach<StoredRun>(this.#storage, changed.slice(from, from + readSize).map(({ key }) => key), {});
    };
    let ahead = read(0);
    for (let from = 0; from < changed.length; from += readSize) {
      const found = await ahead;
      ahead = read(from + readSize);
      // It is waited for in the next turn, and may fail before.
      ahead.catch(() => undefined);
      for (const [i, value] of found.entries()) fill(changed[from + i]!, value);
    }
    await ahead;
    if (changed.length > 0 || entries.length !== before.length) {
      // A run that went between the list and the read is gone.
      this.#entries = changed.length === 0 ? entries : entries.filter(({ run }) => run !== undefined);
      this.#settled = undefined;
    }
    return this.#settled ?? this.#present(now);
  }

  async #present(now: number): Promise<RunsNow> {
    const open = this.#entries.flatMap(({ run }) => (isOpen(run!) ? run : []));
    const heartbeats = await readHeartbeats(this.#storage, open, {});
    const present = new Map<string, RunRecord | DamagedRun>();
    for (const stored of open) present.set(stored.id, await this.#presentOpen(stored, heartbeats, now));
    this.#tails.keep(present);
    const runs: (RunRecord | StoredRun)[] = [];
    const damaged: DamagedRun[] = [];
    for (const entry of this.#entries) {
      const run = isOpen(entry.run!) ? present.get(entry.run.id)! : entry.run!;
      if ('experiment' in run) runs.push(run);
      else damaged.push(run);
    }
    const all = { runs, damaged };
    if (open.length === 0) this.#settled = all;
    return all;
  }

  async #presentOpen(stored: StoredRun, heartbeats: ReadonlyMap<string, HeartbeatRecord>, now: number): Promise<RunRecord | DamagedRun> {
    try {
      const metrics = await this.#tails.metricsOf(stored, {});
      return withLife(toRunRecord(stored, metrics), stored.openSessions, heartbeats, now);
    } catch (error) {
      if (!isDamage(error)) throw error;
      return { id: stored.id, error: describeFailure(error) };
    }
  }
}

function fill(entry: IndexedRun, found: EachValue<StoredRun>): void {
  if (found === undefined) return;
  if ('error' in found) {
    // What could not be read is read again at the next look.
    entry.version = '';
    entry.run = { id: newestFirst(entry.key.slice(keys.runs.length)), error: describeFailure(found.error) };
    return;
  }
  entry.version = found.version;
  entry.run = found.value;
}

/** Whether a record is not all there is to say about a run, since it has not ended for all. */
function isOpen(run: StoredRun | DamagedRun): run is StoredRun {
  return 'openSessions' in run && (run.openSessions.length > 0 || run.status === 'running');
}
