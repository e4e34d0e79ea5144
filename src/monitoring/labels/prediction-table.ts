const leastSlots = 1024;

/**
 * Predictions by the hash of their id, and what is known of each: columns of numbers, 48 bytes a slot and those that are kept with it, of which at most two in three are taken. The same id in another period is another prediction.
 */
export class PredictionTable {
  #size = 0;
  #slots = leastSlots;
  #columns: Columns;
  readonly #groups: number;

  /** With so many times eight bytes kept with each. */
  constructor(groups = 0) {
    this.#groups = groups;
    this.#columns = columnsOf(leastSlots, groups);
  }

  /** Takes in a prediction; of those of one id in one period the newest stays, and of equally new ones the last. */
  predict(high: number, low: number, period: number, at: number, value: number, version: number, bytes: readonly Int32Array[] | undefined, row: number): void {
    if (3 * this.#size >= 2 * this.#slots) this.#grow();
    const { highs, lows, periods, times, values, versions, kept } = this.#columns;
    let slot = low & (this.#slots - 1);
    while (periods[slot]! >= 0 && !(highs[slot] === high && lows[slot] === low && periods[slot] === period)) slot = (slot + 1) & (this.#slots - 1);
    if (periods[slot]! < 0) this.#size++;
    else if (times[slot]! > at) return;
    highs[slot] = high;
    lows[slot] = low;
    periods[slot] = period;
    times[slot] = at;
    values[slot] = value;
    versions[slot] = version;
    const from = 2 * this.#groups * slot;
    for (let g = 0; g < this.#groups; g++) {
      // Bytes that are not known are all ones.
      kept[from + 2 * g] = bytes?.[g]![2 * row] ?? -1;
      kept[from + 2 * g + 1] = bytes?.[g]![2 * row + 1] ?? -1;
    }
  }

  /** Takes in a label, once all predictions are there, for each of its id that it comes neither more than `early` before nor more than `late` after; the newest label stays, and of equally new ones the last. */
  label(high: number, low: number, at: number, value: number, early: number, late: number): void {
    const { highs, lows, periods, times, labels, labelTimes } = this.#columns;
    for (let slot = low & (this.#slots - 1); periods[slot]! >= 0; slot = (slot + 1) & (this.#slots - 1)) {
      if (highs[slot] !== high || lows[slot] !== low) continue;
      const after = at - times[slot]!;
      if (after < -early || after > late || labelTimes[slot]! > at) continue;
      labels[slot] = value;
      labelTimes[slot] = at;
    }
  }

  /** Calls `visit` with each prediction, its label and when it was made, in no order; `labelled` says whether there is a label, and the bytes that are kept with it are in `bytes` from `from` on. */
  forEach(visit: (period: number, version: number, prediction: number, label: number, labelled: boolean, at: number, bytes: Uint8Array, from: number) => void): void {
    const { periods, versions, values, labels, labelTimes, times, kept } = this.#columns;
    const bytes = new Uint8Array(kept.buffer);
    for (let slot = 0; slot < this.#slots; slot++) {
      if (periods[slot]! >= 0) visit(periods[slot]!, versions[slot]!, values[slot]!, labels[slot]!, labelTimes[slot]! > -Infinity, times[slot]!, bytes, 8 * this.#groups * slot);
    }
  }

  #grow(): void {
    const { highs, lows, periods, times, values, versions, kept } = this.#columns;
    const groups = Array.from({ length: this.#groups }, (_, g) => kept.subarray(2 * g));
    this.#slots *= 2;
    this.#size = 0;
    this.#columns = columnsOf(this.#slots, this.#groups);
    for (let slot = 0; slot < periods.length; slot++) {
      if (periods[slot]! >= 0) this.predict(highs[slot]!, lows[slot]!, periods[slot]!, times[slot]!, values[slot]!, versions[slot]!, groups, this.#groups * slot);
    }
  }
}

interface Columns {
  readonly highs: Int32Array;
  readonly lows: Int32Array;
  /** -1 where there is nothing. */
  readonly periods: Int32Array;
  readonly versions: Int32Array;
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly labels: Float64Array;
  /** -Infinity where no label came. */
  readonly labelTimes: Float64Array;
  /** What is kept with each, a slot after the other. */
  readonly kept: Int32Array<ArrayBuffer>;
}

function columnsOf(slots: number, groups: number): Columns {
  const words = (): Int32Array => new Int32Array(slots);
  const numbers = (): Float64Array => new Float64Array(slots);
  const periods = words().fill(-1);
  return { highs: words(), lows: words(), periods, versions: words(), times: numbers(), values: numbers(), labels: numbers(), labelTimes: numbers().fill(-Infinity), kept: new Int32Array(2 * groups * slots) };
}
