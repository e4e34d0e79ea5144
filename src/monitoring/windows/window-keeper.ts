import type { Clock, Undo } from '../../core/clock.ts';
import { encode } from '../../core/codec.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { changeHead, readHead, type HeadLocation } from '../../storage/head-record.ts';
import type { WindowJudging } from '../judging/judge-window.ts';
import type { DriftVerdict, MonitorContext, MonitorState } from '../monitor-state.ts';
import { addBatches, type AddedBatches } from './add-batches.ts';
import type { WindowRows } from './monitor-window.ts';
import { panesOfState } from './pane-state.ts';
import { PaneStore } from './pane-store.ts';
import { nextPane, windowAt, type PaneList, type Panes } from './panes.ts';
import type { Missing } from './window-closer.ts';
import type { WaitingRows } from './waiting-rows.ts';
import { closingTime, paneStart } from './window-plan.ts';

/** What a keeper of windows works with. */
export interface WindowKeeperParts {
  /** The head record of the monitor. */
  readonly at: HeadLocation;
  readonly context: MonitorContext;
  readonly rows: WaitingRows;
  readonly clock: Clock;
  /** Is told of each event that was stored. */
  readonly announce: (type: string, data: unknown) => void;
  /** Is called when a window is to be closed for its time. */
  readonly due: () => void;
}

/** Stores what was counted, and closes windows. It is loaded when rows are first stored or a window is looked at. */
export class WindowKeeper {
  readonly #parts: WindowKeeperParts;
  readonly #panes: PaneStore;
  #undoClosing: Undo | undefined;
  /** Whether the time of a window is over, and it could not be closed yet. */
  #overdue = false;
  #referenceStored = false;
  #judging: WindowJudging | undefined;
  #closed = false;

  constructor(parts: WindowKeeperParts) {
    this.#parts = parts;
    this.#panes = new PaneStore(parts.at);
  }

  /** Whether a window is to be closed for its time. */
  get overdue(): boolean {
    return this.#overdue;
  }

  /** Takes over a state that was read: its reference is stored, and its open window has so many rows. */
  resume(state: MonitorState): void {
    this.#referenceStored = true;
    this.#recount(state);
  }

  /** Writes all that waits, and closes windows that are due, or with `close` the open ones; gives the state as stored. Must not be called again before it is done. */
  async store(close: boolean, options: OperationOptions): Promise<MonitorState> {
    const { at, context, rows, clock, announce } = this.#parts;
    rows.take(false);
    if (!this.#referenceStored) await this.#storeReference(options);
    const { estimator, digest } = context;
    let referenceStored = !this.#referenceStored;
    let estimatorStored = estimator === undefined;
    let gone: ReadonlySet<string> = new Set();
    for (;;) {
      const { batches, last } = rows.next();
      const adding = { now: clock.now(), last, close, judging: this.#judging, panes: this.#panes };
      let named: PaneList | undefined;
      let added: AddedBatches | Missing | 'reference' | 'estimator' | undefined;
      const add = (before: MonitorState | undefined): AddedBatches | undefined => {
        named = before?.panes;
        // A process that has another reference or estimator may have put its own in the place of ours: no record names the blob then, and it may be gone.
        if (!referenceStored && before?.reference !== digest) added = 'reference';
        else added = !estimatorStored && before?.estimator !== estimator?.digest ? 'estimator' : addBatches(before, batches, adding, context);
        return typeof added === 'string' ? undefined : added;
      };
      const { state, events } = await changeHead<MonitorState>(at, add, options);
      if (typeof added === 'string') {
        if (added === 'unjudged') await this.judging();
        else if (added === 'reference') {
          await this.#storeReference(options);
          referenceStored = true;
        } else if (added === 'estimator') {
          await at.storage.writeBlob(once(estimator!.bytes), { digest: estimator!.digest, signal: options.signal });
          estimatorStored = true;
        } else gone = await this.#panes.read(named!.kept, gone, options);
        continue;
      }
      // Until a record names the blob, it must be written anew: it may be collected when that takes long.
      this.#referenceStored = true;
      rows.stored(batches.length);
      this.#panes.keep(state!.panes, added?.closed ?? []);
      this.#recount(state!);
      for (const { type, data } of events) announce(type, data);
      if (added !== undefined && (added.closed.length > 0 || named?.kept.length !== state!.panes?.kept.length)) await this.#tidy(state!, options);
      if (last && !added?.more) return state!;
    }
  }

  /** Deletes what no window needs any more. What cannot be deleted now is when the next pane closes. */
  async #tidy({ panes }: MonitorState, options: OperationOptions): Promise<void> {
    if (panes !== undefined) await this.#panes.tidy(panes, options).catch(() => undefined);
  }

  /** The verdict on the open window as it stands. */
  async verdictNow(stored: MonitorState, options: OperationOptions): Promise<DriftVerdict> {
    const { verdictOn } = await this.judging();
    let state = stored;
    for (let gone: ReadonlySet<string> = new Set(); ; ) {
      const window = this.#openWindow(state);
      if (window !== 'unread') return verdictOn(window, state.windows + 1, false);
      gone = await this.#panes.read(state.panes!.kept, gone, options);
      if (gone.size > 0) state = (await readHead<MonitorState>(this.#parts.at, options)) ?? state;
    }
  }

  #panesOf(state: MonitorState): Panes {
    const { plan, reference } = this.#parts.context;
    return panesOfState(state, (pane) => this.#panes.counts(pane), plan, reference);
  }

  #openWindow(state: MonitorState): WindowRows | 'unread' | undefined {
    const { clock, context } = this.#parts;
    const { plan, reference, digest } = context;
    // Another process may have gone on to another reference.
    if (state.reference !== digest) return undefined;
    const panes = this.#panesOf(state);
    return windowAt(panes, panes.open.at(-1)?.start ?? Math.max(paneStart(plan, clock.now()), panes.closedTo), plan, reference);
  }

  /** What judges windows, loaded when it is not. */
  async judging(): Promise<WindowJudging> {
    if (this.#judging !== undefined) return this.#judging;
    const { windowJudging } = await import('../judging/judge-window.ts');
    return (this.#judging = await windowJudging(this.#parts.context));
  }

  /** From now on no window is closed for its time. */
  close(): void {
    this.#closed = true;
    this.#undoClosing?.();
  }

  async #storeReference({ signal }: OperationOptions): Promise<void> {
    const { at, context } = this.#parts;
    await at.storage.writeBlob(once(encode(context.reference, 'reference')), { digest: context.digest, signal });
  }

  /** Takes over from the stored state how many rows of the open window lie before the counter's, and when the next window closes for its time. */
  #recount(state: MonitorState): void {
    const { clock, context, rows, due } = this.#parts;
    const { plan } = context;
    rows.recount(state.open[0]?.rows ?? 0);
    this.#undoClosing?.();
    this.#overdue = false;
    const next = nextPane(this.#panesOf(state), plan);
    if (next === undefined || this.#closed) return;
    this.#undoClosing = clock.setTimer(() => {
      this.#overdue = true;
      due();
    }, closingTime(plan, next) - clock.now());
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
