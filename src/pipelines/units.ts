import { escapeSegment } from '../core/key.ts';
import { PersistentArray } from './persistent-array.ts';
import type { Plan } from './plan.ts';
import type { StepState } from './run-state.ts';

/** A piece of work that is decided about by itself: a step, or one of the items of a step that has some. */
export interface UnitName {
  /** Name of the step. */
  readonly step: string;
  /** The number of the item, counted from 0; absent for the step itself. */
  readonly index?: number | undefined;
}

/** The name alone, of what has one. */
export function unitName({ step, index }: UnitName): UnitName {
  return index === undefined ? { step } : { step, index };
}

/** A unit as people call it. */
export function unitText({ step, index }: UnitName): string {
  return index === undefined ? `step '${step}'` : `item ${index} of step '${step}'`;
}

/** The place of a unit in a key: items in the order of their numbers, as far as there are numbers. */
export function unitSegments({ step, index }: UnitName): string {
  return index === undefined ? escapeSegment(step) : `${escapeSegment(step)}/${String(index).padStart(6, '0')}`;
}

/** A text that stands for a unit, and for no other. */
export function unitKey({ step, index }: UnitName): string {
  return index === undefined ? `:${step}` : `${index}:${step}`;
}

/**
 * The states of the units of a run, by number: first every step in the order of the plan, then the items of steps in the order in which they became known, those of one step in a row. It never changes:
 * what is replaced or added gives another, which shares the rest.
 */
export class Units {
  readonly #plan: Plan;
  readonly #states: PersistentArray<StepState>;
  /** The number of the step, by the unit's. */
  readonly #steps: PersistentArray<number>;
  /** The number of its first item, by the step's; `undefined` while it is not known of any. */
  readonly #firsts: PersistentArray<number | undefined>;

  constructor(plan: Plan, states: PersistentArray<StepState>, steps: PersistentArray<number>, firsts: PersistentArray<number | undefined>) {
    this.#plan = plan;
    this.#states = states;
    this.#steps = steps;
    this.#firsts = firsts;
  }

  /** The units of a run that begins: one for each step of the plan, in its order. */
  static of(plan: Plan, states: readonly StepState[]): Units {
    return new Units(plan, PersistentArray.from(states), PersistentArray.from(plan.steps.map((_, i) => i)), PersistentArray.from(plan.steps.map(() => undefined)));
  }

  get length(): number {
    return this.#states.length;
  }

  at(unit: number): StepState {
    return this.#states.at(unit);
  }

  /** The state of a unit that there is, by its name. */
  named(name: UnitName): StepState {
    const unit = this.numberOf(name);
    if (unit === undefined) throw new RangeError(`There is no unit ${JSON.stringify(name)}.`);
    return this.at(unit);
  }

  with(unit: number, state: StepState): Units {
    return new Units(this.#plan, this.#states.with(unit, state), this.#steps, this.#firsts);
  }

  /** The units with the items of a step, which had none so far. */
  appended(step: number, items: readonly StepState[]): Units {
    const steps = this.#steps.appended(items.map(() => step));
    return new Units(this.#plan, this.#states.appended(items), steps, this.#firsts.with(step, this.length));
  }

  /** The number of the first item of a step that has items. */
  firstItem(step: number): number {
    return this.#firsts.at(step)!;
  }

  /** The number of the step that a unit is, or is an item of. */
  stepOf(unit: number): number {
    return this.#steps.at(unit);
  }

  nameOf(unit: number): UnitName {
    const i = this.stepOf(unit);
    const step = this.#plan.steps[i]!.name;
    return unit === i ? { step } : { step, index: unit - this.firstItem(i) };
  }

  /** The number of a unit, `undefined` when there is none of that name. */
  numberOf({ step, index }: UnitName): number | undefined {
    const i = this.#plan.indexOf.get(step);
    if (i === undefined || index === undefined) return i;
    const first = this.#firsts.at(i);
    const unit = first === undefined ? -1 : first + index;
    return unit >= this.#plan.steps.length && unit < this.length && this.stepOf(unit) === i ? unit : undefined;
  }

  [Symbol.iterator](): IterableIterator<StepState> {
    return this.#states[Symbol.iterator]();
  }
}
