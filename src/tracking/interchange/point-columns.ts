import type { ImportedPoints } from './imported-run.ts';

const capacity = 8_192;

/** Gathers points into columns. */
export class PointColumns {
  #codeOf = new Map<string, number>();
  #codes = new Uint32Array(capacity);
  #steps = new Float64Array(capacity);
  #timestamps = new Float64Array(capacity);
  #values = new Float64Array(capacity);
  #count = 0;

  /** Whether it should be emptied before more is added. */
  get full(): boolean {
    return this.#count === capacity;
  }

  /** Points in it. */
  get count(): number {
    return this.#count;
  }

  /** Adds a point; only while it is not full. */
  add(name: string, step: number, timestamp: number, value: number): void {
    let code = this.#codeOf.get(name);
    if (code === undefined) this.#codeOf.set(name, (code = this.#codeOf.size));
    const at = this.#count++;
    this.#codes[at] = code;
    this.#steps[at] = step;
    this.#timestamps[at] = timestamp;
    this.#values[at] = value;
  }

  /** What was added, and empties it. */
  take(): ImportedPoints {
    const points = {
      names: [...this.#codeOf.keys()],
      codes: this.#codes.slice(0, this.#count),
      steps: this.#steps.slice(0, this.#count),
      timestamps: this.#timestamps.slice(0, this.#count),
      values: this.#values.slice(0, this.#count),
    };
    this.#codeOf = new Map();
    this.#count = 0;
    return points;
  }
}
