import { binOf } from '../../stats/samples/count-in-bins.ts';
import { listCategories, type ColumnProfile } from '../../stats/profiles/column-profile.ts';
import { categoryOf, numberOf } from '../../stats/profiles/read-column.ts';
import { counterOf, type ValueCounter } from '../../stats/profiles/value-counter.ts';

/** Counts the values of one column as they pass, in the bins of its reference. */
export class ColumnCounter {
  readonly #reference: ColumnProfile;
  readonly #counter: ValueCounter | undefined;
  readonly #edges: Float64Array;
  readonly #bins: Float64Array;
  readonly #categories = new Map<string, number>();
  #tooMany = false;
  #rows = 0;
  #missing = 0;
  #nan = 0;
  #infinite = 0;
  #negativeInfinite = 0;
  #mistyped = 0;
  #min = Infinity;
  #max = -Infinity;

  constructor(reference: ColumnProfile) {
    this.#reference = reference;
    this.#counter = counterOf(reference);
    this.#edges = Float64Array.from(reference.kind === 'number' ? reference.edges : []);
    this.#bins = new Float64Array(this.#edges.length + 1);
  }

  /** Counts one row that came at `now`, epoch milliseconds. Constant in time and, but for categories, in memory. */
  observe(value: unknown, now: number): void {
    if (this.#counter !== undefined) {
      this.#counter.observe(value, now);
      return;
    }
    this.#rows++;
    if (value === null || value === undefined) this.#missing++;
    else if (value !== value) this.#nan++;
    else if (this.#reference.kind === 'number') this.#observeNumber(numberOf(value));
    else if (this.#reference.kind === 'category') this.#observeCategory(categoryOf(value), this.#reference.maxCategories);
  }

  #observeNumber(value: number | undefined): void {
    if (value === undefined) {
      this.#mistyped++;
    } else if (value !== value) {
      this.#nan++;
    } else {
      if (value - value !== 0) {
        this.#infinite++;
        if (value < 0) this.#negativeInfinite++;
      } else {
        this.#bins[binOf(this.#edges, value)]!++;
        if (value < this.#min) this.#min = value;
        if (value > this.#max) this.#max = value;
      }
    }
  }

  #observeCategory(category: string, maxCategories: number): void {
    if (this.#tooMany) return;
    this.#categories.set(category, (this.#categories.get(category) ?? 0) + 1);
    if (this.#categories.size > maxCategories) {
      this.#tooMany = true;
      this.#categories.clear();
    }
  }

  /** What was counted since the last take, and starts anew. */
  take(): ColumnProfile {
    if (this.#counter !== undefined) return this.#counter.take();
    const profile = this.#snapshot();
    this.#bins.fill(0);
    this.#categories.clear();
    this.#tooMany = false;
    this.#rows = this.#missing = this.#nan = this.#infinite = this.#negativeInfinite = this.#mistyped = 0;
    this.#min = Infinity;
    this.#max = -Infinity;
    return profile;
  }

  #snapshot(): ColumnProfile {
    const counts = { rows: this.#rows, missing: this.#missing, nan: this.#nan, infinite: this.#infinite, mistyped: this.#mistyped };
    const reference = this.#reference;
    if (reference.kind !== 'number' && reference.kind !== 'category') return { ...reference, ...counts };
    if (reference.kind === 'category') return { ...reference, ...counts, ...listCategories(this.#categories, reference.maxCategories, this.#tooMany) };
    const some = this.#min <= this.#max;
    const range = { min: some ? this.#min + 0 : null, max: some ? this.#max + 0 : null };
    return { ...reference, ...counts, counts: [...this.#bins], negativeInfinite: this.#negativeInfinite, ...range, sample: undefined };
  }
}
