import { decode, encode } from '../core/codec.ts';
import { ConflictError, IntegrityError } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import { escapeSegment, type Key } from '../core/key.ts';
import type { StorageAdapter, Version } from './contract.ts';
import { listAll } from './records.ts';
import { decodeShard, encodeShard, isWithin, printOfShard, splitBound, type Shard, type StateKind } from './replication-shard.ts';

/** Changes one state: given what is stored now, gives what it becomes, or `'refused'` when it is not what the change was made for. */
export interface StateChange<T> {
  readonly key: Key;
  readonly change: (now: T | undefined) => { readonly to: T | undefined } | 'refused';
}

/** What is known of a shard without reading it; true while the shard is at that version. */
interface Outline {
  readonly version: Version | undefined;
  readonly upper: string | undefined;
  readonly print: string | undefined;
}

interface Waiting<T> extends StateChange<T> {
  readonly done: (taken: boolean) => void;
  readonly fail: (error: unknown) => void;
}

const maxAttempts = 100;

/**
 * What a link knows of the keys of one kind, in shards that are records of a store: it reads and writes only those that something changed in, and keeps of the others one
 * line each. Safe with any number of links on it at once: every write is a compare-and-swap, and each change is made to what is stored at that moment.
 */
export class ReplicationState<T> {
  readonly #storage: StorageAdapter;
  readonly #root: Key;
  readonly #kind: StateKind<T>;
  readonly #signal: AbortSignal;
  readonly #outlines = new Map<string, Outline>();
  /** The shard that was used last: nearly all that happens, happens there. */
  #shard: Shard<T> | undefined;
  #waiting: Waiting<T>[] = [];
  #flushing = false;
  #outlinesChanged = false;

  constructor(storage: StorageAdapter, root: Key, kind: StateKind<T>, signal: AbortSignal) {
    this.#storage = storage;
    this.#root = `${root}/${kind.name}`;
    this.#kind = kind;
    this.#signal = signal;
  }

