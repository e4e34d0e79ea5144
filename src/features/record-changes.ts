import { throwIfAborted } from '../core/abort.ts';
import { UnsupportedError } from '../core/errors.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import type { CurrentView } from './definitions/definition-states.ts';
import { layoutOf } from './online-record.ts';
import type { OnlineStore, OversizeRecord, RecordChange } from './online-store.ts';
import type { UnfinishedWriters } from './online-writers.ts';

/** How one who brings rows online keeps out what is forgotten meanwhile. */
export interface ForgettingWatch {
  /** The number of the last note of forgetting, to be heard before rows are read. */
  readonly heard: () => Promise<number>;
  /** Lets others know of him before his first write, so that they ask in his place if he dies. */
  readonly open: (heard: number) => Promise<void>;
  /** Those who have not ended, himself included. */
  readonly unfinished: () => Promise<UnfinishedWriters>;
  /** Takes out again what was brought online, of rows that were read when that note was the last, of entities that are forgotten since. */
  readonly recheck: (heard: number) => Promise<void>;
  /** Lets others know that he has ended. */
  readonly close: () => Promise<void>;
}

/** Where records are changed. */
export interface RecordTarget {
  readonly storage: StorageAdapter;
  readonly online: OnlineStore;
  readonly watch: ForgettingWatch;
}

const maxRecordsPerWrite = 256;
/** So many bytes of records are in hand at once, or a single record. */
const writeBytes = 8 * 1024 * 1024;

/** The changes of one call to online records: some at a time, as many as memory allows, and known to those who forget entities meanwhile. */
export class RecordChanges {
  /** The last note of forgetting that was heard before rows were read; `Infinity` before one was. */
  heard: number = Infinity;
  /** A record that the storage does not take; nothing may be noted as done while there is one. */
  oversize: OversizeRecord | undefined;
  readonly #target: RecordTarget;
  readonly #by: string;
  readonly #current: CurrentView;
  readonly #options: OperationOptions;
  #areWritten = false;
  #met = 0;
  #entities = 0;
  #perWrite = 32;

  constructor(target: RecordTarget, by: string, current: CurrentView, options: OperationOptions) {
    this.#target = target;
    this.#by = by;
    this.#current = current;
    this.#options = options;
  }

  /** Whether records were written since it was last looked who was forgotten. */
  get areWritten(): boolean {
    return this.#areWritten;
  }

  /** The latest generation among the records that were met. */
  get met(): number {
    return this.#met;
  }

  /** How many records are different now. */
  get entities(): number {
    return this.#entities;
  }

  /** How many records are changed at once. */
  get perWrite(): number {
    return this.#perWrite;
  }

  /** Changes records of a generation; `false` when one of a later was met. */
  async change(changes: readonly RecordChange[], generation: number): Promise<boolean> {
    throwIfAborted(this.#options.signal, `Materializing ${this.#current.view.name}`);
    if (changes.length === 0) return true;
    if (!this.#areWritten) await this.#target.watch.open(this.heard);
    this.#areWritten = true;
    const { changed, bytes, generation: met, oversize } = await this.#target.online.change(changes, { by: this.#by, generation }, this.#options);
    this.oversize ??= oversize;
    this.#met = Math.max(this.#met, met);
    this.#entities += changed;
    this.#perWrite = Math.max(1, Math.min(maxRecordsPerWrite, changes.length * 2, Math.floor((changes.length * writeBytes) / (bytes + 1))));
    return met <= generation;
  }

  /** Changes many records, some at a time. */
  async changeAll(changes: readonly RecordChange[], generation: number): Promise<boolean> {
    for (let i = 0; i < changes.length; ) {
      const some = changes.slice(i, i + this.#perWrite);
      i += some.length;
      if (!(await this.change(some, generation))) return false;
    }
    return true;
  }

  /** Takes out again what was written of entities that were forgotten after a note. */
  async recheck(heard: number): Promise<void> {
    const { watch } = this.#target;
    if (heard < Infinity) await watch.recheck(heard);
    if (this.#areWritten) await watch.close();
    this.#areWritten = false;
  }

  /** Throws `UnsupportedError` while there is a record that the storage does not take. */
  refuseOversize(): void {
    if (this.oversize === undefined) return;
    const { key, size, rows } = this.oversize;
    const limit = this.#target.storage.supports.maxRecordBytes;
    const help = layoutOf(this.#current).tiles.length > 0 ? 'Old rows are folded a minute after they were ingested: try again then. Otherwise shorten' : 'Shorten';
    throw new UnsupportedError(
      `${key} would have ${size} bytes for ${rows} rows, and the storage takes ${limit}. The rows are in the log of '${this.#current.view.name}'; until they fit, it answers from those that it had. ${help} windows, give them a hop, or put aggregates that need all rows into a view of their own.`,
      { key, size, rows, limit },
    );
  }
}
