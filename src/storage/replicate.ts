import * as z from 'zod/mini';
import type { Clock } from '../core/clock.ts';
import { digestOf } from '../core/digest.ts';
import { durationMs, type Duration } from '../core/duration.ts';
import { ValidationError } from '../core/errors.ts';
import { assertPrefix, isSegment } from '../core/key.ts';
import type { ErrorListener, Logger } from '../core/logger.ts';
import { callable, clockOption, having, progressOption, signalOption } from '../core/option-schemas.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { Random } from '../core/random.ts';
import { check } from '../core/schema.ts';
import { shown } from '../core/shown.ts';
import type { StorageAdapter } from './contract.ts';
import type { ConflictListener, ReplicationConflict } from './replication-conflict.ts';
import type { ReplicationCounts, ReplicationProgress } from './replication-context.ts';
import type { ReplicationLock, ReplicationWake } from './replication-host.ts';
import { ReplicationLink } from './replication-link.ts';
import { travels } from './replication-pass.ts';
import { storageOption } from './storage-option.ts';

/** What is replicated, and how. */
export interface ReplicateOptions {
  /** The store that is read. */
  readonly from: StorageAdapter;
  /** The store that gets what the source has. */
  readonly to: StorageAdapter;
  /** Whether it goes on until it is closed, instead of once. @default false */
  readonly live?: boolean | undefined;
  /** Keys begin with it, by bytes. @default '' (all) */
  readonly prefix?: string | undefined;
  /** Whether all blobs travel, or only those that travelling records name. @default 'referenced' */
  readonly blobs?: 'referenced' | 'all' | undefined;
  /** Names the link, as a key segment: links of one name between the same stores share what they know. @default made from the target's name and the prefix */
  readonly id?: string | undefined;
  /**
   * The store that keeps what the link knows, below `replication/<id>`. It must live no longer than the source: to a link, a source that has been emptied is one where
   * everything was deleted. @default `from`
   */
  readonly state?: StorageAdapter | undefined;
  /** How long a live link waits before it looks again when nothing hints at a change. @default '5s' */
  readonly interval?: Duration | undefined;
  /** Is told how far it has come, at least once per batch. @default nobody is */
  readonly onProgress?: ((progress: ReplicationProgress) => void) | undefined;
  /** Is told of each conflict, once for each pair of versions, and may decide it. @default nothing is decided */
  readonly onConflict?: ConflictListener | undefined;
  /** Ends the link when it fires, as `close()` does. @default none */
  readonly signal?: AbortSignal | undefined;
  /** Keeps two passes over one source from running at once; `false` lets them, which is slower and as exact. @default the host's Web Locks, where it has them */
  readonly lock?: ReplicationLock | false | undefined;
  /** Tells when a live link should try at once; `false` for never. @default the host's `online` and `visibilitychange` events, where it has them */
  readonly wake?: ReplicationWake | false | undefined;
  /** The source of time. @default the host's */
  readonly clock?: Clock | undefined;
  /** Spreads the waits after failures. @default the host's */
  readonly random?: Random | undefined;
  /** Is told what fails in the background. @default none */
  readonly logger?: Logger | undefined;
  /** Is told of each pass that fails. @default nobody is */
  readonly onError?: ErrorListener | undefined;
}

