import type { Key } from '../../core/key.ts';
import { grown } from './grown.ts';
import type { KeyTable } from './key-table.ts';

/** Rows whose keys are at least `low` and less than the `low` of the next leaf. */
interface Leaf {
  readonly low: Key;
  rows: Int32Array<ArrayBuffer>;
  count: number;
  sorted: boolean;
}

const leafRows = 4096;

/**
 * The rows of a {@link KeyTable} in the order of their keys, sorted where and when they are looked at: of a million keys the first thousand are found by going
 * over all once and then over fewer and fewer.
 */
export class KeyOrder {
  readonly #keys: KeyTable;
  #leaves: Leaf[] = [{ low: '', rows: new Int32Array(64), count: 0, sorted: true }];
  /** Rows below were taken in. */
  #taken = 0;

  constructor(keys: KeyTable) {
    this.#keys = keys;
  }

  /** The rows of keys that are not less than `start`, ascending; good until the next change. */
  *from(start: Key): Generator<number, void, undefined> {
    this.#takeIn();
    const first = this.#sortedLeaf(() => this.#leafOf(start));
    const { rows, count } = this.#leaves[first]!;
    for (let i = this.#lowerBound(this.#leaves[first]!, start); i < count; i++) yield rows[i]!;
    for (let next = first + 1; next < this.#leaves.length; next++) {
      const leaf = this.#leaves[this.#sortedLeaf(() => next)]!;
      for (let i = 0; i < leaf.count; i++) yield leaf.rows[i]!;
    }
  }

  #takeIn(): void {
    for (; this.#taken < this.#keys.rows; this.#taken++) {
      if (!this.#keys.has(this.#taken)) continue;
      const leaf = this.#leaves.length === 1 ? this.#leaves[0]! : this.#leaves[this.#leafOf(this.#keys.key(this.#taken))]!;
      if (leaf.count === leaf.rows.length) leaf.rows = grown(leaf.rows, leaf.rows.length * 2);
      leaf.rows[leaf.count++] = this.#taken;
      leaf.sorted = false;
    }
  }

  /** The last leaf whose `low` is not above `key`. */
  #leafOf(key: Key): number {
    let low = 0;
    let high = this.#leaves.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.#leaves[middle]!.low <= key) low = middle;
      else high = middle;
    }
    return low;
  }

  /** Divides and sorts the leaf that `which` tells, asked again after each division, until it is small and in order. */
  #sortedLeaf(which: () => number): number {
    for (;;) {
      const index = which();
      const leaf = this.#leaves[index]!;
      this.#dropRemoved(leaf);
      if (leaf.count <= 2 * leafRows) {
        if (!leaf.sorted) this.#sort(leaf);
        return index;
      }
      this.#leaves.splice(index, 1, ...this.#divided(leaf));
    }
  }

  #dropRemoved(leaf: Leaf): void {
    let kept = 0;
    for (let i = 0; i < leaf.count; i++) if (this.#keys.has(leaf.rows[i]!)) leaf.rows[kept++] = leaf.rows[i]!;
    leaf.count = kept;
  }

  #sort(leaf: Leaf): void {
    const rows = leaf.rows.slice(0, leaf.count);
    const keys = Array.from(rows, (row) => this.#keys.key(row));
    const order = Array.from(rows.keys()).sort((a, b) => (keys[a]! < keys[b]! ? -1 : 1));
    order.forEach((from, to) => (leaf.rows[to] = rows[from]!));
    leaf.sorted = true;
  }

  /** One leaf as several, by the first byte in which its keys differ; neighbours that are small stay together. */
  #divided(leaf: Leaf): Leaf[] {
    const keys = this.#keys;
    const shared = this.#sharedBytes(leaf);
    const prefix = keys.key(leaf.rows[0]!).slice(0, shared);
    const counts = new Uint32Array(256);
    for (let i = 0; i < leaf.count; i++) counts[keys.byteAt(leaf.rows[i]!, shared)]!++;
    const leaves: Leaf[] = [];
    const leafOfByte = new Uint16Array(256);
    let room = 0;
    const close = (): void => {
      const last = leaves.at(-1);
      if (last !== undefined) last.rows = new Int32Array(room);
      room = 0;
    };
    for (let byte = 0; byte < 256; byte++) {
      if (counts[byte] === 0) continue;
      if (leaves.length === 0 || room + counts[byte]! > leafRows) {
        close();
        leaves.push({ low: leaves.length === 0 ? leaf.low : prefix + String.fromCharCode(byte), rows: leaf.rows, count: 0, sorted: false });
      }
      leafOfByte[byte] = leaves.length - 1;
      room += counts[byte]!;
    }
    close();
    for (let i = 0; i < leaf.count; i++) {
      const row = leaf.rows[i]!;
      const target = leaves[leafOfByte[keys.byteAt(row, shared)]!]!;
      target.rows[target.count++] = row;
    }
    return leaves;
  }

  /** How many bytes the keys of a leaf begin with in common. */
  #sharedBytes(leaf: Leaf): number {
    const keys = this.#keys;
    const model = keys.key(leaf.rows[0]!);
    let shared = model.length;
    for (let i = 1; i < leaf.count && shared > 0; i++) {
      const row = leaf.rows[i]!;
      shared = Math.min(shared, keys.length(row));
      for (let at = 0; at < shared; at++) if (keys.byteAt(row, at) !== model.charCodeAt(at)) shared = at;
    }
    return shared;
  }

  /** The first place in a sorted leaf whose key is not less than `key`. */
  #lowerBound(leaf: Leaf, key: Key): number {
    let low = 0;
    let high = leaf.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#keys.key(leaf.rows[middle]!) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
