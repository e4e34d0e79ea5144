import type { MonitorContext } from '../monitor-state.ts';
import type { Observation } from '../monitor-options.ts';
import type { Batch } from './add-batches.ts';
import { mergeWindows } from './monitor-window.ts';
import { WindowCounter } from './window-counter.ts';
import { paneSize, paneStart } from './window-plan.ts';

// So many batches go into one write.
const batchesPerWrite = 16;
const batchesKept = 64;

/** Counts rows as they pass, and keeps what was counted until the storage has it. */
export class WaitingRows {
  readonly #plan: MonitorContext['plan'];
  readonly #counter: WindowCounter;
  readonly #waiting: Batch[] = [];
  #batches = 0;
  /** Number of the last batch that a write was tried with: it may be stored, whatever was answered. */
  #tried = 0;
  /** Rows of the open window that are counted before the counter's: stored, or waiting to be. */
  #carried = 0;
  /** The window that the counter's rows are of: when it began, and when the next begins. */
  #period = { start: 0, end: 0 };

  constructor({ plan, reference, judgements }: MonitorContext) {
    this.#plan = plan;
    this.#counter = new WindowCounter(reference, judgements);
  }

  /** Whether the reference has a column for predictions. */
  get takesPredictions(): boolean {
    return this.#counter.takesPredictions;
  }

  /** Whether there is anything that the storage does not have. */
  get pending(): boolean {
    return !this.#counter.empty || this.#waiting.length > 0;
  }

  /** Counts a row; true when its window is full by it. */
  observe(observation: Observation, version: string | undefined, now: number): boolean {
    const plan = this.#plan;
    if (plan.by === 'time' && (now < this.#period.start || now >= this.#period.end)) {
      this.take(false);
      const start = paneStart(plan, now);
      this.#period = { start, end: start + paneSize(plan) };
    }
    this.#counter.observe(observation, version, now);
    const full = plan.by === 'rows' && this.#carried + this.#counter.rows >= paneSize(plan);
    if (full) this.take(true);
    return full;
  }

  /** Moves what is counted to the batches that wait for the storage. */
  take(fills: boolean): void {
    if (this.#counter.empty) return;
    this.#carried = fills ? 0 : this.#carried + this.#counter.rows;
    const counts = this.#counter.take(this.#period.start);
    const last = this.#waiting.at(-1);
    // What was never tried may still grow: rows of one window are one batch then, however often a storage that fails is tried.
    const grows = last !== undefined && last.number > this.#tried && !last.fills && last.counts.start === counts.start;
    if (!grows && this.#waiting.length < batchesKept) {
      this.#waiting.push({ number: ++this.#batches, counts, fills });
      return;
    }
    // The storage has failed for long: larger windows rather than ever more of them.
    const { number, counts: before, fills: filled } = this.#waiting.pop()!;
    this.#waiting.push({ number, counts: { ...mergeWindows(before, counts), start: counts.start }, fills: fills || filled });
  }

  /** The batches that go into the next write, the oldest first, and whether none waits behind them. From now on they may be stored. */
  next(): { readonly batches: readonly Batch[]; readonly last: boolean } {
    const batches = this.#waiting.slice(0, batchesPerWrite);
    this.#tried = batches.at(-1)?.number ?? this.#tried;
    return { batches, last: batches.length === this.#waiting.length };
  }

  /** Lets go of so many batches, which are stored. */
  stored(batches: number): void {
    this.#waiting.splice(0, batches);
  }

  /** Takes over how many rows of the open window are stored. */
  recount(open: number): void {
    const sinceFull = this.#waiting.slice(this.#waiting.findLastIndex(({ fills }) => fills) + 1);
    const waiting = sinceFull.reduce((sum, { counts }) => sum + counts.rows, 0);
    this.#carried = waiting + (sinceFull.length === this.#waiting.length ? open : 0);
  }
}
