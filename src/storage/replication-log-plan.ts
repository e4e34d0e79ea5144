import { createHasher, digestOf, type Digest, type Hasher } from '../core/digest.ts';
import type { LogEntry, LogPosition, Version } from './contract.ts';
import type { StateKind } from './replication-shard.ts';

// What becomes of the entries of one log is decided here, entry by entry, from facts alone; reading and appending is the business of LogMover.

/** How many entries each writer has. */
export type WriterCounts = ReadonlyMap<string, number>;

/** Consecutive entries of one writer: its name, the first sequence and the last. */
export type Batch = readonly [writer: string, first: number, last: number];

/** What a link knows of a log. */
export interface LogState {
  /** The source's version at which all of it had arrived. */
  readonly source?: Version | undefined;
  /** Bytes of the source's entries that are counted in `same`. */
  readonly size: number;
  /** Part of the names of the appends: another one after each time that the target's log was deleted, where the old names are used up. */
  readonly epoch: string;
  /** The entries, from the first of each writer on, that both sides have. */
  readonly same: WriterCounts;
  /** The last of them, and where to read on so that they come again: entries that are not there any more tell that the log was deleted and begun anew. */
  readonly anchor?: { readonly at?: LogPosition | undefined; readonly entries: readonly (readonly [writer: string, sequence: number, print: string])[] } | undefined;
  /** The target's log when it was last looked at, and a position in it before which all is the same. */
  readonly target?: TargetLog | undefined;
  /** Appends that were about to be made: whoever finds them makes exactly these, or finds them made. */
  readonly plan?: readonly Batch[] | undefined;
  /** The target's version that was about to be deleted. */
  readonly clearing?: Version | undefined;
  /** The two were decided to differ as long as the source stays at `source`. */
  readonly kept?: boolean | undefined;
  /** The log was deleted on both sides; what remains is its epoch. */
  readonly gone?: boolean | undefined;
}

/** The target's log at a version. */
export interface TargetLog {
  readonly version: Version;
  readonly size: number;
  readonly counts: WriterCounts;
  readonly position?: LogPosition | undefined;
}

/** How the states of logs are stored. */
export const logStates: StateKind<LogState> = {
  name: 'logs',
  splitAt: 64,
  toJson: ({ same, target, ...rest }) => ({ ...rest, same: [...same], target: target && { ...target, counts: [...target.counts] } }),
  fromJson(json) {
    const { same, target, ...rest } = json as Omit<LogState, 'same' | 'target'> & { same: [string, number][]; target?: Omit<TargetLog, 'counts'> & { counts: [string, number][] } };
    return { ...rest, same: new Map(same), ...(target ? { target: { ...target, counts: new Map(target.counts) } } : {}) };
  },
  settledAt: ({ source, plan, clearing }) => (plan !== undefined || clearing !== undefined ? undefined : source),
  isGone: ({ gone }) => gone === true,
};

/** Whether two states say the same. */
export function isSameLogState(a: LogState | undefined, b: LogState | undefined): boolean {
  if (a === b || a === undefined || b === undefined) return a === b;
  return JSON.stringify(logStates.toJson(a)) === JSON.stringify(logStates.toJson(b));
}

/** What is known of a log before anything is. */
export function blankLogState(epoch: string): LogState {
  return { size: 0, epoch, same: new Map() };
}

/** Names an append, so that it is made once whoever tries, and only behind the entry before `first`: all who follow this protocol have seen that one there. */
export function appendName(log: string, epoch: string, writer: string, first: number): string {
  return `replication-${digestOf([log, epoch, writer, first].join('\n')).slice('sha256:'.length, 'sha256:'.length + 40)}`;
}

/** Whether a target has nothing but what came from the source, or was about to. */
export function isOurs(counts: WriterCounts, { same, plan = [] }: Pick<LogState, 'same' | 'plan'>): boolean {
  return [...counts].every(([writer, count]) => count <= (same.get(writer) ?? 0) || plan.some(([planned, , last]) => planned === writer && count <= last));
}

/** The digest of consecutive entries of one writer. */
export interface StretchDigest {
  readonly first: number;
  readonly last: number;
  readonly digest: Digest;
}

interface Stretch {
  readonly first: number;
  last: number;
  readonly hasher: Hasher;
}

/** Digests what it is given of each writer, as far as it follows without a gap. */
export class StretchDigests {
  readonly #stretches = new Map<string, Stretch>();

  add(writer: string, sequence: number, bytes: Uint8Array): void {
    const stretch = this.#stretches.get(writer) ?? { first: sequence, last: sequence - 1, hasher: createHasher() };
    if (sequence !== stretch.last + 1) return;
    stretch.last = sequence;
    stretch.hasher.update(new Uint8Array(new Uint32Array([bytes.length]).buffer));
    stretch.hasher.update(bytes);
    this.#stretches.set(writer, stretch);
  }

  /** The digest of a writer's stretch, which it ends. */
  take(writer: string): StretchDigest | undefined {
    const stretch = this.#stretches.get(writer);
    this.#stretches.delete(writer);
    return stretch && { first: stretch.first, last: stretch.last, digest: stretch.hasher.digest() };
  }

