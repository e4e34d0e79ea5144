import { throwIfAborted } from '../core/abort.ts';
import type { Clock } from '../core/clock.ts';
import { ConflictError } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import type { Key } from '../core/key.ts';
import type { LongOperationOptions } from '../core/progress.ts';
import type { LogPosition, StorageAdapter } from '../storage/contract.ts';
import type { RewritableLog } from '../storage/rewritable-log.ts';
import type { CurrentView } from './definitions/definition-states.ts';
import type { RowSnapshot } from './loaded-rows.ts';
import { readBatches, readChunks, rewritten } from './log-chunks.ts';
import { heldOf, joinHeld, noteState, readState, type HeldBatch, type MaterializedState, type StoredState } from './materialized-state.ts';
import { layoutOf, mergeRecord, rebuildRecord, recordBytes, type OnlineLayout, type OnlineRecord } from './online-record.ts';
import type { OnlineStore, RecordChange } from './online-store.ts';
import { RecordRows } from './record-rows.ts';

/** What a materialization works on. */
export interface MaterializeSource {
  readonly storage: StorageAdapter;
  readonly clock: Clock;
  readonly online: OnlineStore;
  readonly log: RewritableLog;
  /** Takes rows out again that were brought online since a moment, of entities that were forgotten meanwhile. */
  readonly recheck: (since: number) => Promise<void>;
}

/** Rows stay this much longer than the windows need, for serving processes whose clocks are behind, in milliseconds. */
const clockSlack = 3_600_000;
const maxRecordsPerWrite = 256;
/** So many bytes of records are in hand at once, or a single record. */
const writeBytes = 8 * 1024 * 1024;
const maxRewritten = 10;
const maxBuiltBytes = 64 * 1024 * 1024;
const hashes = 2 ** 32;

/**
 * One call that brings rows of a view's log online, chunk by chunk. What is done is noted after each chunk, so that a call that was cut off, or another process, goes on from there; rows that were brought
 * twice are recognised in the records, and whoever finds that someone else has noted more goes on from that.
 */
export class MaterializeCall {
  readonly #source: MaterializeSource;
  readonly #current: CurrentView;
  readonly #layout: OnlineLayout;
  readonly #options: LongOperationOptions;
  readonly #id: string = newId();
  readonly #since: number;
  #state: StoredState = { value: undefined, version: undefined };
  #claimed = false;
  #rows = 0;
  #entities = 0;
  #recordsPerWrite = 32;

  constructor(source: MaterializeSource, current: CurrentView, options: LongOperationOptions) {
    this.#source = source;
    this.#current = current;
    this.#layout = layoutOf(current);
    this.#options = options;
    this.#since = source.clock.now();
  }

  /** Rows that were looked at. */
  get rows(): number {
    return this.#rows;
  }

  /** Entities whose records are now different. */
  get entities(): number {
    return this.#entities;
  }

