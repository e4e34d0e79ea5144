const leastSlots = 1024;

/**
 * Predictions by the hash of their id, and what is known of each: columns of numbers, 48 bytes a slot, of which at most two in three are taken. The same id in another period is another prediction.
 */
export class PredictionTable {
  #size = 0;
  #slots = leastSlots;
  #columns: Columns = columnsOf(leastSlots);

  /** Takes in a prediction; of those of one id in one period the newest stays, and of equally new ones the last. */
  predict(high: number, low: number, period: number, at: number, value: number, version: number): void {
    if (3 * this.#size >= 2 * this.#slots) this.#grow();
    const { highs, lows, periods, times, values, versions } = this.#columns;
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

  /** Calls `visit` with each prediction, its label and when it was made, in no order; `labelled` says whether there is a label. */
  forEach(visit: (period: number, version: number, prediction: number, label: number, labelled: boolean, at: number) => void): void {
    const { periods, versions, values, labels, labelTimes, times } = this.#columns;
    for (let slot = 0; slot < this.#slots; slot++) {
      if (periods[slot]! >= 0) visit(periods[slot]!, versions[slot]!, values[slot]!, labels[slot]!, labelTimes[slot]! > -Infinity, times[slot]!);
    }
  }

  #grow(): void {
    const { highs, lows, periods, times, values, versions } = this.#columns;
    this.#slots *= 2;
    this.#size = 0;
    this.#columns = columnsOf(this.#slots);
    for (let slot = 0; slot < periods.length; slot++) {
      if (periods[slot]! >= 0) this.predict(highs[slot]!, lows[slot]!, periods[slot]!, times[slot]!, values[slot]!, versions[slot]!);
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
}

function columnsOf(slots: number): Columns {
  const words = (): Int32Array => new Int32Array(slots);
  const numbers = (): Float64Array => new Float64Array(slots);
  const periods = words().fill(-1);
  return { highs: words(), lows: words(), periods, versions: words(), times: numbers(), values: numbers(), labels: numbers(), labelTimes: numbers().fill(-Infinity) };
}