  /** The digests of all writers, which it ends. */
  takeAll(): Map<string, StretchDigest> {
    return new Map([...this.#stretches.keys()].map((writer) => [writer, this.take(writer)!]));
  }
}

/** What is known of the target while the source is read. */
export interface TargetView {
  readonly counts: WriterCounts;
  /** Digests of the target's entries behind those that are known to be the same; none when the target is as it was left. */
  readonly digests: ReadonlyMap<string, StretchDigest>;
}

/** What to do with an entry of the source: nothing, since the target has it; send it; or leave off, since the source or the target is not what was believed. */
export type EntryVerdict = 'known' | 'send' | 'doubt';

interface Anchored {
  readonly before: LogPosition | undefined;
  readonly entry: LogEntry;
}

const anchorEntries = 16;

/** Compares the source's entries, as they are read, with what is known of both sides. */
export class SourceComparison {
  readonly #view: TargetView;
  /** Entries that are read or known of each writer. */
  readonly #taken: Map<string, number>;
  readonly #same: Map<string, number>;
  readonly #expected: Map<string, string>;
  readonly #digests = new StretchDigests();
  /** Bytes of entries of each writer that are being compared. */
  readonly #comparing = new Map<string, number>();
  #last: Anchored[] = [];
  #position: LogPosition | undefined;
  /** Bytes of the entries that were not known before. */
  bytes = 0;
  /** Those of them that both sides have. */
  sameBytes = 0;

  constructor({ same, anchor }: LogState, view: TargetView) {
    this.#view = view;
    this.#taken = new Map(same);
    this.#same = new Map(same);
    this.#position = anchor?.at;
    this.#expected = new Map(anchor?.entries.map(([writer, sequence, print]) => [`${writer}:${sequence}`, print]));
  }

  /** Whether all the entries of the anchor came again, so that what is new goes on behind them. */
  get anchored(): boolean {
    return this.#expected.size === 0;
  }

  /** Entries of each writer that both sides have. */
  get same(): WriterCounts {
    return this.#same;
  }

  /** Entries of each writer that the source has. */
  get taken(): WriterCounts {
    return this.#taken;
  }

  take(entry: LogEntry): EntryVerdict {
    const { writer, sequence, bytes } = entry;
    this.#last.push({ before: this.#position, entry });
    if (this.#last.length > anchorEntries * 4) this.#last = this.#last.slice(-anchorEntries);
    this.#position = entry.position;
    const taken = this.#taken.get(writer) ?? 0;
    if (sequence <= taken) return this.#confirms(entry) ? 'known' : 'doubt';
    if (sequence !== taken + 1) return 'doubt';
    this.#taken.set(writer, sequence);
    this.bytes += bytes.length;
    if (sequence > (this.#view.counts.get(writer) ?? 0)) return 'send';
    return this.#compare(entry) ? 'known' : 'doubt';
  }

  /** Whether some writer's entries were read and not compared to the end. */
  get isComparing(): boolean {
    return this.#comparing.size > 0;
  }

  /** Both sides have the entries of a writer up to `last`, of which so many bytes are new. */
  confirm(writer: string, last: number, bytes: number): void {
    this.#same.set(writer, last);
    this.sameBytes += bytes;
    this.#comparing.delete(writer);
  }

  /** Up to where entries of each writer were read that the target has more of: what it has must be digested up to there to be compared. */
  shorter(): ReadonlyMap<string, number> {
    return new Map([...this.#taken].filter(([writer, taken]) => taken > (this.#same.get(writer) ?? 0) && taken < (this.#view.counts.get(writer) ?? 0)));
  }

  /** Whether the target's digests of {@link shorter} stretches are the source's. */
  finish(target: ReadonlyMap<string, StretchDigest>): boolean {
    for (const [writer, last] of this.shorter()) {
      if (!isEqual(this.#digests.take(writer), target.get(writer))) return false;
      this.confirm(writer, last, this.#comparing.get(writer) ?? 0);
    }
    return true;
  }

  /** What the next reading begins with. */
  anchor(): LogState['anchor'] {
    const last = this.#last.slice(-anchorEntries);
    if (last.length === 0) return undefined;
    return { at: last[0]!.before, entries: last.map(({ entry: { writer, sequence, bytes } }) => [writer, sequence, printOf(bytes)] as const) };
  }

  #confirms({ writer, sequence, bytes }: LogEntry): boolean {
    const name = `${writer}:${sequence}`;
    const expected = this.#expected.get(name);
    if (expected !== undefined && expected !== printOf(bytes)) return false;
    this.#expected.delete(name);
    return true;
  }

  /** Whether the target has this entry, as far as can be told by now. */
  #compare({ writer, sequence, bytes }: LogEntry): boolean {
    const there = this.#view.digests.get(writer);
    if (there === undefined || there.first !== (this.#same.get(writer) ?? 0) + 1) return false;
    this.#digests.add(writer, sequence, bytes);
    this.#comparing.set(writer, (this.#comparing.get(writer) ?? 0) + bytes.length);
    if (sequence < there.last) return true;
    if (!isEqual(this.#digests.take(writer), there)) return false;
    this.confirm(writer, sequence, this.#comparing.get(writer)!);
    return true;
  }
}

function isEqual(a: StretchDigest | undefined, b: StretchDigest | undefined): boolean {
  return a !== undefined && b !== undefined && a.first === b.first && a.last === b.last && a.digest === b.digest;
}

function printOf(bytes: Uint8Array): string {
  return digestOf(bytes).slice('sha256:'.length, 'sha256:'.length + 32);
}
