import { pushed, withoutFirst, type Before, type Heap } from './heap.ts';
import { PersistentArray } from './persistent-array.ts';

/** A step that may start. */
interface ReadyStep {
  readonly step: number;
  /** Grows with each that became ready. */
  readonly turn: number;
}

const before: Before<ReadyStep> = (a, b) => a.turn < b.turn;

/** The steps that may start as soon as there is room, first come first served. It never changes: what is added or taken gives another. */
export class ReadyQueue {
  readonly #heap: Heap<ReadyStep> | undefined;
  readonly #waiting: PersistentArray<boolean>;
  readonly #turn: number;

  constructor(heap: Heap<ReadyStep> | undefined, waiting: PersistentArray<boolean>, turn: number) {
    this.#heap = heap;
    this.#waiting = waiting;
    this.#turn = turn;
  }

  /** A queue for steps by number in the plan. */
  static empty(steps: number): ReadyQueue {
    return new ReadyQueue(undefined, PersistentArray.from(Array.from({ length: steps }, () => false)), 0);
  }

  /** The queue with a step at its end; itself when the step waits already. A step that was taken out must not come back. */
  with(step: number): ReadyQueue {
    if (this.#waiting.at(step)) return this;
    return new ReadyQueue(pushed(this.#heap, { step, turn: this.#turn }, before), this.#waiting.with(step, true), this.#turn + 1);
  }

  /** The queue without a step that need not start any more. */
  without(step: number): ReadyQueue {
    return this.#waiting.at(step) ? new ReadyQueue(this.#heap, this.#waiting.with(step, false), this.#turn) : this;
  }

  /** The step whose turn it is, and the queue without it. */
  next(): { readonly step: number; readonly rest: ReadyQueue } | undefined {
    let heap = this.#heap;
    // One that was taken out has stayed in the heap, for it is not to be found there.
    while (heap && !this.#waiting.at(heap.item.step)) heap = withoutFirst(heap, before);
    if (heap === undefined) return undefined;
    const { step } = heap.item;
    return { step, rest: new ReadyQueue(withoutFirst(heap, before), this.#waiting.with(step, false), this.#turn) };
  }

  /** The steps in their turn. */
  *[Symbol.iterator](): IterableIterator<number> {
    for (let next = this.next(); next; next = next.rest.next()) yield next.step;
  }
}
