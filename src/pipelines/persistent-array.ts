const bits = 5;
const width = 1 << bits;
const mask = width - 1;

/** Elements on the lowest level, nodes above. */
type Node = readonly unknown[];

/**
 * An array of fixed length that never changes. A version with one element replaced shares all but one short path of nodes with it, so that many versions cost little more
 * than one, and each stays what it was (a radix tree as in Bagwell and Rompf 2011, without concatenation).
 */
export class PersistentArray<T> {
  readonly length: number;
  readonly #root: Node;
  /** Bits of an index that choose below the root's own. */
  readonly #shift: number;

  constructor(length: number, root: Node, shift: number) {
    this.length = length;
    this.#root = root;
    this.#shift = shift;
  }

  static from<T>(values: readonly T[]): PersistentArray<T> {
    let level: Node = values;
    let shift = 0;
    for (; level.length > width; shift += bits) level = grouped(level);
    return new PersistentArray<T>(values.length, shift === 0 ? values.slice() : level, shift);
  }

  at(i: number): T {
    if (!(i >= 0 && i < this.length)) throw new RangeError(`There is no element ${i} among ${this.length}.`);
    let node = this.#root;
    for (let shift = this.#shift; shift > 0; shift -= bits) node = node[(i >>> shift) & mask] as Node;
    return node[i & mask] as T;
  }

  /** The array with another element at `i`. */
  with(i: number, value: T): PersistentArray<T> {
    if (this.at(i) === value) return this;
    return new PersistentArray<T>(this.length, replaced(this.#root, this.#shift, i, value), this.#shift);
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (let i = 0; i < this.length; i++) yield this.at(i);
  }
}

function grouped(level: Node): Node {
  const groups: Node[] = [];
  for (let at = 0; at < level.length; at += width) groups.push(level.slice(at, at + width));
  return groups;
}

function replaced(node: Node, shift: number, i: number, value: unknown): Node {
  const copy = node.slice();
  const at = (i >>> shift) & mask;
  copy[at] = shift === 0 ? value : replaced(node[at] as Node, shift - bits, i, value);
  return copy;
}
