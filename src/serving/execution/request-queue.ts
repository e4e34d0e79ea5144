/** What waits in a queue. */
export interface Queued {
  /** Only items of one kind are taken together; those that have none are of one kind. */
  readonly kind: string | number | undefined;
  readonly bytes: number;
}

/** Items in the order of their coming, that can also be looked at by kind and leave from anywhere. Each call takes constant time. */
export class RequestQueue<T extends Queued> {
  readonly #fullSize: number;
  readonly #all = new Set<T>();
  readonly #kinds = new Map<string | number, Set<T>>();
  readonly #full = new Set<ReadonlySet<T>>();
  #bytes = 0;

  /** @param fullSize - How many of a kind are enough. */
  constructor(fullSize: number) {
    this.#fullSize = fullSize;
  }

  get size(): number {
    return this.#all.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** How many kinds there are among the items. */
  get kinds(): number {
    return Math.max(1, this.#kinds.size);
  }

  /** The one that waits longest. */
  get oldest(): T | undefined {
    for (const item of this.#all) return item;
    return undefined;
  }

  /** All of the kind of an item, in their order. */
  alike(item: T): ReadonlySet<T> {
    return (item.kind === undefined ? undefined : this.#kinds.get(item.kind)) ?? this.#all;
  }

  /** The items of a kind of which there are enough; of the kind that has been so for longest. */
  get full(): ReadonlySet<T> | undefined {
    for (const items of this.#full) return items;
    return undefined;
  }

  *[Symbol.iterator](): Iterator<T> {
    yield* this.#all;
  }

  add(item: T): void {
    this.#all.add(item);
    this.#bytes += item.bytes;
    let alike = this.#all;
    if (item.kind !== undefined) {
      alike = this.#kinds.get(item.kind) ?? new Set();
      this.#kinds.set(item.kind, alike.add(item));
    }
    if (alike.size === this.#fullSize) this.#full.add(alike);
  }

  /** Whether it was there. */
  delete(item: T): boolean {
    if (!this.#all.delete(item)) return false;
    this.#bytes -= item.bytes;
    const alike = item.kind === undefined ? this.#all : this.#kinds.get(item.kind)!;
    if (item.kind !== undefined && alike.delete(item) && alike.size === 0) this.#kinds.delete(item.kind);
    if (alike.size < this.#fullSize) this.#full.delete(alike);
    return true;
  }
}