/** A link between two stores. */
export interface Replication {
  /**
   * Resolves, with what the link has moved since it was made, when everything that was in the source at the time of the call has arrived or is reported as a conflict.
   * It looks at once, whatever the link was waiting for. Rejects with the failure when that cannot be done now; a live link tries again all the same.
   */
  settled(options?: OperationOptions): Promise<ReplicationCounts>;
  /** The conflicts that the last pass found and nobody has decided. */
  conflicts(): readonly ReplicationConflict[];
  /** What the link has moved since it was made. */
  counts(): ReplicationCounts;
  /** Leaves off as soon as can be, wherever it is, and waits until nothing is under way. The stores stay open; another link goes on where this one stopped. */
  close(): Promise<void>;
  /** The same as `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

const optionsSchema = /* @__PURE__ */ z.strictObject({
  from: storageOption,
  to: storageOption,
  live: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.boolean()),
  prefix: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.string()),
  blobs: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.enum(['referenced', 'all'])),
  id: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.string()),
  state: /* @__PURE__ */ z.optional(storageOption),
  interval: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.union([/* @__PURE__ */ z.number(), /* @__PURE__ */ z.string()])),
  onProgress: progressOption,
  onConflict: /* @__PURE__ */ z.optional(/* @__PURE__ */ callable<ConflictListener>()),
  signal: signalOption,
  lock: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.union([/* @__PURE__ */ z.literal(false), /* @__PURE__ */ callable<ReplicationLock>()])),
  wake: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.union([/* @__PURE__ */ z.literal(false), /* @__PURE__ */ callable<ReplicationWake>()])),
  clock: clockOption,
  random: /* @__PURE__ */ z.optional(/* @__PURE__ */ callable<Random>()),
  logger: /* @__PURE__ */ z.optional(/* @__PURE__ */ having<Logger>('warn', 'must be a Logger')),
  onError: /* @__PURE__ */ z.optional(/* @__PURE__ */ callable<ErrorListener>()),
});

/**
 * Brings what one store has to another, once or for as long as the link is open: records, logs with their writers and numbers, and the blobs that records name. Only what is
 * new travels: versions are compared, and values that have not changed are not read. Deletions travel too. Keys below `replication/`, `uploads/` and `_garbage/` stay where they are.
 *
 * - **Nothing is lost or doubled**, wherever a link dies and however many run at once: records are written by compare-and-swap on what the target is known to have, entries
 *   are appended in their places under names that the target recognises, and what is about to be written is written down before.
 * - **Nothing is overwritten silently.** What was changed on both sides is a conflict: it stays as it is, and `onConflict` and `conflicts()` tell of it with both sides.
 *   Equal contents are no conflict, so that two links in opposite directions keep two stores alike. A change that one of them has brought and that is changed again
 *   before the other has looked may be reported to the other for a moment; leave it undecided, and it goes away.
 * - **A reader of the target sees nothing half**: blobs arrive before the records that name them, and the log of a record before the record.
 *
 * In a page, it is the outbox of an IndexedDBStorage: tabs take turns by Web Locks, and the network's return, the page's coming to be seen and every write wake it.
 * A failure, such as no network, is told to `onError` and to whoever waits in `settled()`; a live link tries again, ever less often.
 * One key that cannot be replicated (damaged, too large, not allowed) does not hold up the others: `settled()` rejects with its error when all others have arrived.
 *
 * The one thing without a condition is to delete a log: entries that someone appends to the target's log in the very moment in which its deletion arrives go with it.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Tracker, replicate } from 'modelkeep';
 *
 * const [laptop, team] = [new MemoryStorage(), new MemoryStorage()];
 * await new Tracker({ storage: laptop }).withRun({ experiment: 'demo' }, async (run) => run.logMetrics({ loss: 0.5 }));
 *
 * await using link = replicate({ from: laptop, to: team, onConflict: (conflict) => console.log('changed on both sides:', conflict.key) });
 * console.log(await link.settled()); // { records: …, entries: …, conflicts: 0, … }
 * ```
 */
export function replicate(options: ReplicateOptions): Replication {
  check(optionsSchema, options, 'options');
  const { from, to, prefix = '', state = from, live = false, blobs = 'referenced', interval = '5s' } = options;
  if (from === to) throw new ValidationError('from and to are the same store; give two.', { path: 'to' });
  assertPrefix(prefix);
  if (!travels(prefix)) throw new ValidationError(`prefix is ${shown(prefix)}, and nothing below that travels.`, { path: 'prefix' });
  const id = options.id ?? digestOf(JSON.stringify([to.name, prefix])).slice('sha256:'.length, 'sha256:'.length + 16);
  if (!isSegment(id)) throw new ValidationError(`id is ${shown(id)}; give one key segment.`, { path: 'id' });
  const intervalMs = durationMs(interval, 'interval');
  if (intervalMs === 0) throw new ValidationError('interval is 0; a link that looks without end leaves time for nothing else.', { path: 'interval' });
  return new ReplicationLink({ ...options, live, intervalMs }, { state, id, prefix, allBlobs: blobs === 'all' });
}
