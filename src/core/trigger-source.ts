import type { RecordRef } from './record-ref.ts';

/** Something that happened at a source. */
export interface TriggerEvent<E> {
  /** Unique and stable, so that a consumer acts on it once. */
  readonly id: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** What it happened to. */
  readonly ref: RecordRef;
  readonly data: E;
}

/** A source of happenings that a pipeline can be started by. The consumer keeps the cursor. */
export interface TriggerSource<E> {
  /** Stable across processes: the cursor is stored under it. */
  readonly id: string;
  /** What happened after `after` (from the beginning when `undefined`), oldest first, and the cursor to go on from. */
  poll(after: string | undefined, options?: { signal?: AbortSignal; limit?: number }): Promise<{ events: readonly TriggerEvent<E>[]; next: string | undefined }>;
}
