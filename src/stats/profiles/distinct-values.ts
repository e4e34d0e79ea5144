import { HashRegisters } from '../sketches/hash-registers.ts';
import { ValueHasher, type HashableValue } from '../sketches/hash-value.ts';
import { isCount } from './grid-counts.ts';

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
  readonly #hasher = new ValueHasher();
  #registers = new HashRegisters(precision);

  add(value: HashableValue): void {
    if (this.#hasher.hash(value)) this.#registers.add(this.#hasher);
  }

  /** Counts a value by its hash. */
  addHash(hash: { readonly high: number; readonly low: number }): void {
    this.#registers.add(hash);
  }

  /** What was counted since the last take, and starts anew. */
  take(): DistinctValues {
    const taken = valuesOf(this.#registers);
    this.#registers = new HashRegisters(precision);
    return taken;
  }
}

/** The different values of both. */
export function mergeDistinct(a: DistinctValues, b: DistinctValues): DistinctValues {
  const both = registersOf(a);
  both.merge(registersOf(b));
  return valuesOf(both);
}

/** Whether what came from outside has registers. */
export function isDistinct({ distinct, registers }: DistinctValues): boolean {
  if (!Number.isFinite(distinct) || (typeof registers !== 'string' && !(Array.isArray(registers) && registers.every(isCount)))) return false;
  try {
    registersOf({ distinct, registers });
    return true;
  } catch {
    return false;
  }
}

function valuesOf(registers: HashRegisters): DistinctValues {
  return { distinct: Math.round(registers.estimate()), registers: registers.stored() };
}

function registersOf({ registers }: DistinctValues): HashRegisters {
  const restored = new HashRegisters(precision);
  restored.restore(registers, (place, why) => {
    throw new RangeError(`${place} ${why}.`);
  });
  return restored;
}
