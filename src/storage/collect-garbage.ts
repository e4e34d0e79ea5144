import { throwIfAborted } from '../core/abort.ts';
import { systemClock, type Clock } from '../core/clock.ts';
import type { Digest } from '../core/digest.ts';
import { durationMs, type Duration } from '../core/duration.ts';
import { isModelkeepError, UnsupportedError } from '../core/errors.ts';
import type { LongOperationOptions } from '../core/progress.ts';
import type { ListEntry, StorageAdapter } from './contract.ts';
import { DigestSet } from './digest-set.ts';
import { changeNotes, latestTime, partOf, readNotes, type GarbageNote, type NotesPart } from './garbage-notes.ts';
import { listAll } from './records.ts';
import { scanRecords } from './record-scan.ts';

/** How garbage is collected. */
export interface CollectGarbageOptions extends LongOperationOptions {
  /** How long a writer may take between writing a blob and writing the record that names it. @default '1d' */
  readonly grace?: Duration | undefined;
  /** Only tells what would be done: nothing is written, noted or deleted. @default false */
  readonly dryRun?: boolean | undefined;
  /** @default the host's */
  readonly clock?: Clock | undefined;
}

/** What a collection came to. */
export interface GarbageReport {
  /** Blobs that were found to be named by no record for the first time: a later collection, after the grace, deletes them. */
  readonly marked: number;
  /** Blobs that were found so before and whose grace is not over. */
  readonly waiting: number;
  /** Blobs that were deleted. */
  readonly deleted: number;
  /** The bytes of the deleted blobs. */
  readonly freedBytes: number;
  /** What dead processes had left in the layout of the store and was removed; in a dry run, what was found. */
  readonly leftovers: number;
}

/**
 * Deletes the blobs that no record names, in two marks: a first call notes them, and a later one, at least `grace` after, deletes those that still are named by no record and were not written
 * anew. Call it from time to time, such as once a day. It also removes what dead processes left in the layout of the store.
 *
 * Safe beside running writers, under the rule that a writer names a blob in a record within `grace` of writing it, or takes the name from a record that stays for as long after. Why:
 *
 * - A note holds the version that the blob had in the list, and a time that is not before the list was read. A blob is deleted only when `grace` had passed since then *before* the records were
 *   looked through, and only while it is at that version, which the store checks in the same step.
 * - If the writer's write of the blob came after the note, it changed the version: the blob stays, or, if it had just been deleted, is written again as a whole.
 * - If it came before the note, the record was there `grace` later, which is before the records were looked through: it was seen, and the note is dropped.
 *
 * Nothing rests on being alone: two collections at once, or one that is killed at any point, delete nothing else. A clock that goes back makes it wait longer: notes never carry a time before the
 * latest that any collection has seen. (If a clock was ahead by years, delete the records under `_garbage/` to begin anew.)
 *
 * Throws `UnsupportedError` for a view of `withPrefix`, which shares its blobs with others: collect on the whole store. Throws `IntegrityError` when a record cannot be read, since nobody knows
 * which blobs it names: nothing is deleted then.
 *
 * @example
 * ```ts
 * import { collectGarbage, MemoryStorage } from 'modelkeep';
 *
 * const storage = new MemoryStorage();
 * await storage.writeBlob((async function* () { yield new Uint8Array(1000); })());
 * let now = Date.now();
 * const clock = { now: () => now, monotonic: () => now, setTimer: () => () => undefined };
 * console.log((await collectGarbage(storage, { clock })).marked); // 1
 * now += 86_400_000;
 * console.log((await collectGarbage(storage, { clock })).freedBytes); // 1000
 * ```
 */
export async function collectGarbage(storage: StorageAdapter, options: CollectGarbageOptions = {}): Promise<GarbageReport> {
  if (storage.supports.sharesBlobs) {
    throw new UnsupportedError(`${storage.name} is a part of a store and shares its blobs with the rest, whose records it cannot see; collect on the whole store.`, { key: storage.name });
  }
  const { clock = systemClock, dryRun = false, signal } = options;
  const graceMs = durationMs(options.grace ?? '1d', 'grace');
  throwIfAborted(signal, 'The collection of garbage');
  // Whose grace is over is settled before the records are looked through: that is what makes it safe.
  const now = clock.now();
  const latest = await latestTime(storage, now, !dryRun, { signal });
  const notes = await readNotes(storage, { signal });
  const named = await namedBlobs(storage, options);
  const sweep = new Sweep(storage, { notes, named, now, latest, graceMs, dryRun, clock }, options);
  const blobs = await sweep.run();
  return { ...blobs, leftovers: await removeLeftovers(storage, graceMs, dryRun, options) };
}

