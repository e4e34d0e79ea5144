import type { Clock, Undo } from '../core/clock.ts';
import { encode } from '../core/codec.ts';
import { newId } from '../core/ids.ts';
import type { Key } from '../core/key.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { PutOperation, StorageAdapter } from '../storage/contract.ts';
import { readEach } from '../storage/read-each.ts';
import type { RunRecord, StoredRun } from './run-record.ts';
import { keys } from './tracking-keys.ts';

/** A sign of life of a tracker, for all the runs that are open with it. */
export interface HeartbeatRecord {
  /** Epoch milliseconds. */
  readonly at: number;
  /** Milliseconds without another sign after which its runs count as crashed. */
  readonly lifetimeMs: number;
}

/** How many signs of life must be missing. A machine that is busy, or asleep for a moment, is not dead. */
const missingBeats = 10;

const separator = '.';

/** Gives signs of life while runs are open: one small record for all the runs of a tracker, so that the runs' own records stay as they are. */
export class Heart {
  readonly #id = newId();
  readonly #storage: StorageAdapter;
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #onError: (error: unknown) => void;
  #lastBeat = -Infinity;
  #undoTimer: Undo | undefined;

  constructor(storage: StorageAdapter, clock: Clock, intervalMs: number, onError: (error: unknown) => void) {
    this.#storage = storage;
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#onError = onError;
  }

  /** A name for one handle on a run, which says whose life it hangs on. */
  newSession(): string {
    return `${this.#id}${separator}${newId()}`;
  }

  /** The write of a sign of life, to go with that of a run; none while the last sign is recent. */
  due(): PutOperation[] {
    return this.#clock.now() - this.#lastBeat < this.#intervalMs / 2 ? [] : [this.#beat()];
  }

  /** Whether the last sign of life is recent, so that nobody takes the runs for dead. */
  get isBeating(): boolean {
    return this.#clock.now() - this.#lastBeat < (this.#intervalMs * missingBeats) / 2;
  }

  /** Keeps giving signs of life until it is stopped. */
  start(): void {
    this.#undoTimer ??= this.#clock.setTimer(() => {
      this.#undoTimer = undefined;
      this.start();
      this.#storage.write([this.#beat()]).catch(this.#onError);
    }, this.#intervalMs);
  }

  stop(): void {
    this.#undoTimer?.();
    this.#undoTimer = undefined;
  }

  #beat(): PutOperation {
    this.#lastBeat = this.#clock.now();
    const record: HeartbeatRecord = { at: this.#lastBeat, lifetimeMs: this.#intervalMs * missingBeats };
    return { kind: 'put', key: keys.heartbeat(this.#id), bytes: encode(record) };
  }
}

/** The last signs of life of those who have a run open; runs that ended need none. */
export async function readHeartbeats(storage: StorageAdapter, runs: readonly StoredRun[], options: OperationOptions): Promise<ReadonlyMap<string, HeartbeatRecord>> {
  const hearts = [...new Set(runs.flatMap((run) => (run.status === 'running' ? run.openSessions.map(heartOf) : [])))];
  if (hearts.length === 0) return new Map();
  const beats = await readHeartbeatsAt(storage, hearts.map(keys.heartbeat), options);
  return new Map(beats.flatMap((beat, i) => (beat === undefined ? [] : [[hearts[i]!, beat] as const])));
}

/** The signs of life at keys; `undefined` where there is none that can be read: a damaged one must not hide the runs whose it was. */
export async function readHeartbeatsAt(storage: StorageAdapter, found: readonly Key[], options: OperationOptions): Promise<(HeartbeatRecord | undefined)[]> {
  const records = await readEach<HeartbeatRecord>(storage, found, options);
  return records.map((record) => (record !== undefined && 'value' in record ? record.value : undefined));
}

/** The sessions of a run whose signs of life are recent enough. */
export async function livingSessions(storage: StorageAdapter, run: StoredRun, now: number, options: OperationOptions): Promise<readonly string[]> {
  const heartbeats = await readHeartbeats(storage, [{ ...run, status: 'running' }], options);
  return run.openSessions.filter((session) => {
    const beat = heartbeats.get(heartOf(session));
    return beat !== undefined && now - beat.at < beat.lifetimeMs;
  });
}

/** The run as it is at a time: one that is running, and whose last sign of life is too old, has crashed. */
export function withLife<R extends RunRecord>(run: R, openSessions: readonly string[], heartbeats: ReadonlyMap<string, HeartbeatRecord>, now: number): R {
  if (run.status !== 'running') return run;
  let last = run.startedAt;
  for (const session of openSessions) {
    const beat = heartbeats.get(heartOf(session));
    if (beat === undefined) continue;
    if (now - beat.at < beat.lifetimeMs) return run;
    last = Math.max(last, beat.at);
  }
  return { ...run, status: 'crashed', endedAt: last, reason: 'no sign of life' };
}

/** Whose life a session hangs on. */
export function heartOf(session: string): string {
  return session.slice(0, session.indexOf(separator));
}
