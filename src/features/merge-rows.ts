import { ConflictError } from '../core/errors.ts';
import type { Key } from '../core/key.ts';
import type { LongOperationOptions } from '../core/progress.ts';
import { hashes } from './build-records.ts';
import { batchesAfter, rewritten } from './log-chunks.ts';
import { latest, type MaterializeProgress, type MaterializeSource } from './materialize-progress.ts';
import { noteRebuild } from './materialized-state.ts';
import { generationOf, mergeRecord, rebuildRecord, unsure, type AddedRows, type OnlineRecord } from './online-record.ts';
import type { RecordChange } from './online-store.ts';
import { foldableRows, type FoldPlan } from './online-tiles/fold-record.ts';
import type { RecordRebuild } from './rebuild-records.ts';
import { hasSameRows } from './record-table.ts';

const maxUnsure = 10;

/** Rows of an entity that its record may have folded already. */
export interface UnsureRows {
  readonly added: AddedRows;
  /** The generation of the record that they met, and its folding. */
  readonly generation: number;
  readonly folding: string | undefined;
}

/** Brings rows into records one by one, those too of which it cannot be told from the record whether it has them. */
export class RowMerger {
  /** Records that were changed and have rows to fold, once it is noted that these are read from the log. */
  readonly foldable: Set<Key> = new Set();
  readonly #source: MaterializeSource;
  readonly #progress: MaterializeProgress;
  readonly #rebuild: RecordRebuild;
  readonly #options: LongOperationOptions;
  /** Whether records are made anew since one could not be by itself. */
  #madeSmaller = false;

  constructor(source: MaterializeSource, progress: MaterializeProgress, rebuild: RecordRebuild, options: LongOperationOptions) {
    this.#source = source;
    this.#progress = progress;
    this.#rebuild = rebuild;
    this.#options = options;
  }

  /** The change that brings rows into a record; into `left`, where it cannot be told which of them are there. */
  merging(key: Key, added: AddedRows, plan: FoldPlan, left: Map<Key, UnsureRows>): RecordChange {
    const generation = this.#progress.generation;
    return {
      key,
      change: (record) => {
        left.delete(key);
        const next = record && generationOf(record) < generation ? unsure : mergeRecord(record, added, this.#progress.layout, plan.now);
        if (next === unsure) {
          left.set(key, { added, generation: generationOf(record), folding: record?.folded?.id });
          return undefined;
        }
        if (next && !added.pushed && foldableRows(next, plan)) this.foldable.add(key);
        return next;
      },
      isForm: (record, next) => record !== undefined && hasSameRows(record.rows, next.rows),
    };
  }

  /** Makes records anew from the log of which nobody else can tell whether they have some rows, and brings these; `false` when all records were made anew meanwhile. */
  async settle(unsettled: ReadonlyMap<Key, UnsureRows>, end: number, fold: FoldPlan, generation: number): Promise<boolean> {
    let left = unsettled;
    for (let attempt = 1; left.size > 0; attempt++) {
      if (attempt > maxUnsure) throw new ConflictError(`Records of '${this.#progress.current.view.name}' were changed by others at each of ${maxUnsure} attempts to make them anew; try again when it is less busy.`, { key: this.#source.log.key });
      // Rows of who is forgotten meanwhile must not stay.
      while (!(await this.#progress.claim()));
      // What others noted since counts: they may have folded rows of it into these records.
      const { value: noted } = await this.#progress.readNow();
      if (noted === undefined || generation !== this.#progress.generation || !this.#progress.isInForce(noted)) return false;
      const wanted = latest(end < Infinity ? end : -Infinity, noted.end);
      for (let low = 0; low < hashes; ) {
        const pass = await this.#rebuild.build(low, wanted, left);
        const later = pass === rewritten ? rewritten : await batchesAfter(this.#source.log, noted.position, this.#options);
        // The log is read from its beginning then, anyway.
        if (pass === rewritten || later === rewritten) return true;
        // Not folded: rows that are not read yet may be of earlier batches.
        const plan = { end: wanted, later, layout: this.#progress.layout };
        const changes = [...pass.records].map(([key, built]): RecordChange => ({
          key,
          change: (record) => {
            const met = left.get(key)!;
            if (record?.folded?.id !== met.folding || generationOf(record) !== met.generation) return undefined;
            const next = rebuildRecord(record, built, plan);
            if (met.generation < generation) return next ?? only(mergeRecord(undefined, met.added, this.#progress.layout, fold.now));
            // What came to the record since the log was read stays in it.
            return (next && record && only(mergeRecord(next, { rows: record.rows, pushed: true }, this.#progress.layout, fold.now))) ?? next;
          },
        }));
        if (!(await this.#progress.records.changeAll(changes, this.#progress.generation))) return false;
        if (await this.#makesSmaller()) return false;
        low = pass.high;
      }
      const again = new Map<Key, UnsureRows>();
      if (!(await this.#progress.records.changeAll([...left].map(([key, { added }]) => this.merging(key, added, fold, again)), this.#progress.generation))) return false;
      left = again;
    }
    return true;
  }

  /**
   * Has all records made anew where one, by itself, came to be larger than the storage takes: then its old rows are folded at once, since it is known of each batch whether it was read. Whether it did; a second time would
   * come to the same.
   */
  async #makesSmaller(): Promise<boolean> {
    if (this.#progress.records.oversize === undefined || this.#madeSmaller || this.#progress.layout.tiles.length === 0) return false;
    this.#madeSmaller = true;
    this.#progress.records.oversize = undefined;
    await noteRebuild(this.#source.storage, this.#progress.current, this.#options);
    return true;
  }
}

/** A record, where there is one for certain. */
function only(record: OnlineRecord | typeof unsure | undefined): OnlineRecord | undefined {
  return record === unsure ? undefined : record;
}
