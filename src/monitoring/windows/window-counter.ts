import type { DataProfile } from '../../stats/profiles/data-profile.ts';
import type { AnyJudgement, RowTally } from '../judging/judgement.ts';
import type { Observation } from '../monitor-options.ts';
import { ColumnCounter } from './column-counter.ts';
import type { WindowCounts } from './monitor-window.ts';

/** Counts observed rows as they pass, in the bins of the reference. */
export class WindowCounter {
  readonly #names: readonly string[];
  readonly #counters: readonly ColumnCounter[];
  readonly #inherited: readonly boolean[];
  readonly #sent: Uint8Array;
  readonly #tallies: readonly { readonly name: string; readonly tally: RowTally }[];
  readonly #predictionAt: number;
  readonly #versions = new Map<string, number>();
  /** Rows with features, which the columns count, and all of them. */
  #rows = 0;
  #observed = 0;
  #from = 0;
  #to = 0;

  constructor(reference: DataProfile, judgements: readonly AnyJudgement[]) {
    this.#names = reference.columns.map(({ name }) => name);
    this.#inherited = this.#names.map((name) => name in Object.prototype);
    this.#counters = reference.columns.map((column) => new ColumnCounter(column));
    this.#sent = new Uint8Array(this.#names.length);
    this.#predictionAt = reference.columns.findIndex(({ name }) => name === reference.prediction);
    this.#tallies = judgements.flatMap(({ name, sums = name, tally }) => (tally === undefined ? [] : [{ name: sums, tally }]));
  }

  get rows(): number {
    return this.#rows;
  }

  /** Whether nothing was counted since the last take. */
  get empty(): boolean {
    return this.#observed === 0;
  }

  /** Whether there is a column that takes predictions. */
  get takesPredictions(): boolean {
    return this.#predictionAt >= 0;
  }

  /** Counts a row. One without features is counted by the tallies alone. */
  observe(observation: Observation, version: string | undefined, now: number): void {
    if (this.#observed++ === 0) this.#from = now;
    this.#to = now;
    for (const { tally } of this.#tallies) tally.observe(observation, version, now);
    const { features, prediction } = observation;
    if (features !== undefined) this.#count(features, prediction, version, now);
  }

  #count(features: Readonly<Record<string, unknown>>, prediction: unknown, version: string | undefined, now: number): void {
    this.#rows++;
    const predictionAt = this.#predictionAt;
    if (version !== undefined) this.#versions.set(version, (this.#versions.get(version) ?? 0) + 1);
    for (let i = 0; i < this.#names.length; i++) {
      const name = this.#names[i]!;
      // A column called 'constructor' must not find what every object inherits.
      const given = this.#inherited[i] && !Object.hasOwn(features, name) ? undefined : features[name];
      const value = i === predictionAt && prediction !== undefined ? prediction : given;
      if (value !== undefined) this.#sent[i] = 1;
      this.#counters[i]!.observe(value, now);
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
      sums: Object.fromEntries(this.#tallies.map(({ name, tally }) => [name, tally.take()])),
    };
    this.#rows = this.#observed = 0;
    this.#versions.clear();
    this.#sent.fill(0);
    return counts;
  }
}
