import type { ImportedPoints } from './imported-run.ts';
import { WaitingPoints } from './waiting-points.ts';

const capacity = 8_192;

/** Gathers points into columns. */
export class PointColumns {
  readonly #points = new WaitingPoints(capacity);

  /** Whether it must be emptied before more is added. */
  get full(): boolean {
    return this.#points.count === capacity;
  }

  /** Points in it. */
  get count(): number {
    return this.#points.count;
  }

  /** Adds a point; only while it is not full. */
  add(name: string, step: number, timestamp: number, value: number): void {
    this.#points.add(this.#points.code(name), step, timestamp, value);
  }

  /** What was added, and empties it. */
  take(): ImportedPoints {
    const { names, codes, steps, timestamps, values } = this.#points.slice(0, this.#points.count);
    const taken = { names, codes, steps: Float64Array.from(steps), timestamps: Float64Array.from(timestamps), values: values.slice() };
    this.#points.clear();
    return taken;
  }
}
