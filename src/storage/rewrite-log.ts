import { throwIfAborted } from '../core/abort.ts';
import { backoffMs } from '../core/backoff.ts';
import { sleep } from '../core/clock.ts';
import { ConflictError, ValidationError } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import type { LongOperationOptions } from '../core/progress.ts';
import { shown } from '../core/shown.ts';
import type { LogEntry, LogPosition, Version } from './contract.ts';
import { firstGeneration, generationKey, readPointer, writePointer, type GenerationPointer, type LogPlace, type Rewriting, type SupersededGeneration } from './log-generations.ts';

/** Says of an entry whether it stays (true), goes (false), or becomes something else (its new bytes). */
export type KeepEntry = (entry: LogEntry) => boolean | Uint8Array;

/** What a rewriting came to. */
export interface RewriteResult {
  /** Entries that stay as they were. */
  readonly kept: number;
  /** Entries that became something else. */
  readonly changed: number;
  /** Entries that are gone. */
  readonly dropped: number;
}

const maxAttempts = 20;
const maxPasses = 10;
const fewEntries = 100;
const batchEntries = 1000;
const batchBytes = 1024 * 1024;
const beatMs = 2_000;
// Who gives no sign of life for so long is taken for dead. One that lives begins again.
const patienceMs = 10_000;
const maxSuperseded = 8;
const maxSeen = 20_000;

/**
 * Rewrites a log. The steps, each of which may be the last before a crash:
 *
 * 1. The pointer says that a rewriting is under way, and to which generation. Whoever else wants to rewrite waits for it, or takes over from it when it gives no sign of life.
 * 2. What `keep` lets pass is carried over to the new generation, until little is new.
 * 3. The pointer is *sealed*. A writer reads the pointer after each append, and waits when it finds a seal; so whoever found none had appended before the seal was there.
 * 4. The rest is carried over. By the above this includes everything that was ever acknowledged.
 * 5. The pointer swings to the new generation, and says how many entries of each writer were seen in the old one. A writer that was waiting knows from it whether its entries were among
 *    them, and appends them to the new generation if not.
 * 6. The old log is deleted. A writer so slow that its append brings it to life again finds the pointer moved, appends to the new generation, and deletes the old log once more.
 *
 * Each step of the pointer is a compare-and-swap against the one before: whoever was taken over from, or had its seal broken by a writer who waited too long, can only begin again.
 */
export async function rewriteLog(log: LogPlace, keep: KeepEntry, options: LongOperationOptions): Promise<RewriteResult> {
  for (let attempt = 1; attempt <= maxAttempts; attempt++) {
    throwIfAborted(options.signal, `Rewriting the log ${log.key}`);
    const begun = await begin(log, options);
    if (begun !== undefined) {
      const result = await new Rewriter(log, keep, options, begun).run();
      if (result !== undefined) return result;
    }
    await sleep(log.clock, backoffMs(attempt, { initialMs: 5, maxMs: 500 }, log.random), options.signal);
  }
  throw new ConflictError(`The log ${log.key} was being rewritten by others at each of ${maxAttempts} attempts; try again later.`, { key: log.key });
}

/** A pointer that says what is under way, as this instance wrote it. */
interface Begun {
  readonly pointer: GenerationPointer & { readonly rewriting: Rewriting };
  readonly version: Version;
}

/** Announces a rewriting; `undefined` when someone else was first. Waits for one that is under way. */
async function begin({ storage, key, clock, random }: LogPlace, { signal }: LongOperationOptions): Promise<Begun | undefined> {
  let seen: Version | undefined;
  let since = clock.monotonic();
  for (let attempt = 1; ; attempt++) {
    const found = await readPointer(storage, key, { signal });
    const other = found?.value.rewriting;
    if (found?.version !== seen) since = clock.monotonic();
    seen = found?.version;
    if (other !== undefined && clock.monotonic() - since < patienceMs) {
      await sleep(clock, backoffMs(attempt, { initialMs: 5, maxMs: 250 }, random), signal);
      continue;
    }
    const before = found?.value ?? firstGeneration;
    const pointer = { ...before, rewriting: { generation: newId(), startedAt: clock.now(), beat: 0, sealed: false } };
    const version = await writePointer(storage, key, pointer, found?.version, { signal });
    if (version === undefined) return undefined;
    if (other !== undefined) await storage.deleteLog(generationKey(key, other.generation), { signal });
    // Whoever rewrote it before may have died before these were deleted.
    for (const { generation } of before.superseded) await storage.deleteLog(generationKey(key, generation), { signal });
    return { pointer, version };
  }
}

/** One attempt to rewrite a log. */
class Rewriter {
  readonly #log: LogPlace;
  readonly #keep: KeepEntry;
  readonly #options: LongOperationOptions;
  readonly #source: string;
  readonly #target: string;
  readonly #seen = new Map<string, number>();
  readonly #result = { kept: 0, changed: 0, dropped: 0 };
  #pointer: Begun['pointer'];
  #version: Version;
  #lastBeat: number;
  #after: LogPosition | undefined;
  #batch: Uint8Array[] = [];
  #batchBytes = 0;
  #batchWriter = '';

  constructor(log: LogPlace, keep: KeepEntry, options: LongOperationOptions, { pointer, version }: Begun) {
    this.#log = log;
    this.#keep = keep;
    this.#options = options;
    this.#pointer = pointer;
    this.#version = version;
    this.#lastBeat = log.clock.monotonic();
    this.#source = generationKey(log.key, pointer.current);
    this.#target = generationKey(log.key, pointer.rewriting.generation);
  }

