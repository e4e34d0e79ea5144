/** Which events an aggregate sees from a moment. */
export interface Window {
  /** How far back it looks, in milliseconds; `'lifetime'` to the entity's first event. */
  readonly window: number | 'lifetime';
  /** Milliseconds by which the tail of the window moves; 0 moves it with the moment. */
  readonly hop: number;
  /** Set when the head moves in hops, too. */
  readonly tumbling?: true | undefined;
}

/** The first timestamp that a window at `t` sees; `-Infinity` for a lifetime. Never earlier for a later `t`. */
export function windowStart(t: number, { window, hop }: Window): number {
  if (window === 'lifetime') return -Infinity;
  const start = t - window;
  return hop === 0 ? start : Math.floor(start / hop) * hop;
}

/** The first timestamp that a window at `t` no longer sees. Never earlier for a later `t`. */
export function windowEnd(t: number, { hop, tumbling }: Window): number {
  return tumbling ? Math.floor(t / hop) * hop : t;
}

/** Whether the rows that a window sees at a moment and later are among those that another one sees then. */
export function isWithin(wanted: Window, kept: Window): boolean {
  if (kept.window === 'lifetime') return true;
  if (wanted.window === 'lifetime') return false;
  return kept.window >= wanted.window + wanted.hop || (kept.window === wanted.window && kept.hop === wanted.hop);
}
