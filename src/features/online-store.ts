import { backoffMs } from '../core/backoff.ts';
import { sleep, type Clock } from '../core/clock.ts';
import { ConflictError } from '../core/errors.ts';
import { escapeSegment, type Key } from '../core/key.ts';
import type { OperationOptions } from '../core/progress.ts';
import { systemRandom } from '../core/random.ts';
import type { StorageAdapter, StoredRecord, Version } from '../storage/contract.ts';
import type { EventIndex } from './event-index.ts';
import { decodeRecord, encodeRecord, generationOf, openRecord, RecordShapes, type EncodedRecord, type OnlineRecord } from './online-record.ts';
import type { PreparedRecord } from './record-answer.ts';
import { indexOfRows } from './record-table.ts';
import type { CurrentView } from './definitions/definition-states.ts';

/** A record in memory, with the index by which its features are computed. */
export interface LoadedRecord {
  readonly version: Version;
  readonly record: EncodedRecord;
  readonly index: EventIndex;
  /** What was found out of it for who asked last. */
  prepared?: PreparedRecord | undefined;
  /** What it counts for among the records that are kept; 0 when it is not. */
  bytes: number;
}

/** What becomes of one entity's record. */
export interface RecordChange {
  readonly key: Key;
  /** The next record, or `undefined` to leave the present one; called again on fresh data when someone else was first. */
  change(record: OnlineRecord | undefined): OnlineRecord | undefined;
  /** Whether the next record says the same in another form, and so does not count as changed. @default never */
  isForm?(record: OnlineRecord | undefined, next: OnlineRecord): boolean;
}

/** Who changes records. */
export interface RecordWriter {
  /** The call. */
  readonly by: string;
  /** The generation of what it writes: it leaves alone what is of a later one. */
  readonly generation: number;
}

/** What became of changes. */
export interface ChangeResult {
  /** How many records are now different that the call had not changed before. */
  readonly changed: number;
  /** How many bytes were read and written. */
  readonly bytes: number;
  /** The latest generation among the records that were met. */
  readonly generation: number;
  /** The first of the records that have become larger than the storage takes; these stay as they were. */
  readonly oversize?: OversizeRecord | undefined;
}

/** A record that is larger than the storage takes. */
export interface OversizeRecord {
  readonly key: Key;
  readonly size: number;
  readonly rows: number;
}

const maxAttempts = 100;

/** What names an entity in keys: one segment for each component of its key. */
export function entityPath(texts: readonly string[]): string {
  return texts.length === 0 ? 'all' : texts.map(escapeSegment).join('/');
}

/**
 * One record per view and entity, changed by compare-and-swap. Records that were decoded are kept up to a bound of bytes; each use first asks the storage for the
 * record's version, so nothing outdated is ever served.
 */
export class OnlineStore {
  readonly #storage: StorageAdapter;
  readonly #clock: Clock;
  readonly #cacheBytes: number;
  readonly #cache = new Map<Key, LoadedRecord>();
  readonly #shapes = new RecordShapes();
  #cached = 0;

  constructor(storage: StorageAdapter, clock: Clock, cacheBytes: number) {
    this.#storage = storage;
    this.#clock = clock;
    this.#cacheBytes = cacheBytes;
  }

  /** Key of an entity's record: one segment for each component of its key. */
  keyOf(current: CurrentView, texts: readonly string[]): Key {
    return this.keysOf(current)(texts);
  }

  /** {@link OnlineStore.keyOf} for many entities of one view. */
  keysOf(current: CurrentView): (texts: readonly string[]) => Key {
    const prefix = this.prefixOf(current);
    return (texts) => prefix + entityPath(texts);
  }

  /** Records of a view lie under it, by the names of entities. */
  prefixOf(current: CurrentView): string {
    return `features/online/${escapeSegment(current.view.name)}/${current.epoch}/`;
  }

