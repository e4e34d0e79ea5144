import type { Clock } from '../core/clock.ts';
import { newId } from '../core/ids.ts';
import type { LongOperationOptions } from '../core/progress.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import type { RewritableLog } from '../storage/rewritable-log.ts';
import type { CurrentView } from './definitions/definition-states.ts';
import { batchOrder } from './batch.ts';
import { keepFrom } from './build-records.ts';
import { noteState, readState, type MaterializedState, type RebuildState, type StoredState } from './materialized-state.ts';
import { layoutOf, type OnlineLayout } from './online-record.ts';
import type { OnlineStore } from './online-store.ts';
import type { FoldPlan } from './online-tiles/fold-record.ts';
import { RecordChanges, type ForgettingWatch } from './record-changes.ts';

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

/** How far one call is that brings rows of a view online, as far as others must know: what it noted, by which definitions, and the changes to records that it vouches for. */
export class MaterializeProgress {
  readonly records: RecordChanges;
  readonly #source: MaterializeSource;
  #current: CurrentView;
  #layout: OnlineLayout;
  readonly #options: LongOperationOptions;
  readonly #id: string = newId();
  readonly #since: number;
  #state: StoredState = { value: undefined, version: undefined };
  #claimed = false;

  constructor(source: MaterializeSource, current: CurrentView, options: LongOperationOptions) {
    this.#source = source;
    this.#current = current;
    this.#layout = layoutOf(current);
    this.#options = options;
    this.#since = source.clock.now();
    this.records = new RecordChanges(source, this.#id, current, options);
  }

  /** The view by the definitions that are worked by. */
  get current(): CurrentView {
    return this.#current;
  }

  /** What records must hold by these. */
  get layout(): OnlineLayout {
    return this.#layout;
  }

  /** Whether anything is noted of the view. */
  get isNoted(): boolean {
    return this.#state.value !== undefined;
  }

  /** What is noted of the view, once something is. */
  get state(): MaterializedState {
    return this.#state.value!;
  }

  /** Whether whoever comes next knows of this call if it is cut off. */
  get isClaimed(): boolean {
    return this.#claimed;
  }

  /** The generation of the records that are worked on. */
  get generation(): number {
    return this.#state.value?.generation ?? 0;
  }

  /** Whether records are of the layout and generation that this call works on, by a state, and nobody makes them anew. */
  isInForce({ layout, generation = 0, rebuild }: MaterializedState): boolean {
    return layout === this.#layout.id && rebuild === undefined && generation === this.generation && generation >= this.records.met;
  }

  /** Takes up what is noted by now. */
  async reload(): Promise<void> {
    this.#state = await this.readNow();
    this.#claimed = false;
  }

  /** Notes how far it is; `false` when someone else has meanwhile, and then what they noted is what is known. */
  async note(next: (state: MaterializedState) => MaterializedState): Promise<boolean> {
    this.records.refuseOversize();
    const value = { ...next(this.#state.value ?? { layout: this.#layout.id }), call: this.#id };
    this.#state = await noteState(this.#source.storage, this.#current, this.#state, value, this.#options);
    if (this.#state.value === value) return true;
    this.#claimed = false;
    return false;
  }

  /** Sees to it that whoever comes next knows of this call if it is cut off; whether nobody else has written meanwhile. */
  async claim(): Promise<boolean> {
    return this.#claimed || this.noteClaimed((state) => state);
  }

  /** Notes something together with the claim. */
  async noteClaimed(next: (state: MaterializedState) => MaterializedState): Promise<boolean> {
    this.#claimed = await this.note((state) => ({ ...next(state), begun: true }));
    return this.#claimed;
  }

  /** Notes how far the making of records is. Others who only began meanwhile have done nothing that this would undo; were it done again for each of them, several could keep each other from an end. */
  async insist(next: (state: MaterializedState) => MaterializedState, { generation, position, done }: RebuildState): Promise<boolean> {
    while (!(await this.noteClaimed(next))) {
      const present = this.#state.value!.rebuild;
      if (present?.generation !== generation || present.position !== position || present.done !== done) return false;
    }
    return true;
  }

  /** Ends what was claimed: rows of entities that were forgotten meanwhile are taken out. */
  async finish(): Promise<void> {
    // Those who died cannot ask any more.
    const { heard, dropSilent } = await this.#source.watch.unfinished();
    await this.records.recheck(Math.min(heard, this.records.areWritten ? this.records.heard : Infinity));
    await dropSilent();
    if (this.#state.value!.begun) await this.note((state) => ({ ...state, begun: undefined }));
    this.#claimed = false;
  }

  /** Takes up the definitions that are in force. */
  async learn(): Promise<void> {
    const current = await this.#source.inForce();
    if (current.epoch !== this.#current.epoch) return;
    this.#current = current;
    this.#layout = layoutOf(current);
  }

  /** What is noted of the view at this moment. */
  readNow(): Promise<StoredState> {
    return readState(this.#source.storage, this.#current, { ...this.#options, fresh: true });
  }

  /** How records are folded that are asked for from `end`, or the present, on. */
  foldPlan(end: number): FoldPlan {
    return { layout: this.#layout, now: this.keepFrom(end), last: batchOrder({ id: '\uffff', ingestedAt: this.#since - foldAge }), id: newId() };
  }

  /** The earliest moment for which features will still be asked. */
  keepFrom(end: number): number {
    return keepFrom(this.#source.clock.now(), end);
  }
}

/** The later of an event time and one that is noted. */
export function latest(end: number, known: number | undefined): number {
  return Math.max(end, known ?? -Infinity);
}