  /** Brings all online that the log has up to event time `end` and that is not there. */
  async run(end: number): Promise<void> {
    await this.prepare(end);
    for (let attempt = 1; ; ) {
      throwIfAborted(this.#options.signal, `Materializing ${this.#current.view.name}`);
      await this.#rebuild(end);
      const result = (await this.#bringDue(end)) ?? (await this.#readOn(end));
      if (result === 'done') break;
      if (result !== rewritten) continue;
      if (attempt++ === maxRewritten) throw new ConflictError(`The log of '${this.#current.view.name}' was rewritten at each of ${maxRewritten} attempts to materialize it; try again when it is less busy.`, { key: this.#source.log.key });
      await this.#note((state) => ({ ...state, position: undefined, held: undefined }));
    }
    await this.#finish();
    await this.#note((state) => ({ ...state, at: this.#source.clock.now() }));
  }

  /** Makes the view's records anew if they are of another layout. */
  async prepare(end: number): Promise<void> {
    const { storage } = this.#source;
    this.#state = await readState(storage, this.#current, this.#options);
    if (this.#state.value === undefined) await this.#note(() => ({ layout: this.#layout.id }));
    await this.#rebuild(end);
    if (this.#claimed) await this.#finish();
  }

  /** Brings rows online, those up to event time `end`. */
  async bring(rows: RowSnapshot, end: number): Promise<void> {
    const keepFrom = this.#keepFrom(end);
    const { starts } = rows.index;
    const records = new RecordRows(rows, this.#layout);
    const before = this.#rows;
    let pending: RecordChange[] = [];
    for (const [code, texts] of rows.keys().entries()) {
      const due = records.of(code, end);
      if (due !== undefined) pending.push({ key: this.#source.online.keyOf(this.#current, texts), change: (record) => mergeRecord(record, due, this.#layout, keepFrom) });
      if (pending.length < this.#recordsPerWrite) continue;
      await this.#change(pending);
      pending = [];
      this.#tell(before + starts[code + 1]!);
    }
    await this.#change(pending);
    this.#rows = before + rows.index.order.length;
    this.#tell(this.#rows);
  }

  /** Goes on in the log from where it is known to be online; whether it came to the end, or someone else went on, or what was known no longer counts. */
  async #readOn(end: number): Promise<'done' | 'lost' | typeof rewritten> {
    const { log } = this.#source;
    for await (const chunk of readChunks(this.#current, log, this.#state.value!.position, this.#options)) {
      if (chunk === rewritten) return rewritten;
      if (!(await this.#claim())) return 'lost';
      await this.bring(chunk.rows, end);
      const held = heldOf(chunk.batches, end);
      if (!(await this.#note((state) => ({ ...state, position: chunk.position, end: latest(end, state.end), held: joinHeld(state.held ?? [], held) })))) return 'lost';
    }
    return 'done';
  }

  /** Brings those rows online that were met before and are due only now; `undefined` when none is left. */
  async #bringDue(end: number): Promise<'lost' | typeof rewritten | undefined> {
    const { log } = this.#source;
    const all = this.#state.value!.held ?? [];
    const due = all.filter(({ from }) => from <= end);
    if (due.length === 0) return undefined;
    if (!(await this.#claim())) return 'lost';
    const later = new Map<string, number>();
    const named = due.flatMap(({ after, id }) => (id === undefined ? [] : [{ after, id }]));
    for await (const chunk of readBatches(this.#current, log, named, this.#options)) {
      if (chunk === rewritten) return rewritten;
      await this.bring(chunk.rows, end);
      for (const { id, from } of heldOf(chunk.batches, end)) later.set(id!, from);
    }
    let { position } = this.#state.value!;
    let tail: readonly HeldBatch[] = [];
    const open = due.find(({ id }) => id === undefined);
    if (open) {
      for await (const chunk of readChunks(this.#current, log, open.after, this.#options)) {
        if (chunk === rewritten) return rewritten;
        await this.bring(chunk.rows, end);
        tail = joinHeld(tail, heldOf(chunk.batches, end)) ?? [];
        position = chunk.position;
      }
    }
    const left = all.flatMap((each) => {
      if (each.from > end) return [each];
      const from = later.get(each.id ?? '');
      return from === undefined ? [] : [{ ...each, from }];
    });
    return (await this.#note((state) => ({ ...state, position, end: latest(end, state.end), held: joinHeld(left, tail) }))) ? undefined : 'lost';
  }

  /** Makes all records anew from the log when they are of another layout: in as many passes over it as memory asks for, each for a part of the entities. */
  async #rebuild(end: number): Promise<void> {
    const { id } = this.#layout;
    for (let attempt = 1; this.#state.value!.layout !== id; ) {
      const { rebuild, end: wanted } = this.#state.value!;
      const plan = rebuild?.layout === id ? rebuild : { layout: id, end: latest(end, wanted), done: 0, position: undefined, held: undefined };
      if (!(await this.#claim())) continue;
      const pass = await this.#build(plan.done, plan.end);
      if (pass === rewritten) {
        if (attempt++ === maxRewritten) throw new ConflictError(`The log of '${this.#current.view.name}' was rewritten at each of ${maxRewritten} attempts to read it; try again when it is less busy.`, { key: this.#source.log.key });
        continue;
      }
      let pending: RecordChange[] = [];
      for (const [key, built] of pass.records) {
        pending.push({ key, change: (record) => rebuildRecord(record, built, plan.end) });
        if (pending.length < this.#recordsPerWrite) continue;
        await this.#change(pending);
        pending = [];
      }
      await this.#change(pending);
      // Later passes may have read more of the log: what lies behind the first is read again.
      const { position, held } = plan.done === 0 ? pass : plan;
      const done = { layout: id, end: plan.end, position, held };
      await this.#note((state) => (pass.high === hashes ? { ...done, at: state.at, begun: state.begun } : { ...state, rebuild: { ...done, done: pass.high } }));
    }
  }

  /** The records of entities whose hashes are `low` or more and below `high`, which is as high as memory allows. */
  async #build(low: number, end: number): Promise<{ records: Map<Key, OnlineRecord>; high: number; position: LogPosition | undefined; held: readonly HeldBatch[] | undefined } | typeof rewritten> {
    const { log, online } = this.#source;
    const keepFrom = this.#keepFrom(end);
    const records = new Map<Key, OnlineRecord>();
    let [high, bytes] = [hashes, 0];
    let position: LogPosition | undefined;
    let held: readonly HeldBatch[] | undefined;
    for await (const chunk of readChunks(this.#current, log, undefined, this.#options)) {
      if (chunk === rewritten) return rewritten;
      const all = new RecordRows(chunk.rows, this.#layout);
      for (const [code, texts] of chunk.rows.keys().entries()) {
        const key = online.keyOf(this.#current, texts);
        const hash = hashOf(key);
        const rows = hash >= low && hash < high ? all.of(code, Infinity) : undefined;
        if (rows === undefined) continue;
        const before = records.get(key);
        const built = mergeRecord(before, rows, this.#layout, keepFrom) ?? before;
        if (built === undefined) continue;
        bytes += recordBytes(built) - (before ? recordBytes(before) : 0);
        records.set(key, built);
        while (bytes > maxBuiltBytes && records.size > 1 && high - low > 1) {
          high = low + Math.floor((high - low) / 2);
          for (const [each, record] of records) {
            if (hashOf(each) < high) continue;
            records.delete(each);
            bytes -= recordBytes(record);
          }
        }
      }
      position = chunk.position;
      held = joinHeld(held ?? [], heldOf(chunk.batches, end));
      this.#rows += low === 0 ? chunk.rows.index.order.length : 0;
      this.#tell(this.#rows);
    }
    return { records, high, position, held };
  }

  /** Sees to it that whoever comes next knows of this call if it is cut off; whether nobody else has written meanwhile. */
  async #claim(): Promise<boolean> {
    this.#claimed ||= await this.#note((state) => ({ ...state, begun: Math.min(state.begun ?? this.#since, this.#since) }));
    return this.#claimed;
  }

  async #finish(): Promise<void> {
    const begun = this.#state.value!.begun;
    if (begun === undefined || !(await this.#claim())) return;
    await this.#source.recheck(begun);
    await this.#note((state) => ({ ...state, begun: undefined }));
    this.#claimed = false;
  }

  /** Notes how far it is; `false` when someone else has meanwhile, and then what they noted is what is known. */
  async #note(next: (state: MaterializedState) => MaterializedState): Promise<boolean> {
    const value = { ...next(this.#state.value ?? { layout: this.#layout.id }), call: this.#id };
    this.#state = await noteState(this.#source.storage, this.#current, this.#state, value, this.#options);
    if (this.#state.value === value) return true;
    this.#claimed = false;
    return false;
  }

  async #change(changes: readonly RecordChange[]): Promise<void> {
    throwIfAborted(this.#options.signal, `Materializing ${this.#current.view.name}`);
    if (changes.length === 0) return;
    const { changed, bytes } = await this.#source.online.change(changes, this.#id, this.#options);
    this.#entities += changed;
    this.#recordsPerWrite = Math.max(1, Math.min(maxRecordsPerWrite, changes.length * 2, Math.floor((changes.length * writeBytes) / (bytes + 1))));
  }

  #keepFrom(end: number): number {
    return Math.min(this.#source.clock.now(), end) - clockSlack;
  }

  #tell(done: number): void {
    this.#options.onProgress?.({ phase: 'materialize', done });
  }
}

function latest(end: number, known: number | undefined): number {
  return Math.max(end, known ?? -Infinity);
}

/** 32 bits of a key (FNV-1a, stirred as in MurmurHash3), which spread entities evenly over the parts of a rebuilding. */
function hashOf(key: Key): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
