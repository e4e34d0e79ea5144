import type { Column } from '../../core/column.ts';

/** Numbers in the making, one for each probe; those that are never set are missing. */
export class Float64Results {
  readonly #values: Float64Array;
  #valid: Uint8Array | undefined;
  #set = 0;

  constructor(size: number) {
    this.#values = new Float64Array(size).fill(NaN);
  }

  /** Sets the result of a probe, once; `undefined` leaves it missing. */
  set(probe: number, value: number | undefined): void {
    if (value === undefined) return;
    this.#values[probe] = value;
    this.#set++;
    if (this.#set < this.#values.length || this.#valid !== undefined) (this.#valid ??= new Uint8Array(this.#values.length))[probe] = 1;
  }

  column(): Column {
    return { type: 'float64', values: this.#values, valid: this.#set === this.#values.length ? undefined : (this.#valid ?? new Uint8Array(this.#values.length)) };
  }
}
