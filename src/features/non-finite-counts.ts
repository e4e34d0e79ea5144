/** How many NaN, Infinity and -Infinity a range holds. */
export class NonFiniteCounts {
  readonly #values: Float64Array;
  readonly #running: Uint32Array;
  readonly #counts: number[] = [0, 0, 0];

  constructor(values: Float64Array, included: Uint8Array | undefined) {
    this.#values = values;
    this.#running = new Uint32Array(3 * (values.length + 1));
    for (let i = 0; i < values.length; i++) {
      this.#running.copyWithin(3 * (i + 1), 3 * i, 3 * (i + 1));
      const kind = included === undefined || included[i] === 1 ? kindOf(values[i]!) : -1;
      if (kind >= 0) this.#running[3 * (i + 1) + kind]! += 1;
    }
  }

  get byteLength(): number {
    return this.#running.byteLength;
  }

  start(low: number, high: number): void {
    for (let kind = 0; kind < 3; kind++) this.#counts[kind] = this.#running[3 * high + kind]! - this.#running[3 * low + kind]!;
  }

  leaveOut(row: number): void {
    const kind = kindOf(this.#values[row]!);
    if (kind >= 0) this.#counts[kind]! -= 1;
  }

  /** What they make of a sum, or `undefined` when there are none. */
  total(): number | undefined {
    const [nan = 0, up = 0, down = 0] = this.#counts;
    if (nan + up + down === 0) return undefined;
    return nan > 0 || (up > 0 && down > 0) ? NaN : up > 0 ? Infinity : -Infinity;
  }
}

function kindOf(value: number): -1 | 0 | 1 | 2 {
  return value - value === 0 ? -1 : Number.isNaN(value) ? 0 : value > 0 ? 1 : 2;
}
