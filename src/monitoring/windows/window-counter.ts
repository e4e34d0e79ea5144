import { ColumnCounter } from './column-counter.ts';
import type { DataProfile } from '../../stats/profiles/data-profile.ts';
import type { WindowCounts } from './monitor-window.ts';

/** Counts observed rows as they pass, in the bins of the reference. */
export class WindowCounter {
  readonly #names: readonly string[];
  readonly #counters: readonly ColumnCounter[];
  readonly #inherited: readonly boolean[];
  readonly #sent: Uint8Array;
  readonly #versions = new Map<string, number>();
  #rows = 0;
  #from = 0;
  #to = 0;

  constructor(reference: DataProfile) {
    this.#names = reference.columns.map(({ name }) => name);
    this.#inherited = this.#names.map((name) => name in Object.prototype);
    this.#counters = reference.columns.map((column) => new ColumnCounter(column));
    this.#sent = new Uint8Array(this.#names.length);
  }

  get rows(): number {
    return this.#rows;
  }

  /** Counts a row; the column at `predictionAt` takes the prediction when there is one. */
  observe(features: Readonly<Record<string, unknown>>, prediction: unknown, predictionAt: number, version: string | undefined, now: number): void {
    if (this.#rows++ === 0) this.#from = now;
    this.#to = now;
    if (version !== undefined) this.#versions.set(version, (this.#versions.get(version) ?? 0) + 1);
    for (let i = 0; i < this.#names.length; i++) {
      const name = this.#names[i]!;
      // A column called 'constructor' must not find what every object inherits.
      const given = this.#inherited[i] && !Object.hasOwn(features, name) ? undefined : features[name];
      const value = i === predictionAt && prediction !== undefined ? prediction : given;
      if (value !== undefined) this.#sent[i] = 1;
      this.#counters[i]!.observe(value);
    }
  }

  /** What was counted since the last take, as rows of the window that began at `start`, and starts anew. */
  take(start: number): WindowCounts {
    const counts: WindowCounts = {
      start,
      late: 0,
      from: this.#from,
      to: this.#to,
      rows: this.#rows,
      versions: [...this.#versions],
      columns: this.#counters.map((counter) => counter.take()),
      sent: Array.from(this.#sent, (sent) => sent === 1),
    };
    this.#rows = 0;
    this.#versions.clear();
    this.#sent.fill(0);
    return counts;
  }
}
