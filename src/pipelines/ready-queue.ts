import { pushed, withoutFirst, type Before, type Heap } from './heap.ts';
import { PersistentArray } from './persistent-array.ts';
import type { Plan } from './plan.ts';

/** A step that may start. */
interface ReadyStep {
  readonly step: number;
  readonly priority: number;
  /** Grows with each that became ready. */
  readonly turn: number;
}

type Line = Heap<ReadyStep> | undefined;

const before: Before<ReadyStep> = (a, b) => (a.priority === b.priority ? a.turn < b.turn : a.priority > b.priority);

/**
 * The steps that may start as soon as there is room, and the slots of the pools that are free: those of higher priority first, and among equals first come first served. Each pool has a line of its
 * own. A step that needs more slots than are free waits for them at the head of it, and none passes it, or it might wait for ever. The queue never changes: what is added or taken gives another.
 */
export class ReadyQueue {
  readonly #plan: Plan;
  /** By the number of the pool. */
  readonly #lines: readonly Line[];
  readonly #free: readonly number[];
  readonly #waiting: PersistentArray<boolean>;
  readonly #turn: number;

  constructor(plan: Plan, lines: readonly Line[], free: readonly number[], waiting: PersistentArray<boolean>, turn: number) {
    this.#plan = plan;
    this.#lines = lines;
    this.#free = free;
    this.#waiting = waiting;
    this.#turn = turn;
  }

  /** The queue of a run that begins. */
  static of(plan: Plan): ReadyQueue {
    return new ReadyQueue(plan, nobody(plan), plan.pools, noneWaits(plan), 0);
  }

  /** The queue with a step at its end; itself when the step waits already. A step that was taken out must not come back. */
  with(step: number): ReadyQueue {
    if (this.#waiting.at(step)) return this;
    const { priority = 0 } = this.#plan.steps[step]!;
    const pool = this.#plan.poolOf[step]!;
    const lines = this.#lines.with(pool, pushed(this.#lines[pool], { step, priority, turn: this.#turn }, before));
    return new ReadyQueue(this.#plan, lines, this.#free, this.#waiting.with(step, true), this.#turn + 1);
  }

  /** The queue without a step that need not start any more. */
  without(step: number): ReadyQueue {
    return this.#waiting.at(step) ? new ReadyQueue(this.#plan, this.#lines, this.#free, this.#waiting.with(step, false), this.#turn) : this;
  }

  /** The queue without any step; those that run keep their slots. */
  cleared(): ReadyQueue {
    return new ReadyQueue(this.#plan, nobody(this.#plan), this.#free, noneWaits(this.#plan), this.#turn);
  }

  /** The step whose turn it is, and the queue without it and the slots that it takes; `undefined` when none can start. */
  next(): { readonly step: number; readonly rest: ReadyQueue } | undefined {
    // One that was taken out has stayed in its line, for it is not to be found there.
    const lines = this.#lines.map((line) => this.#stillWaiting(line));
    let first: ReadyStep | undefined;
    for (const [pool, line] of lines.entries()) {
      if (line && this.#slots(line.item.step) <= this.#free[pool]! && (!first || before(line.item, first))) first = line.item;
    }
    if (first === undefined) return undefined;
    const { step } = first;
    const pool = this.#plan.poolOf[step]!;
    const rest = lines.with(pool, withoutFirst(lines[pool]!, before));
    return { step, rest: new ReadyQueue(this.#plan, rest, this.#free.with(pool, this.#free[pool]! - this.#slots(step)), this.#waiting.with(step, false), this.#turn) };
  }

  /** The queue with the slots free again that a step had taken. */
  released(step: number): ReadyQueue {
    const pool = this.#plan.poolOf[step]!;
    const free = this.#free.with(pool, this.#free[pool]! + this.#slots(step));
    return new ReadyQueue(this.#plan, this.#lines, free, this.#waiting, this.#turn);
  }

  /** The steps that wait, in the order of the plan. */
  *[Symbol.iterator](): IterableIterator<number> {
    for (const [step, waits] of [...this.#waiting].entries()) if (waits) yield step;
  }

  #stillWaiting(line: Line): Line {
    let left = line;
    while (left && !this.#waiting.at(left.item.step)) left = withoutFirst(left, before);
    return left;
  }

  #slots(step: number): number {
    return this.#plan.steps[step]!.slots ?? 1;
  }
}

function nobody({ pools }: Plan): Line[] {
  return pools.map(() => undefined);
}

function noneWaits({ steps }: Plan): PersistentArray<boolean> {
  return PersistentArray.from(steps.map(() => false));
}
