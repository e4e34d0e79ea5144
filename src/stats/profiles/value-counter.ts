import type { ColumnProfile } from './column-profile.ts';
import { TextCounter } from './text/text-counter.ts';

/** Counts the values of one column as they come, in the bins of its reference. */
export interface ValueCounter {
  /** Counts one row. */
  observe(value: unknown): void;
  /** What was counted since the last take, and starts anew. */
  take(): ColumnProfile;
}

/** The counter of a column that is neither of numbers nor of categories. */
export function counterOf(reference: ColumnProfile): ValueCounter | undefined {
  return reference.kind === 'text' ? new TextCounter(reference) : undefined;
}
