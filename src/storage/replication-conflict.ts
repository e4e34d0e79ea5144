import type { Digest } from '../core/digest.ts';
import { ValidationError, isModelkeepError } from '../core/errors.ts';
import type { Key } from '../core/key.ts';
import { shown } from '../core/shown.ts';
import type { StoredRecord, Version } from './contract.ts';

/** A record that was changed on both sides, or is there on both without the link having written it. */
export interface RecordConflict {
  /** Tells it from that of a log. */
  readonly kind: 'record';
  /** Which record. */
  readonly key: Key;
  /** What the source has; `undefined` when it was deleted there. */
  readonly source: StoredRecord | undefined;
  /** What the target has; `undefined` when it was deleted there. */
  readonly target: StoredRecord | undefined;
}

/** A log of which the target has something that neither came from the source nor goes on behind it. */
export interface LogConflict {
  /** Tells it from that of a record. */
  readonly kind: 'log';
  /** Which log. */
  readonly key: Key;
  /** `different`: other entries in the place of the source's; `deleted-at-source` and `deleted-at-target`: gone on that side, with entries on the other that it never had. */
  readonly reason: 'different' | 'deleted-at-source' | 'deleted-at-target';
  /** Whose entries differ, where it is one writer's. */
  readonly writer?: string | undefined;
  /** The source's log; `undefined` when there is none. */
  readonly source: LogSide | undefined;
  /** The target's log; `undefined` when there is none. */
  readonly target: LogSide | undefined;
}

/** One side of a log that is in conflict; `readLog` gives its entries. */
export interface LogSide {
  /** As `list` gives it. */
  readonly version: Version;
  /** Bytes of all its entries. */
  readonly size: number;
}

/** Something that the link will not decide by itself. It stays as it is on both sides until it is decided, or both sides agree. */
export type ReplicationConflict = RecordConflict | LogConflict;

/** A record in the place of both sides of a conflict. */
export interface MergedRecord {
  /** What the target's record becomes. */
  readonly bytes: Uint8Array;
  /** The blobs that it names; each must be in the source or the target. @default none */
  readonly blobs?: readonly Digest[] | undefined;
}

/**
 * What is done about a conflict: the target stays as it is until the source changes again, the source's side replaces it (a log with all its entries), or, for a record,
 * a merged one does. The source itself is never written: a merged record reaches it by a link in the other direction.
 */
export type ConflictDecision = 'keep-target' | 'overwrite' | MergedRecord;

/** Is told of a conflict, and decides it or, by giving nothing, leaves it. Asked once for each pair of versions while the link lives. */
export type ConflictListener = (conflict: ReplicationConflict) => ConflictDecision | void | Promise<ConflictDecision | void>;

interface Known {
  readonly conflict: ReplicationConflict;
  round: number;
}

/** The conflicts that are there now. */
export class ConflictBook {
  readonly #ask: ConflictListener | undefined;
  readonly #known = new Map<string, Known>();
  #round = 0;

  constructor(ask: ConflictListener | undefined) {
    this.#ask = ask;
  }

  get size(): number {
    return this.#known.size;
  }

  list(): readonly ReplicationConflict[] {
    return [...this.#known.values()].map(({ conflict }) => conflict);
  }

  beginRound(): void {
    this.#round++;
  }

  /** Forgets the conflicts that a whole pass did not meet again. */
  endRound(): void {
    for (const [name, { round }] of this.#known) if (round !== this.#round) this.#known.delete(name);
  }

  /** Whether this conflict is known and both sides are still at these versions. */
  stands(kind: ReplicationConflict['kind'], key: Key, source: Version | undefined, target: Version | undefined): boolean {
    const known = this.#known.get(`${kind} ${key}`);
    if (known === undefined || known.conflict.source?.version !== source || known.conflict.target?.version !== target) return false;
    known.round = this.#round;
    return true;
  }

  /** Notes a conflict and gives what was decided about it. What `onConflict` throws is thrown on. */
  async decide(conflict: ReplicationConflict): Promise<ConflictDecision | undefined> {
    const name = `${conflict.kind} ${conflict.key}`;
    if (this.stands(conflict.kind, conflict.key, conflict.source?.version, conflict.target?.version)) return undefined;
    const answer: unknown = await this.#ask?.(conflict);
    const decision = decisionOf(answer, conflict.key);
    if (decision === undefined) this.#known.set(name, { conflict, round: this.#round });
    else this.#known.delete(name);
    return decision;
  }
}

/** What a listener's answer decides. One that only takes note may well give a number, such as the length of the list that it keeps; a word that is none must not pass for that. */
function decisionOf(answer: unknown, key: Key): ConflictDecision | undefined {
  if (answer === 'keep-target' || answer === 'overwrite') return answer;
  if (typeof answer === 'object' && answer !== null && 'bytes' in answer) return answer as MergedRecord;
  if (typeof answer !== 'string') return undefined;
  throw new ValidationError(`onConflict answered ${shown(answer)} for ${key}; answer 'keep-target', 'overwrite', { bytes } or nothing.`, { path: 'onConflict', key });
}

/** Whether a failure concerns the one key that it happened at, so that the others can go on: damaged, not allowed, not accepted. */
export function isKeyFailure(error: unknown): boolean {
  return isModelkeepError(error, 'integrity', 'validation', 'forbidden', 'not-found', 'unsupported');
}
