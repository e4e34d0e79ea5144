import type { ColumnProfile } from './column-profile.ts';
import { EmbeddingCounter } from './embedding/embedding-counter.ts';
import { TimestampCounter } from './timestamp/timestamp-counter.ts';
import { TextCounter } from './text/text-counter.ts';

/** Counts the values of one column as they come, in the bins of its reference. */
export interface ValueCounter {
  /** Counts one row. `now`, epoch milliseconds, decides what lies in the future. */
  observe(value: unknown, now: number): void;
  /** What was counted since the last take, and starts anew. */
  take(): ColumnProfile;
}

/** The counter of a column that is neither of numbers nor of categories. */
export function counterOf(reference: ColumnProfile): ValueCounter | undefined {
  if (reference.kind === 'timestamp') return new TimestampCounter(reference);
  if (reference.kind === 'embedding') return new EmbeddingCounter(reference);
  if (reference.kind !== 'text') return undefined;
  const counter = new TextCounter(reference);
  return { observe: (value) => counter.observe(value), take: () => counter.take() };
}
