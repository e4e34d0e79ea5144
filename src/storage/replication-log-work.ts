import type { LogEntry } from './contract.ts';
import type { Batch, LogState, SourceComparison, TargetView } from './replication-log-plan.ts';

/** Entries of one writer that are appended together. */
export interface AppendBatch {
  readonly writer: string;
  readonly first: number;
  readonly entries: readonly Uint8Array[];
}

/** What an attempt at a log has in hand: entries that were read and not sent, and what is known by now. */
export class LogWork {
  /** What is stored by now. */
  stored: LogState | undefined;
  /** What is known by now. */
  state: LogState;
  readonly comparison: SourceComparison;
  /** How many entries of each writer have come to the target from here, which the source must still have. */
  readonly before: ReadonlyMap<string, number>;
  /** Appends that a link had begun and that are not there: they are made as they were planned. */
  readonly due: Map<string, Batch>;
  /** Whose entries were not what was believed. */
  doubted: string | undefined;
  heldBytes = 0;
  heldEntries = 0;
  anchor: LogState['anchor'];
  readonly #held = new Map<string, { readonly first: number; readonly entries: Uint8Array[] }>();
  readonly #baseSize: number;

  constructor(stored: LogState | undefined, state: LogState, comparison: SourceComparison, view: TargetView) {
    this.stored = stored;
    this.state = state;
    this.comparison = comparison;
    const arrived = state.plan?.filter(([writer, , last]) => (view.counts.get(writer) ?? 0) >= last) ?? [];
    this.before = new Map([...(stored?.same ?? []), ...arrived.map(([writer, , last]) => [writer, last] as const)]);
    this.due = new Map(state.plan?.filter(([writer, first]) => (view.counts.get(writer) ?? 0) === first - 1).map((batch) => [batch[0], batch]));
    this.#baseSize = state.size;
    this.anchor = state.anchor;
  }

  /** Bytes of the source's entries that both sides have. */
  get size(): number {
    return this.#baseSize + this.comparison.sameBytes;
  }

  hold({ writer, sequence, bytes }: LogEntry): void {
    const held = this.#held.get(writer) ?? { first: sequence, entries: [] };
    held.entries.push(bytes);
    this.#held.set(writer, held);
    this.heldBytes += bytes.length;
    this.heldEntries++;
  }

  /** Takes what can be sent: of a writer with a planned append just that, once it is there in full. */
  release(): AppendBatch[] {
    const released: AppendBatch[] = [];
    for (const [writer, { first, entries }] of [...this.#held]) {
      this.#held.delete(writer);
      const due = this.due.get(writer);
      const count = due === undefined || due[1] !== first ? entries.length : due[2] - first + 1;
      if (entries.length >= count) {
        released.push({ writer, first, entries: entries.slice(0, count) });
        this.due.delete(writer);
      }
      const rest = entries.length >= count ? entries.slice(count) : entries;
      if (rest.length > 0) this.#held.set(writer, { first: first + entries.length - rest.length, entries: rest });
    }
    for (const { entries } of released) {
      this.heldEntries -= entries.length;
      for (const entry of entries) this.heldBytes -= entry.length;
    }
    return released;
  }

  /** Notes that the target has what was released. */
  arrived(batches: readonly AppendBatch[], state: LogState): void {
    for (const { writer, first, entries } of batches) {
      this.comparison.confirm(writer, first + entries.length - 1, entries.reduce((sum, entry) => sum + entry.length, 0));
    }
    this.state = state;
    // Whoever goes on from here must come by all that is not the same yet.
    if (this.heldEntries === 0 && !this.comparison.isComparing) this.anchor = this.comparison.anchor() ?? this.anchor;
  }
}
