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
import { buildRecords, hashes, keepFrom, type BuiltRecords } from './build-records.ts';
import { batchesAfter, readBatches, readChunks, rewritten } from './log-chunks.ts';
import { heldOf, joinHeld, latestGeneration, noteRebuild, noteState, readState, type HeldBatch, type MaterializedState, type RebuildState, type StoredState } from './materialized-state.ts';
import { generationOf, layoutOf, mergeRecord, rebuildRecord, unsure, type AddedRows, type OnlineLayout, type OnlineRecord } from './online-record.ts';
import type { OnlineStore, RecordChange } from './online-store.ts';
import { foldableRows, foldRecord, type FoldPlan } from './online-tiles/fold-record.ts';
import { RecordChanges, type ForgettingWatch } from './record-changes.ts';
import { hasSameRows } from './record-table.ts';
import { RecordRows } from './record-rows.ts';

/** What a materialization works on. */
export interface MaterializeSource {
  readonly storage: StorageAdapter;
  readonly clock: Clock;
  readonly online: OnlineStore;
  readonly log: RewritableLog;
  readonly watch: ForgettingWatch;
  /** The view by the definitions that are in force now. */
  readonly inForce: () => Promise<CurrentView>;
}

/** Rows are folded only this long after they were ingested, in milliseconds: a row that comes to a record late, behind others of its time, then nearly never meets a folding that might have had it. */
const foldAge = 60_000;
const maxRewritten = 10;
const maxUnsure = 10;

/** Rows of an entity that its record may have folded already. */
interface UnsureRows {
  readonly added: AddedRows;
  /** The generation of the record that they met, and its folding. */
  readonly generation: number;
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
 *
 * Records that are made anew are of a new generation, whose number is noted before the log is read for them. Nobody changes a record of a later generation than the one that they work on, and nobody adds to
 * one of an earlier: it is made anew by itself. So whoever is held up, for however long, can neither take out again what others brought since nor add to what others have not finished.
 */
export class MaterializeCall {
  readonly #source: MaterializeSource;
  #current: CurrentView;
  #layout: OnlineLayout;
  readonly #options: LongOperationOptions;
  readonly #id: string = newId();
  readonly #since: number;
  #state: StoredState = { value: undefined, version: undefined };
  #claimed = false;
  readonly #records: RecordChanges;
  #rows = 0;
  /** Records that did not take more rows and were folded since it was last noted how far it is. */
  readonly #folded = new Set<Key>();
  /** Whether records are made anew since one could not be by itself. */
  #madeSmaller = false;
  /** Records that were changed and have rows to fold, once it is noted that these are read from the log. */
  readonly #foldable = new Set<Key>();

  constructor(source: MaterializeSource, current: CurrentView, options: LongOperationOptions) {
    this.#source = source;
    this.#current = current;
    this.#layout = layoutOf(current);
    this.#options = options;
    this.#since = source.clock.now();
    this.#records = new RecordChanges(source, this.#id, current, options);
  }

  /** Rows that were looked at. */
  get rows(): number {
    return this.#rows;
  }

  /** Entities whose records are now different. */
  get entities(): number {
    return this.#records.entities;
  }

