/** What becomes of the signs of life that a thread gives. */
export interface ThreadHeartbeats {
  /** The signal of the attempt, which a sign that is refused fires too, since the thread has gone on from it. */
  readonly signal: AbortSignal;
  readonly onHeartbeat: (details: unknown) => void;
  /** Gives what it is given, or throws why a sign was refused. */
  readonly assertSound: <T>(answer: T) => T;
}

/** Hands the signs of life of a thread to its step. */
export function heartbeatsOf(heartbeat: (details?: unknown) => void, outer: AbortSignal): ThreadHeartbeats {
  const refusing = new AbortController();
  return {
    signal: AbortSignal.any([outer, refusing.signal]),
    onHeartbeat(details) {
      try {
        heartbeat(details);
      } catch (error) {
        refusing.abort(error);
      }
    },
    assertSound(answer) {
      refusing.signal.throwIfAborted();
      return answer;
    },
  };
}
