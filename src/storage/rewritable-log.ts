import { throwIfAborted } from '../core/abort.ts';
import { backoffMs } from '../core/backoff.ts';
import { sleep, systemClock, type Clock } from '../core/clock.ts';
import { ConflictError } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import { assertKey, type Key } from '../core/key.ts';
import type { LongOperationOptions } from '../core/progress.ts';
import { systemRandom, type Random } from '../core/random.ts';
import type { AppendOptions, LogEntry, LogPosition, LogQuery, StorageAdapter } from './contract.ts';
import { firstGeneration, generationKey, readPointer, writePointer, type GenerationPointer, type LogPlace } from './log-generations.ts';
import { rewriteLog, type KeepEntry, type RewriteResult } from './rewrite-log.ts';
import { checkEntries } from './write-check.ts';

/** How a rewritable log works. */
export interface RewritableLogOptions {
  /** Times the waits for a rewriting that is about to end. @default the host's */
  readonly clock?: Clock | undefined;
  /** Spreads the waits. @default the host's */
  readonly random?: Random | undefined;
}

/** A log from which entries can be taken out again; see {@link rewritableLog}. */
export interface RewritableLog {
  /** The key that it was opened under. */
  readonly key: Key;
  /** Appends entries, all or none, in a sequence of this instance's own; appends that wait together go as one. */
  append(entries: readonly Uint8Array[], options?: Pick<AppendOptions, 'durability' | 'signal'>): Promise<void>;
  /**
   * The entries of every writer, each writer's in order, as of the time of reading. Throws `ConflictError` when the log was rewritten since `after`, or while it was read: what was read of it no
   * longer counts, so drop that and read from the beginning.
   */
  read(query?: LogQuery): AsyncIterable<LogEntry>;
  /**
   * Writes the log anew with what `keep` lets pass, and deletes the old one: entries for which it gives false are left out, those for which it gives bytes become these. `keep` must be free of
   * side effects, since it may see an entry twice. Entries that are appended meanwhile are seen too. Throws `ConflictError` when others rewrote the log at each attempt; what fails half-way
   * leaves the old log in force, or the new one, and is finished by the next call.
   */
  rewrite(keep: KeepEntry, options?: LongOperationOptions): Promise<RewriteResult>;
}

/**
 * A log from which entries can be taken out again, such as all that tells of a person who asks to be forgotten. It takes an existing log as it is; from then on, all writers and readers of
 * that log must come through `rewritableLog`.
 *
 * A rewriting writes what is kept to a log of a new generation, swings a pointer record to it, and deletes the old log. It is exact beside running writers: what was acknowledged is in the new
 * generation once, or was left out by `keep`. After it, no log of the store holds what was left out; on a `FilesystemStorage`, no file does. (Whether a disk forgets the bytes of deleted files
 * is up to the disk.) A crash at any point loses nothing: the next rewriting, or `checkStore({ repair: true })`, finishes or undoes what was begun.
 *
 * @param key - Key of the log. Its pointer is the record `<key>/_generations`, its generations are the logs `<key>/_generations/<id>`; while there is no pointer, the log is that of the key itself.
 *
 * @example
 * ```ts
 * import { MemoryStorage, rewritableLog } from 'modelkeep';
 *
 * const log = rewritableLog(new MemoryStorage(), 'visits');
 * const [encode, decode] = [new TextEncoder(), new TextDecoder()];
 * await log.append([encode.encode('anna 9:00'), encode.encode('bert 9:30')]);
 *
 * const { dropped } = await log.rewrite((entry) => !decode.decode(entry.bytes).startsWith('anna'));
 * console.log(dropped); // 1
 * for await (const entry of log.read()) console.log(decode.decode(entry.bytes)); // bert 9:30
 * ```
 */
export function rewritableLog(storage: StorageAdapter, key: Key, options: RewritableLogOptions = {}): RewritableLog {
  const { clock = systemClock, random = systemRandom } = options;
  const place: LogPlace = { storage, key: assertKey(key), clock, random };
  const appender = new Appender(place);
  return {
    key,
    append: (entries, appendOptions = {}) => appender.append(entries, appendOptions),
    read: (query = {}) => readRewritable(place, query),
    rewrite: (keep, rewriteOptions = {}) => rewriteLog(place, keep, rewriteOptions),
  };
}

const batchBytes = 8 * 1024 * 1024;
// A rewriting that has not swung its pointer after so long a seal is dead, or slow enough to begin that step again.
const sealPatienceMs = 5_000;

interface WaitingAppend {
  readonly entries: readonly Uint8Array[];
  readonly durability: AppendOptions['durability'];
  readonly signal: AbortSignal | undefined;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * The appends of one instance, one after the other, so that it knows how many entries of its own a generation holds. That tells whether an append which met a rewriting was seen by it:
 * positions are opaque, and the old log may be gone.
 */
class Appender {
  readonly #log: LogPlace;
  #waiting: WaitingAppend[] = [];
  #running = false;
  /** Whose entries these are in which generation, and how many are there for certain. */
  #own: { readonly generation: string; readonly writer: string; readonly count: number } | undefined;

  constructor(log: LogPlace) {
    this.#log = log;
  }