  /** Brings all online that the log has up to event time `end` and that is not there. Throws `UnsupportedError` when a record does not fit into the storage; those of others are brought first, as far as the log was read. */
  async run(end: number): Promise<void> {
    try {
      await this.#bringAll(end);
    } catch (error) {
      if (this.#records.oversize !== undefined) await this.#records.recheck(this.#records.heard);
      throw error;
    }
  }

  async #bringAll(end: number): Promise<void> {
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
    if (this.#records.heard === Infinity) this.#records.heard = await this.#source.watch.heard();
    await this.#reload();
    const { id, rowsId } = this.#layout;
    const versions = this.#current.kept.length;
    if (this.#state.value === undefined) await this.#note(() => ({ layout: id, versions }));
    // Before rows were folded, records of these columns and windows had all rows that they need.
    else if (this.#state.value.layout === rowsId && id !== rowsId && this.#state.value.rebuild === undefined) await this.#note((state) => ({ ...state, layout: id, versions }));
    await this.#rebuild(end);
    if (this.#claimed) await this.#finish();
  }

  /** Whether no records are being made anew, nor were since {@link MaterializeCall.bring} brought rows: they might lack these. */
  async stands(): Promise<boolean> {
    const { value } = await readState(this.#source.storage, this.#current, { ...this.#options, fresh: true });
    return value !== undefined && this.#isInForce(value);
  }

  /** Brings rows online, those up to event time `end`; `false` when records were made anew meanwhile, and some may not be there. */
  async bring(rows: RowSnapshot, end: number, { pushed = false, known = false }: BringOptions = {}): Promise<boolean> {
    const generation = this.#generation;
    const plan = this.#foldPlan(this.#keepFrom(end));
    const { starts } = rows.index;
    const records = new RecordRows(rows, this.#layout);
    const before = this.#rows;
    const left = new Map<Key, UnsureRows>();
    let pending: RecordChange[] = [];
    for (const [code, texts] of rows.keys().entries()) {
      const due = records.of(code, end);
      if (due !== undefined) pending.push(this.#merging(this.#source.online.keyOf(this.#current, texts), { rows: due, pushed, known }, plan, left));
      if (pending.length < this.#records.perWrite) continue;
      if (!(await this.#records.change(pending, this.#generation))) return this.#overtaken();
      pending = [];
      this.#tell(before + starts[code + 1]!);
    }
    if (!(await this.#records.change(pending, this.#generation)) || !(await this.#settle(left, end, plan, generation))) return this.#overtaken();
    this.#rows = before + rows.index.order.length;
    this.#tell(this.#rows);
    return true;
  }

  async #overtaken(): Promise<false> {
    await this.#reload();
    return false;
  }

  #merging(key: Key, added: AddedRows, plan: FoldPlan, left: Map<Key, UnsureRows>): RecordChange {
    const generation = this.#generation;
    return {
      key,
      change: (record) => {
        left.delete(key);
        const next = record && generationOf(record) < generation ? unsure : mergeRecord(record, added, this.#layout, plan.now);
        if (next === unsure) {
          left.set(key, { added, generation: generationOf(record), folding: record?.folded?.id });
          return undefined;
        }
        if (next && !added.pushed && foldableRows(next, plan)) this.#foldable.add(key);
        return next;
      },
      isForm: (record, next) => record !== undefined && hasSameRows(record.rows, next.rows),
    };
  }

  /** Makes records anew from the log of which nobody else can tell whether they have some rows, and brings these; `false` when all records were made anew meanwhile. */
  async #settle(unsettled: ReadonlyMap<Key, UnsureRows>, end: number, fold: FoldPlan, generation: number): Promise<boolean> {
    let left = unsettled;
    for (let attempt = 1; left.size > 0; attempt++) {
      if (attempt > maxUnsure) throw new ConflictError(`Records of '${this.#current.view.name}' were changed by others at each of ${maxUnsure} attempts to make them anew; try again when it is less busy.`, { key: this.#source.log.key });
      // Rows of who is forgotten meanwhile must not stay.
      while (!(await this.#claim()));
      // What others noted since counts: they may have folded rows of it into these records.
      const { value: noted } = await readState(this.#source.storage, this.#current, { ...this.#options, fresh: true });
      if (noted === undefined || generation !== this.#generation || !this.#isInForce(noted)) return false;
      const wanted = latest(end < Infinity ? end : -Infinity, noted.end);
      for (let low = 0; low < hashes; ) {
        const pass = await this.#build(low, wanted, left);
        const later = pass === rewritten ? rewritten : await batchesAfter(this.#source.log, noted.position, this.#options);
        // The log is read from its beginning then, anyway.
        if (pass === rewritten || later === rewritten) return true;
        // Not folded: rows that are not read yet may be of earlier batches.
        const plan = { end: wanted, later, layout: this.#layout };
        const changes = [...pass.records].map(([key, built]): RecordChange => ({
          key,
          change: (record) => {
            const met = left.get(key)!;
            if (record?.folded?.id !== met.folding || generationOf(record) !== met.generation) return undefined;
            const next = rebuildRecord(record, built, plan);
            if (met.generation < generation) return next ?? only(mergeRecord(undefined, met.added, this.#layout, fold.now));
            // What came to the record since the log was read stays in it.
            return (next && record && only(mergeRecord(next, { rows: record.rows, pushed: true }, this.#layout, fold.now))) ?? next;
          },
        }));
        if (!(await this.#records.changeAll(changes, this.#generation))) return false;
        if (await this.#makesSmaller()) return false;
        low = pass.high;
      }
      const again = new Map<Key, UnsureRows>();
      if (!(await this.#records.changeAll([...left].map(([key, { added }]) => this.#merging(key, added, fold, again)), this.#generation))) return false;
      left = again;
    }
    return true;
  }

  /**
   * Has all records made anew where one, by itself, came to be larger than the storage takes: then its old rows are folded at once, since it is known of each batch whether it was read. Whether it did; a second time would
   * come to the same.
   */
  async #makesSmaller(): Promise<boolean> {
    if (this.#records.oversize === undefined || this.#madeSmaller || this.#layout.tiles.length === 0) return false;
    this.#madeSmaller = true;
    this.#records.oversize = undefined;
    await noteRebuild(this.#source.storage, this.#current, this.#options);
    return true;
  }

  /** Folds old rows of records, once it is noted that these rows are online: nobody brings them again. */
  async #fold(keys: readonly Key[], end: number): Promise<void> {
    const plan = this.#foldPlan(this.#keepFrom(end));
    const generation = this.#generation;
    const changes = keys.map((key): RecordChange => ({ key, change: (record) => (record && generationOf(record) === generation ? foldRecord(record, plan) : undefined), isForm: () => true }));
    await this.#records.changeAll(changes, generation);
  }

  #foldPlan(now: number): FoldPlan {
    return { layout: this.#layout, now, last: batchOrder({ id: '\uffff', ingestedAt: this.#since - foldAge }), id: newId() };
  }

  /** Goes on in the log from where it is known to be online; whether it came to the end, or someone else went on, or what was known no longer counts. */
  async #readOn(end: number): Promise<'done' | 'lost' | typeof rewritten> {
    for (let most = Infinity; ; ) {
      const result = await this.#readSome(end, most);
      if (typeof result !== 'number') return result;
      most = result;
    }
  }

  /** Goes on in the log, by at most so many batches at once; or tells how many there may be where a record did not take more, of which rows can be folded in between. */
  async #readSome(end: number, mostBatches: number): Promise<'done' | 'lost' | typeof rewritten | number> {
    const { log } = this.#source;
    for await (const chunk of readChunks(this.#current, log, this.#state.value!.position, this.#options, mostBatches)) {
      if (chunk === rewritten) return rewritten;
      if (!(await this.#claim()) || !(await this.bring(chunk.rows, end))) return 'lost';
      if (await this.#foldsOversize(chunk.batches.length > 1, end)) return Math.ceil(chunk.batches.length / 2);
      const held = heldOf(chunk.batches, end);
      if (!(await this.#note((state) => ({ ...state, position: chunk.position, end: latest(end, state.end), held: joinHeld(state.held ?? [], held) })))) return 'lost';
      const foldable = [...this.#foldable];
      this.#foldable.clear();
      this.#folded.clear();
      await this.#fold(foldable, end);
    }
    return 'done';
  }

  /** Folds what is online of a record that did not take more rows; whether it may take fewer now, or these. */
  async #foldsOversize(areMany: boolean, end: number): Promise<boolean> {
    if (this.#records.oversize === undefined || this.#layout.tiles.length === 0) return false;
    const { key } = this.#records.oversize;
    if (!areMany && this.#folded.has(key)) return false;
    this.#folded.add(key);
    this.#records.oversize = undefined;
    // The others have rows that are not noted yet.
    this.#foldable.clear();
    await this.#fold([key], end);
    return true;
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
      if (!(await this.bring(chunk.rows, end))) return 'lost';
      for (const { id, from } of heldOf(chunk.batches, end)) later.set(id!, from);
    }
    let { position } = this.#state.value!;
    let tail: readonly HeldBatch[] = [];
    const open = due.find(({ id }) => id === undefined);
    if (open) {
      for await (const chunk of readChunks(this.#current, log, open.after, this.#options)) {
        if (chunk === rewritten) return rewritten;
        if (!(await this.bring(chunk.rows, end))) return 'lost';
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
    let dropped = 0;
    for (let attempt = 1; ; ) {
      throwIfAborted(this.#options.signal, `Materializing ${this.#current.view.name}`);
      const { versions = 0, rebuild } = this.#state.value!;
      if (Math.max(versions, rebuild?.versions ?? 0) > this.#current.kept.length) await this.#learn();
      if (this.#isInForce(this.#state.value!)) return;
      const plan = await this.#beginRebuild(end, dropped);
      if (plan === undefined) continue;
      const pass = await this.#build(plan.done, plan.end);
      if (pass !== rewritten && (await this.#replace(plan, pass)) !== rewritten) continue;
      if (attempt++ === maxRewritten) throw new ConflictError(`The log of '${this.#current.view.name}' was rewritten at each of ${maxRewritten} attempts to read it; try again when it is less busy.`, { key: this.#source.log.key });
      // The place in the log that was noted no longer counts.
      dropped = plan.generation;
    }
  }

  /** Joins those who make records anew for the same layout, or begins to, under a generation that no record is of; `undefined` when someone else wrote meanwhile. */
  async #beginRebuild(end: number, dropped: number): Promise<RebuildState | undefined> {
    const state = this.#state.value!;
    const { rebuild } = state;
    const { id } = this.#layout;
    if (rebuild?.layout === id && rebuild.generation > Math.max(state.generation ?? 0, this.#records.met - 1, dropped)) return (await this.#claim()) ? rebuild : undefined;
    const plan: RebuildState = { layout: id, versions: this.#current.kept.length, generation: Math.max(latestGeneration(state), this.#records.met) + 1, end: latest(end, state.end), done: 0 };
    return (await this.#noteClaimed((seen) => ({ ...seen, rebuild: plan }))) ? plan : undefined;
  }

  /** Puts records that were built in the place of those that are there. */
  async #replace(begun: RebuildState, { records, high, position, held }: BuiltRecords): Promise<typeof rewritten | undefined> {
    const plan = begun.position === undefined ? { ...begun, position, held } : begun;
    if (plan.position !== begun.position && !(await this.#insist((state) => ({ ...state, rebuild: plan }), begun))) return undefined;
    // Later passes may have read more of the log: what lies behind the first is read again.
    const later = this.#layout.tiles.length === 0 ? new Set<string>() : await batchesAfter(this.#source.log, plan.position, this.#options);
    if (later === rewritten) return rewritten;
    const { generation } = plan;
    const how = { end: plan.end, later, layout: this.#layout, fold: this.#foldPlan(this.#keepFrom(plan.end)) };
    const changes = [...records].map(([key, built]): RecordChange => ({ key, change: (record) => (generationOf(record) === generation ? undefined : rebuildRecord(record, built, how)) }));
    if (!(await this.#records.changeAll(changes, generation))) {
      await this.#reload();
      return undefined;
    }
    const done = { layout: plan.layout, versions: plan.versions, generation, end: plan.end, position: plan.position, held: plan.held };
    await this.#insist((state) => (high === hashes ? { ...done, at: state.at } : { ...state, rebuild: { ...plan, done: high } }), plan);
    return undefined;
  }

  /** Takes up the definitions that are in force. */
  async #learn(): Promise<void> {
    const current = await this.#source.inForce();
    if (current.epoch !== this.#current.epoch) return;
    this.#current = current;
    this.#layout = layoutOf(current);
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
    return this.#claimed || this.#noteClaimed((state) => state);
  }

  /** Notes something together with the claim. */
  async #noteClaimed(next: (state: MaterializedState) => MaterializedState): Promise<boolean> {
    this.#claimed = await this.#note((state) => ({ ...next(state), begun: true }));
    return this.#claimed;
  }

  /** Notes how far the making of records is. Others who only began meanwhile have done nothing that this would undo; were it done again for each of them, several could keep each other from an end. */
  async #insist(next: (state: MaterializedState) => MaterializedState, { generation, position, done }: RebuildState): Promise<boolean> {
    while (!(await this.#noteClaimed(next))) {
      const present = this.#state.value!.rebuild;
      if (present?.generation !== generation || present.position !== position || present.done !== done) return false;
    }
    return true;
  }

  /** Ends what was brought by {@link MaterializeCall.bring}: rows of entities that were forgotten meanwhile are taken out. */
  async end(): Promise<void> {
    if (this.#claimed && this.#records.oversize === undefined) return this.#finish();
    if (this.#records.areWritten) await this.#records.recheck(this.#records.heard);
    this.#records.refuseOversize();
  }

  async #finish(): Promise<void> {
    // Those who died cannot ask any more.
    const { heard, dropSilent } = await this.#source.watch.unfinished();
    await this.#records.recheck(Math.min(heard, this.#records.areWritten ? this.#records.heard : Infinity));
    await dropSilent();
    if (this.#state.value!.begun) await this.#note((state) => ({ ...state, begun: undefined }));
    this.#claimed = false;
  }

  /** The generation of the records that are worked on. */
  get #generation(): number {
    return this.#state.value?.generation ?? 0;
  }

  /** Whether records are of the layout and generation that this call works on, by a state, and nobody makes them anew. */
  #isInForce({ layout, generation = 0, rebuild }: MaterializedState): boolean {
    return layout === this.#layout.id && rebuild === undefined && generation === this.#generation && generation >= this.#records.met;
  }

  async #reload(): Promise<void> {
    this.#state = await readState(this.#source.storage, this.#current, { ...this.#options, fresh: true });
    this.#claimed = false;
  }

  /** Notes how far it is; `false` when someone else has meanwhile, and then what they noted is what is known. */
  async #note(next: (state: MaterializedState) => MaterializedState): Promise<boolean> {
    this.#records.refuseOversize();
    const value = { ...next(this.#state.value ?? { layout: this.#layout.id }), call: this.#id };
    this.#state = await noteState(this.#source.storage, this.#current, this.#state, value, this.#options);
    if (this.#state.value === value) return true;
    this.#claimed = false;
    return false;
  }

  #keepFrom(end: number): number {
    return keepFrom(this.#source.clock.now(), end);
  }

  #tell(done: number): void {
    this.#options.onProgress?.({ phase: 'materialize', done });
  }
}

/** A record, where there is one for certain. */
function only(record: OnlineRecord | typeof unsure | undefined): OnlineRecord | undefined {
  return record === unsure ? undefined : record;
}

function latest(end: number, known: number | undefined): number {
  return Math.max(end, known ?? -Infinity);
}
