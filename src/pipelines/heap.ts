/** A heap that never changes: what is added or taken gives another (a leftist tree; Crane 1972). Both cost at most the logarithm of its size. */
export interface Heap<T> {
  readonly item: T;
  /** Length of the path along `right`, which is never longer than that along `left`. */
  readonly rank: number;
  readonly left: Heap<T> | undefined;
  readonly right: Heap<T> | undefined;
}

/** Whether one item comes before another; must be a strict order. */
export type Before<T> = (a: T, b: T) => boolean;

/** The least number first. */
export function lower(a: number, b: number): boolean {
  return a < b;
}

/** The items of two heaps in one; its first is `item`. An empty heap is `undefined`. */
function mergeHeaps<T>(a: Heap<T> | undefined, b: Heap<T> | undefined, before: Before<T>): Heap<T> | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  if (before(b.item, a.item)) return mergeHeaps(b, a, before);
  const { item, left } = a;
  const right = mergeHeaps(a.right, b, before);
  const [long, short] = rankOf(left) >= rankOf(right) ? [left, right] : [right, left];
  return { item, rank: rankOf(short) + 1, left: long, right: short };
}

/** A heap with one more item. */
export function pushed<T>(heap: Heap<T> | undefined, item: T, before: Before<T>): Heap<T> {
  return mergeHeaps(heap, { item, rank: 1, left: undefined, right: undefined }, before)!;
}

/** A heap without its first item. */
export function withoutFirst<T>(heap: Heap<T>, before: Before<T>): Heap<T> | undefined {
  return mergeHeaps(heap.left, heap.right, before);
}

function rankOf(heap: Heap<unknown> | undefined): number {
  return heap?.rank ?? 0;
}
