import type { RecordRef } from './record-ref.ts';

/** Something that happened at a source. */
export interface TriggerEvent<E> {
  /** Unique and stable, so that a consumer acts on it once. */
  readonly id: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** What it happened to. */
  readonly ref: RecordRef;
  /** What happened. */
  readonly data: E;
}

/** Which part of what happened is asked for. */
export interface TriggerPollOptions {
  /** Gives up when it fires. */
  readonly signal?: AbortSignal | undefined;
  /** At most so many events. @default as the source thinks best */
  readonly limit?: number | undefined;
}

/** Part of what happened at a source. */
export interface TriggerPage<E> {
  /** What happened, oldest first. */
  readonly events: readonly TriggerEvent<E>[];
  /** The cursor to go on from; it may have moved where there are no events. */
  readonly next: string | undefined;
}

/** A source of happenings that a pipeline can be started by. The consumer keeps the cursor. */
export interface TriggerSource<E> {
  /** Stable across processes: the cursor is stored under it. */
  readonly id: string;
  /** What happened after `after` (from the beginning when `undefined`), oldest first, and the cursor to go on from. */
  poll(after: string | undefined, options?: TriggerPollOptions): Promise<TriggerPage<E>>;
  /** The cursor behind all that has happened, for who wants to know of what is to come only. @default absent: one begins at the beginning */
  now?(options?: { readonly signal?: AbortSignal | undefined }): Promise<string>;
}
