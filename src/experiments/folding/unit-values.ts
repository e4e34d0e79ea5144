import type { ReadBatch } from '../recording/event-batch.ts';
import { extended, HashIndex } from './hash-index.ts';
import type { UnitExposures } from './unit-exposures.ts';

const initialCapacity = 1_024;

/**
 * What was recorded of units, value by value, as the moment of a unit's exposure may turn out to be another and what counts with it: 22 to 44 bytes a value, and 20 to 40 more for one with an id. Of values with one id the
 * earliest counts, so the order in which they come makes no difference.
 */
export class UnitValues {
  size = 0;
  units: Uint32Array<ArrayBuffer> = new Uint32Array(initialCapacity);
  times: Float64Array<ArrayBuffer> = new Float64Array(initialCapacity);
  values: Float64Array<ArrayBuffer> = new Float64Array(initialCapacity);
  /** The index of each one's name among those that are asked for. */
  names: Uint16Array<ArrayBuffer> = new Uint16Array(initialCapacity);
  readonly #nameOf: ReadonlyMap<string, number>;
  readonly #exposures: UnitExposures;
  readonly #ids = new HashIndex();
  /** Where the value of each id is. */
  #places: Uint32Array<ArrayBuffer> = new Uint32Array(this.#ids.high.length);

  /** Keeps the values of these names. */
  constructor(names: readonly string[], exposures: UnitExposures) {
    this.#nameOf = new Map(names.map((name, i) => [name, i]));
    this.#exposures = exposures;
  }

  /** Takes in values. */
  add(batch: ReadBatch & { readonly kind: 'values' }): void {
    const names = Int32Array.from(batch.names.dictionary, (name) => this.#nameOf.get(name) ?? -1);
    if (names.every((name) => name < 0)) return;
    const numbers = this.#exposures.numbersOf(batch.units);
    this.#reserve(batch.rows);
    for (let row = 0; row < batch.rows; row++) {
      const name = names[batch.names.values[row]!]!;
      if (name < 0) continue;
      const unit = numbers[batch.units.values[row]!]!;
      const [low, high] = [batch.ids[2 * row]!, batch.ids[2 * row + 1]!];
      const place = low === 0 && high === 0 ? this.size : this.#placeOf(high, low);
      if (place < this.size && !this.#isBefore(place, batch.times[row]!, unit, batch.values[row]!)) continue;
      if (place === this.size) this.size++;
      this.units[place] = unit;
      this.times[place] = batch.times[row]!;
      this.values[place] = batch.values[row]!;
      this.names[place] = name;
    }
  }

  /** Where the value of an id is, or is to be. */
  #placeOf(high: number, low: number): number {
    const known = this.#ids.size;
    const id = this.#ids.add(high, low);
    if (id < known) return this.#places[id]!;
    if (id >= this.#places.length) this.#places = extended(this.#places, new Uint32Array(this.#ids.high.length));
    this.#places[id] = this.size;
    return this.size;
  }

  /** Whether a value is to stand in the place of another of the same id: the earlier one, and of two at one moment the one that any order of them agrees on. */
  #isBefore(place: number, at: number, unit: number, value: number): boolean {
    if (at !== this.times[place]!) return at < this.times[place]!;
    const there = this.units[place]!;
    if (unit === there) return value < this.values[place]!;
    const { high, low } = this.#exposures.index;
    return high[unit]! === high[there]! ? low[unit]! < low[there]! : high[unit]! < high[there]!;
  }

  #reserve(rows: number): void {
    let capacity = this.units.length;
    if (this.size + rows <= capacity) return;
    while (capacity < this.size + rows) capacity *= 2;
    this.units = extended(this.units, new Uint32Array(capacity));
    this.times = extended(this.times, new Float64Array(capacity));
    this.values = extended(this.values, new Float64Array(capacity));
    this.names = extended(this.names, new Uint16Array(capacity));
  }
}