  /** `undefined` when someone else was in the way and it must begin again. */
  async run(): Promise<RewriteResult | undefined> {
    try {
      const swung = await this.#carryAll();
      if (swung === undefined) await this.#log.storage.deleteLog(this.#target);
      if (swung !== true) return swung === undefined ? undefined : this.#result;
    } catch (error) {
      await this.#abandon().catch(() => undefined);
      throw error;
    }
    await this.#log.storage.deleteLog(this.#source);
    return this.#result;
  }

  /** Whether the pointer has swung; false when there is nothing to take out, `undefined` when someone else was in the way. */
  async #carryAll(): Promise<boolean | undefined> {
    for (let pass = 1; pass <= maxPasses; pass++) {
      const count = await this.#carryNew();
      if (count === undefined) return undefined;
      if (count < fewEntries) break;
    }
    if (!(await this.#swing({ ...this.#pointer, rewriting: { ...this.#pointer.rewriting, sealed: true } }))) return undefined;
    if ((await this.#carryNew()) === undefined) return undefined;
    const { rewriting, ...present } = this.#pointer;
    const { kept, changed, dropped } = this.#result;
    if (changed + dropped === 0) return (await this.#swing(present)) ? this.#dropTarget() : undefined;
    const superseded = prune([{ generation: present.current, seen: Object.fromEntries(this.#seen) }, ...present.superseded]);
    return (await this.#swing({ current: rewriting.generation, carried: kept + changed, superseded })) ? true : undefined;
  }

  async #dropTarget(): Promise<false> {
    await this.#log.storage.deleteLog(this.#target);
    return false;
  }

  /** Carries over what it has not seen yet and gives how many entries that were; `undefined` when someone else was in the way. */
  async #carryNew(): Promise<number | undefined> {
    const { signal, onProgress } = this.#options;
    let count = 0;
    for await (const entry of this.#log.storage.readLog(this.#source, { after: this.#after, signal })) {
      const verdict = checkVerdict(this.#keep(entry), this.#log.key);
      this.#seen.set(entry.writer, entry.sequence);
      this.#after = entry.position;
      this.#result[verdict === true ? 'kept' : verdict === false ? 'dropped' : 'changed']++;
      count++;
      if (verdict === false) continue;
      if (this.#isFull(entry.writer) && !(await this.#flush())) return undefined;
      this.#batchWriter = entry.writer;
      this.#batch.push(verdict === true ? entry.bytes : verdict);
      this.#batchBytes += entry.bytes.length;
    }
    if (!(await this.#flush())) return undefined;
    const { kept, changed, dropped } = this.#result;
    onProgress?.({ phase: 'rewrite', done: kept + changed + dropped });
    return count;
  }

  #isFull(writer: string): boolean {
    return this.#batch.length > 0 && (writer !== this.#batchWriter || this.#batch.length === batchEntries || this.#batchBytes >= batchBytes);
  }

  /** Each entry keeps its writer, so that each writer's keep their order. False when someone else has taken over. */
  async #flush(): Promise<boolean> {
    const { storage, clock } = this.#log;
    const { signal, onProgress } = this.#options;
    throwIfAborted(signal, `Rewriting the log ${this.#log.key}`);
    if (this.#batch.length > 0) await storage.append(this.#target, this.#batch, { writer: this.#batchWriter, operationId: newId(), signal });
    this.#batch = [];
    this.#batchBytes = 0;
    const { kept, changed, dropped } = this.#result;
    onProgress?.({ phase: 'rewrite', done: kept + changed + dropped });
    if (clock.monotonic() - this.#lastBeat < beatMs) return true;
    this.#lastBeat = clock.monotonic();
    const { rewriting } = this.#pointer;
    return this.#swing({ ...this.#pointer, rewriting: { ...rewriting, beat: rewriting.beat + 1 } });
  }

  /** Writes the pointer; false when someone else has. */
  async #swing(next: GenerationPointer): Promise<boolean> {
    const version = await writePointer(this.#log.storage, this.#log.key, next, this.#version, { signal: this.#options.signal });
    if (version === undefined) return false;
    this.#version = version;
    if (next.rewriting !== undefined) this.#pointer = { ...next, rewriting: next.rewriting };
    return true;
  }

  /** Takes back what was begun. Where that is no longer this instance's to say, it leaves everything as it is. */
  async #abandon(): Promise<void> {
    const { storage, key } = this.#log;
    const { rewriting, ...before } = this.#pointer;
    if ((await writePointer(storage, key, before, this.#version, {})) !== undefined) await storage.deleteLog(generationKey(key, rewriting.generation));
  }
}

function checkVerdict(verdict: unknown, key: string): boolean | Uint8Array {
  if (typeof verdict === 'boolean' || verdict instanceof Uint8Array) return verdict;
  throw new ValidationError(`keep gave ${shown(verdict)} for an entry of the log ${key}; give true, false or the bytes that it becomes, and not later.`, { path: 'keep', key });
}

/** The latest generations whose writers an append may still be under way from. */
function prune(superseded: readonly SupersededGeneration[]): SupersededGeneration[] {
  let writers = 0;
  return superseded.slice(0, maxSuperseded).filter(({ seen }, i) => {
    writers += Object.keys(seen).length;
    return i === 0 || writers <= maxSeen;
  });
}