  async append(entries: readonly Uint8Array[], { durability, signal }: Pick<AppendOptions, 'durability' | 'signal'>): Promise<void> {
    throwIfAborted(signal, `Appending to the log ${this.#log.key}`);
    checkEntries(this.#log.key, entries, this.#log.storage.supports);
    if (entries.length === 0) return;
    const taken = entries.map((entry) => new Uint8Array(entry));
    await new Promise<void>((done, failed) => {
      this.#waiting.push({ entries: taken, durability, signal, done, failed });
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      const batch = this.#nextBatch();
      try {
        await this.#appendAll(batch.flatMap((append) => append.entries), batch[0]!.durability, batch.length === 1 ? batch[0]!.signal : undefined);
        for (const append of batch) append.done();
      } catch (error) {
        // What became of it is not known for certain, and so neither is how many entries there are: they are counted anew under another name.
        this.#own = undefined;
        for (const append of batch) append.failed(error);
      }
    }
    this.#running = false;
  }

  /** The first appends that wait: as many as go together. */
  #nextBatch(): WaitingAppend[] {
    let bytes = 0;
    let count = 0;
    for (const { entries, durability } of this.#waiting) {
      bytes += entries.reduce((sum, entry) => sum + entry.length, 0);
      if (count > 0 && (bytes > batchBytes || durability !== this.#waiting[0]!.durability)) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  async #appendAll(entries: readonly Uint8Array[], durability: AppendOptions['durability'], signal: AbortSignal | undefined): Promise<void> {
    const { storage, key } = this.#log;
    let left = entries;
    let { current } = await settledPointer(this.#log, signal);
    for (;;) {
      const own = this.#own?.generation === current ? this.#own : { generation: current, writer: newId(), count: 0 };
      const log = generationKey(key, current);
      await storage.append(log, left, { writer: own.writer, durability, operationId: newId(), signal });
      // From here on no signal ends it: what was appended must be known to stand.
      const pointer = await settledPointer(this.#log, undefined);
      this.#own = { ...own, count: own.count + left.length };
      if (pointer.current === current) return;
      const superseded = pointer.superseded.find(({ generation }) => generation === current);
      // The append may have brought the old log to life again.
      await storage.deleteLog(log);
      if (superseded === undefined) throw unsure(key);
      left = left.slice(Math.max(0, (superseded.seen[own.writer] ?? 0) - own.count));
      if (left.length === 0) return;
      current = pointer.current;
    }
  }
}

/** The pointer of a log when no rewriting is about to swing it. One that seems dead is stopped: it cannot swing the pointer any more, and begins that step again if it lives. */
async function settledPointer({ storage, key, clock, random }: LogPlace, signal: AbortSignal | undefined): Promise<GenerationPointer> {
  let sealedAt = '';
  let since = 0;
  for (let attempt = 1; ; attempt++) {
    const found = await readPointer(storage, key, { signal });
    const rewriting = found?.value.rewriting;
    if (found === undefined || rewriting === undefined || !rewriting.sealed) return found?.value ?? firstGeneration;
    if (found.version !== sealedAt) {
      sealedAt = found.version;
      since = clock.monotonic();
    }
    if (clock.monotonic() - since < sealPatienceMs) {
      await sleep(clock, backoffMs(attempt, { initialMs: 1, maxMs: 100 }, random), signal);
      continue;
    }
    const { rewriting: stopped, ...rest } = found.value;
    if ((await writePointer(storage, key, rest, found.version, { signal })) !== undefined) await storage.deleteLog(generationKey(key, stopped!.generation), { signal });
  }
}

async function* readRewritable({ storage, key }: LogPlace, query: LogQuery): AsyncGenerator<LogEntry> {
  const { signal } = query;
  const place = parsePosition(query.after);
  const currentGeneration = async (): Promise<string> => (await readPointer(storage, key, { signal }))?.value.current ?? '';
  let current = await currentGeneration();
  if (place !== undefined && place.generation !== current) throw rewritten(key);
  for (;;) {
    let yielded = false;
    let failure: { readonly error: unknown } | undefined;
    try {
      for await (const entry of storage.readLog(generationKey(key, current), { after: place?.position, signal })) {
        yielded = true;
        yield current === '' ? entry : { ...entry, position: `generation ${current} ${entry.position}` };
      }
    } catch (error) {
      failure = { error };
    }
    // A log that is deleted while it is read just ends, or fails.
    const now = await currentGeneration();
    if (now === current && failure) throw failure.error;
    if (now === current) return;
    if (yielded || place !== undefined) throw rewritten(key);
    current = now;
  }
}

function parsePosition(after: LogPosition | undefined): { readonly generation: string; readonly position: LogPosition } | undefined {
  if (after === undefined) return undefined;
  const parts = /^generation ([a-z0-9-]+) (.*)$/s.exec(after);
  return parts ? { generation: parts[1]!, position: parts[2]! } : { generation: '', position: after };
}

function rewritten(key: Key): ConflictError {
  return new ConflictError(`The log ${key} was rewritten, and what was read of it before no longer counts; drop that and read it from the beginning.`, { key });
}

function unsure(key: Key): ConflictError {
  return new ConflictError(`The log ${key} was rewritten again and again during an append, which may have been carried over or not; read the log and append again what is missing.`, { key });
}
