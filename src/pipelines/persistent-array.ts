const bits = 5;
const width = 1 << bits;
const mask = width - 1;

/** Elements on the lowest level, nodes above. */
type Node = readonly unknown[];

/**
 * An array that never changes. A version with one element replaced shares all but one short path of nodes with it, so that many versions cost little more
 * than one, and each stays what it was (a radix tree as in Bagwell and Rompf 2011, without concatenation). One with elements added shares all full nodes.
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
    return new PersistentArray<T>(this.length, spliced(this.#root, this.#shift, i, [value]), this.#shift);
  }

  /** The array with more elements at its end. */
  appended(values: readonly T[]): PersistentArray<T> {
    let longer = this.#filled(values.slice(0, width - (this.length & mask)));
    for (let at = longer.length - this.length; at < values.length; at += width) longer = longer.#filled(values.slice(at, at + width));
    return longer;
  }

  /** The array with as many more elements as its last group has room for, or of a next one. */
  #filled(values: readonly T[]): PersistentArray<T> {
    const isFull = this.length === width << this.#shift;
    const [root, shift] = isFull ? [[this.#root], this.#shift + bits] : [this.#root, this.#shift];
    return new PersistentArray<T>(this.length + values.length, spliced(root, shift, this.length, values), shift);
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

/** A copy of the path to element `i` in which it and those behind it are `values`, all of one group; a path that there is not yet is made. */
function spliced(node: Node, shift: number, i: number, values: readonly unknown[]): Node {
  const copy = node.slice();
  const at = (i >>> shift) & mask;
  if (shift === 0) for (const [k, value] of values.entries()) copy[at + k] = value;
  else copy[at] = spliced((node[at] ?? []) as Node, shift - bits, i, values);
  return copy;
}
