import { throwIfAborted } from '../core/abort.ts';
import { ConflictError } from '../core/errors.ts';
import type { Key } from '../core/key.ts';
import type { LongOperationOptions } from '../core/progress.ts';
import type { CurrentView } from './definitions/definition-states.ts';
import type { RowSnapshot } from './loaded-rows.ts';
import { readBatches, readChunks, rewritten } from './log-chunks.ts';
import { latest, MaterializeProgress, type MaterializeSource } from './materialize-progress.ts';
import { heldOf, joinHeld, type HeldBatch } from './materialized-state.ts';
import { RowMerger, type UnsureRows } from './merge-rows.ts';
import { generationOf } from './online-record.ts';
import type { RecordChange } from './online-store.ts';
import { foldRecord } from './online-tiles/fold-record.ts';
import { maxRewritten, RecordRebuild } from './rebuild-records.ts';
import { RecordRows } from './record-rows.ts';

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
  readonly #options: LongOperationOptions;
  readonly #progress: MaterializeProgress;
  readonly #rebuild: RecordRebuild;
  readonly #merger: RowMerger;
  #rows = 0;
  /** Records that did not take more rows and were folded since it was last noted how far it is. */
  readonly #folded = new Set<Key>();

  constructor(source: MaterializeSource, current: CurrentView, options: LongOperationOptions) {
    this.#source = source;
    this.#options = options;
    this.#progress = new MaterializeProgress(source, current, options);
    this.#rebuild = new RecordRebuild(source, this.#progress, options, (rows) => {
      this.#rows += rows;
      this.#tell(this.#rows);
    });
    this.#merger = new RowMerger(source, this.#progress, this.#rebuild, options);
  }

  /** Rows that were looked at. */
  get rows(): number {
    return this.#rows;
  }

  /** Entities whose records are now different. */
  get entities(): number {
    return this.#progress.records.entities;
  }

  /** Brings all online that the log has up to event time `end` and that is not there. Throws `UnsupportedError` when a record does not fit into the storage; those of others are brought first, as far as the log was read. */
  async run(end: number): Promise<void> {
    try {
      await this.#bringAll(end);
    } catch (error) {
      if (this.#progress.records.oversize !== undefined) await this.#progress.records.recheck(this.#progress.records.heard);
      throw error;
    }
  }

  async #bringAll(end: number): Promise<void> {
    await this.prepare(end);
    for (let attempt = 1; ; ) {
      throwIfAborted(this.#options.signal, `Materializing ${this.#progress.current.view.name}`);
      await this.#rebuild.run(end);
      const result = (await this.#bringDue(end)) ?? (await this.#readOn(end));
      if (result === 'done') break;
      if (result !== rewritten) continue;
      if (attempt++ === maxRewritten) throw new ConflictError(`The log of '${this.#progress.current.view.name}' was rewritten at each of ${maxRewritten} attempts to materialize it; try again when it is less busy.`, { key: this.#source.log.key });
      // Rows that were folded cannot be told from those that would come again.
      const isFolded = this.#progress.layout.tiles.length > 0;
      await this.#progress.note((state) => ({ ...state, layout: isFolded ? rewritten : state.layout, position: undefined, held: undefined }));
    }
    await this.#progress.finish();
    await this.#progress.note((state) => ({ ...state, at: this.#source.clock.now() }));
  }

  /** Makes the view's records anew if they are of another layout. */
  async prepare(end: number): Promise<void> {
    if (this.#progress.records.heard === Infinity) this.#progress.records.heard = await this.#source.watch.heard();
    await this.#progress.reload();
    const { id, rowsId } = this.#progress.layout;
    const versions = this.#progress.current.kept.length;
    if (!this.#progress.isNoted) await this.#progress.note(() => ({ layout: id, versions }));
    // Before rows were folded, records of these columns and windows had all rows that they need.
    else if (this.#progress.state.layout === rowsId && id !== rowsId && this.#progress.state.rebuild === undefined) await this.#progress.note((state) => ({ ...state, layout: id, versions }));
    await this.#rebuild.run(end);
    if (this.#progress.isClaimed) await this.#progress.finish();
  }

  /** Whether no records are being made anew, nor were since {@link MaterializeCall.bring} brought rows: they might lack these. */
  async stands(): Promise<boolean> {
    const { value } = await this.#progress.readNow();
    return value !== undefined && this.#progress.isInForce(value);
  }

  /** Brings rows online, those up to event time `end`; `false` when records were made anew meanwhile, and some may not be there. */
  async bring(rows: RowSnapshot, end: number, { pushed = false, known = false }: BringOptions = {}): Promise<boolean> {
    const generation = this.#progress.generation;
    const plan = this.#progress.foldPlan(end);
    const { starts } = rows.index;
    const records = new RecordRows(rows, this.#progress.layout);
    const before = this.#rows;
    const left = new Map<Key, UnsureRows>();
    let pending: RecordChange[] = [];
    for (const [code, texts] of rows.keys().entries()) {
      const due = records.of(code, end);
      if (due !== undefined) pending.push(this.#merger.merging(this.#source.online.keyOf(this.#progress.current, texts), { rows: due, pushed, known }, plan, left));
      if (pending.length < this.#progress.records.perWrite) continue;
      if (!(await this.#progress.records.change(pending, this.#progress.generation))) return this.#overtaken();
      pending = [];
      this.#tell(before + starts[code + 1]!);
    }
    if (!(await this.#progress.records.change(pending, this.#progress.generation)) || !(await this.#merger.settle(left, end, plan, generation))) return this.#overtaken();
    this.#rows = before + rows.index.order.length;
    this.#tell(this.#rows);
    return true;
  }

  async #overtaken(): Promise<false> {
    await this.#progress.reload();
    return false;
  }

  /** Folds old rows of records, once it is noted that these rows are online: nobody brings them again. */
  async #fold(keys: readonly Key[], end: number): Promise<void> {
    const plan = this.#progress.foldPlan(end);
    const generation = this.#progress.generation;
    const changes = keys.map((key): RecordChange => ({ key, change: (record) => (record && generationOf(record) === generation ? foldRecord(record, plan) : undefined), isForm: () => true }));
    await this.#progress.records.changeAll(changes, generation);
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
    for await (const chunk of readChunks(this.#progress.current, log, this.#progress.state.position, this.#options, mostBatches)) {
      if (chunk === rewritten) return rewritten;
      if (!(await this.#progress.claim()) || !(await this.bring(chunk.rows, end))) return 'lost';
      if (await this.#foldsOversize(chunk.batches.length > 1, end)) return Math.ceil(chunk.batches.length / 2);
      const held = heldOf(chunk.batches, end);
      if (!(await this.#progress.note((state) => ({ ...state, position: chunk.position, end: latest(end, state.end), held: joinHeld(state.held ?? [], held) })))) return 'lost';
      const foldable = [...this.#merger.foldable];
      this.#merger.foldable.clear();
      this.#folded.clear();
      await this.#fold(foldable, end);
    }
    return 'done';
  }

  /** Folds what is online of a record that did not take more rows; whether it may take fewer now, or these. */
  async #foldsOversize(areMany: boolean, end: number): Promise<boolean> {
    if (this.#progress.records.oversize === undefined || this.#progress.layout.tiles.length === 0) return false;
    const { key } = this.#progress.records.oversize;
    if (!areMany && this.#folded.has(key)) return false;
    this.#folded.add(key);
    this.#progress.records.oversize = undefined;
    // The others have rows that are not noted yet.
    this.#merger.foldable.clear();
    await this.#fold([key], end);
    return true;
  }

  /** Brings those rows online that were met before and are due only now; `undefined` when none is left. */
  async #bringDue(end: number): Promise<'lost' | typeof rewritten | undefined> {
    const { log } = this.#source;
    const all = this.#progress.state.held ?? [];
    const due = all.filter(({ from }) => from <= end);
    if (due.length === 0) return undefined;
    if (!(await this.#progress.claim())) return 'lost';
    const later = new Map<string, number>();
    const named = due.flatMap(({ after, id }) => (id === undefined ? [] : [{ after, id }]));
    for await (const chunk of readBatches(this.#progress.current, log, named, this.#options)) {
      if (chunk === rewritten) return rewritten;
      if (!(await this.bring(chunk.rows, end))) return 'lost';
      for (const { id, from } of heldOf(chunk.batches, end)) later.set(id!, from);
    }
    let { position } = this.#progress.state;
    let tail: readonly HeldBatch[] = [];
    const open = due.find(({ id }) => id === undefined);
    if (open) {
      for await (const chunk of readChunks(this.#progress.current, log, open.after, this.#options)) {
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
    return (await this.#progress.note((state) => ({ ...state, position, end: latest(end, state.end), held: joinHeld(left, tail) }))) ? undefined : 'lost';
  }

  /** Ends what was brought by {@link MaterializeCall.bring}: rows of entities that were forgotten meanwhile are taken out. */
  async end(): Promise<void> {
    if (this.#progress.isClaimed && this.#progress.records.oversize === undefined) return this.#progress.finish();
    if (this.#progress.records.areWritten) await this.#progress.records.recheck(this.#progress.records.heard);
    this.#progress.records.refuseOversize();
  }

  #tell(done: number): void {
    this.#options.onProgress?.({ phase: 'materialize', done });
  }
}
