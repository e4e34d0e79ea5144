import type { StateReader } from '../state-reader.ts';

/** How many things a summary of finite numbers left out, by what they were. */
export class LeftOut {
  nan = 0;
  negativeInfinity = 0;
  positiveInfinity = 0;

  /** Counts what is no finite number; all that is none of the infinities counts as NaN. */
  add(value: number): void {
    if (value === Infinity) this.positiveInfinity++;
    else if (value === -Infinity) this.negativeInfinity++;
    else this.nan++;
  }

  merge(other: LeftOut): void {
    this.nan += other.nan;
    this.negativeInfinity += other.negativeInfinity;
    this.positiveInfinity += other.positiveInfinity;
  }

  /** The fields of a stored state that hold the counts. */
  toJSON(): { nan: number; negativeInfinity: number; positiveInfinity: number } {
    return { nan: this.nan, negativeInfinity: this.negativeInfinity, positiveInfinity: this.positiveInfinity };
  }

  restore(reader: StateReader): void {
    this.nan = reader.whole('nan');
    this.negativeInfinity = reader.whole('negativeInfinity');
    this.positiveInfinity = reader.whole('positiveInfinity');
  }
}
