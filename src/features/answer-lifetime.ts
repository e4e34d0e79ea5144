import type { AggregateDefinition } from './aggregates/aggregate-definition.ts';
import { windowEnd, windowStart, type Window } from './aggregates/window.ts';
import type { EventIndex } from './event-index.ts';
import { firstFrom } from './probe-sweep.ts';

/** What decides how long an answer stays. */
export interface LifetimeInput {
  /** Event time of the newest row, where it is not too old. */
  readonly newest: number | undefined;
  readonly ttl: number | undefined;
  /** The windows of the aggregates. */
  readonly windows: readonly Window[];
  /** Whether the index lacks old rows that are in tiles. */
  readonly isFolded: boolean;
}

/**
 * Up to which moment, excluded, the features of an entity stay what they are at `now`: until a row happens, becomes known or is superseded, the newest one grows too old, or a window moves past one. Never too
 * late, and at times too early.
 */
export function answerUntil(index: EventIndex, now: number, { newest, ttl, windows, isFolded }: LifetimeInput): number {
  const { times, created, late, superseded, supersededAt } = index;
  const next = firstFrom(times, 0, times.length, now, true);
  // A window does not see a row of this very moment, and sees it right afterwards.
  if (windows.length > 0 && next > 0 && times[next - 1] === now) return now;
  let until = times[next] ?? Infinity;
  for (const place of late) if (created![place]! > now) until = Math.min(until, created![place]!);
  for (const place of superseded) if (supersededAt![place]! > now) until = Math.min(until, supersededAt![place]!);
  if (newest !== undefined && ttl !== undefined) until = Math.min(until, newest + ttl);
  for (const window of windows) until = Math.min(until, movesAt(times, now, window, isFolded));
  return until;
}

/** The first moment at which a window can see other rows than at `now` because it moves, less a millisecond: a moment that is no whole number can be rounded up to a hop. */
function movesAt(times: Float64Array, now: number, window: Window, isFolded: boolean): number {
  const head = window.tumbling ? windowEnd(now, window) + window.hop : Infinity;
  return Math.min(head, tailMovesAt(times, windowStart(now, window), window, isFolded)) - 1;
}

function tailMovesAt(times: Float64Array, start: number, { window, hop }: Window, isFolded: boolean): number {
  if (window === 'lifetime') return Infinity;
  if (isFolded && hop > 0) return start + hop + window;
  const oldest = times[firstFrom(times, 0, times.length, start, false)] ?? Infinity;
  return (hop === 0 ? oldest : (Math.floor(oldest / hop) + 1) * hop) + window;
}

/** Whether an aggregate depends on the moment itself beside the rows that its window sees, as a rate does whose window is longer or shorter from moment to moment. */
export function isRestless({ function: name, hop, tumbling }: AggregateDefinition): boolean {
  return name === 'rate' && hop > 0 && !tumbling;
}
