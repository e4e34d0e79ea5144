import type { MetricPoints } from '../metric-batch.ts';

const firstCapacity = 64;

/** Points that wait to be written, column by column, under names that are numbered once for all batches. */
export class WaitingPoints {
  readonly #capacity: number;
  readonly #codeOf = new Map<string, number>();
  readonly #names: string[] = [];
  #codes = new Uint32Array(firstCapacity);
  #steps = new Float64Array(firstCapacity);
  #timestamps = new Float64Array(firstCapacity);
  #values = new Float64Array(firstCapacity);
  #count = 0;

  /** Holds at most `capacity` points, and takes room as they come. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Points that wait. */
  get count(): number {
    return this.#count;
  }

  /** All names, by their codes. */
  get names(): readonly string[] {
    return this.#names;
  }

  /** The code of a name. */
  code(name: string): number {
    let code = this.#codeOf.get(name);
    if (code === undefined) {
      code = this.#names.length;
      this.#codeOf.set(name, code);
      this.#names.push(name);
    }
    return code;
  }

  /** Adds a point, and says whether it is full now and must be cleared before the next one. */
  add(code: number, step: number, timestamp: number, value: number): boolean {
    if (this.#count === this.#codes.length) this.#grow();
    const at = this.#count++;
    this.#codes[at] = code;
    this.#steps[at] = step;
    this.#timestamps[at] = timestamp;
    this.#values[at] = value;
    return this.#count === this.#capacity;
  }

  /** Some of the points, with the names that are among them and no others; views, until it is cleared. */
  slice(from: number, to: number): MetricPoints {
    const codeOf = new Map<number, number>();
    const codes = new Uint32Array(to - from);
    for (let i = from; i < to; i++) {
      const own = this.#codes[i]!;
      let code = codeOf.get(own);
      if (code === undefined) codeOf.set(own, (code = codeOf.size));
      codes[i - from] = code;
    }
    return {
      names: [...codeOf.keys()].map((code) => this.#names[code]!),
      codes,
      steps: this.#steps.subarray(from, to),
      timestamps: this.#timestamps.subarray(from, to),
      values: this.#values.subarray(from, to),
    };
  }

  /** Forgets the points, and keeps the names. */
  clear(): void {
    this.#count = 0;
  }

  /** Most runs are small, and an import may be of thousands of them. */
  #grow(): void {
    const rows = this.#count * 2;
    const [codes, steps, timestamps, values] = [new Uint32Array(rows), new Float64Array(rows), new Float64Array(rows), new Float64Array(rows)];
    codes.set(this.#codes);
    steps.set(this.#steps);
    timestamps.set(this.#timestamps);
    values.set(this.#values);
    [this.#codes, this.#steps, this.#timestamps, this.#values] = [codes, steps, timestamps, values];
  }
}
