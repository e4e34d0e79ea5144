import type { Key } from '../../core/key.ts';

// Up to so many changes, moving the tail of the array for each is cheaper than a pass over all of it.
const fewChanges = 32;

/** A set of keys in ascending order, brought up to date when it is looked at. */
export class SortedKeys {
  #sorted: Key[] = [];
  readonly #added = new Set<Key>();
  readonly #removed = new Set<Key>();

  /** Adds a key that is not there. */
  add(key: Key): void {
    if (this.#removed.delete(key)) return;
    const last = this.#sorted[this.#sorted.length - 1];
    if (this.#added.size === 0 && this.#removed.size === 0 && (last === undefined || last < key)) this.#sorted.push(key);
    else this.#added.add(key);
  }

  /** Removes a key that is there. */
  remove(key: Key): void {
    if (!this.#added.delete(key)) this.#removed.add(key);
  }

  /** All keys, ascending; good until the next change. */
  view(): readonly Key[] {
    const changes = this.#added.size + this.#removed.size;
    if (changes > fewChanges) this.#merge();
    else if (changes > 0) this.#splice();
    this.#added.clear();
    this.#removed.clear();
    return this.#sorted;
  }

  #splice(): void {
    for (const key of this.#removed) this.#sorted.splice(this.#indexOf(key), 1);
    for (const key of this.#added) this.#sorted.splice(this.#indexOf(key), 0, key);
  }

  #merge(): void {
    const added = [...this.#added].sort();
    const merged: Key[] = [];
    let at = 0;
    for (const key of this.#sorted) {
      while (at < added.length && added[at]! < key) merged.push(added[at++]!);
      if (!this.#removed.has(key)) merged.push(key);
    }
    while (at < added.length) merged.push(added[at++]!);
    this.#sorted = merged;
  }

  #indexOf(key: Key): number {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#sorted[middle]! < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
