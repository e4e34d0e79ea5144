import { throwIfAborted } from '../core/abort.ts';
import type { Clock } from '../core/clock.ts';
import { ConflictError } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import type { Key } from '../core/key.ts';
import type { LongOperationOptions } from '../core/progress.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import type { RewritableLog } from '../storage/rewritable-log.ts';
import type { CurrentView } from './definitions/definition-states.ts';
import type { RowSnapshot } from './loaded-rows.ts';
import { batchOrder } from './batch.ts';
import { buildRecords, hashes, type BuiltRecords } from './build-records.ts';
import { batchesAfter, readBatches, readChunks, rewritten } from './log-chunks.ts';
import { heldOf, joinHeld, noteState, readState, type HeldBatch, type MaterializedState, type StoredState } from './materialized-state.ts';
import { layoutOf, mergeRecord, rebuildRecord, unsure, type AddedRows, type OnlineLayout } from './online-record.ts';
import type { OnlineStore, RecordChange } from './online-store.ts';
import { foldableRows, foldRecord, type FoldPlan } from './online-tiles/fold-record.ts';
import { hasSameRows } from './record-table.ts';
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
/** Rows are folded only this long after they were ingested, in milliseconds: a row that comes to a record late, behind others of its time, then nearly never meets a folding that might have had it. */
const foldAge = 60_000;
const maxRecordsPerWrite = 256;
/** So many bytes of records are in hand at once, or a single record. */
const writeBytes = 8 * 1024 * 1024;
const maxRewritten = 10;
const maxUnsure = 10;

/** Rows of an entity that its record may have folded already. */
interface UnsureRows {
  readonly added: AddedRows;
  /** The folding that they met. */
  readonly folding: string | undefined;
}

