import { ModelkeepError } from '../core/errors.ts';
import { describeFailure } from '../core/failure.ts';
import { lower, pushed, withoutFirst, type Heap } from './heap.ts';
import type { StepState, StepStatus } from './run-state.ts';
import type { StepFailure } from './step-failure.ts';

/** An item that failed. */
export interface ItemFailure {
  /** The number of the item, counted from 0. */
  readonly index: number;
  /** Why it failed. */
  readonly failure: StepFailure;
}

/** How the items of a step stand. */
export interface StepItems {
  /** How many items there are. */
  readonly total: number;
  /** How many have not begun, or wait to begin again. */
  readonly pending: number;
  /** How many run. */
  readonly running: number;
  /** How many wait for a retry. */
  readonly retrying: number;
  /** How many have succeeded. */
  readonly succeeded: number;
  /** How many have failed for good. */
  readonly failed: number;
  /** How many were stopped, or did not begin, because the run was. */
  readonly cancelled: number;
  /** The failed ones of the lowest numbers, at most 16. */
  readonly failures: readonly ItemFailure[];
}

// A record must not grow with the number of items.
const keptFailures = 16;

type ItemStatus = Exclude<keyof StepItems, 'total' | 'failures'>;

/** How items stand of which these are the states. */
export function countItems(states: readonly StepState[]): StepItems {
  const counts = { pending: 0, running: 0, retrying: 0, succeeded: 0, failed: 0, cancelled: 0 };
  for (const { status } of states) counts[status as ItemStatus]++;
  const failed = states.flatMap((state, index) => (state.status === 'failed' ? [{ index, failure: failureOf(state) }] : []));
  return { total: states.length, ...counts, failures: failed.slice(0, keptFailures) };
}

/** How they stand when one has come from one status to another. */
export function moveItem(items: StepItems, from: StepStatus, index: number, state: StepState): StepItems {
  const [before, after] = [from as ItemStatus, state.status as ItemStatus];
  if (before === after) return items;
  const failures = after === 'failed' ? [...items.failures, { index, failure: failureOf(state) }].sort((a, b) => a.index - b.index).slice(0, keptFailures) : items.failures;
  return { ...items, [before]: items[before] - 1, [after]: items[after] + 1, failures };
}

function failureOf({ failure, failures }: StepState): StepFailure {
  return failure ?? failures.at(-1)!.failure;
}

/** What a step comes to when all its items have ended; `undefined` while one has not. */
export function endOfItems(step: string, { total, succeeded, failed, cancelled, failures: [first] }: StepItems, whyCancelled: string): Partial<StepState> | undefined {
  if (succeeded + failed + cancelled < total) return undefined;
  if (cancelled > 0) return { status: 'cancelled', because: whyCancelled };
  if (first === undefined) return { status: 'succeeded' };
  const others = failed > 1 ? ` (${failed} of ${total} items failed)` : '';
  const error = new ModelkeepError('pipeline-failed', `Item ${first.index} of step '${step}' failed${others}: ${first.failure.message}`, { step, index: first.index, failed, total });
  return { status: 'failed', failure: describeFailure(error) };
}

/** Which items of a step may be made ready next. */
export interface ItemLine {
  /** The first of those that never were. */
  readonly next: number;
  /** Those whose retry is due. */
  readonly due: Heap<number> | undefined;
  /** How many are ready or run. */
  readonly busy: number;
}

/** The line of a step of whose items none has begun. */
export const unbegunLine: ItemLine = { next: 0, due: undefined, busy: 0 };

/** The line with an item whose retry is due. */
export function withDue(line: ItemLine, index: number): ItemLine {
  return { ...line, due: pushed(line.due, index, lower) };
}

/** The item whose turn it is, and the line without it; `undefined` when there is none. Those whose retry is due come first. */
export function takeItem(line: ItemLine, total: number): { readonly index: number; readonly line: ItemLine } | undefined {
  if (line.due) return { index: line.due.item, line: { ...line, due: withoutFirst(line.due, lower) } };
  return line.next < total ? { index: line.next, line: { ...line, next: line.next + 1 } } : undefined;
}
