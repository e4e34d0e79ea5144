import type { HashableValue } from '../sketches/hash-value.ts';
import { HyperLogLog } from '../sketches/hyper-log-log.ts';

/** About how many different values a column has. */
export interface DistinctValues {
  /** About how many, with a standard error of 3.3 %; a few hundred are counted nearly exactly. */
  readonly distinct: number;
  /** What the estimate is made of, so that it can be merged: the registers of a `HyperLogLog` of `precision` 10, in the form of its state. */
  readonly registers: string | readonly number[];
}

const precision = 10;

/** Counts different values as they come. */
export class DistinctCounter {
  #sketch = new HyperLogLog({ precision });

  add(value: HashableValue): void {
    this.#sketch.update(value);
  }

  /** What was counted since the last take, and starts anew. */
  take(): DistinctValues {
    const taken = stateOf(this.#sketch);
    this.#sketch = new HyperLogLog({ precision });
    return taken;
  }
}

/** The different values of both. */
export function mergeDistinct(a: DistinctValues, b: DistinctValues): DistinctValues {
  return stateOf(HyperLogLog.union(sketchOf(a), sketchOf(b)));
}

/** Whether what came from outside has registers. */
export function isDistinct(value: DistinctValues): boolean {
  try {
    sketchOf(value);
    return Number.isFinite(value.distinct);
  } catch {
    return false;
  }
}

function stateOf(sketch: HyperLogLog): DistinctValues {
  return { distinct: Math.round(sketch.estimate()), registers: sketch.toJSON().registers };
}

function sketchOf({ registers }: DistinctValues): HyperLogLog {
  const filled = typeof registers === 'string' ? registers.replaceAll('A', '').length : registers.length / 2;
  return HyperLogLog.fromJSON({ kind: 'hyper-log-log', version: 1, precision, count: filled, missing: 0, registers });
}
