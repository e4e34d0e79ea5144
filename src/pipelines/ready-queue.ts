import { pushed, withoutFirst, type Before, type Heap } from './heap.ts';
import { PersistentArray } from './persistent-array.ts';
import type { Plan } from './plan.ts';

/** A unit that may start. */
interface ReadyUnit {
  readonly unit: number;
  /** The number of the step that it is, or is an item of. */
  readonly step: number;
  readonly priority: number;
  /** Grows with each that became ready. */
  readonly turn: number;
}

type Line = Heap<ReadyUnit> | undefined;

const before: Before<ReadyUnit> = (a, b) => (a.priority === b.priority ? a.turn < b.turn : a.priority > b.priority);

/**
 * The units that may start as soon as there is room, and the slots of the pools that are free: those of higher priority first, and among equals first come first served. Each pool has a line of its
 * own. One that needs more slots than are free waits for them at the head of it, and none passes it, or it might wait for ever. The queue never changes: what is added or taken gives another.
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
    return new ReadyQueue(plan, nobody(plan), plan.pools, noneWaits(plan.steps.length), 0);
  }

  /** The queue of a run that has so many units. */
  widened(units: number): ReadyQueue {
    const more = Array.from({ length: units - this.#waiting.length }, () => false);
    return new ReadyQueue(this.#plan, this.#lines, this.#free, this.#waiting.appended(more), this.#turn);
  }

  /** The queue with a unit of a step at its end; itself when the unit waits already. One that was taken out must not come back. */
  with(unit: number, step: number): ReadyQueue {
    if (this.has(unit)) return this;
    const { priority = 0 } = this.#plan.steps[step]!;
    const pool = this.#plan.poolOf[step]!;
    const lines = this.#lines.with(pool, pushed(this.#lines[pool], { unit, step, priority, turn: this.#turn }, before));
    return new ReadyQueue(this.#plan, lines, this.#free, this.#waiting.with(unit, true), this.#turn + 1);
  }

  /** The queue without a unit that need not start any more. */
  without(unit: number): ReadyQueue {
    return this.has(unit) ? new ReadyQueue(this.#plan, this.#lines, this.#free, this.#waiting.with(unit, false), this.#turn) : this;
  }

  /** Whether a unit waits. */
  has(unit: number): boolean {
    return this.#waiting.at(unit);
  }

  /** The queue without any unit; those that run keep their slots. */
  cleared(): ReadyQueue {
    return new ReadyQueue(this.#plan, nobody(this.#plan), this.#free, noneWaits(this.#waiting.length), this.#turn);
  }

  /** The unit whose turn it is, and the queue without it and the slots that it takes; `undefined` when none can start. */
  next(): { readonly unit: number; readonly rest: ReadyQueue } | undefined {
    // One that was taken out has stayed in its line, for it is not to be found there.
    const lines = this.#lines.map((line) => this.#stillWaiting(line));
    let first: ReadyUnit | undefined;
    for (const [pool, line] of lines.entries()) {
      if (line && this.#slots(line.item.step) <= this.#free[pool]! && (!first || before(line.item, first))) first = line.item;
    }
    if (first === undefined) return undefined;
    const { unit, step } = first;
    const pool = this.#plan.poolOf[step]!;
    const rest = lines.with(pool, withoutFirst(lines[pool]!, before));
    return { unit, rest: new ReadyQueue(this.#plan, rest, this.#free.with(pool, this.#free[pool]! - this.#slots(step)), this.#waiting.with(unit, false), this.#turn) };
  }

  /** The queue with the slots free again that a unit of a step had taken. */
  released(step: number): ReadyQueue {
    const pool = this.#plan.poolOf[step]!;
    const free = this.#free.with(pool, this.#free[pool]! + this.#slots(step));
    return new ReadyQueue(this.#plan, this.#lines, free, this.#waiting, this.#turn);
  }

  /** The units that wait, by number. */
  *[Symbol.iterator](): IterableIterator<number> {
    for (const [unit, waits] of [...this.#waiting].entries()) if (waits) yield unit;
  }

  #stillWaiting(line: Line): Line {
    let left = line;
    while (left && !this.has(left.item.unit)) left = withoutFirst(left, before);
    return left;
  }

  #slots(step: number): number {
    return this.#plan.steps[step]!.slots ?? 1;
  }
}

function nobody({ pools }: Plan): Line[] {
  return pools.map(() => undefined);
}

function noneWaits(units: number): PersistentArray<boolean> {
  return PersistentArray.from(Array.from({ length: units }, () => false));
}