  /** Changes records in one write, those again that someone else changed meanwhile. */
  async change(changes: readonly RecordChange[], { by, generation }: RecordWriter, options: OperationOptions): Promise<ChangeResult> {
    let left = changes;
    let changed = 0;
    let bytes = 0;
    let met = 0;
    let oversize: OversizeRecord | undefined;
    for (let attempt = 1; left.length > 0; attempt++) {
      if (attempt > maxAttempts) throw new ConflictError(`${left[0]!.key} was changed by others at each of ${maxAttempts} attempts; try again when it is less busy.`, { key: left[0]!.key });
      if (attempt > 3) await sleep(this.#clock, backoffMs(attempt - 3, { initialMs: 1, maxMs: 50 }, systemRandom), options.signal);
      const present = await this.#storage.read(left.map(({ key }) => key), options);
      const due: { readonly each: RecordChange; readonly first: boolean }[] = [];
      const operations = left.flatMap((each, i) => {
        const stored = present[i];
        const record = stored && decodeRecord(stored.bytes, each.key);
        met = Math.max(met, generationOf(record));
        const next = generationOf(record) > generation ? undefined : each.change(record);
        if (next === undefined) return [];
        const isForm = each.isForm?.(record, next) ?? false;
        const encoded = encodeRecord({ ...next, by: isForm ? record?.by : by, ...(generation > 0 && { generation }) });
        if (encoded.length > this.#storage.supports.maxRecordBytes) {
          oversize ??= { key: each.key, size: encoded.length, rows: next.rows.rowCount };
          return [];
        }
        due.push({ each, first: !isForm && record?.by !== by });
        bytes += encoded.length + (stored?.bytes.length ?? 0);
        const condition = stored ? { match: stored.version } : ('absent' as const);
        return [{ kind: 'put' as const, key: each.key, bytes: encoded, condition }];
      });
      if (operations.length === 0) break;
      const results = await this.#storage.write(operations, options);
      left = due.flatMap(({ each }, i) => (results[i]?.ok ? [] : [each]));
      changed += due.filter(({ first }, i) => first && results[i]?.ok).length;
    }
    return { changed, bytes, generation: met, oversize };
  }

  /** A record as it is kept, which may have changed since. */
  known(key: Key): LoadedRecord | undefined {
    const cached = this.#cache.get(key);
    // While there is room for as much again, nobody asks which was used last.
    if (cached !== undefined && this.#cached > this.#cacheBytes / 2) {
      this.#cache.delete(key);
      this.#cache.set(key, cached);
    }
    return cached;
  }

  /** A record that was just read, decoded or from the cache. */
  load(key: Key, stored: StoredRecord): LoadedRecord {
    const known = this.known(key);
    if (known?.version === stored.version) return known;
    const record = openRecord(stored.bytes, key, this.#shapes);
    const { rows, rowId } = record;
    const index = indexOfRows(rows, rowId);
    const loaded: LoadedRecord = { version: stored.version, record, index, prepared: undefined, bytes: 0 };
    this.#forget(key);
    this.#cache.set(key, loaded);
    this.#count(loaded);
    return loaded;
  }

  /** Counts anew what a record takes that was just answered from, since what was made for the answer is kept with it. */
  recount(loaded: LoadedRecord): void {
    if (loaded.bytes > 0) this.#count(loaded);
  }

  #count(loaded: LoadedRecord): void {
    const bytes = memoryOf(loaded);
    if (bytes === loaded.bytes) return;
    this.#cached += bytes - loaded.bytes;
    loaded.bytes = bytes;
    for (const oldest of this.#cache.keys()) {
      if (this.#cached <= this.#cacheBytes) break;
      this.#forget(oldest);
    }
  }

  #forget(key: Key): void {
    const loaded = this.#cache.get(key);
    if (loaded === undefined) return;
    this.#cached -= loaded.bytes;
    loaded.bytes = 0;
    this.#cache.delete(key);
  }
}

// What the objects of a record take by themselves, in the version of Node where that is most: of 20, 22 and 24 it is the last.
const objectBytes = 1_550;

/** Bytes that a decoded record takes in memory, roughly, with what answers are computed by and the last of them. What is made of tiles is counted before it is there, and rather too high. */
function memoryOf({ record: { rows, windows, folded }, index }: LoadedRecord): number {
  const own = objectBytes + rows.byteLength + 30 * rows.columnCount;
  if (folded !== undefined) return own + 5 * rows.byteLength + 2_200 * Math.max(rows.columnCount, windows.length);
  return own + rows.decodedBytes + index.keptBytes;
}