  /** Learns which shards are still what they were when their outlines were taken. */
  async begin(): Promise<void> {
    this.#shard = undefined;
    const present = new Map<Key, Version>();
    for await (const { key, version } of listAll(this.#storage, { prefix: `${this.#root}/` }, { signal: this.#signal })) present.set(key, version);
    if (this.#outlines.size === 0) await this.#loadOutlines();
    for (const [bound, { version }] of this.#outlines) if (present.get(this.#keyOf(bound)) !== version) this.#outlines.delete(bound);
  }

  /** Keeps the outlines for the next session, when they are not what was kept last. They save it reading and are believed only where they still hold. */
  async keepOutlines(): Promise<void> {
    if (!this.#outlinesChanged) return;
    const outlines = [...this.#outlines].filter(([, { version }]) => version !== undefined).map(([bound, { version, upper, print }]) => [bound, version, upper ?? null, print ?? null]);
    await this.#storage.write([{ kind: 'put', key: this.#outlinesKey, bytes: encode({ format: 1, outlines }), operationId: newId() }], { signal: this.#signal });
    this.#outlinesChanged = false;
  }

  /** Where the range that begins at `bound` ends, and its print; the shard is read only when it has changed. */
  async outline(bound: string): Promise<{ readonly upper: string | undefined; readonly print: string | undefined }> {
    const known = this.#outlines.get(bound);
    if (known !== undefined) return known;
    await this.#load(bound);
    return this.#outlines.get(bound)!;
  }

  /** The states of the shard that begins at `bound`, as they are stored now or were a moment ago. */
  async shard(bound: string): Promise<Shard<T>> {
    return this.#shard?.bound === bound ? this.#shard : this.#load(bound);
  }

  /** What is stored of one key. */
  async get(key: Key): Promise<T | undefined> {
    return (await this.shard(await this.#boundOf(key))).entries.get(key);
  }

  /** What is stored of one key at this moment. */
  async fresh(key: Key): Promise<T | undefined> {
    await this.#load(await this.#boundOf(key));
    return this.get(key);
  }

  /** Makes changes, each to what is stored at that moment, and gives the keys of those that were refused. Changes that wait together share one write of a shard. */
  async save(changes: readonly StateChange<T>[]): Promise<ReadonlySet<Key>> {
    const refused = new Set<Key>();
    await Promise.all(
      changes.map(
        (change) =>
          new Promise<void>((resolve, reject) => {
            const done = (taken: boolean): void => {
              if (!taken) refused.add(change.key);
              resolve();
            };
            this.#waiting.push({ ...change, done, fail: reject });
            if (!this.#flushing) void this.#flush();
          }),
      ),
    );
    return refused;
  }

  async #flush(): Promise<void> {
    this.#flushing = true;
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      let taken: Waiting<T>[] = [this.#waiting[0]!];
      try {
        const bound = await this.#boundOf(taken[0]!.key);
        const range = { bound, upper: (await this.outline(bound)).upper };
        taken = this.#waiting.filter(({ key }) => isWithin(key, range));
        const results = await this.#apply(bound, taken);
        taken.forEach((waiting, i) => results[i] !== 'moved' && waiting.done(results[i] === 'taken'));
        const settled = new Set(taken.filter((_, i) => results[i] !== 'moved'));
        this.#waiting = this.#waiting.filter((waiting) => !settled.has(waiting));
      } catch (error) {
        for (const { fail } of taken) fail(error);
        const failed = new Set(taken);
        this.#waiting = this.#waiting.filter((waiting) => !failed.has(waiting));
      }
    }
    this.#flushing = false;
  }

  /** Makes changes to one shard; those whose key went to another shard meanwhile are `moved`. */
  async #apply(bound: string, changes: readonly StateChange<T>[]): Promise<('taken' | 'refused' | 'moved')[]> {
    for (let attempt = 1; attempt <= maxAttempts; attempt++) {
      const shard = await this.shard(bound);
      const entries = new Map(shard.entries);
      let inOrder = true;
      let changed = false;
      const results = changes.map(({ key, change }) => {
        if (!isWithin(key, shard)) return 'moved';
        const now = entries.get(key);
        const next = change(now);
        if (next === 'refused') return 'refused';
        changed ||= next.to !== now;
        inOrder &&= now !== undefined;
        if (next.to === undefined) entries.delete(key);
        else entries.set(key, next.to);
        return 'taken';
      });
      if (!changed) return results;
      if (await this.#write(shard, inOrder ? entries : new Map([...entries].sort(([a], [b]) => (a < b ? -1 : 1))))) return results;
      // Another link was first: the changes are made to what it left.
      this.#shard = undefined;
    }
    throw new ConflictError(`Others kept changing ${this.#keyOf(bound)}, where a replication keeps what it knows; fewer links at once will get on.`, { key: this.#keyOf(bound) });
  }

  /** Writes a shard, in two when it became too large. False when another link wrote it first. */
  async #write(shard: Shard<T>, entries: ReadonlyMap<Key, T>): Promise<boolean> {
    const { bound, upper } = shard;
    const whole = { bound, upper, entries, surplus: new Map(), beyond: undefined };
    if (entries.size <= this.#kind.splitAt) {
      const version = await this.#put(whole, shard.version);
      if (version !== undefined) this.#remember({ ...whole, version });
      return version !== undefined;
    }
    const split = splitBound([...entries.keys()], this.#kind.splitAt);
    // Whatever happens in between, what is remembered of it must not be a half.
    this.#shard = undefined;
    this.#outlines.delete(bound);
    const left = await this.#put({ ...whole, upper: split, beyond: upper }, shard.version);
    if (left === undefined) return false;
    const above = { ...whole, bound: split, entries: new Map([...entries].filter(([key]) => key >= split)) };
    const right = await this.#put(above, undefined);
    this.#remember({ ...whole, upper: split, version: left, entries: new Map([...entries].filter(([key]) => key < split)) });
    if (right !== undefined) this.#remember({ ...above, version: right });
    return true;
  }

  async #put(shard: Omit<Shard<T>, 'version'>, expected: Version | undefined): Promise<Version | undefined> {
    const condition = expected === undefined ? 'absent' : { match: expected };
    const bytes = encodeShard(this.#kind, shard, shard.entries);
    const [result] = await this.#storage.write([{ kind: 'put', key: this.#keyOf(shard.bound), bytes, condition, operationId: newId() }], { signal: this.#signal });
    return result?.ok ? result.version : undefined;
  }

  async #load(bound: string): Promise<Shard<T>> {
    const key = this.#keyOf(bound);
    const [record] = await this.#storage.read([key], { signal: this.#signal });
    if (record === undefined && bound !== '') {
      throw new IntegrityError(`${key} is missing, where a replication keeps what it knows. Delete all below ${this.#root.split('/', 3).join('/')}: everything is compared anew.`, { key });
    }
    const empty = { bound, upper: undefined, version: undefined, entries: new Map(), surplus: new Map(), beyond: undefined };
    const found = record ? decodeShard(this.#kind, bound, record, key) : empty;
    if (found.surplus.size > 0) await this.#finishSplit(found);
    const shard = { ...found, surplus: new Map(), beyond: undefined };
    this.#remember(shard);
    return shard;
  }

  /** Whoever split the shard may have died before it made the right one. */
  async #finishSplit({ upper, surplus, beyond }: Shard<T>): Promise<void> {
    const [right] = await this.#storage.read([this.#keyOf(upper!)], { signal: this.#signal });
    if (right === undefined) await this.#put({ bound: upper!, upper: beyond, entries: surplus, surplus: new Map(), beyond: undefined }, undefined);
  }

  #remember(shard: Shard<T>): void {
    this.#shard = shard;
    const { bound, version, upper } = shard;
    const known = this.#outlines.get(bound);
    if (known !== undefined && known.version === version && known.upper === upper) return;
    this.#outlines.set(bound, { version, upper, print: printOfShard(this.#kind, shard.entries) });
    this.#outlinesChanged = true;
  }

  async #boundOf(key: Key): Promise<string> {
    if (this.#shard !== undefined && isWithin(key, this.#shard)) return this.#shard.bound;
    for (let bound = ''; ; ) {
      const { upper } = await this.outline(bound);
      if (upper === undefined || key < upper) return bound;
      bound = upper;
    }
  }

  async #loadOutlines(): Promise<void> {
    const [record] = await this.#storage.read([this.#outlinesKey], { signal: this.#signal });
    if (record === undefined) return;
    const { format, outlines } = decode(record.bytes, this.#outlinesKey) as { format: number; outlines: [string, Version, string | null, string | null][] };
    if (format !== 1) return;
    for (const [bound, version, upper, print] of outlines) this.#outlines.set(bound, { version, upper: upper ?? undefined, print: print ?? undefined });
    this.#outlinesChanged = false;
  }

  get #outlinesKey(): Key {
    return `${this.#root}-outlines`;
  }

  #keyOf(bound: string): Key {
    return `${this.#root}/${escapeSegment(bound)}`;
  }
}