/** How rows are brought online. */
export interface BringOptions {
  /** Whether they come beside the log, in which they are read later. @default false */
  readonly pushed?: boolean | undefined;
  /** Whether rows that may be there already are left to those who read the log. @default false */
  readonly known?: boolean | undefined;
}

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
  /** Records that were changed and have rows to fold, once it is noted that these are read from the log. */
  #foldable = new Set<Key>();

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
      // Rows that were folded cannot be told from those that would come again.
      const isFolded = this.#layout.tiles.length > 0;
      await this.#note((state) => ({ ...state, layout: isFolded ? rewritten : state.layout, position: undefined, held: undefined }));
    }
    await this.#finish();
    await this.#note((state) => ({ ...state, at: this.#source.clock.now() }));
  }

  /** Makes the view's records anew if they are of another layout. */
  async prepare(end: number): Promise<void> {
    const { storage } = this.#source;
    this.#state = await readState(storage, this.#current, this.#options);
    const { id, rowsId } = this.#layout;
    if (this.#state.value === undefined) await this.#note(() => ({ layout: id }));
    // Before rows were folded, records of these columns and windows had all rows that they need.
    else if (this.#state.value.layout === rowsId && id !== rowsId) await this.#note((state) => (state.layout === rowsId ? { ...state, layout: id } : state));
    await this.#rebuild(end);
    if (this.#claimed) await this.#finish();
  }

  /** Brings rows online, those up to event time `end`. */
  async bring(rows: RowSnapshot, end: number, { pushed = false, known = false }: BringOptions = {}): Promise<void> {
    const plan = this.#foldPlan(this.#keepFrom(end));
    const { starts } = rows.index;
    const records = new RecordRows(rows, this.#layout);
    const before = this.#rows;
    const left = new Map<Key, UnsureRows>();
    let pending: RecordChange[] = [];
    for (const [code, texts] of rows.keys().entries()) {
      const due = records.of(code, end);
      if (due !== undefined) pending.push(this.#merging(this.#source.online.keyOf(this.#current, texts), { rows: due, pushed, known }, plan, left));
      if (pending.length < this.#recordsPerWrite) continue;
      await this.#change(pending);
      pending = [];
      this.#tell(before + starts[code + 1]!);
    }
    await this.#change(pending);
    await this.#settle(left, end, plan);
    this.#rows = before + rows.index.order.length;
    this.#tell(this.#rows);
  }

  #merging(key: Key, added: AddedRows, plan: FoldPlan, left: Map<Key, UnsureRows>): RecordChange {
    return {
      key,
      change: (record) => {
        left.delete(key);
        const next = mergeRecord(record, added, this.#layout, plan.now);
        if (next === unsure) {
          left.set(key, { added, folding: record?.folded?.id });
          return undefined;
        }
        if (next && !added.pushed && foldableRows(next, plan)) this.#foldable.add(key);
        return next;
      },
      isForm: (record, next) => record !== undefined && hasSameRows(record.rows, next.rows),
    };
  }

  /** Makes records anew from the log of which nobody else can tell whether they have some rows, and brings these. */
  async #settle(unsettled: ReadonlyMap<Key, UnsureRows>, end: number, fold: FoldPlan): Promise<void> {
    let left = unsettled;
    const wanted = latest(end < Infinity ? end : -Infinity, this.#state.value?.end);
    for (let attempt = 1; left.size > 0; attempt++) {
      if (attempt > maxUnsure) throw new ConflictError(`Records of '${this.#current.view.name}' were changed by others at each of ${maxUnsure} attempts to make them anew; try again when it is less busy.`, { key: this.#source.log.key });
      // Rows of who is forgotten meanwhile must not stay.
      await this.#claim();
      for (let low = 0; low < hashes; ) {
        const pass = await this.#build(low, wanted, left);
        const later = pass === rewritten ? rewritten : await batchesAfter(this.#source.log, this.#state.value?.position, this.#options);
        // The log is read from its beginning then, anyway.
        if (pass === rewritten || later === rewritten) return;
        // Not folded: rows that are not read yet may be of earlier batches.
        const plan = { end: wanted, later, layout: this.#layout };
        const changes = [...pass.records].map(([key, built]): RecordChange => ({
          key,
          change: (record) => {
            if (record?.folded?.id !== left.get(key)?.folding) return undefined;
            const next = rebuildRecord(record, built, plan);
            // What came to the record since the log was read stays in it.
            const merged = next && record && mergeRecord(next, { rows: record.rows, pushed: true }, this.#layout, fold.now);
            return merged === undefined || merged === unsure ? next : merged;
          },
        }));
        for (let i = 0; i < changes.length; i += maxRecordsPerWrite) await this.#change(changes.slice(i, i + maxRecordsPerWrite));
        low = pass.high;
      }
      const again = new Map<Key, UnsureRows>();
      const merging = [...left].map(([key, { added }]) => this.#merging(key, added, fold, again));
      for (let i = 0; i < merging.length; i += maxRecordsPerWrite) await this.#change(merging.slice(i, i + maxRecordsPerWrite));
      left = again;
    }
  }

  /** Folds old rows of records that were changed, now that it is noted that these rows are online: nobody brings them again. */
  async #fold(end: number): Promise<void> {
    const keys = [...this.#foldable];
    this.#foldable.clear();
    const plan = this.#foldPlan(this.#keepFrom(end));
    for (let i = 0; i < keys.length; ) {
      const some = keys.slice(i, i + this.#recordsPerWrite);
      await this.#change(some.map((key) => ({ key, change: (record) => record && foldRecord(record, plan), isForm: () => true })));
      i += some.length;
    }
  }

  #foldPlan(now: number): FoldPlan {
    return { layout: this.#layout, now, last: batchOrder({ id: '\uffff', ingestedAt: this.#since - foldAge }), id: newId() };
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
      await this.#fold(end);
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
      // Later passes may have read more of the log: what lies behind the first is read again.
      const { position, held } = plan.done === 0 ? pass : plan;
      const later = this.#layout.tiles.length === 0 ? new Set<string>() : await batchesAfter(this.#source.log, position, this.#options);
      if (later === rewritten) continue;
      const seen = await readState(this.#source.storage, this.#current, this.#options);
      if (seen.value?.layout === id) {
        // Someone else has made them anew meanwhile, and may have brought more since.
        this.#state = seen;
        this.#claimed = false;
        continue;
      }
      const how = { end: plan.end, later, layout: this.#layout, fold: this.#foldPlan(this.#keepFrom(plan.end)) };
      let pending: RecordChange[] = [];
      for (const [key, built] of pass.records) {
        pending.push({ key, change: (record) => rebuildRecord(record, built, how) });
        if (pending.length < this.#recordsPerWrite) continue;
        await this.#change(pending);
        pending = [];
      }
      await this.#change(pending);
      const done = { layout: id, end: plan.end, position, held };
      const next = (state: MaterializedState): MaterializedState => (pass.high === hashes ? { ...done, at: state.at, begun: state.begun } : { ...state, rebuild: { ...done, done: pass.high } });
      // Who only began meanwhile has done nothing that this would undo; were it done again for each of them, several could keep each other from an end.
      while (!(await this.#note(next)) && this.#state.value!.layout !== id && this.#state.value!.rebuild?.done === rebuild?.done);
    }
  }

  /** Builds records from the log: those of entities whose hashes are `low` or higher, as many as memory allows; of those in `only` where it is given. */
  #build(low: number, end: number, only?: ReadonlyMap<Key, unknown>): Promise<BuiltRecords | typeof rewritten> {
    const { log, online } = this.#source;
    const onRows = (rows: number): void => {
      this.#rows += low === 0 && only === undefined ? rows : 0;
      this.#tell(this.#rows);
    };
    const plan = { end, keepFrom: this.#keepFrom(end), low, only: only && new Set(only.keys()), onRows };
    return buildRecords({ current: this.#current, layout: this.#layout, log, online }, plan, this.#options);
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