/** Every blob that a record of the store names. */
async function namedBlobs(storage: StorageAdapter, { signal, onProgress }: LongOperationOptions): Promise<DigestSet> {
  const named = new DigestSet();
  let done = 0;
  for await (const batch of scanRecords(storage, '', { signal })) {
    for (const { record } of batch) for (const digest of record.blobs) named.add(digest);
    done += batch.length;
    onProgress?.({ phase: 'read records', done });
  }
  return named;
}

async function removeLeftovers(storage: StorageAdapter, graceMs: number, dryRun: boolean, { signal, onProgress }: LongOperationOptions): Promise<number> {
  let leftovers = 0;
  for await (const finding of storage.inspect?.({ repair: !dryRun, graceMs, signal }) ?? []) {
    if (finding.kind === 'leftover' && (finding.repaired || dryRun)) onProgress?.({ phase: 'remove leftovers', done: ++leftovers });
  }
  return leftovers;
}

interface SweepContext {
  readonly notes: ReadonlyMap<string, NotesPart>;
  readonly named: DigestSet;
  readonly now: number;
  readonly latest: number;
  readonly graceMs: number;
  readonly dryRun: boolean;
  readonly clock: Clock;
}

/** One walk through the blobs, a part of the notes after the other. */
class Sweep {
  readonly #storage: StorageAdapter;
  readonly #context: SweepContext;
  readonly #options: LongOperationOptions;
  readonly #report = { marked: 0, waiting: 0, deleted: 0, freedBytes: 0 };
  #added: Record<string, GarbageNote> = {};
  #removed: Record<string, GarbageNote> = {};

  constructor(storage: StorageAdapter, context: SweepContext, options: LongOperationOptions) {
    this.#storage = storage;
    this.#context = context;
    this.#options = options;
  }

  async run(): Promise<Omit<GarbageReport, 'leftovers'>> {
    const { signal, onProgress } = this.#options;
    const unvisited = new Set(this.#context.notes.keys());
    let part = '';
    let done = 0;
    for await (const entry of listAll(this.#storage, { kind: 'blob' }, { signal })) {
      const next = partOf(entry.key as Digest);
      if (next !== part) {
        await this.#finish(part);
        part = next;
        this.#removed = { ...this.#context.notes.get(part) };
        unvisited.delete(part);
      }
      await this.#visit(entry, part);
      if (++done % 1000 === 0) onProgress?.({ phase: 'look through blobs', done });
    }
    await this.#finish(part);
    // Of these parts, every blob is gone.
    for (const gone of unvisited) {
      this.#removed = { ...this.#context.notes.get(gone) };
      await this.#finish(gone);
    }
    onProgress?.({ phase: 'look through blobs', done, total: done });
    return this.#report;
  }

  async #visit({ key, version, size }: ListEntry, part: string): Promise<void> {
    const { named, notes, now, latest, graceMs, clock } = this.#context;
    if (named.has(key as Digest)) return;
    const name = key.slice('sha256:'.length);
    const note = notes.get(part)?.[name];
    if (note?.version !== version) {
      this.#report.marked++;
      this.#added[name] = { version, at: Math.max(latest, clock.now()) };
    } else if (now - note.at < graceMs) {
      this.#report.waiting++;
      delete this.#removed[name];
    } else if (await this.#delete(key as Digest, note)) {
      this.#report.deleted++;
      this.#report.freedBytes += size;
    }
  }

  /** False when it was written anew since. */
  async #delete(digest: Digest, { version }: GarbageNote): Promise<boolean> {
    const { signal } = this.#options;
    throwIfAborted(signal, 'The collection of garbage');
    if (this.#context.dryRun) return true;
    try {
      await this.#storage.deleteBlob(digest, { match: version, signal });
      return true;
    } catch (error) {
      if (isModelkeepError(error, 'conflict')) return false;
      throw error;
    }
  }

  async #finish(part: string): Promise<void> {
    const [added, removed] = [this.#added, this.#removed];
    this.#added = {};
    this.#removed = {};
    if (part !== '' && !this.#context.dryRun) await changeNotes(this.#storage, part, added, removed, { signal: this.#options.signal });
  }
}
